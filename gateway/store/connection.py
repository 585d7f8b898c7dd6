"""How a store's file is opened: to own it, and to read it beside its owner."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.errors import GatewayError, HouseError, WeatherError

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY = 0xFF
"""The lower byte of an extended result code (https://sqlite.org/rescode.html)."""


def open_owned(path: Path) -> sqlite3.Connection:
    """Open a store for writing, and make it where there is none.

    Every commit is on disk before it returns: `synchronous=FULL` is never relaxed; many writes
    share one commit instead.
    """
    # Nobody else reads documents unless the operator says so; the WAL takes over the mode.
    path.touch(mode=0o600)
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # macOS: fsync alone leaves the data in the drive's cache.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    return connection


def open_readable(path: Path) -> sqlite3.Connection:
    """Open a store for reading; its owner may write meanwhile (WAL)."""
    if not path.is_file():
        raise HouseError(f"there is no store {path.name}", where="store")
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def failure(error: sqlite3.Error, act: str) -> GatewayError:
    """Return a failure of the file as one of ours; `act` is what was tried."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _PASSING:
        return WeatherError(f"the store could not be {act} just now: {error}", where="store")
    return HouseError(f"the store could not be {act}: {error}", where="store")
