"""How the sandbox РЭМД is opened: by the sandbox's program, or alone in process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.sandbox.counterpart import Counterpart, SandboxAccount, Surroundings
from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.program import Sandbox
from gateway.sandbox.remd.desk import NAME, Remd
from gateway.sandbox.remd.settings import RemdSettings
from gateway.sandbox.scenario import NO_FAULTS, Scenario, load_scenario
from gateway.settings import read

SCENARIOS = Path(__file__).parent / "scenarios"
"""The misbehaviours that come with the sandbox."""


class RemdSandbox(Sandbox):
    """The sandbox with РЭМД alone, for tests and demonstrations in process."""

    def __init__(
        self,
        settings: RemdSettings,
        *,
        clock: Clock,
        ids: Ids,
        scenario: Scenario = NO_FAULTS,
        store: Path | None = None,
        port: int = 0,
    ) -> None:
        self.remd = Remd(settings, clock=clock, ids=ids, scenario=scenario, store=store)
        super().__init__([self.remd], clock=clock, port=port)

    @property
    def url(self) -> str:
        """Return where registerDocument goes."""
        return f"{self.base_url}/{self.remd.name}"

    async def account(self) -> SandboxAccount:
        """Return the truth about every document."""
        return await self.remd.account()

    def expect(self, local_uid: str, *, kind: str = "", organization: str = "") -> str:
        """Return what the scenario foresees for a faultless document."""
        return self.remd.expect(local_uid, kind=kind, organization=organization)


def open_counterpart(surroundings: Surroundings) -> Counterpart:
    """Open what the configuration describes. Raises SettingError."""
    table: Mapping[str, object] = surroundings.settings
    faults = surroundings.faults
    return Remd(
        read(RemdSettings, table, NAME),
        clock=surroundings.clock,
        ids=surroundings.ids,
        scenario=load_scenario(faults, SCENARIOS) if faults else NO_FAULTS,
        store=surroundings.store,
    )
