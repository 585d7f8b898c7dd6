"""Bring a store to the newest schema: numbered steps, each in a transaction of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.errors import HouseError

MIGRATIONS = Path(__file__).parent / "migrations"


def steps(folder: Path = MIGRATIONS) -> list[str]:
    """Return the SQL of all steps, the oldest first; `NNNN_name.sql`, without a gap."""
    files = sorted(folder.glob("[0-9]*.sql"))
    for number, file in enumerate(files, start=1):
        if int(file.name.partition("_")[0]) != number:
            raise HouseError(f"the migrations have no step {number} before {file.name}")
    return [file.read_text(encoding="utf-8") for file in files]


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many steps a store has seen."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, sql: list[str]) -> None:
    """Run the steps that a store has not seen.

    Raises HouseError when it has seen more steps than there are: an older program must not
    write into it.
    """
    _refuse_newer(connection, len(sql))
    for number in range(version_of(connection) + 1, len(sql) + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{sql[number - 1]}\nPRAGMA user_version = {number};\nCOMMIT;"
            )
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            raise HouseError(f"step {number} of the store's schema failed: {error}") from error


def require(connection: sqlite3.Connection, sql: list[str]) -> None:
    """Let a reader in only where the schema is exactly this program's."""
    _refuse_newer(connection, len(sql))
    version = version_of(connection)
    if version < len(sql):
        raise HouseError(
            f"the store has schema {version}, this program reads {len(sql)}: "
            "start the gateway once to bring it there"
        )


def _refuse_newer(connection: sqlite3.Connection, known: int) -> None:
    version = version_of(connection)
    if version > known:
        raise HouseError(
            f"the store has schema {version}, this program knows {known}: use the newer program"
        )
