"""What goes on by itself while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.flow.notification import Courier
from gateway.flow.runner import Runner
from gateway.ports import Clock, Ledger, Log

_COURIER_EVERY = timedelta(seconds=5)
_SWEEP_EVERY = timedelta(seconds=5)
_CHECKPOINT_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What goes on by itself."""

    runner: Runner
    courier: Courier
    ledger: Ledger
    clock: Clock
    log: Log
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the context lasts; what is in hand is finished before it ends."""
        failure: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.runner.run())
            tasks.create_task(self._every(_COURIER_EVERY, self._carry))
            tasks.create_task(self._every(_CHECKPOINT_EVERY, self._seal))
            tasks.create_task(self._every(_SWEEP_EVERY, self.runner.desk.release_freed))
            try:
                yield
            except BaseException as error:  # noqa: BLE001 - raised below, without a group around it
                failure = error
            self.stopping.set()
            self.runner.stop()
        if failure is not None:
            raise failure

    async def _every(self, span: timedelta, act: Any) -> None:
        while not self.stopping.is_set():
            try:
                await act()
            except Exception as error:  # noqa: BLE001 - one failed round is no end of the work
                self.log.warning("A round failed", fault=type(error).__name__)
            try:
                async with asyncio.timeout(span.total_seconds()):
                    await self.stopping.wait()
            except TimeoutError:
                continue

    async def _carry(self) -> None:
        await self.courier.round()

    async def _seal(self) -> None:
        await self.ledger.checkpoint(now=self.clock.now())
