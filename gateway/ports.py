"""The doors of the house: what the flow needs from the world, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.errors import SenderError
from gateway.exchange.decision import Decision, NoticeKind
from gateway.exchange.events import (
    Accepted,
    Answered,
    DeliveryBegan,
    Event,
    NotSent,
    NotThere,
    Received,
    StillPending,
    TurnedAway,
    Unavailable,
    Wire,
)
from gateway.exchange.journal import Entry
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Outcome, State
from gateway.findings import Finding
from gateway.settings import SignaturesComing

# --- time, chance, ids ------------------------------------------------------------------------


class Clock(Protocol):
    """What time it is; scaled only where every endpoint is on loopback."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the moment has come."""
        ...


class Chance(Protocol):
    """Where jitter comes from."""

    def draw(self) -> float:
        """Return a number within [0, 1)."""
        ...


class Ids(Protocol):
    """Where new ids come from."""

    def new(self) -> str:
        """Return a UUID as lower-case text; time-ordered (RFC 9562 version 7)."""
        ...


Failpoint = Callable[[str], None]
"""Where a test may cut the power, by the name of the place; does nothing in production."""


# --- who speaks -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who hands documents over, as the first request has shown (decision 15)."""

    name: str
    organizations: tuple[str, ...] = ()
    """OIDs it may send for; empty: any."""
    signatures: SignaturesComing = SignaturesComing.WITH_DOCUMENT
    is_operator: bool = False

    def may_send_for(self, organization: str) -> bool:
        """Tell whether the organisation is one of its own."""
        return not self.organizations or organization in self.organizations


class Sealer(Protocol):
    """Keeps bodies unreadable on disk (`gateway.signatures.sealing.Seal`)."""

    def seal(self, body: bytes, associated: bytes, /) -> bytes:
        """Return the body encrypted and bound to what names its place."""
        ...

    def open(self, sealed: bytes, associated: bytes, /) -> bytes:
        """Return the plain body. Raises HouseError when it was changed or moved."""
        ...


# --- the ledger -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """What an Idempotency-Key was first used for, and what was answered."""

    sender: str
    key: str
    request_sha256: str
    status: int
    location: str
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """A new exchange and all that is known of it at once; written in one transaction."""

    exchange: Exchange
    received: Received
    decisions: tuple[Decision, ...] = ()
    """What follows at once: a refusal with its notice, a hold."""
    confirmed_new: bool = False
    """The sender says that it is no «дубль» (decision 19)."""
    idempotency: Idempotency | None = None


class IdentityTaken(SenderError):  # noqa: N818 - a standing, not a fault
    """An open or registered exchange has this identity; `exchanges` name whose."""

    code = "duplicate"

    def __init__(self, text: str, *, exchanges: tuple[Exchange, ...]) -> None:
        super().__init__(text)
        self.exchanges = exchanges


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """A verified callback, kept before it is answered; its MessageID is the replay guard."""

    endpoint: str
    partner: str
    message_id: str
    received_at: datetime
    name: str
    """The operation."""
    body: bytes = field(repr=False)
    note: str = ""
    """`unmatched`, `malformed` or empty."""


class Replayed(SenderError):  # noqa: N818 - what happened, not a fault
    """This MessageID of this partner was seen before, or lies outside the window."""

    code = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A call that could not be verified: kept as hash, size, source and at most 4 KiB."""

    endpoint: str
    received_at: datetime
    source: str
    reason: str
    size: int
    sha256: str
    head: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One notice as it lies in a sender's inbox."""

    id: int
    """Grows; `after=ID` reads on from here."""
    sender: str
    exchange: str
    kind: NoticeKind
    at: datetime
    body: Mapping[str, Any]
    """What the sender reads, in JSON."""
    webhook_due: datetime | None = None
    """None when no webhook is owed (none configured, delivered, or given up)."""
    webhook_tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One event of an exchange with the messages that travelled with it."""

    sequence: int
    at: datetime
    event: str
    state: State
    """The state after the event."""
    facts: Mapping[str, Any]
    wire: tuple[Wire, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search over exchanges; an empty field does not filter."""

    sender: str = ""
    states: tuple[State, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    endpoint: str = ""
    organization: str = ""
    local_uid: str = ""
    set_id: str = ""
    number: str = ""
    patient: str = ""
    """HMAC in hex, as in `Identity.patient`."""
    due_before: datetime | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    after: str = ""
    """The last id of the page before; ids are time-ordered."""
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One line of the outcome table."""

    by: Mapping[str, str]
    """The dimensions asked for: endpoint, document, organization."""
    documents: int = 0
    registered: int = 0
    rejected: int = 0
    refused: int = 0
    cancelled: int = 0
    open: int = 0
    """Not yet delivered."""
    awaiting: int = 0
    overdue: int = 0
    """Of those awaiting, past `answer_due`."""
    parked: int = 0
    not_registered_in_time: int = 0
    """How many answers said «не зарегистрирован за отведённое время»."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """What `journal verify` found."""

    chains: int
    entries: int
    checkpoints: int
    unsigned: int = 0
    """Checkpoints from before there was a key to sign them; the first signed one ends them."""
    unopened: int = 0
    """Bodies that are sealed and could not be read for want of a key."""
    broken: Entry | None = None
    """The first entry that is not as it was written; None also where it is gone altogether."""
    reason: str = ""
    """How that shows; empty when everything holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many exchanges stand where; for gauges."""

    open: Mapping[tuple[str, State], int]
    """By endpoint and state."""
    oldest_awaiting: Mapping[str, datetime]
    """By endpoint: when the oldest unanswered first delivery began."""


class Ledger(Protocol):
    """Where exchanges live: state, attempts, journal, payloads, inbox, callbacks.

    Every write is durable when its await returns. Writes of many callers share one commit.
    """

    async def open(self) -> None:
        """Take the store for this process and bring it to the newest migration."""
        ...

    async def close(self) -> None:
        """Finish what is queued and let the store go."""
        ...

    async def create(self, birth: Birth) -> Exchange:
        """Write a new exchange with its first journal entries; return it as it stands.

        Raises IdentityTaken when an open or registered exchange has the same document id, or,
        unless `confirmed_new`, another id with the same organisation, kind, patient and
        protocol number.
        """
        ...

    async def save(self, decision: Decision, *, callback: StoredCallback | None = None) -> Exchange:
        """Write a decision, and the callback that brought it, in one transaction.

        Raises Overtaken when the exchange's revision is no longer `decision.before.revision`,
        Replayed when the callback's MessageID is known.
        """
        ...

    async def claim(self, *, now: datetime, limit: int) -> Sequence[Exchange]:
        """Return due exchanges, most urgent first, and mark them in hand until `release`.

        A held exchange is not claimed for delivery.
        """
        ...

    async def release(self, exchange_id: str) -> None:
        """Let others claim it again."""
        ...

    async def wait_for_due(self, *, now: datetime) -> datetime | None:
        """Return when the next unclaimed exchange falls due; None when none does."""
        ...

    async def wait_for_bell(self) -> None:
        """Return when something was written that may have made an exchange due."""
        ...

    async def get(self, exchange_id: str) -> Exchange | None:
        """Return one exchange."""
        ...

    async def find_document(self, local_uid: str) -> Sequence[Exchange]:
        """Return all exchanges of a document id, newest first; the id in any case."""
        ...

    async def find_twins(self, identity: Identity) -> Sequence[Exchange]:
        """Return open or registered exchanges that would make this one a «дубль»."""
        ...

    async def find_set(self, organization: str, set_id: str) -> Sequence[Exchange]:
        """Return all exchanges of a document set, newest first."""
        ...

    async def find_held(self, exchange_id: str) -> Sequence[Exchange]:
        """Return the exchanges that this one holds."""
        ...

    async def find_freed(self) -> Sequence[Exchange]:
        """Return the exchanges that are still held though their holder has an outcome."""
        ...

    async def find_attempt(self, message_id: str) -> Exchange | None:
        """Return the exchange that made an attempt, by its normalised MessageID."""
        ...

    async def find_number(self, endpoint: str, number: str) -> Exchange | None:
        """Return the exchange that was registered under a number."""
        ...

    async def payload(self, exchange_id: str, name: str) -> bytes | None:
        """Return the bytes kept under a name."""
        ...

    async def payload_names(self, exchange_id: str) -> Sequence[str]:
        """Return the names under which bytes are kept."""
        ...

    async def timeline(self, exchange_id: str) -> Sequence[TimelineEntry]:
        """Return every event and message of an exchange, oldest first."""
        ...

    async def search(self, query: Query) -> Sequence[Exchange]:
        """Return a page of exchanges, newest first."""
        ...

    async def inbox(self, sender: str, *, after: int, limit: int) -> Sequence[InboxEntry]:
        """Return entries of a sender's inbox, oldest first."""
        ...

    async def due_webhooks(self, *, now: datetime, limit: int) -> Sequence[InboxEntry]:
        """Return entries whose webhook is due, oldest first.

        An exchange in `answered` posts its own: its entries are not among them.
        """
        ...

    async def settle_webhook(self, entry_id: int, *, due: datetime | None) -> None:
        """Set when the webhook is tried again; None when it is delivered or given up."""
        ...

    async def owed_webhooks(self, exchange_id: str) -> Sequence[InboxEntry]:
        """Return the entries of one exchange whose webhook is still owed, oldest first."""
        ...

    async def keep_callback(self, callback: StoredCallback) -> None:
        """Keep a verified callback that matches no exchange. Raises Replayed."""
        ...

    async def keep_stray(self, stray: Stray) -> None:
        """Keep what is allowed of a call that could not be verified."""
        ...

    async def note(self, *, at: datetime, event: str, facts: Mapping[str, Any]) -> None:
        """Write an entry into the journal of what belongs to no exchange."""
        ...

    async def recall(self, sender: str, key: str) -> Idempotency | None:
        """Return what an Idempotency-Key was used for."""
        ...

    async def remember(self, used: Idempotency) -> None:
        """Keep what an Idempotency-Key was used for. Raises Overtaken when it was used already."""
        ...

    async def standing(self) -> Standing:
        """Return how many exchanges stand where."""
        ...

    async def report(
        self, query: Query, *, by: Sequence[str], now: datetime
    ) -> Sequence[ReportRow]:
        """Return the outcome table by endpoint, document and/or organization."""
        ...

    async def checkpoint(self, *, now: datetime) -> None:
        """Seal the heads of all chains that grew since the last checkpoint."""
        ...

    async def verify_journal(self) -> JournalReport:
        """Check every chain and checkpoint."""
        ...


# --- endpoints --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerCms:
    """One detached signature over the document's bytes."""

    role: str
    """НСИ 1.2.643.5.1.13.13.99.2.368 code, or `organization`."""
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSigner:
    """Who has signed, by a certificate that holds; empty where it does not say."""

    role: str
    """The role it was handed over under, as in `SignerCms`."""
    snils: str = field(default="", repr=False)
    ogrn: str = ""
    organization: str = ""
    signed_at: datetime | None = None
    """What the signer claims."""
    not_before: datetime | None = None
    not_after: datetime | None = None
    """The certificate's life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """What an endpoint is given to deliver or to ask for."""

    exchange: Exchange
    document: bytes = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)
    signatures: tuple[SignerCms, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message ready to leave: signed, hashed, not yet sent."""

    message_id: str
    body: bytes = field(repr=False)
    wire_name: str
    url: str
    headers: Mapping[str, str]

    def began(self, sha256: str) -> DeliveryBegan:
        """Return the event that must be on disk before the first byte leaves."""
        wire = Wire(
            direction="out", name=self.wire_name, body=self.body, message_id=self.message_id
        )
        return DeliveryBegan(message_id=self.message_id, envelope_sha256=sha256, wire=(wire,))


DeliveryEvent = NotSent | Accepted | StillPending | TurnedAway | Answered | Unavailable
InquiryEvent = StillPending | NotThere | Answered | Unavailable


class Endpoint(Protocol):
    """One state system, spoken to in its own protocol; answers only in events."""

    name: str
    terms: Terms
    documents: frozenset[str]
    """Ids of the profiles whose documents it takes."""

    def describe(self, document: bytes) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
        """Return the recipient's metadata of a document, with what no rule could map."""
        ...

    def wanted_roles(self, metadata: Mapping[str, Any]) -> tuple[str, ...]:
        """Return whose signatures the recipient wants, as roles; `organization` is ours to add."""
        ...

    def judge_signers(
        self, metadata: Mapping[str, Any], signers: Sequence[VerifiedSigner], *, now: datetime
    ) -> tuple[Finding, ...]:
        """Say what the recipient would have against the signers; an error refuses the document.

        The signatures themselves hold: that is asked before.
        """
        ...

    async def wrap(self, consignment: Consignment, *, now: datetime) -> Envelope:
        """Return a new signed envelope. Raises CryptoUnavailable, SettingError."""
        ...

    async def deliver(self, envelope: Envelope) -> DeliveryEvent:
        """Send an envelope once; never raises for what the network or the recipient does."""
        ...

    async def inquire(self, consignment: Consignment, *, now: datetime) -> InquiryEvent:
        """Ask what has become of the document; only a complete answer is `NotThere`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """By what a callback names the document it is about; empty where it does not."""

    message_id: str = ""
    local_uid: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A verified call of a state system, read."""

    partner: str
    message_id: str
    name: str
    about: Reference
    event: Event | None
    """What it tells; None when it cannot be read (`malformed`) or only asks."""
    wants_document: bool = False
    """It asks for the document's bytes."""
    malformed: str = ""
    """Why it could not be read, when it could not."""
    wire: Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back on the wire."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    name: str = ""
    """The operation's answer, as its protocol calls it; empty for a Fault."""
    message_id: str = ""


class CallbackDoor(Protocol):
    """Where one state system calls us."""

    name: str
    """The endpoint's name; the path is `/soap/NAME`."""
    largest_call: int
    """Octets; of a larger call nothing is read."""

    def wsdl(self) -> bytes:
        """Return the description served at `?wsdl`."""
        ...

    def read(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Callback:
        """Verify and read a call. Raises Unverified for whatever is not a partner's."""
        ...

    def accept(self, callback: Callback, *, document: bytes | None, now: datetime) -> Reply:
        """Return the positive answer, with the document where it was asked for."""
        ...

    def refuse(self, reason: str, *, sender_at_fault: bool, request: bytes) -> Reply:
        """Return a Fault in the caller's SOAP version."""
        ...


class Unverified(SenderError):  # noqa: N818 - a standing, not a fault
    """Nobody knows who says this; it settles nothing (decision 18)."""

    code = "security"

    def __init__(self, text: str, *, about: Reference | None = None) -> None:
        super().__init__(text)
        self.about = about or Reference()
        """What it claims to be about: may at most bring an inquiry forward."""


# --- telling ----------------------------------------------------------------------------------


class Observer(Protocol):
    """The one seam of telemetry: hears what was written, after it was written."""

    def advanced(self, decision: Decision) -> None:
        """Hear of an event of an exchange."""
        ...

    def answered(self, endpoint: str, kind: str) -> None:
        """Hear of an answer that belongs to no event: unmatched, unverified."""
        ...


class Log(Protocol):
    """Where lines go; the event is a word, the facts are names and values."""

    def info(self, event: str, /, **facts: Any) -> Any:
        """Tell what happened as it should."""
        ...

    def warning(self, event: str, /, **facts: Any) -> Any:
        """Tell what somebody should look at."""
        ...

    def error(self, event: str, /, **facts: Any) -> Any:
        """Tell what somebody must mend."""
        ...
