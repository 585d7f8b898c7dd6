"""What an answer is worth."""

from dataclasses import replace

import pytest

from gateway.exchange import events as e
from gateway.exchange.record import Attempt, Exchange
from gateway.flow.answers import weigh, with_number
from gateway.ports import InquiryEvent
from tests.flow.conftest import NOON, World, exchange

ATTEMPT = Attempt(number=0, message_id="m1", envelope_sha256="0", began_at=NOON)
ALREADY = e.Answered(registered=True, already=True, source=e.Source.CALLBACK, number="119.77")
FOUND = e.Answered(registered=True, source=e.Source.INQUIRY, number="119.77")


def sent(number: int = 1) -> Exchange:
    return replace(exchange(number), attempts=(ATTEMPT,))


async def with_predecessor(world: World, document_sha256: str) -> Exchange:
    """Return an exchange whose id was once sent with a document of this hash."""
    first = await world.put(exchange())
    for event in (e.Validated(), e.Mapped(), e.Signed()):
        first = await world.desk.write(first, event)
    first = await world.desk.write(first, e.DeliveryBegan(message_id="m0", envelope_sha256="0"))
    await world.desk.write(first, e.Answered(registered=False, source=e.Source.SYNCHRONOUS))
    identity = replace(first.identity, document_sha256=document_sha256)
    return replace(exchange(2), identity=identity, attempts=(ATTEMPT,))


@pytest.mark.parametrize("event", [ALREADY, FOUND])
async def test_already_registered_counts_when_only_these_bytes_were_ever_sent(
    world: World, event: e.Answered
) -> None:
    successor = await with_predecessor(world, exchange().identity.document_sha256)

    weighed = await weigh(world.ledger, successor, event)

    assert weighed == event


@pytest.mark.parametrize("event", [ALREADY, FOUND, replace(FOUND, source=e.Source.CALLBACK)])
async def test_already_registered_is_a_rejection_when_other_bytes_were_sent(
    world: World, event: e.Answered
) -> None:
    successor = await with_predecessor(world, "f" * 64)

    weighed = await weigh(world.ledger, successor, event)

    assert isinstance(weighed, e.Answered)
    assert not weighed.registered
    assert [one.rule for one in weighed.findings] == ["registered-with-other-bytes"]


async def test_the_direct_answer_to_our_attempt_is_believed(world: World) -> None:
    successor = await with_predecessor(world, "f" * 64)
    direct = replace(FOUND, source=e.Source.CALLBACK, message_id="m1")

    assert await weigh(world.ledger, successor, direct) == direct


async def test_a_rejection_needs_no_weighing(world: World) -> None:
    rejection = e.Answered(registered=False, source=e.Source.CALLBACK)

    assert await weigh(world.ledger, sent(), rejection) is rejection


async def test_a_number_that_the_text_lacks_is_asked_for() -> None:
    async def inquire() -> InquiryEvent:
        return FOUND

    numbered = await with_number(replace(ALREADY, number=""), inquire)

    assert isinstance(numbered, e.Answered)
    assert (numbered.number, numbered.already) == ("119.77", True)


async def test_registered_without_a_number_is_registered_all_the_same() -> None:
    async def inquire() -> InquiryEvent:
        return e.NotThere()

    numbered = await with_number(replace(ALREADY, number=""), inquire)

    assert isinstance(numbered, e.Answered)
    assert numbered.registered
    assert [one.rule for one in numbered.findings] == ["registered-without-number"]


async def test_where_nobody_can_name_the_number_it_is_asked_again_later() -> None:
    async def inquire() -> InquiryEvent:
        return e.Unavailable(reason="silence")

    numbered = await with_number(replace(ALREADY, number="", codes=("NOT_UNIQUE",)), inquire)

    assert isinstance(numbered, e.TurnedAway)
    assert numbered.codes == ("NOT_UNIQUE",)


async def test_a_number_that_is_there_is_not_asked_for() -> None:
    async def inquire() -> InquiryEvent:
        raise AssertionError

    assert await with_number(ALREADY, inquire) == ALREADY
