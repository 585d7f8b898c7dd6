"""Change a store behind its owner's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def edit(path: Path, sql: str) -> None:
    """Run one statement that must change something."""
    with closing(sqlite3.connect(path)) as connection, connection:
        changed = connection.execute(sql).rowcount
    assert changed > 0
