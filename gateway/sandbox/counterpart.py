"""What every counterpart of the sandbox can do, and what it can prove afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from aiohttp import web

from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.scenario import Restart


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAccount:
    """One registration of a document."""

    number: str
    at: datetime
    message_id: str
    """Of the attempt that brought it about."""
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptAccount:
    """One attempt to have a document registered, and what was said to it."""

    message_id: str
    number: int
    """Counted from 1 for each document."""
    at: datetime
    rule: str
    """The scenario's rule that it fell under."""
    answered: str
    """What was said at once; empty while nothing was."""
    answered_at: datetime | None
    verdict: str
    """`registered`, `rejected`, or empty while there is none."""
    codes: tuple[str, ...] = ()
    """Of the rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAccount:
    """All that the counterpart knows of one document."""

    local_uid: str
    expected: str
    """What the scenario foresees for a faultless document: `registered`, `rejected`, `none`."""
    standing: str
    """`registered`, `rejected`, or `open`."""
    registrations: tuple[RegistrationAccount, ...]
    attempts: tuple[AttemptAccount, ...]
    callbacks_sent: int
    callbacks_acknowledged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAccount:
    """The truth about every document that was ever shown to the counterpart."""

    documents: Mapping[str, DocumentAccount] = field(default_factory=dict)
    """By localUid, in lower case."""
    searches: int = 0

    @property
    def registered_twice(self) -> tuple[str, ...]:
        """Return the localUids that have more than one registration."""
        known = self.documents.values()
        return tuple(one.local_uid for one in known if len(one.registrations) > 1)

    def as_json(self) -> str:
        """Return the account as JSON, moments in ISO 8601."""
        table = asdict(self) | {"registered_twice": self.registered_twice}
        return json.dumps(table, ensure_ascii=False, default=datetime.isoformat)

    def lost(self, local_uids: Iterable[str]) -> tuple[str, ...]:
        """Return those that have no verdict here, though they were to be brought."""
        wanted = [uid.lower() for uid in local_uids]
        return tuple(
            uid
            for uid in wanted
            if uid not in self.documents or self.documents[uid].standing == "open"
        )


class Counterpart(Protocol):
    """One state system: answers what comes, and does its own work meanwhile."""

    name: str
    restart: Restart
    """When its listener goes away, in durations of this machine."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request below `/NAME`."""
        ...

    def turns_away(self, number: int) -> bool:
        """Tell whether the request of this number (from 1) is reset before it is read."""
        ...

    async def work(self) -> None:
        """Do what is due, for ever."""
        ...

    async def account(self) -> SandboxAccount:
        """Return the truth about every document."""
        ...

    def expect(self, local_uid: str, *, kind: str = "", organization: str = "") -> str:
        """Return what the scenario foresees for a faultless document."""
        ...

    def note(self, kind: str, *, number: int = 0) -> None:
        """Write into the counterpart's log what its listener did."""
        ...

    def export(self, out: TextIO) -> None:
        """Write the log as JSON lines."""
        ...

    def configuration(self, url: str) -> str:
        """Return the TOML that points a gateway at this counterpart."""
        ...

    def close(self) -> None:
        """Let the store go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a counterpart is given when it is opened."""

    clock: Clock
    ids: Ids
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its own section of the sandbox's configuration; empty: what the test PKI makes possible."""
    pki: Path | None = None
    """Folder of the test PKI."""
    time_scale: float | None = None
    """How many times faster than the real system it is; None: as its settings say."""
    faults: str = ""
    """Name or path of a scenario; empty: none."""
    store: Path | None = None
    """Its own file; None keeps everything in memory."""
