"""What was heard lately, one slot a question, asked by one at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Heard = TypeVar("Heard")


@dataclass(slots=True)
class Slot(Generic[Heard]):
    """The newest answer to one question; who asks holds the lock, the others wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    heard: Heard | None = None
    heard_at: datetime | None = None
    failed_at: datetime | None = None

    def is_due(self, now: datetime, *, again: timedelta, pause: timedelta) -> bool:
        """Tell whether to ask: not `again` so soon after an answer, nor in a failure's `pause`."""
        if self.failed_at is not None and now - self.failed_at < pause:
            return False
        return self.heard_at is None or now - self.heard_at >= again

    def keep(self, heard: Heard, now: datetime) -> None:
        """Keep an answer."""
        self.heard, self.heard_at, self.failed_at = heard, now, None


class Slots(Generic[Heard]):
    """The slots used last, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: OrderedDict[tuple[str, ...], Slot[Heard]] = OrderedDict()

    def of(self, *question: str) -> Slot[Heard]:
        """Return the slot of a question, a new one when it was not asked lately."""
        slot = self._slots.setdefault(question, Slot())
        self._slots.move_to_end(question)
        if len(self._slots) > self._most:
            self._slots.popitem(last=False)
        return slot
