"""How the sandbox РЭМД is opened: by the sandbox's program, or alone in process."""

from __future__ import annotations

import hashlib
import tomllib
import uuid
from dataclasses import replace
from pathlib import Path

from gateway.errors import SettingError
from gateway.resources import CERTS
from gateway.sandbox.counterpart import Counterpart, SandboxAccount, Surroundings
from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.program import Sandbox
from gateway.sandbox.remd.desk import NAME, Remd
from gateway.sandbox.remd.settings import OrganizationSettings, RemdSettings
from gateway.sandbox.remd.trust import unarmor
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
    if surroundings.settings:
        settings = read(RemdSettings, surroundings.settings, NAME)
    elif surroundings.pki is not None:
        settings = default_settings(surroundings.pki)
    else:
        raise SettingError("neither a configuration nor a test PKI is given", where=NAME)
    if surroundings.time_scale is not None:
        settings = replace(settings, time_scale=surroundings.time_scale)
    faults = surroundings.faults
    return Remd(
        settings,
        clock=surroundings.clock,
        ids=surroundings.ids,
        scenario=load_scenario(faults, SCENARIOS) if faults else NO_FAULTS,
        store=surroundings.store,
    )


def default_settings(pki: Path) -> RemdSettings:
    """Return the settings for the declared test PKI that was made in this folder.

    Its medical organisations are known, each by an information system of its own; whoever has
    the key `gateway-transport` may speak for all of them. Callbacks go to ReplyTo.
    """
    declared = tomllib.loads((CERTS / "pki.toml").read_text(encoding="utf-8"))
    return RemdSettings(
        trust=pki / "trust",
        key_file=pki / "remd-partner.key.pem",
        certificate_file=pki / "remd-partner.cert.pem",
        organizations={
            name: OrganizationSettings(
                oid=row["oid"],
                ogrn=row["ogrn"],
                name=row["name"],
                client_entity_id=str(uuid.uuid5(uuid.NAMESPACE_OID, row["oid"])),
            )
            for name, row in declared["organizations"].items()
            if "people" in row and "oid" in row
        },
        transport_certificates=tuple(
            hashlib.sha256(der).hexdigest()
            for path in sorted(pki.glob("gateway-transport*.cert.pem"))
            for der in unarmor(path.read_bytes())
        ),
    )
