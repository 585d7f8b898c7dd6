"""What a ledger promises whoever must believe its journal."""

from __future__ import annotations

import hashlib

from gateway.exchange import events as e
from gateway.ports import Ledger
from tests.store import papers
from tests.store.papers import MINUTE, NOON, born, led


async def test_an_untouched_journal_holds(ledger: Ledger) -> None:
    await led(ledger, await born(ledger, 1), *papers.to_awaiting(), papers.registered())
    await born(ledger, 2)
    await ledger.note(at=NOON, event="DuplicateRefused", facts={"exchange": "x", "codes": ("a",)})
    await ledger.checkpoint(now=NOON)
    await ledger.note(at=NOON, event="DuplicateRefused", facts={"exchange": "y"})
    await ledger.checkpoint(now=NOON + MINUTE)

    found = await ledger.verify_journal()

    assert (found.broken, found.reason) == (None, "")
    assert (found.chains, found.entries, found.checkpoints) == (3, 10, 2)


async def test_nothing_new_needs_no_checkpoint(ledger: Ledger) -> None:
    await ledger.checkpoint(now=NOON)
    await born(ledger)
    await ledger.checkpoint(now=NOON)
    await ledger.checkpoint(now=NOON + MINUTE)

    assert (await ledger.verify_journal()).checkpoints == 1


async def test_an_event_that_means_nothing_is_journalled_too(ledger: Ledger) -> None:
    made = await born(ledger)

    await led(ledger, made, e.Accepted())

    assert [one.event for one in await ledger.timeline(made.id)] == ["Received", "Accepted"]
    assert (await ledger.verify_journal()).reason == ""


async def test_the_facts_name_the_document_by_its_hash(ledger: Ledger) -> None:
    made = await born(ledger)

    (entry,) = await ledger.timeline(made.id)

    assert entry.facts["keeps"] == [
        {
            "name": "document",
            "size": len(papers.DOCUMENT),
            "sha256": hashlib.sha256(papers.DOCUMENT).hexdigest(),
        }
    ]
    assert entry.facts["local_uid"] == made.identity.local_uid
