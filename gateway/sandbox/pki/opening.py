"""How the authorities are opened: by the sandbox's program, or alone in process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SettingError
from gateway.sandbox.counterpart import Counterpart, Surroundings
from gateway.sandbox.pki.desk import NAME, Pki
from gateway.sandbox.pki.faults import Faults, load_faults
from gateway.settings import read

SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True, kw_only=True)
class PkiSettings:
    """`[pki]` of the sandbox's configuration."""

    folder: Path
    """The test PKI, as `certs make-test-pki` has made it."""
    time_scale: float = 1.0
    """The delay of a slow answer is divided by it."""


def open_counterpart(surroundings: Surroundings) -> Counterpart:
    """Open what the configuration describes. Raises SettingError."""
    if surroundings.settings:
        settings = read(PkiSettings, surroundings.settings, NAME)
    elif surroundings.pki is not None:
        settings = PkiSettings(folder=surroundings.pki)
    else:
        raise SettingError("neither a configuration nor a test PKI is given", where=NAME)
    faults = surroundings.faults
    return Pki(
        settings.folder,
        clock=surroundings.clock,
        ids=surroundings.ids,
        faults=load_faults(faults, SCENARIOS) if faults else Faults(),
        time_scale=surroundings.time_scale or settings.time_scale,
    )
