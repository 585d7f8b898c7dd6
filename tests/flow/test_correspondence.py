"""State systems call in: what is verified settles, what is not settles nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from gateway.errors import GatewayError, HouseError, MalformedMessage, WeatherError
from gateway.exchange import events as e
from gateway.exchange.decision import Decision
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Outcome, State
from gateway.flow.correspondence import Correspondence
from gateway.ports import Birth, Callback, Reference, Reply, StoredCallback, Unverified
from gateway.store.memory import MemoryLedger
from tests.flow.conftest import World, exchange

WIRE = e.Wire(direction="in", name="sendRegisterDocumentResult", body=b"<x/>", message_id="c1")
RESULT = Callback(
    partner="remd-partner",
    message_id="c1",
    name="sendRegisterDocumentResult",
    about=Reference(message_id="m1"),
    event=e.Answered(
        registered=True, source=e.Source.CALLBACK, message_id="m1", number="119", wire=(WIRE,)
    ),
    wire=WIRE,
)
QUESTION = Callback(
    partner="remd-partner",
    message_id="c2",
    name="getDocumentFile",
    about=Reference(local_uid=exchange().identity.local_uid.upper()),
    event=e.StillPending(reason="getDocumentFile"),
    wants_document=True,
    wire=replace(WIRE, name="getDocumentFile"),
)


@dataclass
class Door:
    """A door that reads what the test has put before it."""

    says: Callback | Unverified
    name: str = "remd"
    largest_call: int = 1024
    fails: GatewayError | None = None

    def wsdl(self) -> bytes:
        return b""

    def read(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Callback:
        if isinstance(self.says, Unverified):
            raise self.says
        return self.says

    def accept(self, callback: Callback, *, document: bytes | None, now: datetime) -> Reply:
        if self.fails:
            raise self.fails
        return Reply(
            status=200,
            body=document or b"ok",
            content_type="text/xml",
            name=f"{callback.name}Response",
            message_id="r1",
        )

    def refuse(self, reason: str, *, sender_at_fault: bool, request: bytes) -> Reply:
        status = 400 if sender_at_fault else 500
        return Reply(status=status, body=reason.encode(), content_type="text/xml")


async def delivered(
    world: World, number: int = 1, *, document: bytes = b"<ClinicalDocument/>"
) -> Exchange:
    one = exchange(number)
    kept = e.Payload(name="document", content=document)
    one = await world.ledger.create(Birth(exchange=one, received=e.Received(keeps=(kept,))))
    for event in (
        e.Validated(),
        e.Mapped(),
        e.Signed(),
        e.DeliveryBegan(message_id=f"m{number}", envelope_sha256="0"),
        e.Accepted(),
    ):
        one = await world.desk.write(one, event)
    return one


async def hear(
    world: World, says: Callback | Unverified, ear: Correspondence | None = None
) -> Reply:
    ear = ear or Correspondence(desk=world.desk)
    return await ear.hear(Door(says), b"<Envelope/>", headers={}, source="127.0.0.1")


async def stands(world: World, one: Exchange) -> Exchange:
    now = await world.ledger.get(one.id)
    assert now is not None
    return now


async def test_a_verified_registration_settles_the_attempt_it_relates_to(world: World) -> None:
    one = await delivered(world)

    reply = await hear(world, RESULT)

    after = await stands(world, one)
    assert reply.status == 200
    assert (after.state, after.outcome, after.number) == (
        State.ANSWERED,
        Outcome.REGISTERED,
        "119",
    )


async def test_a_replayed_envelope_is_refused_and_changes_nothing(world: World) -> None:
    one = await delivered(world)
    await hear(world, RESULT)
    before = await stands(world, one)

    reply = await hear(world, RESULT)

    assert reply.status == 400
    assert await stands(world, one) == before
    assert ("remd", "doubled") in world.observer.answers


async def test_an_unverified_call_only_brings_the_inquiry_forward(world: World) -> None:
    one = await delivered(world)
    world.clock.pass_(timedelta(seconds=1))
    stranger = Unverified("no signature", about=Reference(local_uid=one.identity.local_uid))

    reply = await hear(world, stranger)

    after = await stands(world, one)
    assert reply.status == 400
    assert (after.state, after.due) == (State.AWAITING, world.clock.now())
    assert world.observer.answers == [("remd", "unverified")]


async def test_a_stranger_who_knocks_on_is_heard_once_in_a_while(world: World) -> None:
    one = await delivered(world)
    stranger = Unverified("no signature", about=Reference(local_uid=one.identity.local_uid))
    ear = Correspondence(desk=world.desk)

    for _ in range(5):
        await hear(world, stranger, ear)

    assert world.observer.events.count("InquiryWanted") == 1


async def test_the_file_is_given_for_a_document_that_was_sent(world: World) -> None:
    one = await delivered(world)

    reply = await hear(world, QUESTION)

    assert reply.body == b"<ClinicalDocument/>"
    assert (await stands(world, one)).state is State.AWAITING


async def test_the_file_of_a_document_that_was_never_sent_is_not_given(world: World) -> None:
    kept = e.Payload(name="document", content=b"<ClinicalDocument/>")
    await world.ledger.create(Birth(exchange=exchange(), received=e.Received(keeps=(kept,))))

    reply = await hear(world, QUESTION)

    assert reply.status == 400
    assert b"ClinicalDocument" not in reply.body


async def test_a_question_during_the_delivery_counts_as_still_pending(world: World) -> None:
    one = exchange()
    kept = e.Payload(name="document", content=b"<ClinicalDocument/>")
    one = await world.ledger.create(Birth(exchange=one, received=e.Received(keeps=(kept,))))
    for event in (e.Validated(), e.Mapped(), e.Signed()):
        one = await world.desk.write(one, event)
    one = await world.desk.write(one, e.DeliveryBegan(message_id="m1", envelope_sha256="0"))

    await hear(world, QUESTION)

    assert (await stands(world, one)).state is State.AWAITING


async def test_a_callback_that_matches_nothing_is_kept_and_counted(world: World) -> None:
    lost = replace(RESULT, about=Reference(message_id="unknown", local_uid="none"))

    reply = await hear(world, lost)

    assert reply.status == 200
    assert world.observer.answers == [("remd", "unmatched")]
    assert (await hear(world, lost)).status == 400, "it is kept, so its replay is known"


async def test_a_verified_but_unreadable_callback_brings_the_inquiry_forward(world: World) -> None:
    one = await delivered(world)
    broken = replace(RESULT, event=None, malformed="no relatesToMessage")
    world.clock.pass_(timedelta(seconds=1))

    reply = await hear(world, broken)

    after = await stands(world, one)
    assert reply.status == 200
    assert (after.state, after.due) == (State.AWAITING, world.clock.now())


async def test_a_callback_at_another_endpoints_door_matches_nothing(world: World) -> None:
    one = await delivered(world)
    ear = Correspondence(desk=world.desk)

    await ear.hear(Door(RESULT, name="ecp"), b"<x/>", headers={}, source="127.0.0.1")

    assert (await stands(world, one)).state is State.AWAITING


async def test_already_registered_without_a_number_is_asked_after(world: World) -> None:
    one = await delivered(world)
    already = e.Answered(
        registered=True, already=True, source=e.Source.CALLBACK, message_id="m1", wire=(WIRE,)
    )

    await hear(world, replace(RESULT, event=already))

    after = await stands(world, one)
    assert after.state is State.AWAITING
    assert after.due is not None
    assert after.due <= world.clock.now() + Terms().inquiry.base


async def test_a_rejection_after_the_registration_is_journalled_and_changes_nothing(
    world: World,
) -> None:
    one = await delivered(world)
    await hear(world, RESULT)
    rejection = e.Answered(registered=False, source=e.Source.CALLBACK, message_id="m1")

    await hear(world, replace(RESULT, event=rejection, message_id="c3"))

    after = await stands(world, one)
    assert after.outcome is Outcome.REGISTERED
    assert not world.observer.heard[-1].changed


async def test_our_answer_lies_in_the_timeline_beside_the_call(world: World) -> None:
    one = await delivered(world)

    reply = await hear(world, RESULT)

    entry = (await world.ledger.timeline(one.id))[-1]
    told = e.Wire(
        direction="out",
        name="sendRegisterDocumentResultResponse",
        body=reply.body,
        message_id="r1",
        relates_to="c1",
        note="http 200",
    )
    assert (entry.event, entry.wire) == ("Answered", (WIRE, told))


async def test_of_an_answer_with_the_document_only_the_head_is_kept(world: World) -> None:
    document = b"<ClinicalDocument>" + b"a" * 2**16
    one = await delivered(world, document=document)

    reply = await hear(world, QUESTION)

    kept = (await world.ledger.timeline(one.id))[-1].wire[-1]
    assert reply.body == document
    assert kept.body == document[: 8 * 2**10]
    assert str(len(document)) in kept.note
    assert sha256(document).hexdigest() in kept.note


@pytest.mark.parametrize(
    "error",
    [
        HouseError("the key /secret/path cannot be read"),
        MalformedMessage("too large to sign"),
        WeatherError("the backend is busy"),
    ],
    ids=["house", "malformed", "weather"],
)
@pytest.mark.parametrize("says", [RESULT, QUESTION], ids=["result", "question"])
async def test_what_cannot_be_answered_is_not_heard_and_may_come_again(
    world: World, error: GatewayError, says: Callback
) -> None:
    one = await delivered(world)
    ear = Correspondence(desk=world.desk)

    failed = await ear.hear(Door(says, fails=error), b"<x/>", headers={}, source="127.0.0.1")

    assert failed.status == 500
    assert error.text.encode() not in failed.body
    assert await stands(world, one) == one
    assert (await hear(world, says, ear)).status == 200, "it is no replay"


async def test_an_unmatched_call_that_cannot_be_answered_is_not_kept(world: World) -> None:
    lost = replace(RESULT, about=Reference(message_id="unknown", local_uid="none"))
    ear = Correspondence(desk=world.desk)
    unable = Door(lost, fails=HouseError("no key"))

    failed = await ear.hear(unable, b"<x/>", headers={}, source="127.0.0.1")

    assert failed.status == 500
    assert (await hear(world, lost, ear)).status == 200, "it is no replay"


class Full(MemoryLedger):
    """A ledger on a full disk."""

    async def save(self, decision: Decision, *, callback: StoredCallback | None = None) -> Exchange:
        if callback is not None:
            raise WeatherError("the disk is full")
        return await super().save(decision, callback=callback)


async def test_a_call_that_cannot_be_written_is_answered_with_a_fault_of_ours() -> None:
    world = World(ledger=Full())
    await world.ledger.open()
    one = await delivered(world)

    reply = await hear(world, RESULT)

    assert reply.status == 500
    assert await stands(world, one) == one
    await world.ledger.close()
