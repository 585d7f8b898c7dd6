"""One process owns a store; others may read it beside."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import HouseError, WeatherError
from gateway.exchange import events as e
from gateway.store import schema
from gateway.store.connection import failure
from gateway.store.lock import Lock
from gateway.store.sqlite import SqliteLedger
from tests.store.conftest import OpenStore
from tests.store.papers import NOON, born, decided, led

_OWNER = """
import asyncio, sys
from pathlib import Path
from gateway.store.sqlite import SqliteLedger

async def own() -> None:
    await SqliteLedger(Path(sys.argv[1])).open()
    print("mine", flush=True)
    await asyncio.sleep(600)

asyncio.run(own())
"""


def names_beside(path: Path) -> list[str]:
    return [one.name for one in path.parent.iterdir()]


def read(path: Path) -> bytes:
    return path.read_bytes()


def write_letter(path: Path) -> bytes:
    letter = b"a letter to somebody, and a long one at that" * 50
    path.write_bytes(letter)
    return letter


def own(path: Path) -> subprocess.Popen[str]:
    """Return another process that owns the store."""
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "mine\n"
    return owner


async def test_a_second_owner_is_refused_by_the_name_of_the_first(
    path: Path, open_store: OpenStore
) -> None:
    with own(path) as owner:
        try:
            with pytest.raises(HouseError, match=rf"owned by process {owner.pid}\b"):
                await open_store()
        finally:
            owner.kill()


async def test_what_a_dead_owner_has_left_is_taken(path: Path, open_store: OpenStore) -> None:
    with own(path) as owner:
        owner.send_signal(signal.SIGKILL)
    assert Lock(path).path.read_text() == f"{owner.pid}\n"

    ledger = await open_store()

    assert Lock(path).path.read_text() == f"{os.getpid()}\n"
    assert (await born(ledger)).revision == 1


async def test_an_owner_that_closes_lets_go(open_store: OpenStore) -> None:
    first = await open_store()
    with pytest.raises(HouseError, match=str(os.getpid())):
        await open_store()

    await first.close()

    assert await (await open_store()).get("x") is None


async def test_a_reader_beside_the_owner_sees_what_was_written(open_store: OpenStore) -> None:
    owner = await open_store()
    made = await born(owner)
    reader = await open_store(read_only=True)
    newer = await led(owner, made, e.Validated())

    assert await reader.get(made.id) == newer
    assert (await reader.verify_journal()).reason == ""


async def test_a_reader_writes_nothing(open_store: OpenStore) -> None:
    owner = await open_store()
    made = await born(owner)
    reader = await open_store(read_only=True)

    with pytest.raises(HouseError, match="for reading"):
        await reader.save(decided(made, e.Validated()))
    with pytest.raises(HouseError, match="for reading"):
        await reader.claim(now=NOON, limit=1)
    with pytest.raises(HouseError, match="for reading"):
        await reader.settle_webhook(1, due=None)


async def test_a_reader_needs_no_owner(open_store: OpenStore) -> None:
    owner = await open_store()
    made = await born(owner)
    await owner.close()

    reader = await open_store(read_only=True)

    assert await reader.get(made.id) == made


async def test_where_no_store_is_a_reader_makes_none(path: Path, open_store: OpenStore) -> None:
    with pytest.raises(HouseError, match="no store"):
        await open_store(read_only=True)

    assert names_beside(path) == []


async def test_documents_are_readable_to_their_owner_only(
    path: Path, open_store: OpenStore
) -> None:
    await born(await open_store())

    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes["store.db"] == modes["store.db-wal"] == 0o600


async def test_a_file_that_is_no_store_is_left_alone(path: Path, open_store: OpenStore) -> None:
    letter = write_letter(path)

    with pytest.raises(HouseError, match="could not be opened"):
        await open_store()

    assert read(path) == letter


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HouseError, match="nowhere"):
        await SqliteLedger(tmp_path / "nowhere" / "store.db").open()


def test_somebody_else_in_the_file_is_weather() -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY

    assert isinstance(failure(busy, "written"), WeatherError)
    assert isinstance(failure(sqlite3.OperationalError("disk I/O error"), "written"), HouseError)


# --- the schema -------------------------------------------------------------------------------


async def test_a_new_store_has_the_newest_schema(path: Path, open_store: OpenStore) -> None:
    await (await open_store()).close()

    with sqlite3.connect(path) as connection:
        assert schema.version_of(connection) == len(schema.steps())
    connection.close()


async def test_a_newer_schema_is_not_touched(path: Path, open_store: OpenStore) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    with pytest.raises(HouseError, match="schema 999"):
        await open_store()
    with pytest.raises(HouseError, match="schema 999"):
        await open_store(read_only=True)


async def test_a_reader_does_not_migrate(path: Path, open_store: OpenStore) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()

    with pytest.raises(HouseError, match="start the gateway once"):
        await open_store(read_only=True)


def test_only_the_steps_that_are_missing_are_run(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    first, second = "CREATE TABLE one (x);", "CREATE TABLE two (x); INSERT INTO two VALUES (1);"

    schema.migrate(connection, [first])
    schema.migrate(connection, [first, second])
    schema.migrate(connection, [first, second])

    assert schema.version_of(connection) == 2
    assert connection.execute("SELECT count(*) FROM two").fetchone() == (1,)
    connection.close()


def test_a_step_that_fails_leaves_nothing_behind(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)

    with pytest.raises(HouseError, match="step 1"):
        schema.migrate(connection, ["CREATE TABLE one (x); INSERT INTO nowhere VALUES (1);"])

    assert schema.version_of(connection) == 0
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    connection.close()


def test_a_gap_between_the_steps_is_seen(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("")
    (tmp_path / "0003_third.sql").write_text("")

    with pytest.raises(HouseError, match="no step 2"):
        schema.steps(tmp_path)
