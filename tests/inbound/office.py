"""A server over a real ledger, real acts and a clerk that takes documents by their first word."""

import asyncio
import hashlib
import io
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, AppRunner, Request, TCPSite

from gateway.doors import pass_by
from gateway.errors import MalformedMessage, SettingError, WeatherError
from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.exchange.record import Exchange, Identity
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.flow.acts import Acts
from gateway.flow.correspondence import Correspondence
from gateway.flow.identity import is_standing
from gateway.flow.intake import KeyReused, NotYours, Submission, Taken, UnsupportedFormat
from gateway.flow.runner import Desk
from gateway.inbound.house import House
from gateway.inbound.senders import Directory, read_directory
from gateway.inbound.server import build_server
from gateway.inbound.watch import Watch
from gateway.ports import (
    Birth,
    Callback,
    Idempotency,
    IdentityTaken,
    Ledger,
    Reference,
    Reply,
    Unverified,
)
from gateway.settings import OperatorSettings, SenderSettings, ServerSettings, Settings
from gateway.store.memory import MemoryLedger
from gateway.telemetry.health import Condition, Health, stand
from gateway.telemetry.logs import open_log
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Chorus, Counting, Telling

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "Иванов Пётр 112-233-445 95"
Client = TestClient[Request, Application]
OpenClient = Callable[..., Awaitable[Client]]

FINDING = Finding(
    rule="ru-088u.snils",
    code="value",
    severity=Severity.ERROR,
    where="/ClinicalDocument/recordTarget",
    texts={"ru": "СНИЛС не проходит проверку", "en": "the СНИЛС fails its check"},
    mender=Mender.SENDER,
    tier=Tier.RULES,
    line=12,
    official="У1-3",
)


@dataclass
class HandClock:
    """A clock that a test moves."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


class EvenChance:
    """Jitter that is always half."""

    def draw(self) -> float:
        return 0.5


@dataclass
class CountedIds:
    """Ids in order."""

    last: int = 0

    def new(self) -> str:
        self.last += 1
        return f"id-{self.last:06d}"


@dataclass
class Clerk:
    """Takes a document as its root element says; the rest is a real exchange in the ledger."""

    ledger: Ledger
    clock: HandClock
    ids: CountedIds
    seen: list[Submission] = field(default_factory=list)
    keys: dict[tuple[str, str], tuple[str, Taken]] = field(default_factory=dict)

    async def take(self, submission: Submission) -> Taken:
        self.seen.append(submission)
        if submission.content_type != "application/xml":
            raise UnsupportedFormat("application/xml is wanted", where="Content-Type")
        sha256 = hashlib.sha256(submission.content).hexdigest()
        place = (submission.sender.name, submission.idempotency_key)
        if submission.idempotency_key and place in self.keys:
            used_for, taken = self.keys[place]
            if used_for != sha256:
                raise KeyReused("this key was used for another document")
            return taken
        taken = await self._take(submission, sha256)
        if submission.idempotency_key:
            self.keys[place] = (sha256, taken)
        return taken

    async def _take(self, submission: Submission, sha256: str) -> Taken:
        match submission.content:
            case b"<weather/>":
                raise WeatherError("the store is busy")
            case b"<house/>":
                raise SettingError("the key /secret/path cannot be read", where="keys.one")
            case b"<not-yours/>":
                raise NotYours("the organisation is not this sender's")
            case b"<broken/>":
                raise RuntimeError(SECRET)
            case b"<taken/>":
                exchanges = tuple(await self.ledger.find_document("taken"))
                raise IdentityTaken(
                    f"taken: its SHA-256 is {'f' * 64}, this one's is {sha256}",
                    exchanges=exchanges,
                )
        if not submission.content.startswith(b"<"):
            raise MalformedMessage("no XML", where="line 1")
        same = [one for one in await self.ledger.find_document(sha256) if is_standing(one)]
        if same:
            return Taken(exchange=same[0], standing="same")
        return await self._create(submission, sha256)

    async def _create(self, submission: Submission, sha256: str) -> Taken:
        exchange = make_exchange(
            self.ids.new(), submission.sender.name, local_uid=sha256, sha256=sha256
        )
        document = e.Payload(name="document", content=submission.content)
        refused = submission.content == b"<refuse/>"
        born = replace(exchange, revision=1)
        decision = decide(born, e.Refused(findings=(FINDING,)), now=self.clock.now())
        birth = Birth(
            exchange=exchange,
            received=e.Received(keeps=(document,)),
            decisions=(decision,) if refused else (),
            confirmed_new=submission.confirm_new,
            idempotency=_remember(submission, exchange),
        )
        written = await self.ledger.create(birth)
        if refused:
            return Taken(exchange=written, standing="refused", findings=(FINDING,))
        return Taken(exchange=written, standing="accepted", findings=())


def _remember(submission: Submission, exchange: Exchange) -> Idempotency | None:
    if not submission.idempotency_key:
        return None
    return Idempotency(
        sender=submission.sender.name,
        key=submission.idempotency_key,
        request_sha256=submission.sha256,
        status=202,
        location=exchange.id,
    )


def make_exchange(
    exchange_id: str, sender: str, *, local_uid: str = "taken", sha256: str = "0" * 64
) -> Exchange:
    identity = Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid=local_uid,
        sender=sender,
        organization="1.2.643.5.1",
        document_sha256=sha256,
        set_id=local_uid,
    )
    return Exchange(id=exchange_id, identity=identity, received_at=NOON, due=NOON)


@dataclass
class PaperDoor:
    """A door whose partner signs with a word."""

    name: str = "remd"
    largest_call: int = 1024

    def wsdl(self) -> bytes:
        return b"<definitions/>"

    def read(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Callback:
        if b"signed" not in body:
            raise Unverified("no signature")
        message_id = headers.get("x-message-id", "m-1")
        wire = e.Wire(direction="in", name="sendResult", body=body, message_id=message_id)
        event = e.Answered(registered=True, source=e.Source.CALLBACK, number="77.1", wire=(wire,))
        about = Reference(local_uid=headers.get("x-local-uid", ""))
        return Callback(
            partner="ips",
            message_id=message_id,
            name="sendResult",
            about=about,
            event=event,
            wire=wire,
        )

    def accept(self, callback: Callback, *, document: bytes | None, now: datetime) -> Reply:
        return Reply(status=200, body=b"<ok/>", content_type="text/xml; charset=utf-8")

    def refuse(self, reason: str, *, sender_at_fault: bool, request: bytes) -> Reply:
        return Reply(status=500, body=b"<fault/>", content_type="application/soap+xml")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


SETTINGS = Settings(
    senders={
        "mis": SenderSettings(token_sha256=digest("mis-token")),
        "other": SenderSettings(token_sha256=digest("other-token")),
    },
    operators={"duty": OperatorSettings(token_sha256=digest("duty-token"))},
)
MIS = {"Authorization": "Bearer mis-token"}
OTHER = {"Authorization": "Bearer other-token"}
DUTY = {"Authorization": "Bearer duty-token"}


@dataclass
class Office:
    """All that a server needs, in the test's hands."""

    ledger: Ledger = field(default_factory=MemoryLedger)
    clock: HandClock = field(default_factory=HandClock)
    ids: CountedIds = field(default_factory=CountedIds)
    metrics: Metrics = field(default_factory=lambda: Metrics({"remd": ("ru-088u",)}))
    watch: Watch = field(default_factory=Watch)
    lines: io.StringIO = field(default_factory=io.StringIO)
    directory: Directory = field(default_factory=lambda: read_directory(SETTINGS))
    server: ServerSettings = field(default_factory=ServerSettings)
    health: Health = field(
        default_factory=lambda: Health({"ledger": stand(Condition(ready=True, text="writable"))})
    )

    def __post_init__(self) -> None:
        self.clerk = Clerk(self.ledger, self.clock, self.ids)
        log = open_log(self.lines)
        self.desk = Desk(
            ledger=self.ledger,
            clock=self.clock,
            chance=EvenChance(),
            observer=Chorus((Counting(self.metrics), Telling(log), self.watch)),
            terms={},
            failpoint=pass_by,
        )
        self.house = House(
            ledger=self.ledger,
            intake=self.clerk,
            acts=Acts(desk=self.desk),
            correspondence=Correspondence(desk=self.desk),
            doors={"remd": PaperDoor()},
            directory=self.directory,
            metrics=self.metrics,
            health=self.health,
            clock=self.clock,
            ids=self.ids,
            log=log,
            settings=self.server,
            watch=self.watch,
        )

    def build(self) -> Application:
        return build_server(self.house)

    def log_lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.lines.getvalue().splitlines()]

    async def keep(
        self, exchange_id: str, *events: e.Event, sender: str = "mis", local_uid: str = ""
    ) -> Exchange:
        """Write an exchange that has seen these events."""
        exchange = make_exchange(exchange_id, sender, local_uid=local_uid or exchange_id)
        document = e.Payload(name="document", content=f"<d id='{exchange_id}'/>".encode())
        exchange = await self.ledger.create(
            Birth(exchange=exchange, received=e.Received(keeps=(document,)))
        )
        for event in events:
            exchange = await self.desk.write(exchange, event)
        return exchange


DELIVERED: Sequence[e.Event] = (
    e.Validated(),
    e.Mapped(),
    e.Signed(),
    e.DeliveryBegan(
        message_id="urn:uuid:1",
        envelope_sha256="1" * 64,
        wire=(
            e.Wire(
                direction="out", name="registerDocument", body=b"<soap/>", message_id="urn:uuid:1"
            ),
        ),
    ),
    e.Accepted(wire=(e.Wire(direction="in", name="response", body=b"<ack/>", note="http 200"),)),
)
REGISTERED = e.Answered(registered=True, source=e.Source.CALLBACK, number="77.1")
MISSING = e.SignaturesMissing(
    findings=(replace(FINDING, tier=Tier.SIGNATURE, severity=Severity.INFORMATION),)
)


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


async def _serve(
    office: Office,
    fill: Callable[[Office], Awaitable[None]],
    ready: threading.Event,
    place: list[int],
) -> None:
    await office.ledger.open()
    await fill(office)
    runner = AppRunner(office.build(), access_log=None)
    await runner.setup()
    await TCPSite(runner, "127.0.0.1", 0).start()
    place.append(runner.addresses[0][1])
    ready.set()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        await office.ledger.close()


@contextmanager
def serve_in_thread(office: Office, fill: Callable[[Office], Awaitable[None]]) -> Iterator[str]:
    """Run the server beside a test that calls it as anybody would; yield its address."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    place: list[int] = []
    task = loop.create_task(_serve(office, fill, ready, place))
    thread = threading.Thread(target=_run, args=(loop, task))
    thread.start()
    try:
        assert ready.wait(10)
        yield f"http://127.0.0.1:{place[0]}"
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
