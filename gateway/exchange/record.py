"""The exchange itself: one document on its way to one outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.exchange.events import Answered
from gateway.exchange.states import DUTIES, Duty, Outcome, State
from gateway.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One envelope that was about to leave; committed before its first byte."""

    number: int
    """0 for the first; grows when an inquiry has found nothing, not after `NotSent`."""
    message_id: str
    envelope_sha256: str
    began_at: datetime
    not_sent: bool = False
    """Proof that no byte of it left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose document it is and which: what never changes while the exchange lives."""

    endpoint: str
    profile: str
    """Id of the profile: `ru-088u`."""
    kind: str
    """Document kind in the recipient's dictionary (НСИ 1.2.643.5.1.13.13.11.1520)."""
    local_uid: str
    """The document's own id, normalised to lower case."""
    sender: str
    """The tenant: a name from `[senders.NAME]`."""
    organization: str
    """OID of the medical organisation (ФРМО)."""
    document_sha256: str
    set_id: str = ""
    version: int = 1
    protocol_number: str = ""
    patient: str = ""
    """HMAC-SHA-256 of the patient's СНИЛС or ИИН in hex; never the number itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One document on its way; a row, not a coroutine."""

    id: str
    identity: Identity
    received_at: datetime
    state: State = State.RECEIVED
    revision: int = 0
    """Grows by one with every event; a save names the revision it read."""
    due: datetime | None = None
    """When the duty falls due; None when nothing is owed."""
    attempt: int = 0
    attempts: tuple[Attempt, ...] = ()
    answer_due: datetime | None = None
    """Until when the newest attempt may still be answered by itself."""
    tries: int = 0
    """Fruitless tries of the present duty in a row, for the back-off."""
    outcome: Outcome | None = None
    number: str = ""
    """Registration number that the recipient gave."""
    registered_at: datetime | None = None
    rejection: Answered | None = None
    """A rejection after a resend: remembered, final only when an inquiry finds nothing."""
    parked_from: State | None = None
    parked_because: str = ""
    held_by: str = ""
    """The exchange of an earlier version that is not settled yet."""
    replaces: str = ""
    """The exchange that this one follows under the same document id."""
    part_of: str = ""
    """The exchange that opened this one."""
    priority: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def duty(self) -> Duty | None:
        """What is owed next."""
        return DUTIES[self.state]

    @property
    def newest(self) -> Attempt | None:
        """The attempt that left last, or may have left."""
        return next((one for one in reversed(self.attempts) if not one.not_sent), None)

    @property
    def first_sent_at(self) -> datetime | None:
        """When the first attempt that may have reached the recipient began."""
        return next((one.began_at for one in self.attempts if not one.not_sent), None)
