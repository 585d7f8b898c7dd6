"""What a ledger promises whoever writes into it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import GatewayError, HouseError, Overtaken
from gateway.exchange import events as e
from gateway.exchange.decision import NoticeKind, Opening
from gateway.exchange.states import Outcome, State
from gateway.ports import Idempotency, IdentityTaken, Ledger, Replayed
from gateway.store import guard, queries
from gateway.store.codec import to_json
from tests.store import papers
from tests.store.conftest import OpenStore
from tests.store.papers import NOON, born, decided, exchange, identity, led


async def test_a_new_exchange_stands_at_revision_one_with_its_document(ledger: Ledger) -> None:
    made = await born(ledger)

    assert made == replace(exchange(), revision=1)
    assert await ledger.get(made.id) == made
    assert await ledger.payload(made.id, "document") == papers.DOCUMENT
    assert [one.event for one in await ledger.timeline(made.id)] == ["Received"]


async def test_every_field_of_an_exchange_comes_back(ledger: Ledger) -> None:
    full = exchange(
        attempt=3,
        answer_due=NOON + papers.MINUTE,
        tries=2,
        held_by="older",
        replaces="before",
        part_of="parent",
        priority=7,
        findings=(papers.MISSPELT,),
        set_id="set",
        version=4,
        protocol_number="П-1",
        patient="00ff" * 16,
        rejection=papers.rejected(),
        parked_from=State.AWAITING,
        parked_because="no answer",
    )

    made = await ledger.create(replace(papers.birth(), exchange=full))

    assert await ledger.get(full.id) == made == replace(full, revision=1)


async def test_a_refusal_is_born_with_its_notice(ledger: Ledger) -> None:
    first = replace(exchange(), revision=1)
    refusal = decided(first, e.Refused(findings=(papers.MISSPELT,)))

    made = await ledger.create(replace(papers.birth(), decisions=(refusal,)))

    assert (made.revision, made.outcome) == (2, Outcome.REFUSED)
    assert [one.event for one in await ledger.timeline(made.id)] == ["Received", "Refused"]
    assert [one.kind for one in await ledger.inbox("clinic", after=0, limit=9)] == [
        NoticeKind.REFUSED
    ]


async def test_a_birth_whose_decision_skips_a_revision_is_not_written(ledger: Ledger) -> None:
    skipping = decided(replace(exchange(), revision=5), e.Refused(findings=()))

    with pytest.raises(Overtaken):
        await ledger.create(replace(papers.birth(), decisions=(skipping,)))

    assert await ledger.get(exchange().id) is None


async def test_a_save_names_the_revision_that_it_read(ledger: Ledger) -> None:
    made = await born(ledger)
    await led(ledger, made, e.Validated())

    with pytest.raises(Overtaken):
        await ledger.save(decided(made, e.Unavailable(reason="late")))

    now = await ledger.get(made.id)
    assert now is not None
    assert (now.revision, now.state) == (2, State.VALIDATED)
    assert len(await ledger.timeline(made.id)) == 2


async def test_nobody_saves_what_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(Overtaken):
        await ledger.save(decided(exchange(revision=1), e.Validated()))


async def test_of_two_saves_at_once_the_second_reads_again(ledger: Ledger) -> None:
    made = await born(ledger)
    validated = decided(made, e.Validated())
    late = decided(made, e.Unavailable(reason="late"))
    mapped = decided(validated.after, e.Mapped())

    first, second, third = await asyncio.gather(
        ledger.save(validated), ledger.save(late), ledger.save(mapped), return_exceptions=True
    )

    assert first == validated.after
    assert isinstance(second, Overtaken)
    assert third == mapped.after
    assert await ledger.get(made.id) == mapped.after


async def test_a_whole_life_is_told_in_order(ledger: Ledger) -> None:
    made = await born(ledger)
    ended = await led(
        ledger, made, *papers.to_awaiting(), papers.registered(), e.Notified(), at=NOON
    )

    timeline = await ledger.timeline(made.id)

    assert ended.state is State.CLOSED
    assert [one.sequence for one in timeline] == list(range(1, ended.revision + 1))
    assert [one.state for one in timeline][-3:] == [State.AWAITING, State.ANSWERED, State.CLOSED]
    assert [wire for one in timeline for wire in one.wire] == [
        *papers.delivery().wire,
        *papers.registered().wire,
    ]
    assert await ledger.payload_names(made.id) == [
        "document",
        "metadata",
        "signature:organization",
    ]


async def test_facts_carry_hashes_and_no_bodies(ledger: Ledger) -> None:
    made = await born(ledger)
    ended = await led(
        ledger,
        made,
        *papers.to_awaiting(),
        e.TurnedAway(codes=("RATE_LIMIT",), text="Ivanov: later", in_time=False),
    )

    told = [one.facts for one in await ledger.timeline(ended.id)]

    assert "Ivanov" not in str(told)
    assert told[0]["keeps"][0]["name"] == "document"
    assert len(told[4]["wire"][0]["sha256"]) == 64
    assert told[4]["message_id"] == "message-1"
    assert told[-1]["codes"] == ["RATE_LIMIT"]
    assert told[-1]["in_time"] is False


async def test_a_payload_is_replaced_only_by_a_later_event(ledger: Ledger) -> None:
    made = await born(ledger)
    newer = e.Payload(name="document", content=b"newer")

    await led(ledger, made, e.Validated(keeps=(newer,)))

    assert await ledger.payload(made.id, "document") == b"newer"
    assert await ledger.payload(made.id, "nothing") is None
    assert (await ledger.verify_journal()).reason == ""


async def test_an_event_opens_its_children_with_it(ledger: Ledger) -> None:
    made = await born(ledger)
    lookup = Opening(purpose="lookup-gbdfl", identity=identity(2, endpoint="gbdfl"))

    decision = decided(made, e.Validated(), openings=(lookup,))
    await ledger.save(decision)

    child = await ledger.get(decision.children[0].id)
    assert child == replace(decision.children[0], revision=1)
    assert child is not None
    assert child.part_of == made.id
    assert [one.state for one in await ledger.timeline(child.id)] == [State.RECEIVED]


# --- the guard --------------------------------------------------------------------------------


async def test_one_document_id_is_carried_once(ledger: Ledger) -> None:
    made = await born(ledger, local_uid="abc-1")

    with pytest.raises(IdentityTaken) as taken:
        await born(ledger, 2, local_uid="ABC-1")

    assert taken.value.exchanges == (made,)
    assert await ledger.get(exchange(2).id) is None


async def test_documents_that_name_no_id_are_not_one_document(ledger: Ledger) -> None:
    await born(ledger, local_uid="")

    assert (await born(ledger, 2, local_uid="")).revision == 1


async def test_what_was_refused_is_not_read_again_for_each_that_comes(
    path: Path, open_store: OpenStore
) -> None:
    ledger = await open_store()
    for number in range(1, 4):
        made = await born(ledger, number, local_uid="same", patient="aa", protocol_number="17")
        await led(ledger, made, e.Refused(findings=(papers.MISSPELT,)))
    standing = await born(ledger, 4, local_uid="same", patient="aa", protocol_number="17")
    await born(ledger, 5, local_uid="")

    with closing(sqlite3.connect(path)) as connection:
        uids = connection.execute(queries.SAME_DOCUMENT, ('["SAME", ""]',)).fetchall()
        marks = to_json([guard.marks(standing.identity)])
        twins = connection.execute(queries.SAME_MARKS, (marks,)).fetchall()

    assert [row[0] for row in uids] == [row[0] for row in twins] == [standing.id]


async def test_of_many_who_come_at_once_one_gets_in(ledger: Ledger) -> None:
    answers = await asyncio.gather(
        *(born(ledger, number, local_uid="same") for number in range(1, 21)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, IdentityTaken) for one in answers) == 19
    assert len(await ledger.find_document("same")) == 1


@pytest.mark.parametrize(
    "ending",
    [
        (e.Refused(findings=(papers.MISSPELT,)),),
        (e.Cancelled(by="clinic"), e.Notified()),
        (*papers.to_awaiting(), papers.rejected()),
        (*papers.to_awaiting(), papers.rejected(), e.Notified()),
    ],
    ids=["refused", "cancelled and closed", "rejected", "rejected and closed"],
)
async def test_a_document_that_was_not_taken_may_come_again(
    ledger: Ledger, ending: tuple[e.Event, ...]
) -> None:
    await led(ledger, await born(ledger), *ending)

    again = await born(ledger, 2, local_uid=identity().local_uid)

    assert [one.id for one in await ledger.find_document(identity().local_uid.upper())] == [
        again.id,
        exchange().id,
    ]


@pytest.mark.parametrize(
    "standing",
    [
        (e.GaveUp(reason="no answer"),),
        (*papers.to_awaiting(), papers.registered()),
        (*papers.to_awaiting(), papers.registered(), e.Notified()),
    ],
    ids=["parked", "registered", "registered and closed"],
)
async def test_a_document_that_may_be_registered_stands_in_the_way(
    ledger: Ledger, standing: tuple[e.Event, ...]
) -> None:
    await led(ledger, await born(ledger), *standing)

    with pytest.raises(IdentityTaken):
        await born(ledger, 2, local_uid=identity().local_uid)


async def test_the_same_paper_under_another_id_is_no_new_paper(ledger: Ledger) -> None:
    made = await born(ledger, patient="aa", protocol_number="17")

    with pytest.raises(IdentityTaken) as taken:
        await born(ledger, 2, patient="aa", protocol_number="17")

    assert taken.value.exchanges == (made,)
    twin = identity(2, patient="aa", protocol_number="17")
    assert await ledger.find_twins(twin) == [made]


@pytest.mark.parametrize(
    "difference",
    [
        {"kind": "130"},
        {"organization": "1.2.3"},
        {"patient": "bb"},
        {"protocol_number": "18"},
        {"patient": ""},
        {"protocol_number": ""},
        {"set_id": "set-1"},
    ],
    ids="".join,
)
async def test_another_paper_is_no_twin(ledger: Ledger, difference: dict[str, Any]) -> None:
    marks: dict[str, Any] = {"patient": "aa", "protocol_number": "17", "set_id": "set-1"}
    await born(ledger, **marks)

    other = {**marks, "set_id": "set-2", **difference}

    assert (await born(ledger, 2, **other)).revision == 1
    assert await ledger.find_twins(identity(2, **other)) == []


async def test_marks_that_nobody_gave_make_no_twins(ledger: Ledger) -> None:
    await born(ledger, patient="aa")

    assert (await born(ledger, 2, patient="aa")).revision == 1


async def test_a_sender_can_say_that_it_is_no_twin(ledger: Ledger) -> None:
    await born(ledger, patient="aa", protocol_number="17")

    new = papers.birth(2, patient="aa", protocol_number="17")

    assert (await ledger.create(replace(new, confirmed_new=True))).revision == 1


async def test_confirming_does_not_open_a_taken_id(ledger: Ledger) -> None:
    await born(ledger)

    again = papers.birth(2, local_uid=identity().local_uid)

    with pytest.raises(IdentityTaken):
        await ledger.create(replace(again, confirmed_new=True))


async def test_a_child_does_not_stand_in_its_parents_way(ledger: Ledger) -> None:
    made = await born(ledger)
    notice = Opening(purpose="notice-epgu", identity=identity(endpoint="epgu"))
    await ledger.save(decided(made, e.Refused(findings=()), openings=(notice,)))

    assert (await born(ledger, 2, local_uid=identity().local_uid)).revision == 1


async def test_an_exchange_id_is_used_once(ledger: Ledger) -> None:
    await born(ledger)

    with pytest.raises(GatewayError) as refused:
        await ledger.create(replace(papers.birth(), exchange=exchange(local_uid="another")))

    assert isinstance(refused.value, HouseError)


# --- keys and callbacks -----------------------------------------------------------------------


async def test_an_idempotency_key_is_kept_with_the_birth(ledger: Ledger) -> None:
    used = papers.idempotency()

    await ledger.create(replace(papers.birth(), idempotency=used))

    assert await ledger.recall("clinic", "key-1") == used
    assert await ledger.recall("other", "key-1") is None


async def test_a_key_used_twice_at_once_is_read_again(ledger: Ledger) -> None:
    used = papers.idempotency()

    _, second = await asyncio.gather(
        ledger.create(replace(papers.birth(), idempotency=used)),
        ledger.create(replace(papers.birth(2), idempotency=used)),
        return_exceptions=True,
    )

    assert isinstance(second, Overtaken)
    assert await ledger.get(exchange(2).id) is None


async def test_a_refused_birth_leaves_no_key(ledger: Ledger) -> None:
    await born(ledger)
    again = papers.birth(2, local_uid=identity().local_uid)

    with pytest.raises(IdentityTaken):
        await ledger.create(replace(again, idempotency=papers.idempotency()))

    assert await ledger.recall("clinic", "key-1") is None


async def test_a_callback_counts_once(ledger: Ledger) -> None:
    awaiting = await led(ledger, await born(ledger), *papers.to_awaiting())
    answered = await ledger.save(decided(awaiting, papers.registered()), callback=papers.callback())

    with pytest.raises(Replayed):
        await ledger.save(decided(answered, papers.registered()), callback=papers.callback())

    assert await ledger.get(answered.id) == answered
    told = (await ledger.timeline(answered.id))[-1].facts
    assert told["callback"]["message_id"] == "call-1"


async def test_a_callback_whose_save_was_overtaken_may_try_again(ledger: Ledger) -> None:
    awaiting = await led(ledger, await born(ledger), *papers.to_awaiting())
    newer = await led(ledger, awaiting, e.StillPending())

    with pytest.raises(Overtaken):
        await ledger.save(decided(awaiting, papers.registered()), callback=papers.callback())

    answered = await ledger.save(decided(newer, papers.registered()), callback=papers.callback())
    assert answered.outcome is Outcome.REGISTERED


async def test_a_callback_that_matches_nothing_is_kept_once(ledger: Ledger) -> None:
    await ledger.keep_callback(papers.callback())

    with pytest.raises(Replayed):
        await ledger.keep_callback(papers.callback())

    await ledger.keep_callback(papers.callback(partner="another"))
    await ledger.keep_callback(papers.callback(endpoint="another"))
    await ledger.keep_callback(papers.callback("call-2"))


async def test_a_stray_is_kept_as_often_as_it_comes(ledger: Ledger) -> None:
    await ledger.keep_stray(papers.stray())
    await ledger.keep_stray(papers.stray())


async def test_a_refusal_in_a_crowd_harms_nobody_else(ledger: Ledger) -> None:
    made = [await born(ledger, number) for number in range(1, 31)]
    stale = [decided(replace(one, revision=9), e.Validated()) for one in made[::3]]
    fresh = [decided(one, e.Validated()) for one in made]

    answers = await asyncio.gather(
        *(ledger.save(one) for pair in zip(fresh[::3], stale, strict=True) for one in pair),
        *(ledger.save(one) for one in fresh[1::3]),
        *(ledger.save(one) for one in fresh[2::3]),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Overtaken) for one in answers) == len(stale)
    assert {one.state for one in [await ledger.get(one.id) for one in made] if one} == {
        State.VALIDATED
    }


async def test_a_key_is_remembered_once_also_where_no_exchange_was_made(ledger: Ledger) -> None:
    used = Idempotency(
        sender="clinic", key="k", request_sha256="1", status=202, location="exchange-1"
    )

    await ledger.remember(used)

    assert await ledger.recall("clinic", "k") == used
    with pytest.raises(Overtaken):
        await ledger.remember(used)
