"""What the sandbox saw and did: proof for a campaign, in SQLite and as JSON lines.

Nothing of a patient is written: documents are named by their localUid, bodies by hash and size.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from gateway.sandbox.doors import Clock

Fact = str | int | float | bool | None

_TABLES = """
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    counterpart TEXT NOT NULL,
    kind TEXT NOT NULL,
    local_uid TEXT NOT NULL,
    message_id TEXT NOT NULL,
    facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_by_document ON log (local_uid);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened."""

    id: int
    at: datetime
    counterpart: str
    kind: str
    local_uid: str
    message_id: str
    facts: dict[str, Fact]

    def as_json(self) -> str:
        """Return the entry as one line of JSON."""
        named = {"id": self.id, "at": self.at.isoformat(), "counterpart": self.counterpart}
        about = {"kind": self.kind, "local_uid": self.local_uid, "message_id": self.message_id}
        return json.dumps(named | about | self.facts, ensure_ascii=False)


def open_store(path: Path | None) -> sqlite3.Connection:
    """Open the sandbox's own file, or a store in memory.

    A killed process loses nothing that was committed; a power cut may (synchronous=NORMAL).
    """
    store = sqlite3.connect(path or ":memory:", isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=NORMAL")
    store.executescript(_TABLES)
    return store


@contextmanager
def transaction(store: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing; one inside another joins it."""
    if store.in_transaction:
        yield
        return
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


class Logbook:
    """The log of one counterpart."""

    def __init__(self, store: sqlite3.Connection, counterpart: str, clock: Clock) -> None:
        self._store = store
        self._counterpart = counterpart
        self._clock = clock

    def write(self, kind: str, *, local_uid: str = "", message_id: str = "", **facts: Fact) -> None:
        """Note what happened; durable with the transaction around it."""
        self._store.execute(
            "INSERT INTO log (at, counterpart, kind, local_uid, message_id, facts)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._clock.now().isoformat(),
                self._counterpart,
                kind,
                local_uid.lower(),
                message_id,
                json.dumps(facts, ensure_ascii=False),
            ),
        )

    def entries(self, *, kind: str = "", local_uid: str = "") -> list[Entry]:
        """Return what was noted, in order."""
        rows = self._store.execute(
            "SELECT id, at, counterpart, kind, local_uid, message_id, facts FROM log"
            " WHERE counterpart = ? AND ? IN ('', kind) AND ? IN ('', local_uid) ORDER BY id",
            (self._counterpart, kind, local_uid.lower()),
        )
        return [
            Entry(
                id=row[0],
                at=datetime.fromisoformat(row[1]),
                counterpart=row[2],
                kind=row[3],
                local_uid=row[4],
                message_id=row[5],
                facts=json.loads(row[6]),
            )
            for row in rows
        ]

    def export(self, out: TextIO) -> None:
        """Write every entry as a line of JSON."""
        out.writelines(entry.as_json() + "\n" for entry in self.entries())
