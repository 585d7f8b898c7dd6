"""The operator's folder of authorities, read anew when something in it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from gateway.errors import SettingError
from gateway.ports import Log
from gateway.signatures.chain import Trust

Look = tuple[tuple[str, int, int], ...]


class TrustFolder:
    """Keeps the newest trust that could be read."""

    def __init__(
        self, folder: Path | None, load: Callable[[Path], Trust], *, every: timedelta, log: Log
    ) -> None:
        """Read the folder once; raise SettingError. Without one nobody is trusted.

        `every`: how long what was read is used before the folder is looked at again.
        """
        self._folder, self._load, self._every, self._log = folder, load, every, log
        self._look = _look_at(folder) if folder else ()
        self._trust = load(folder) if folder else Trust()
        self._looked_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def trust(self, now: datetime) -> Trust:
        """Return what the folder says now; what cannot be read leaves it as it was, and a log."""
        async with self._lock:
            if self._folder is not None and self._is_due(now):
                self._looked_at = now
                await self._look_again(self._folder)
            return self._trust

    def _is_due(self, now: datetime) -> bool:
        return self._looked_at is None or now - self._looked_at >= self._every

    async def _look_again(self, folder: Path) -> None:
        look = await asyncio.to_thread(_look_at, folder)
        if look == self._look:
            return
        try:
            self._trust = await asyncio.to_thread(self._load, folder)
        except SettingError as error:
            self._log.warning("TrustNotReloaded", fault=error.text)
        else:
            self._look = look
            self._log.info("TrustReloaded", roots=len(self._trust.roots))


def _look_at(folder: Path) -> Look:
    """Return what shows that a file came, went or changed; empty when it cannot be seen."""
    try:
        stats = [(one.name, one.stat()) for one in folder.iterdir()]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))
