"""What a person may do, and when it is too late for it."""

import pytest

from gateway.exchange import events as e
from gateway.exchange.states import Outcome, State
from gateway.flow.acts import Acts, NotFound, NotPossible
from gateway.ports import SignerCms
from tests.flow.conftest import World, exchange


async def test_a_document_is_taken_back_before_its_first_delivery(world: World) -> None:
    one = await world.put(exchange())

    after = await Acts(desk=world.desk).cancel(one.id, by="sender mis")

    assert (after.state, after.outcome) == (State.ANSWERED, Outcome.CANCELLED)


async def test_what_is_on_its_way_cannot_be_taken_back(world: World) -> None:
    one = await world.put(exchange())
    for event in (e.Validated(), e.Mapped(), e.Signed()):
        one = await world.desk.write(one, event)
    await world.desk.write(one, e.DeliveryBegan(message_id="m1", envelope_sha256="0"))

    with pytest.raises(NotPossible):
        await Acts(desk=world.desk).cancel(one.id, by="sender mis")


async def test_a_parked_exchange_goes_on_from_where_it_stood(world: World) -> None:
    one = await world.put(exchange())
    one = await world.desk.write(one, e.Validated())
    await world.desk.write(one, e.GaveUp(reason="tired"))

    after = await Acts(desk=world.desk).resume(one.id, by="operator ops")

    assert (after.state, after.due) == (State.VALIDATED, world.clock.now())


async def test_what_is_not_parked_cannot_be_resumed(world: World) -> None:
    one = await world.put(exchange())

    with pytest.raises(NotPossible, match="not parked"):
        await Acts(desk=world.desk).resume(one.id, by="operator ops")


async def test_an_operator_lets_a_held_version_overtake(world: World) -> None:
    one = await world.put(exchange())
    await world.desk.write(one, e.Held(by_exchange="earlier"))

    after = await Acts(desk=world.desk).release(one.id, by="operator ops")

    assert not after.held_by
    with pytest.raises(NotPossible, match="no earlier version"):
        await Acts(desk=world.desk).release(one.id, by="operator ops")


async def test_a_signature_is_given_where_it_is_waited_for(world: World) -> None:
    one = await world.put(exchange())
    for event in (e.Validated(), e.Mapped(), e.SignaturesMissing(findings=())):
        one = await world.desk.write(one, event)

    after = await Acts(desk=world.desk).give_signature(one.id, SignerCms(role="14", content=b"cms"))

    assert after.state is State.MAPPED
    (name,) = await world.ledger.payload_names(one.id)
    assert name.startswith("signature:14:")


async def test_nobody_acts_on_what_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        await Acts(desk=world.desk).cancel("none", by="sender mis")
