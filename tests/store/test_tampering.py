"""Whoever edits the file is seen, and the entry is named."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from gateway.exchange import events as e
from gateway.ports import JournalReport
from tests.store import papers
from tests.store.conftest import OpenStore
from tests.store.papers import MINUTE, NOON, born, exchange, led
from tests.store.surgery import edit

FIRST, SECOND = exchange(1).id, exchange(2).id


def sign(content: bytes) -> bytes:
    return hmac.digest(b"a key of the test", content, hashlib.sha256)


def check(content: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(sign(content), signature)


async def live(open_store: OpenStore) -> None:
    ledger = await open_store(sign=sign)
    await led(ledger, await born(ledger, 1), *papers.to_awaiting(), papers.registered())
    await ledger.note(at=NOON, event="DuplicateRefused", facts={"exchange": FIRST})
    await ledger.checkpoint(now=NOON)
    await led(ledger, await born(ledger, 2), e.Validated())
    await ledger.note(at=NOON, event="DuplicateRefused", facts={"exchange": SECOND})
    await ledger.checkpoint(now=NOON + MINUTE)
    await ledger.close()


async def verified(open_store: OpenStore) -> JournalReport:
    return await (await open_store(read_only=True, check=check)).verify_journal()


async def test_nothing_edited_nothing_found(open_store: OpenStore) -> None:
    await live(open_store)

    found = await verified(open_store)

    assert (found.reason, found.broken) == ("", None)
    assert (found.chains, found.entries, found.checkpoints) == (3, 11, 2)


CHANGED = [
    ("UPDATE journal SET facts = '{}'", "", 1),
    ("UPDATE journal SET facts = 'x'", "AND sequence = 2", 2),
    ("UPDATE journal SET event = 'Refused'", "AND sequence = 7", 7),
    ("UPDATE journal SET at = at + 1", "AND sequence = 4", 4),
    ("UPDATE journal SET hash = replace(hash, 'a', 'b')", "AND sequence = 3", 3),
    ("DELETE FROM journal", "AND sequence = 4", 5),
    ("DELETE FROM journal", "AND sequence = 1", 2),
    ("DELETE FROM journal", "AND sequence = 7", 6),
    ("DELETE FROM journal", "AND sequence > 2", 2),
    ("UPDATE exchange SET revision = 9", "", 7),
    ("UPDATE exchange SET state = 'closed'", "", 7),
]


@pytest.mark.parametrize(("change", "where", "named"), CHANGED, ids=str)
async def test_a_change_names_the_first_entry_that_is_not_as_it_was(
    path: Path, open_store: OpenStore, change: str, where: str, named: int
) -> None:
    await live(open_store)
    column = "id" if "exchange SET" in change else "chain"
    edit(path, f"{change} WHERE {column} = '{FIRST}' {where}")

    found = await verified(open_store)

    assert found.broken is not None
    assert (found.broken.chain, found.broken.sequence) == (FIRST, named)
    assert found.reason


PACKED = "(SELECT body FROM payload WHERE name = 'document' LIMIT 1)"
BODIES = [
    (f"UPDATE payload SET body = {PACKED} WHERE name = 'metadata'", 3),
    ("UPDATE payload SET body = x'00' WHERE name = 'metadata'", 3),
    ("DELETE FROM payload WHERE name = 'signature:organization'", 4),
    (f"UPDATE wire SET body = {PACKED} WHERE sequence = 5", 5),
    ("DELETE FROM wire WHERE sequence = 5", 5),
]


@pytest.mark.parametrize(("change", "named"), BODIES, ids=str)
async def test_a_changed_body_names_the_entry_that_kept_it(
    path: Path, open_store: OpenStore, change: str, named: int
) -> None:
    await live(open_store)
    edit(path, change)

    found = await verified(open_store)

    assert found.broken is not None
    assert (found.broken.chain, found.broken.sequence) == (FIRST, named)


GONE = [
    (f"DELETE FROM journal WHERE chain = '{SECOND}'", "journal ends at 0"),
    (f"DELETE FROM exchange WHERE id = '{SECOND}'", "its exchange is gone"),
    ("DELETE FROM journal WHERE chain = 'gateway' AND sequence = 2", "checkpoint 2 saw an entry"),
    ("UPDATE checkpoint_head SET sequence = 6 WHERE sequence = 7", "checkpoint 1 was changed"),
    ("DELETE FROM checkpoint WHERE number = 1", "or one before it was removed"),
    ("UPDATE checkpoint SET at = at + 1 WHERE number = 2", "checkpoint 2 was changed"),
    ("UPDATE checkpoint SET signature = x'00' WHERE number = 2", "signature of checkpoint 2"),
    ("UPDATE checkpoint SET signature = x'' WHERE number = 2", "signature of checkpoint 2"),
]


@pytest.mark.parametrize(("change", "reason"), GONE, ids=str)
async def test_what_no_chain_shows_by_itself_is_told(
    path: Path, open_store: OpenStore, change: str, reason: str
) -> None:
    await live(open_store)
    edit(path, change)

    assert reason in (await verified(open_store)).reason


async def test_a_journal_that_lost_all_its_signatures_says_that_it_has_none(
    path: Path, open_store: OpenStore
) -> None:
    await live(open_store)
    edit(path, "UPDATE checkpoint SET signature = x''")

    found = await verified(open_store)

    assert (found.checkpoints, found.unsigned) == (2, 2)


async def test_a_key_that_came_later_signs_from_then_on(open_store: OpenStore) -> None:
    early = await open_store()
    await born(early, 3)
    await early.checkpoint(now=NOON - MINUTE)
    await early.close()

    await live(open_store)

    found = await verified(open_store)
    assert (found.reason, found.checkpoints, found.unsigned) == ("", 3, 1)


async def test_a_whole_exchange_cut_out_is_missed_by_its_checkpoint(
    path: Path, open_store: OpenStore
) -> None:
    await live(open_store)
    edit(path, f"DELETE FROM journal WHERE chain = '{SECOND}'")
    edit(path, f"DELETE FROM exchange WHERE id = '{SECOND}'")

    found = await verified(open_store)

    assert f"checkpoint 2 saw an entry 2 of {SECOND} that is not there" in found.reason


async def test_an_exchange_with_a_cut_journal_is_not_written_on(
    path: Path, open_store: OpenStore
) -> None:
    await live(open_store)
    edit(path, f"DELETE FROM journal WHERE chain = '{SECOND}' AND sequence = 2")
    ledger = await open_store()
    standing = await ledger.get(SECOND)
    assert standing is not None

    with pytest.raises(Exception, match="journal of this exchange is cut"):
        await led(ledger, standing, e.Mapped())
