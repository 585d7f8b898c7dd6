"""The real clock, chance and ids behind the doors; nobody but the app opens them."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import SystemRandom


class SystemClock:
    """The system's time in UTC."""

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.now(UTC)  # noqa: TID251 - this is the door

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the moment has come; at once when it is past."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


@dataclass(frozen=True, slots=True)
class SystemChance:
    """Jitter from the system's entropy."""

    random: SystemRandom = field(default_factory=SystemRandom)

    def draw(self) -> float:
        """Return a number within [0, 1)."""
        return self.random.random()


class SystemIds:
    """UUIDs of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then a counted tail."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        """Return the next id; ids of one process grow even within one millisecond."""
        milliseconds = time.time_ns() // 1_000_000
        fresh = milliseconds << 74 | secrets.randbits(73)
        self._last = max(fresh, self._last + 1)
        high, low = self._last >> 62, self._last & (1 << 62) - 1
        instant, random_a = high >> 12, high & 0xFFF
        return str(uuid.UUID(int=instant << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | low))


def pass_by(_name: str) -> None:
    """Pass a failpoint: nothing happens outside the fault tests."""
