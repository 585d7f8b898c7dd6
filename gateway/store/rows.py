"""All that one transaction writes, table by table, and how it is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.errors import HouseError
from gateway.store import queries
from gateway.store.codec import LASTING, Row

# SQLite takes 32,766 values a statement since version 3.32.
_MOST_VALUES = 32_000


@dataclass(slots=True)
class Rows:
    """Rows by table; what is keyed is written once, as it stands at the end of the batch."""

    births: dict[str, Row] = field(default_factory=dict)
    """`LASTING`, `MOVING` and the late answers of new exchanges, by id."""
    changes: dict[str, Row] = field(default_factory=dict)
    """Id, revision on disk, late answers to add, and `MOVING`, by id."""
    attempts: dict[tuple[str, int], Row] = field(default_factory=dict)
    payloads: dict[tuple[str, str], Row] = field(default_factory=dict)
    webhooks: dict[int, Row] = field(default_factory=dict)
    journal: list[Row] = field(default_factory=list)
    wires: list[Row] = field(default_factory=list)
    inbox: list[Row] = field(default_factory=list)
    callbacks: list[Row] = field(default_factory=list)
    strays: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    checkpoints: list[Row] = field(default_factory=list)
    heads: list[Row] = field(default_factory=list)

    def absorb(self, later: Rows) -> None:
        """Take over the rows of one more write."""
        self.births |= later.births
        for exchange_id, change in later.changes.items():
            self._change(exchange_id, change)
        self.attempts |= later.attempts
        self.payloads |= later.payloads
        for entry, row in later.webhooks.items():
            tries = self.webhooks[entry][2] if entry in self.webhooks else 0
            self.webhooks[entry] = (*row[:2], tries + row[2])
        for name in _LISTS:
            getattr(self, name).extend(getattr(later, name))

    def _change(self, exchange_id: str, change: Row) -> None:
        """Put a change over what the batch has written of the exchange before."""
        if exchange_id in self.births:
            born = self.births[exchange_id]
            late = born[-1] + change[2]
            self.births[exchange_id] = (*born[: len(LASTING)], *change[3:], late)
        elif exchange_id in self.changes:
            first = self.changes[exchange_id]
            self.changes[exchange_id] = (*first[:2], first[2] + change[2], *change[3:])
        else:
            self.changes[exchange_id] = change

    def write(self, connection: sqlite3.Connection) -> None:
        """Write everything: one statement a table, whatever the size of the batch."""
        _write(connection, queries.INSERT_EXCHANGES, self.births.values())
        changed = _write(connection, queries.UPDATE_EXCHANGES, self.changes.values())
        if changed != len(self.changes):
            raise HouseError("a revision has changed under the one writer: two own this store")
        _write(connection, queries.INSERT_ATTEMPTS, self.attempts.values())
        _write(connection, queries.INSERT_PAYLOADS, self.payloads.values())
        _write(connection, queries.UPDATE_WEBHOOKS, self.webhooks.values())
        for name, sql in _LISTS.items():
            _write(connection, sql, getattr(self, name))


_LISTS = {
    "journal": queries.INSERT_JOURNAL,
    "wires": queries.INSERT_WIRES,
    "inbox": queries.INSERT_INBOX,
    "callbacks": queries.INSERT_CALLBACKS,
    "strays": queries.INSERT_STRAYS,
    "keys": queries.INSERT_KEYS,
    "checkpoints": queries.INSERT_CHECKPOINTS,
    "heads": queries.INSERT_CHECKPOINT_HEADS,
}
"""The tables to which a batch only adds."""


def _write(connection: sqlite3.Connection, sql: str, rows: Collection[Row]) -> int:
    """Return how many rows were written.

    One statement with all rows bound to it: measured at 2.3 µs a row, against 5.8 µs through
    `json_each` and 4.5 µs with a statement a row; unlike JSON it takes bodies as they are.
    """
    ordered = list(rows)
    written = 0
    if not ordered:
        return written
    width = len(ordered[0])
    most = _MOST_VALUES // width
    place = f"({', '.join('?' * width)})"
    for start in range(0, len(ordered), most):
        some = ordered[start : start + most]
        statement = sql.replace("{rows}", ", ".join([place] * len(some)))
        written += connection.execute(statement, [v for row in some for v in row]).rowcount
    return written
