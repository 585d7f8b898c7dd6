"""A house with a real ledger and a scripted endpoint: conversations, not patches."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gateway.doors import pass_by
from gateway.exchange import events as e
from gateway.exchange.decision import Decision
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty, State
from gateway.flow.runner import Desk, Runner, Step
from gateway.ports import Birth, Failpoint
from gateway.store.memory import MemoryLedger

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that a test moves."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)

    def pass_(self, span: timedelta) -> None:
        self.moment += span


class EvenChance:
    """Jitter that is always half."""

    def draw(self) -> float:
        return 0.5


@dataclass
class Listener:
    """An observer that remembers."""

    heard: list[Decision] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def advanced(self, decision: Decision) -> None:
        self.heard.append(decision)

    def answered(self, endpoint: str, kind: str) -> None:
        self.answers.append((endpoint, kind))

    @property
    def events(self) -> list[str]:
        return [type(one.event).__name__ for one in self.heard]


class Quiet:
    """A log that nobody reads."""

    def info(self, event: str, /, **facts: object) -> None: ...
    def warning(self, event: str, /, **facts: object) -> None: ...
    def error(self, event: str, /, **facts: object) -> None: ...


QUIET = Quiet()


class PowerCutError(Exception):
    """The lights went out."""


def identity(number: int = 1) -> Identity:
    return Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid=f"00000000-0000-4000-8000-{number:012d}",
        sender="mis",
        organization="1.2.643.5.1.13.13.12.2.77.8481",
        document_sha256=f"{number:064x}",
        set_id=f"set-{number}",
        patient=f"{number:064x}",
        protocol_number=str(number),
    )


def exchange(number: int = 1, state: State = State.RECEIVED) -> Exchange:
    return Exchange(
        id=f"exchange-{number}",
        identity=identity(number),
        received_at=NOON,
        state=state,
        due=NOON,
    )


def fails(error: Exception) -> Step:
    """Return a step that raises."""

    async def step(_exchange: Exchange) -> AsyncIterator[e.Event]:
        nothing: tuple[e.Event, ...] = ()
        for event in nothing:
            yield event
        raise error

    return step


def says(*events: e.Event) -> Step:
    """Return a step that yields these events, whatever it is given."""

    async def step(_exchange: Exchange) -> AsyncIterator[e.Event]:
        for event in events:
            yield event

    return step


@dataclass
class World:
    """All that a runner needs, in the test's hands."""

    ledger: MemoryLedger
    clock: HandClock = field(default_factory=HandClock)
    observer: Listener = field(default_factory=Listener)
    terms: Terms = field(default_factory=Terms)
    failpoint: Failpoint = pass_by

    @property
    def desk(self) -> Desk:
        return Desk(
            ledger=self.ledger,
            clock=self.clock,
            chance=EvenChance(),
            observer=self.observer,
            terms={"remd": self.terms},
            failpoint=self.failpoint,
        )

    async def put(self, one: Exchange) -> Exchange:
        return await self.ledger.create(Birth(exchange=one, received=e.Received()))

    async def walk(self, one: Exchange, steps: dict[Duty, Step]) -> Exchange:
        return await Runner(desk=self.desk, steps=steps, log=QUIET).walk(one)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    ledger = MemoryLedger()
    await ledger.open()
    yield World(ledger=ledger)
    await ledger.close()
