"""What the edge needs from the house: doors, and nobody's insides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from gateway.exchange.record import Exchange
from gateway.flow.intake import Submission, Taken
from gateway.inbound.senders import Caller, Directory, Networks
from gateway.inbound.watch import Watch
from gateway.ports import CallbackDoor, Clock, Ids, Ledger, Log, Reply, SignerCms
from gateway.settings import ServerSettings
from gateway.telemetry.health import Health
from gateway.telemetry.metrics import Metrics


class Intake(Protocol):
    """Takes documents in; see `gateway.flow.intake`."""

    async def take(self, submission: Submission) -> Taken:
        """Check a document and write its exchange; return how it stands."""
        ...


class Acts(Protocol):
    """What a person may do to an exchange; see `gateway.flow.acts`."""

    async def cancel(self, exchange_id: str, by: str) -> Exchange:
        """Take a document back before its first delivery."""
        ...

    async def resume(self, exchange_id: str, by: str) -> Exchange:
        """Let a parked exchange go on."""
        ...

    async def release(self, exchange_id: str, by: str) -> Exchange:
        """Let a held version overtake the earlier one."""
        ...

    async def give_signature(self, exchange_id: str, signature: SignerCms) -> Exchange:
        """Add a signer's signature."""
        ...


class Correspondence(Protocol):
    """Hears what state systems call in with; see `gateway.flow.correspondence`."""

    async def hear(
        self, door: CallbackDoor, body: bytes, *, headers: Mapping[str, str], source: str
    ) -> Reply:
        """Verify, match, write, answer."""
        ...

    def turn_away_large(self, door: CallbackDoor) -> None:
        """Count a call that is too large to be read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The doors that the server opens on."""

    ledger: Ledger
    intake: Intake
    acts: Acts
    correspondence: Correspondence
    doors: Mapping[str, CallbackDoor]
    """By endpoint; the path is `/soap/NAME`."""
    directory: Directory
    metrics: Metrics
    health: Health
    clock: Clock
    ids: Ids
    log: Log
    settings: ServerSettings = field(default_factory=ServerSettings)
    watch: Watch = field(default_factory=Watch)
    """Has to be among the observers of the flow, so that whoever waits is woken."""
    operations: Networks | None = None
    """Who may read `/metrics` and `/health`; from the settings when None."""


HOUSE = web.AppKey("house", House)
CALLER = web.RequestKey("caller", Caller)
