"""`journal verify`: what an auditor is told, and with which exit code."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.signatures.sealing import Seal, mark
from gateway.store.sqlite import SqliteLedger
from tests.store import papers
from tests.store.surgery import edit


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "store.key"
    file.write_bytes(secrets.token_bytes(32))
    return file


@pytest.fixture
def store(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "store.sqlite"
    asyncio.run(fill(path, key.read_bytes()))
    return path


async def fill(path: Path, key: bytes) -> None:
    sealer = Seal([key], secrets.token_bytes)
    ledger = SqliteLedger(path, sealer=sealer, sign=partial(mark, key))
    await ledger.open()
    made = await papers.born(ledger)
    await papers.led(ledger, made, *papers.to_awaiting(), papers.registered())
    await ledger.checkpoint(now=papers.NOON)
    await ledger.close()


def verify(*options: str | Path) -> Result:
    return CliRunner().invoke(main, ["journal", "verify", *map(str, options)])


def test_a_journal_that_holds_is_said_to_hold(store: Path, key: Path) -> None:
    answer = verify("--store", store, "--key-file", key)

    assert answer.exit_code == 0
    assert answer.output == ("7 entries in 1 chains, 1 checkpoints\nThe journal holds.\n")


def test_the_configuration_names_the_store_and_its_key(
    tmp_path: Path, store: Path, key: Path
) -> None:
    config = tmp_path / "mse-gateway.toml"
    config.write_text(f"[store]\npath = '{store}'\nkey_file = '{key}'\n", encoding="utf-8")

    answer = verify("--config", config, "--json")

    assert answer.exit_code == 0
    assert orjson.loads(answer.output) == {
        "holds": True,
        "reason": "",
        "broken": None,
        "chains": 1,
        "entries": 7,
        "checkpoints": 1,
        "unsigned": 0,
        "unopened": 0,
    }


def test_what_could_not_be_opened_is_counted(store: Path) -> None:
    answer = verify("--store", store)

    assert answer.exit_code == 0
    assert "5 sealed bodies were not opened" in answer.output


def test_an_edited_entry_is_named(store: Path, key: Path) -> None:
    edit(store, 'UPDATE journal SET facts = \'{"state":"signed"}\' WHERE sequence = 3')

    told = verify("--store", store, "--key-file", key)
    read = verify("--store", store, "--key-file", key, "--json")

    assert told.exit_code == read.exit_code == 3
    assert f"entry 3 of {papers.exchange().id} (Mapped): changed" in told.output
    assert orjson.loads(read.output)["broken"] == {
        "chain": papers.exchange().id,
        "sequence": 3,
        "event": "Mapped",
        "at": papers.NOON.isoformat(),
    }


def test_another_key_did_not_sign_the_checkpoints(store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(secrets.token_bytes(32))

    answer = verify("--store", store, "--key-file", other)

    assert answer.exit_code == 3


def test_two_places_to_look_are_one_too_many(store: Path, key: Path) -> None:
    answer = verify("--store", store, "--config", key)

    assert answer.exit_code == 2
    assert "not both" in answer.output


def test_a_file_that_is_no_store_is_no_journal(tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("to somebody " * 500, encoding="utf-8")

    answer = verify("--store", letter)

    assert answer.exit_code == 3
    assert "could not be opened" in answer.output
