"""Whether the gateway may be sent work: each condition by name, with the mend in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError

PATIENCE = 5.0
"""Seconds that one probe may take before it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that must be so, or is good to know."""

    ready: bool
    text: str
    """What stands, or what to mend; no secret and no patient's data."""
    vital: bool = True
    """False: told, but the gateway takes work all the same."""
    facts: Mapping[str, Any] = field(default_factory=dict)


Probe = Callable[[], Awaitable[Condition]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """All conditions at one moment."""

    conditions: Mapping[str, Condition]

    @property
    def ready(self) -> bool:
        """Whether every vital condition holds."""
        return all(one.ready for one in self.conditions.values() if one.vital)

    def as_json(self) -> dict[str, Any]:
        """Return what `/health/ready` answers."""
        return {
            "ready": self.ready,
            "conditions": {
                name: {"ready": one.ready, "vital": one.vital, "text": one.text, **one.facts}
                for name, one in self.conditions.items()
            },
        }


class Health:
    """Asks every probe when asked itself."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)

    async def look(self) -> Readiness:
        """Return what all probes say now; one that fails or hangs says so itself."""
        answers = await asyncio.gather(*(_ask(probe) for probe in self._probes.values()))
        return Readiness(dict(zip(self._probes, answers, strict=True)))


def stand(condition: Condition) -> Probe:
    """Return a probe for what was found at start and does not change."""

    async def probe() -> Condition:
        return condition

    return probe


async def _ask(probe: Probe) -> Condition:
    try:
        async with asyncio.timeout(PATIENCE):
            return await probe()
    except TimeoutError:
        return Condition(ready=False, text=f"no answer within {PATIENCE:g} seconds")
    except GatewayError as error:
        return Condition(ready=False, text=str(error))
    except Exception as error:  # noqa: BLE001 - a probe that breaks is a condition, not a crash
        # Its text may quote what it read.
        return Condition(ready=False, text=f"the probe broke: {type(error).__name__}")
