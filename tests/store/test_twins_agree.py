"""Whatever is asked of them, the ledger on disk and its twin in memory answer alike."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.errors import GatewayError
from gateway.exchange import events as e
from gateway.exchange.decision import Decision, Opening, decide
from gateway.exchange.record import Exchange
from gateway.ports import IdentityTaken, JournalReport, Ledger, Query, StoredCallback
from gateway.store.memory import MemoryLedger
from gateway.store.sqlite import SqliteLedger
from tests.store import papers
from tests.store.papers import NOON

WEBHOOKS = frozenset({"hooked"})
FEW = st.integers(min_value=0, max_value=3)
MOMENTS = st.integers(min_value=-5, max_value=120).map(lambda n: NOON + timedelta(minutes=n))
CALLBACKS = st.none() | FEW.map(lambda n: papers.callback(f"call-{n}"))
EVENTS: tuple[Callable[[int], e.Event], ...] = (
    lambda _: e.Validated(findings=(papers.MISSPELT,)),
    lambda _: e.Mapped(keeps=(e.Payload(name="metadata", content=b"{}"),)),
    lambda _: e.SignaturesMissing(findings=(papers.MISSPELT,)),
    lambda _: e.SignaturesGiven(),
    lambda _: e.Signed(keeps=(e.Payload(name="document", content=b"newer"),)),
    papers.delivery,
    lambda _: e.NotSent(reason="connect"),
    lambda _: e.Accepted(),
    lambda n: e.TurnedAway(in_time=n % 2 == 0, codes=("LATER",)),
    lambda _: e.StillPending(),
    lambda _: e.NotThere(),
    lambda n: papers.registered(str(n)),
    lambda _: papers.rejected(),
    lambda n: replace(papers.rejected(), message_id=f"message-{n}"),
    lambda _: e.Refused(findings=()),
    lambda _: e.Cancelled(by="clinic"),
    lambda _: e.Unavailable(reason="ocsp", retry_after=timedelta(minutes=1)),
    lambda _: e.GaveUp(reason="old"),
    lambda n: e.Held(by_exchange=papers.exchange(n).id),
    lambda _: e.Released(by="operator"),
    lambda _: e.Notified(),
)


async def heard(awaited: Awaitable[object]) -> object:
    """Return an answer, or what was raised, in a form that can be compared."""
    try:
        return await awaited
    except IdentityTaken as taken:
        return ("taken", taken.exchanges, str(taken))
    except GatewayError as error:
        return (type(error), str(error))


class Twins(RuleBasedStateMachine):
    """Does everything twice and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.disk = SqliteLedger(Path(self.folder.name) / "store.db", webhooks=WEBHOOKS)
        self.memory = MemoryLedger(webhooks=WEBHOOKS)
        self.known: list[Exchange] = []
        """Every exchange as it stood at any time."""
        self.number = 0

    @initialize()
    def open(self) -> None:
        self.runner.run(self.disk.open())
        self.runner.run(self.memory.open())

    def both(self, ask: Callable[[Ledger], Awaitable[object]]) -> object:
        memory, disk = (self.runner.run(heard(ask(one))) for one in (self.memory, self.disk))
        assert disk == memory
        return disk

    def remember(self, answer: object) -> None:
        if isinstance(answer, Exchange):
            self.known.append(answer)

    @rule(
        uid=FEW,
        mark=FEW,
        sender=st.sampled_from(["clinic", "hooked"]),
        due=MOMENTS,
        priority=FEW,
        confirmed=st.booleans(),
        key=st.none() | FEW,
        refused=st.booleans(),
    )
    def create(
        self,
        *,
        uid: int,
        mark: int,
        sender: str,
        due: datetime,
        priority: int,
        confirmed: bool,
        key: int | None,
        refused: bool,
    ) -> None:
        self.number += 1
        used = papers.idempotency(f"key-{key}") if key is not None else None
        birth = papers.birth(
            self.number,
            idempotency=used,
            local_uid=f"Uid-{uid}" if self.number % 2 else f"uID-{uid}",
            patient="aa" if mark else "",
            protocol_number=str(mark // 2),
            set_id=f"set-{mark}",
            sender=sender,
            due=due,
            priority=priority,
        )
        first = replace(birth.exchange, revision=1)
        refusal = papers.decided(first, e.Refused(findings=(papers.MISSPELT,)))
        birth = replace(birth, confirmed_new=confirmed, decisions=(refusal,) if refused else ())
        self.remember(self.both(lambda ledger: ledger.create(birth)))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), n=FEW, at=MOMENTS, callback=CALLBACKS, child=st.booleans())
    def save(
        self,
        data: st.DataObject,
        n: int,
        at: datetime,
        callback: StoredCallback | None,
        child: bool,  # noqa: FBT001 - hypothesis passes it by name
    ) -> None:
        before = data.draw(st.sampled_from(self.known[-6:]))
        event = data.draw(st.sampled_from(EVENTS))(n)
        opening = Opening(purpose="notice-epgu", identity=before.identity)
        decision = decide(before, event, now=at, openings=(opening,) if child else ())
        self.remember(self.both(lambda ledger: ledger.save(decision, callback=callback)))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), n=FEW, at=MOMENTS, far=st.integers(min_value=1, max_value=9))
    def travel(self, data: st.DataObject, n: int, at: datetime, far: int) -> None:
        """Go along the usual road, to where the rarer events mean something."""
        exchange = data.draw(st.sampled_from(self.known[-3:]))
        for event in (*papers.to_awaiting(n), e.TurnedAway(in_time=False), e.NotThere())[:far]:
            decision = decide(exchange, event, now=at)
            answer = self.both(partial(_save, decision))
            self.remember(answer)
            exchange = answer if isinstance(answer, Exchange) else exchange

    @rule(now=MOMENTS, limit=st.integers(min_value=1, max_value=4))
    def claim(self, now: datetime, limit: int) -> None:
        claimed = self.both(lambda ledger: ledger.claim(now=now, limit=limit))
        assert isinstance(claimed, list)
        self.known.extend(claimed)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.known))
        self.both(lambda ledger: ledger.release(one.id))

    @rule(entry=st.integers(min_value=1, max_value=9), due=st.none() | MOMENTS)
    def settle(self, entry: int, due: datetime | None) -> None:
        self.both(lambda ledger: ledger.settle_webhook(entry, due=due))

    @rule(n=FEW)
    def keep(self, n: int) -> None:
        self.both(lambda ledger: ledger.keep_callback(papers.callback(f"call-{n}")))

    @rule(n=FEW, at=MOMENTS)
    def note(self, n: int, at: datetime) -> None:
        self.both(lambda ledger: ledger.note(at=at, event="Noted", facts={"n": n, "of": ("a",)}))

    @rule(at=MOMENTS)
    def checkpoint(self, at: datetime) -> None:
        self.both(lambda ledger: ledger.checkpoint(now=at))

    @rule()
    def restart(self) -> None:
        self.both(lambda ledger: ledger.close())
        self.both(lambda ledger: ledger.open())

    @rule(now=MOMENTS, n=FEW, at=MOMENTS)
    def compare(self, now: datetime, n: int, at: datetime) -> None:
        identity = papers.identity(99, patient="aa", protocol_number=str(n))
        questions: list[Callable[[Ledger], Awaitable[object]]] = [
            lambda ledger: ledger.wait_for_due(now=now),
            lambda ledger: ledger.standing(),
            lambda ledger: ledger.report(Query(), by=("endpoint", "organization"), now=now),
            lambda ledger: ledger.report(Query(sender="hooked"), by=(), now=now),
            lambda ledger: ledger.search(Query(due_before=at, limit=3)),
            lambda ledger: ledger.inbox("hooked", after=n, limit=3),
            lambda ledger: ledger.due_webhooks(now=now, limit=3),
            lambda ledger: ledger.find_document(f"UID-{n}"),
            lambda ledger: ledger.find_twins(identity),
            lambda ledger: ledger.find_set(identity.organization, f"set-{n}"),
            lambda ledger: ledger.find_held(papers.exchange(n).id),
            lambda ledger: ledger.find_number("remd", str(n)),
            lambda ledger: ledger.recall("clinic", f"key-{n}"),
            lambda ledger: ledger.verify_journal(),
        ]
        for ask in questions:
            self.both(ask)

    def teardown(self) -> None:
        try:
            for exchange_id in {one.id for one in self.known}:
                self.both(partial(_all_of, exchange_id))
            report = self.both(lambda ledger: ledger.verify_journal())
            assert isinstance(report, JournalReport)
            assert report.reason == ""
        finally:
            self.runner.run(self.disk.close())
            self.runner.close()
            self.folder.cleanup()


async def _save(decision: Decision, ledger: Ledger) -> Exchange:
    return await ledger.save(decision)


async def _all_of(exchange_id: str, ledger: Ledger) -> list[object]:
    names = await ledger.payload_names(exchange_id)
    return [
        await ledger.get(exchange_id),
        await ledger.timeline(exchange_id),
        await ledger.owed_webhooks(exchange_id),
        *[await ledger.payload(exchange_id, name) for name in names],
    ]


TestTwins = Twins.TestCase
# Without shrinking: each step is a commit, and a smaller example would take minutes to find.
TestTwins.settings = settings(
    max_examples=15,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
