"""What can be asked of the one writer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.exchange.decision import Decision
from gateway.ports import Birth, Idempotency, StoredCallback, Stray
from gateway.store.proof import Checkpoint


@dataclass(frozen=True, slots=True)
class Create:
    """A new exchange."""

    birth: Birth


@dataclass(frozen=True, slots=True)
class Save:
    """An event of an exchange, and the callback that brought it."""

    decision: Decision
    callback: StoredCallback | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """A verified callback that matches no exchange."""

    callback: StoredCallback


@dataclass(frozen=True, slots=True)
class KeepStray:
    """A call that could not be verified."""

    stray: Stray


@dataclass(frozen=True, slots=True)
class Remember:
    """What an Idempotency-Key was used for, where no exchange was made."""

    used: Idempotency


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of the chain that belongs to no exchange; `facts` is JSON text."""

    at: datetime
    event: str
    facts: str


@dataclass(frozen=True, slots=True)
class Settle:
    """When a webhook is tried again."""

    entry: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Seal:
    """A checkpoint."""

    checkpoint: Checkpoint


Write = Create | Save | Keep | KeepStray | Remember | Note | Settle | Seal
