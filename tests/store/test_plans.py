"""No question walks through a whole table, however many exchanges there are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ports import Query
from gateway.store import queries, schema
from gateway.store.codec import MOVING
from gateway.store.connection import open_owned

_TABLES = r"exchange|attempt|journal|wire|payload|inbox|callback|idempotency|[xyzacij]"
WALK = re.compile(rf"SCAN ({_TABLES})\b(?! USING INDEX exchange_waiting)")
"""A scan of a table; the first lane of the claim is the first row of its index."""

ROW = f"({', '.join('?' * (len(MOVING) + 3))})"
STATEMENTS = {
    "DUE": queries.DUE,
    "NEXT_DUE": queries.NEXT_DUE,
    "HEADS": queries.HEADS,
    "SAME_DOCUMENT": queries.SAME_DOCUMENT,
    "SAME_MARKS": queries.SAME_MARKS,
    "KNOWN_KEYS": queries.KNOWN_KEYS,
    "KNOWN_CALLBACKS": queries.KNOWN_CALLBACKS,
    "LAST_ENTRY": queries.LAST_ENTRY,
    "UPDATE_EXCHANGES": queries.UPDATE_EXCHANGES.replace("{rows}", f"{ROW}, {ROW}"),
    "UPDATE_WEBHOOKS": queries.UPDATE_WEBHOOKS.replace("{rows}", "(?, ?, ?), (?, ?, ?)"),
    "BY_ID": queries.BY_ID,
    "BY_IDS": queries.BY_IDS,
    "BY_DOCUMENT": queries.BY_DOCUMENT,
    "BY_SET": queries.BY_SET,
    "BY_HOLDER": queries.BY_HOLDER,
    "FREED": queries.FREED,
    "BY_NUMBER": queries.BY_NUMBER,
    "BY_ATTEMPT": queries.BY_ATTEMPT,
    "PAYLOAD": queries.PAYLOAD,
    "CHAIN": queries.CHAIN,
    "WIRES": queries.WIRES,
    "KEY": queries.KEY,
    "INBOX": queries.INBOX,
    "DUE_WEBHOOKS": queries.DUE_WEBHOOKS,
    "OWED_WEBHOOKS": queries.OWED_WEBHOOKS,
    "HASH_AT": queries.HASH_AT,
    "GROWN": queries.GROWN,
}
SEARCHES = [
    Query(sender="a"),
    Query(local_uid="a"),
    Query(organization="a", set_id="b"),
    Query(endpoint="a", number="b"),
    Query(patient="a"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_owned(tmp_path / "store.db")) as connection:
        schema.migrate(connection, schema.steps())
        yield connection


def plan(store: sqlite3.Connection, sql: str) -> list[str]:
    named = dict.fromkeys(re.findall(r":(\w+)", sql), "1")
    values = named or ["1"] * sql.count("?")
    return [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_goes_by_an_index(store: sqlite3.Connection, name: str) -> None:
    steps = plan(store, STATEMENTS[name])

    assert [step for step in steps if WALK.search(step)] == []


@pytest.mark.parametrize("query", SEARCHES, ids=str)
def test_a_search_for_something_named_goes_by_an_index(
    store: sqlite3.Connection, query: Query
) -> None:
    where, _ = queries.condition(query)

    steps = plan(store, queries.PAGE.format(where=where))

    assert [step for step in steps if WALK.search(step)] == []


def test_a_walk_would_be_seen(store: sqlite3.Connection) -> None:
    steps = plan(store, "SELECT * FROM exchange AS x WHERE x.tries = ?")

    assert [step for step in steps if WALK.search(step)]
