"""What a ledger promises whoever asks it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import SenderError
from gateway.exchange import events as e
from gateway.exchange.decision import NoticeKind
from gateway.exchange.states import Outcome, State
from gateway.ports import Ledger, Query, ReportRow
from tests.store import papers
from tests.store.papers import MINUTE, NOON, born, exchange, identity, led


async def test_what_is_not_there_is_not_found(ledger: Ledger) -> None:
    assert await ledger.get("nothing") is None
    assert list(await ledger.find_document("nothing")) == []
    assert await ledger.find_attempt("nothing") is None
    assert await ledger.find_number("remd", "nothing") is None
    assert await ledger.payload("nothing", "document") is None
    assert list(await ledger.payload_names("nothing")) == []
    assert list(await ledger.timeline("nothing")) == []
    assert await ledger.recall("clinic", "nothing") is None


async def test_nothing_is_found_by_an_empty_name(ledger: Ledger) -> None:
    made = await born(ledger)

    assert list(await ledger.find_set(made.identity.organization, "")) == []
    assert list(await ledger.find_held("")) == []
    assert await ledger.find_number("remd", "") is None


async def test_an_exchange_is_found_by_every_attempt_it_made(ledger: Ledger) -> None:
    first = await led(ledger, await born(ledger), *papers.to_signed(), papers.delivery(1))
    second = await led(ledger, first, e.NotSent(reason="connect"), papers.delivery(2))

    assert await ledger.find_attempt("message-1") == second
    assert await ledger.find_attempt("message-2") == second
    assert [one.not_sent for one in second.attempts] == [True, False]


async def test_an_exchange_is_found_by_its_number_at_its_endpoint(ledger: Ledger) -> None:
    made = await led(ledger, await born(ledger), *papers.to_awaiting(), papers.registered("7"))

    assert await ledger.find_number("remd", "7") == made
    assert await ledger.find_number("cbdi", "7") is None


async def test_the_versions_of_a_set_are_found_newest_first(ledger: Ledger) -> None:
    first = await born(ledger, 1, set_id="set")
    second = await born(ledger, 2, set_id="set", version=2)
    await born(ledger, 3, set_id="set", organization="another")
    await born(ledger, 4, set_id="other")

    assert list(await ledger.find_set(identity().organization, "set")) == [second, first]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"sender": "other"}, [2]),
        ({"states": (State.CLOSED, State.VALIDATED)}, [3, 1]),
        ({"outcomes": (Outcome.CANCELLED,)}, [3]),
        ({"outcomes": (Outcome.CANCELLED,), "states": (State.RECEIVED,)}, []),
        ({"endpoint": "cbdi"}, [4]),
        ({"organization": "1.2.3"}, [2]),
        ({"local_uid": "00000000-0000-4000-8000-ABC"}, [4]),
        ({"set_id": "set"}, [2]),
        ({"patient": "aa"}, [1]),
        ({"due_before": NOON + MINUTE}, [4, 1]),
        ({"received_from": NOON + MINUTE}, [4]),
        ({"received_to": NOON + MINUTE}, [3, 2, 1]),
        ({"after": exchange(3).id}, [2, 1]),
        ({"limit": 2}, [4, 3]),
        ({"limit": 2, "after": exchange(4).id}, [3, 2]),
        ({"number": "77"}, []),
    ],
    ids=str,
)
async def test_a_search_finds_what_it_names(
    ledger: Ledger, wanted: dict[str, Any], found: list[int]
) -> None:
    await led(ledger, await born(ledger, 1, patient="aa"), e.Validated())
    await born(ledger, 2, sender="other", organization="1.2.3", set_id="set", due=NOON + MINUTE)
    await led(ledger, await born(ledger, 3), e.Cancelled(by="clinic"), e.Notified())
    await born(
        ledger,
        4,
        endpoint="cbdi",
        local_uid="00000000-0000-4000-8000-abc",
        received_at=NOON + MINUTE,
    )

    page = await ledger.search(Query(**wanted))

    assert [int(one.id[-12:]) for one in page] == found


# --- the inbox --------------------------------------------------------------------------------


async def test_a_sender_reads_only_its_own_inbox_in_order(ledger: Ledger) -> None:
    for number, sender in ((1, "clinic"), (2, "other"), (3, "clinic")):
        made = await born(ledger, number, sender=sender)
        await led(ledger, made, e.Cancelled(by=sender))

    entries = list(await ledger.inbox("clinic", after=0, limit=10))
    rest = list(await ledger.inbox("clinic", after=entries[0].id, limit=10))

    assert [one.exchange for one in entries] == [exchange(1).id, exchange(3).id]
    assert entries[0].id < entries[1].id
    assert rest == entries[1:]
    assert list(await ledger.inbox("clinic", after=0, limit=1)) == entries[:1]


async def test_a_rejection_is_told_with_its_findings(ledger: Ledger) -> None:
    await led(ledger, await born(ledger), *papers.to_awaiting(), papers.rejected())

    handed_over, rejected = await ledger.inbox("clinic", after=0, limit=10)

    assert handed_over.kind is NoticeKind.HANDED_OVER
    assert rejected.body == {
        "id": rejected.id,
        "exchange": exchange().id,
        "kind": "rejected",
        "at": NOON.isoformat(),
        "endpoint": "remd",
        "document": "ru-088u",
        "local_uid": identity().local_uid,
        "organization": identity().organization,
        "number": "",
        "codes": ["VALIDATION_ERROR"],
        "corrects": False,
        "findings": [
            {
                "rule": "ru-088u.12",
                "code": "value",
                "severity": "error",
                "where": "/ClinicalDocument/component[1]",
                "line": 12,
                "texts": {"ru": "Нет кода раздела", "en": "The section has no code"},
                "mender": "vendor",
                "official": "У1-3",
            }
        ],
    }


async def test_a_webhook_is_owed_to_whoever_has_one(ledger: Ledger) -> None:
    await led(ledger, await born(ledger, 1), e.Cancelled(by="clinic"))
    hooked = await led(
        ledger,
        await born(ledger, 2, sender="hooked"),
        e.Cancelled(by="hooked"),
        e.Notified(),
        at=NOON + MINUTE,
    )

    early = await ledger.due_webhooks(now=NOON, limit=10)
    (due,) = await ledger.due_webhooks(now=NOON + MINUTE, limit=10)

    assert list(early) == []
    assert (due.exchange, due.webhook_due, due.webhook_tries) == (hooked.id, NOON + MINUTE, 0)
    assert list(await ledger.owed_webhooks(hooked.id)) == [due]


async def test_a_webhook_is_tried_again_until_it_is_settled(ledger: Ledger) -> None:
    told = (e.Cancelled(by="hooked"), e.Notified())
    made = await led(ledger, await born(ledger, sender="hooked"), *told)
    (entry,) = await ledger.owed_webhooks(made.id)

    await ledger.settle_webhook(entry.id, due=NOON + MINUTE)
    (again,) = await ledger.due_webhooks(now=NOON + MINUTE, limit=10)
    await ledger.settle_webhook(entry.id, due=None)

    assert again == replace(entry, webhook_due=NOON + MINUTE, webhook_tries=1)
    assert list(await ledger.due_webhooks(now=NOON + 9 * MINUTE, limit=10)) == []
    assert list(await ledger.owed_webhooks(made.id)) == []
    assert len(await ledger.inbox("hooked", after=0, limit=10)) == 1


async def test_who_is_held_by_what_is_settled_is_found(ledger: Ledger) -> None:
    first, second, third = [await born(ledger, number) for number in (1, 2, 3)]
    held = await led(ledger, second, e.Held(by_exchange=first.id))
    await led(ledger, third, e.Held(by_exchange=second.id))
    assert list(await ledger.find_freed()) == []

    await led(ledger, first, e.Cancelled(by="clinic"))

    assert list(await ledger.find_freed()) == [held]


async def test_whoever_owes_a_notification_posts_its_own_webhook(ledger: Ledger) -> None:
    made = await led(ledger, await born(ledger, sender="hooked"), e.Cancelled(by="hooked"))

    assert list(await ledger.due_webhooks(now=NOON, limit=10)) == []
    assert len(await ledger.owed_webhooks(made.id)) == 1


# --- counting ---------------------------------------------------------------------------------


async def test_every_document_counts_in_one_column(ledger: Ledger) -> None:
    await born(ledger, 1)
    await led(ledger, await born(ledger, 2), *papers.to_awaiting())
    await led(ledger, await born(ledger, 3), *papers.to_awaiting(), e.TurnedAway(in_time=False))
    await led(ledger, await born(ledger, 4), *papers.to_awaiting(), papers.registered())
    await led(ledger, await born(ledger, 5), *papers.to_awaiting(), papers.rejected())
    await led(ledger, await born(ledger, 6), e.Cancelled(by="clinic"), e.Notified())
    await led(ledger, await born(ledger, 7), e.Refused(findings=()))
    await led(ledger, await born(ledger, 8), *papers.to_awaiting(), e.GaveUp(reason="old"))

    (row,) = await ledger.report(Query(), by=(), now=NOON + 61 * MINUTE)

    assert row == ReportRow(
        by={},
        documents=8,
        registered=1,
        rejected=1,
        refused=1,
        cancelled=1,
        open=1,
        awaiting=2,
        overdue=1,
        parked=1,
        not_registered_in_time=1,
    )


async def test_answers_in_one_breath_are_all_counted(ledger: Ledger) -> None:
    standing = await led(ledger, await born(ledger), *papers.to_awaiting())
    late = papers.decided(standing, e.TurnedAway(in_time=False))
    later = papers.decided(late.after, e.TurnedAway(in_time=False))
    latest = papers.decided(later.after, e.TurnedAway(in_time=True))

    await asyncio.gather(*(ledger.save(one) for one in (late, later, latest)))

    (row,) = await ledger.report(Query(), by=(), now=NOON)
    assert row.not_registered_in_time == 2


async def test_the_outcome_table_is_split_as_asked(ledger: Ledger) -> None:
    await born(ledger, 1)
    await born(ledger, 2, endpoint="cbdi", profile="kz-031u", organization="1.2.3")
    await born(ledger, 3, organization="1.2.3")

    rows = await ledger.report(Query(), by=("endpoint", "organization"), now=NOON)
    filtered = await ledger.report(Query(endpoint="remd"), by=("document",), now=NOON)

    assert [(dict(one.by), one.documents) for one in rows] == [
        ({"endpoint": "cbdi", "organization": "1.2.3"}, 1),
        ({"endpoint": "remd", "organization": "1.2.3"}, 1),
        ({"endpoint": "remd", "organization": identity().organization}, 1),
    ]
    assert filtered == [ReportRow(by={"document": "ru-088u"}, documents=2, open=2)]


async def test_a_table_by_something_unknown_is_refused(ledger: Ledger) -> None:
    with pytest.raises(SenderError, match="patient"):
        await ledger.report(Query(), by=("patient",), now=NOON)


async def test_an_empty_ledger_has_an_empty_table(ledger: Ledger) -> None:
    assert list(await ledger.report(Query(), by=("endpoint",), now=NOON)) == []


async def test_it_is_known_who_stands_where_and_since_when(ledger: Ledger) -> None:
    await born(ledger, 1)
    await led(ledger, await born(ledger, 2), *papers.to_awaiting(1), at=NOON + MINUTE)
    await led(ledger, await born(ledger, 3), *papers.to_awaiting(2))
    await led(ledger, await born(ledger, 4), e.Cancelled(by="clinic"), e.Notified())

    standing = await ledger.standing()

    assert standing.open == {("remd", State.RECEIVED): 1, ("remd", State.AWAITING): 2}
    assert standing.oldest_awaiting == {"remd": NOON}
