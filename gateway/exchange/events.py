"""What can happen to an exchange, as facts in the past participle."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One message as it travelled: kept whole, shown in the timeline."""

    direction: str
    """`out` or `in`, seen from the gateway."""
    name: str
    """The operation, as its protocol calls it: `registerDocument`, `getDocumentFile`."""
    body: bytes = field(repr=False)
    message_id: str = ""
    relates_to: str = ""
    note: str = ""
    """What is known of it besides: `http 200`, `first byte not sent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Bytes kept under a name: `document`, `metadata`, `signature:organization`."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCheck:
    """What became of one signature: codes and hashes, nobody's name."""

    role: str
    verdict: str
    """`valid`, `invalid`, `revoked`, `expired-but-timestamped`, `could-not-be-checked`."""
    etsi: str
    """Main indication and sub-indication of EN 319 102-1."""
    reasons: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    """SHA-256 of the signers' certificates."""


class Source(StrEnum):
    """Which way an answer came."""

    CALLBACK = "callback"
    INQUIRY = "inquiry"
    SYNCHRONOUS = "synchronous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened; `wire` and `keeps` are stored in the same transaction."""

    wire: tuple[Wire, ...] = ()
    keeps: tuple[Payload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Event):
    """A sender handed the document over; the first entry of every journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated(Event):
    """Every tier that applies has passed; warnings stay with the exchange."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped(Event):
    """The recipient's form of the document is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturesMissing(Event):
    """A signer's or the organisation's signature has still to come."""

    findings: tuple[Finding, ...]
    checks: tuple[SignatureCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturesGiven(Event):
    """A signature or a key has arrived that was waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Event):
    """All signatures that the recipient wants are there and verified; remarks stay with it."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[SignatureCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryBegan(Event):
    """An attempt is about to leave; on disk before its first byte does."""

    message_id: str
    envelope_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent(Event):
    """Proof that no byte of the attempt left: DNS, connect or TLS failed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Event):
    """The recipient took the document. That is not a registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway(Event):
    """The recipient said «no, not now»: the same document may be sent again."""

    codes: tuple[str, ...] = ()
    text: str = ""
    in_time: bool = True
    """False for «Не удалось зарегистрировать документ за отведенное время»."""
    message_id: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StillPending(Event):
    """The recipient has it in work."""

    reason: str = ""
    source: Source = Source.INQUIRY
    """`CALLBACK` when it fetches the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotThere(Event):
    """A complete inquiry covered the document and did not find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Event):
    """The recipient's verdict is known."""

    registered: bool
    source: Source
    message_id: str = ""
    """MessageID of the attempt it answers, as the answer names it; empty when it names none."""
    number: str = ""
    registered_at: datetime | None = None
    codes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    already: bool = False
    """The recipient said «already registered»."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """We will not carry it."""

    findings: tuple[Finding, ...]
    checks: tuple[SignatureCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Event):
    """The sender took it back in time."""

    by: str


UNPLANNED = "unexpected "
"""How the reason of a fault begins that nobody planned; its words are all ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(Event):
    """Nothing could be done or learnt now; try again later.

    `findings` say what a signature waits for; they go when it goes on.
    """

    reason: str
    retry_after: timedelta | None = None
    findings: tuple[Finding, ...] = ()
    checks: tuple[SignatureCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryWanted(Event):
    """Something that proves nothing itself suggests asking now."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp(Event):
    """The schedule is exhausted; a person must look."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """A person has looked and lets it go on from where it stood."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """An earlier version of the same document set is not settled yet."""

    by_exchange: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """The earlier version is settled, or an operator lets this one overtake it."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified(Event):
    """The sender has been told the newest verdict."""

    note: str = ""
