"""What lies on the disk of a gateway that has a key."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from gateway.errors import HouseError
from gateway.exchange import events as e
from gateway.signatures.sealing import Seal
from tests.store import papers
from tests.store.conftest import OpenStore
from tests.store.papers import born, led
from tests.store.surgery import edit


@pytest.fixture
def seal() -> Seal:
    return Seal([secrets.token_bytes(32)], secrets.token_bytes)


def bytes_beside(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir())


async def live(open_store: OpenStore, seal: Seal | None) -> str:
    """Write a life with every kind of body; return the exchange's id."""
    secret = papers.noise(7)
    ledger = await open_store(sealer=seal)
    made = await born(ledger)
    wire = e.Wire(direction="in", name="answer", body=secret)
    await led(ledger, made, e.Validated(keeps=(e.Payload(name="x", content=secret),), wire=(wire,)))
    await ledger.keep_callback(papers.callback(body=secret))
    await ledger.keep_stray(papers.stray(head=secret))
    answer = papers.idempotency(body=secret)
    await ledger.create(papers.birth(2, idempotency=answer))
    await ledger.close()
    return made.id


async def test_no_body_can_be_read_from_the_disk(
    path: Path, open_store: OpenStore, seal: Seal
) -> None:
    exchange_id = await live(open_store, seal)

    assert papers.noise(7)[:64] not in bytes_beside(path)
    again = await open_store(sealer=seal)
    assert await again.payload(exchange_id, "x") == papers.noise(7)
    assert (await again.timeline(exchange_id))[1].wire[0].body == papers.noise(7)
    kept = await again.recall("clinic", "key-1")
    assert kept is not None
    assert kept.body == papers.noise(7)


async def test_without_a_key_they_can(path: Path, open_store: OpenStore) -> None:
    await live(open_store, None)

    assert papers.noise(7)[:64] in bytes_beside(path)


async def test_a_key_that_comes_later_seals_from_then_on(open_store: OpenStore, seal: Seal) -> None:
    old = await live(open_store, None)

    ledger = await open_store(sealer=seal)
    new = await born(ledger, 3)

    assert await ledger.payload(old, "x") == papers.noise(7)
    assert await ledger.payload(new.id, "document") == papers.DOCUMENT


async def test_a_key_that_is_missing_is_named(open_store: OpenStore, seal: Seal) -> None:
    exchange_id = await live(open_store, seal)
    ledger = await open_store()

    with pytest.raises(HouseError, match="no key"):
        await ledger.payload(exchange_id, "x")


async def test_a_sealed_body_cannot_be_moved(path: Path, open_store: OpenStore, seal: Seal) -> None:
    exchange_id = await live(open_store, seal)
    edit(
        path,
        "UPDATE payload SET (sha256, body) = "
        "(SELECT sha256, body FROM payload WHERE name = 'document' LIMIT 1) WHERE name = 'x'",
    )

    ledger = await open_store(sealer=seal)

    with pytest.raises(HouseError, match="belongs elsewhere"):
        await ledger.payload(exchange_id, "x")


async def test_a_body_that_was_changed_is_not_handed_out(path: Path, open_store: OpenStore) -> None:
    exchange_id = await live(open_store, None)
    edit(
        path,
        "UPDATE payload SET body = "
        "(SELECT body FROM payload WHERE name = 'document' LIMIT 1) WHERE name = 'x'",
    )
    ledger = await open_store()

    with pytest.raises(HouseError, match="not the one"):
        await ledger.payload(exchange_id, "x")


async def test_a_journal_is_verified_without_the_key_as_far_as_it_goes(
    open_store: OpenStore, seal: Seal
) -> None:
    await live(open_store, seal)

    blind = await (await open_store(read_only=True)).verify_journal()
    seeing = await (await open_store(read_only=True, sealer=seal)).verify_journal()

    assert (blind.reason, blind.unopened) == ("", 4)
    assert (seeing.reason, seeing.unopened) == ("", 0)
