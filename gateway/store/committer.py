"""Many callers, one thread, one transaction: the group committer."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from gateway.errors import HouseError
from gateway.exchange.record import Exchange
from gateway.store.writer import Committed, Writer
from gateway.store.writes import Write

LARGEST_BATCH: Final = 256
"""More in one transaction is no faster and makes everybody wait longer."""

# A thread that comes back from SQLite waits for the interpreter lock up to this many seconds
# while the event loop is busy; with Python's 0.005 the writer starves (155 instead of about
# 1,000 exchanges a second).
_SWITCH_INTERVAL: Final = 0.0005

Waiting = tuple[Write, "asyncio.Future[Exchange | None]"]


class Committer:
    """Takes writes from the event loop; while one batch is committed the next one gathers."""

    def __init__(
        self, writer: Writer, *, ring: Callable[[], None], heard: Callable[[int, float], None]
    ) -> None:
        """`ring` is called on the event loop after each commit that made something due.

        `heard` is told there how many writes a commit held and how many seconds it took.
        """
        self._writer = writer
        self._ring = ring
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._closed = False
        self._done = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="ledger-write", daemon=True)
        self._interval = sys.getswitchinterval()

    def start(self) -> None:
        """Start the thread."""
        sys.setswitchinterval(min(self._interval, _SWITCH_INTERVAL))
        self._thread.start()

    async def write(self, write: Write) -> Exchange | None:
        """Return when the write is on disk, or raise what became of it.

        Whoever stops waiting does not stop the write.
        """
        if self._closed:
            raise HouseError("the store is closed", where="store")
        future: asyncio.Future[Exchange | None] = self._loop.create_future()
        self._queue.put((write, future))
        return await future

    async def close(self) -> None:
        """Return when all that was asked for is written; nothing more is taken."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.shield(self._done)
        self._thread.join()
        sys.setswitchinterval(self._interval)

    # --- on the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        going = True
        while going:
            batch = [self._queue.get()]
            while len(batch) < LARGEST_BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except Empty:
                    break
            waiting = [one for one in batch if one is not None]
            going = len(waiting) == len(batch)
            if waiting:
                self._commit(waiting)
        self._loop.call_soon_threadsafe(self._finish)

    def _commit(self, waiting: list[Waiting]) -> None:
        began = time.monotonic()
        committed = self._writer.commit([write for write, _ in waiting])
        seconds = time.monotonic() - began
        self._loop.call_soon_threadsafe(self._tell, [one for _, one in waiting], committed)
        self._loop.call_soon_threadsafe(self._heard, len(waiting), seconds)

    # --- on the event loop --------------------------------------------------------------------

    def _tell(self, futures: list[asyncio.Future[Exchange | None]], committed: Committed) -> None:
        for future, result in zip(futures, committed.results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        if committed.rings:
            self._ring()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
