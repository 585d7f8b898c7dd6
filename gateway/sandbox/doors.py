"""Time, ids and pauses come through these doors, so that a trial can hold them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, here and on the wire."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the moment has come."""
        ...


class Ids(Protocol):
    """Where new ids come from."""

    def new(self) -> str:
        """Return a UUID as lower-case text."""
        ...


async def wait_for_bell(bell: asyncio.Event, clock: Clock, due: datetime | None) -> None:
    """Return when the bell rings or, if anything is due, when its moment has come."""
    if due is None:
        await bell.wait()
        return
    async with asyncio.TaskGroup() as group:
        waits = [group.create_task(bell.wait()), group.create_task(clock.sleep_until(due))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
