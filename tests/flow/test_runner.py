"""Every due exchange gets what it is owed, and a power cut on any line loses nothing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.errors import HouseError, Overtaken
from gateway.exchange import events as e
from gateway.exchange.decision import Decision, decide
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty, Outcome, State
from gateway.flow.runner import Runner
from gateway.store.memory import MemoryLedger
from tests.flow.conftest import NOON, QUIET, Listener, PowerCutError, World, exchange, fails, says

BEGAN = e.DeliveryBegan(message_id="m1", envelope_sha256="0" * 64)
REGISTERED = e.Answered(registered=True, source=e.Source.INQUIRY, number="119.77")
HAPPY = {
    Duty.VALIDATE: says(e.Validated()),
    Duty.MAP: says(e.Mapped()),
    Duty.SIGN: says(e.Signed()),
    Duty.DELIVER: says(BEGAN, e.Accepted()),
    Duty.INQUIRE: says(REGISTERED),
    Duty.NOTIFY: says(e.Notified()),
}


async def test_an_exchange_is_walked_until_only_waiting_is_left(world: World) -> None:
    born = await world.put(exchange())

    after = await world.walk(born, HAPPY)

    assert after.state is State.AWAITING
    assert after.due == NOON + Terms().answer_within
    assert world.observer.events == ["Validated", "Mapped", "Signed", "DeliveryBegan", "Accepted"]


async def test_when_no_answer_comes_in_time_the_recipient_is_asked(world: World) -> None:
    waiting = await world.walk(await world.put(exchange()), HAPPY)
    world.clock.pass_(Terms().answer_within)

    after = await world.walk(waiting, HAPPY)

    assert (after.state, after.outcome, after.number) == (
        State.CLOSED,
        Outcome.REGISTERED,
        "119.77",
    )
    assert [one.kind for one in await world.ledger.inbox("mis", after=0, limit=9)] == [
        "handed-over",
        "registered",
    ]


async def test_power_cut_after_the_delivery_began_leaves_an_inquiry_owed(world: World) -> None:
    async def dying(_exchange: Exchange) -> AsyncIterator[e.Event]:
        yield BEGAN
        raise KeyboardInterrupt

    born = await world.put(exchange())

    with pytest.raises(KeyboardInterrupt):
        await world.walk(born, {**HAPPY, Duty.DELIVER: dying})

    left = await world.ledger.get(born.id)
    assert left is not None
    assert (left.state, left.duty) == (State.DELIVERING, Duty.INQUIRE)


async def test_power_cut_before_the_delivery_is_on_disk_sends_nothing(world: World) -> None:
    sent: list[str] = []

    async def deliver(_exchange: Exchange) -> AsyncIterator[e.Event]:
        yield BEGAN
        sent.append("first byte")
        yield e.Accepted()

    def cut(name: str) -> None:
        if name == "before-save:DeliveryBegan":
            raise PowerCutError

    dark = replace(world, failpoint=cut)
    born = await world.put(exchange())

    await dark.walk(born, {**HAPPY, Duty.DELIVER: deliver})

    assert not sent


async def test_a_fault_in_a_step_keeps_the_place_and_tells_no_content(world: World) -> None:
    faulty = fails(ValueError("Иванов Иван 112-233-445 95"))

    after = await world.walk(await world.put(exchange()), {**HAPPY, Duty.MAP: faulty})

    assert after.state is State.VALIDATED
    assert after.due is not None
    assert after.due > NOON
    (event,) = [one.event for one in world.observer.heard if isinstance(one.event, e.Unavailable)]
    assert "Иванов" not in event.reason
    assert event.reason.startswith("unexpected ValueError at tests.flow.conftest")


async def test_a_known_failure_is_told_in_its_own_words(world: World) -> None:
    keyless = fails(HouseError("no transport key of this organisation"))

    await world.walk(await world.put(exchange()), {**HAPPY, Duty.SIGN: keyless})

    event = world.observer.heard[-1].event
    assert isinstance(event, e.Unavailable)
    assert event.reason == "no transport key of this organisation"


async def test_nothing_found_at_the_end_of_the_age_parks_with_its_reason(world: World) -> None:
    steps = {**HAPPY, Duty.INQUIRE: says(e.Unavailable(reason="silence"))}
    waiting = await world.walk(await world.put(exchange()), steps)
    world.clock.pass_(Terms().maximum_age)

    after = await world.walk(waiting, steps)

    assert after.state is State.PARKED
    assert "15 days" in after.parked_because


async def test_a_resend_on_the_last_day_is_still_waited_for(world: World) -> None:
    steps = {**HAPPY, Duty.INQUIRE: says(e.NotThere())}
    terms = replace(Terms(), maximum_attempts=2)
    short = replace(world, terms=terms)
    waiting = await short.walk(await world.put(exchange()), steps)
    world.clock.pass_(timedelta(hours=2))
    resend = await short.walk(waiting, steps)
    assert (resend.state, resend.attempt) == (State.SIGNED, 1)
    world.clock.pass_(timedelta(hours=2))

    after = await short.walk(resend, steps)

    assert after.state is State.AWAITING


async def test_the_budget_of_deliveries_ends_in_the_hands_of_a_person(world: World) -> None:
    steps = {**HAPPY, Duty.INQUIRE: says(e.NotThere())}
    short = replace(world, terms=replace(Terms(), maximum_attempts=1))
    waiting = await short.walk(await world.put(exchange()), steps)
    world.clock.pass_(timedelta(hours=2))

    after = await short.walk(waiting, steps)

    assert after.state is State.PARKED
    assert "1 deliveries" in after.parked_because


async def test_whoever_comes_second_stops(world: World) -> None:
    born = await world.put(exchange())
    await world.desk.write(born, e.Validated())

    with pytest.raises(Overtaken):
        await world.walk(born, HAPPY)


async def test_a_held_version_waits_for_the_earlier_one_and_goes_on_after_it(world: World) -> None:
    first = await world.put(exchange(1))
    second = await world.put(exchange(2))
    held = await world.desk.write(second, e.Held(by_exchange=first.id))
    signed = await world.walk(held, HAPPY)
    assert (signed.state, signed.duty) == (State.SIGNED, Duty.DELIVER)

    waiting = await world.walk(first, HAPPY)
    world.clock.pass_(Terms().answer_within)
    await world.walk(waiting, HAPPY)

    released = await world.ledger.get(second.id)
    assert released is not None
    assert not released.held_by


class FullDisk(MemoryLedger):
    """A ledger whose disk is full for a while."""

    failures = 2

    async def claim(self, *, now: datetime, limit: int) -> Sequence[Exchange]:
        if self.failures:
            self.failures -= 1
            raise HouseError("the disk is full")
        return await super().claim(now=now, limit=limit)


async def test_a_ledger_that_fails_for_a_while_does_not_end_the_work() -> None:
    world = World(ledger=FullDisk())
    await world.put(exchange())
    runner = Runner(
        log=QUIET, desk=world.desk, steps={**HAPPY, Duty.DELIVER: says(e.Cancelled(by="x"))}
    )

    class Stopper(Listener):
        def advanced(self, decision: Decision) -> None:
            super().advanced(decision)
            if isinstance(decision.event, e.Notified):
                runner.stop()

    runner.desk = replace(world.desk, observer=Stopper())
    await runner.run()

    ended = await world.ledger.get(exchange().id)
    assert ended is not None
    assert ended.outcome is Outcome.CANCELLED


async def test_many_exchanges_are_walked_at_once_and_the_house_closes_in_order(
    world: World,
) -> None:
    for number in range(1, 31):
        await world.put(exchange(number))
    runner = Runner(log=QUIET, desk=world.desk, steps=HAPPY, at_once=4)

    class Stopper:
        def advanced(self, decision: object) -> None:
            world.observer.advanced(decision)  # type: ignore[arg-type] # passed on as it came
            if world.observer.events.count("Notified") == 30:
                runner.stop()

        def answered(self, endpoint: str, kind: str) -> None:
            world.observer.answered(endpoint, kind)

    runner.desk = replace(world.desk, observer=Stopper())
    await runner.run()

    assert world.observer.events.count("Notified") == 30


async def test_an_answer_that_was_had_is_kept_when_the_exchange_moved_meanwhile(
    world: World,
) -> None:
    born = await world.put(exchange())
    rejection = e.Answered(registered=False, source=e.Source.SYNCHRONOUS, codes=("NO_SNILS",))

    async def deliver(moving: Exchange) -> AsyncIterator[e.Event]:
        yield BEGAN
        now = await world.ledger.get(moving.id)
        assert now is not None
        await world.desk.write(now, e.InquiryWanted(reason="a stranger"))
        yield rejection

    after = await world.walk(born, {**HAPPY, Duty.DELIVER: deliver})

    assert (after.state, after.outcome) == (State.CLOSED, Outcome.REJECTED)


async def test_an_answer_that_means_nothing_here_is_not_asked_for_again_at_once(
    world: World,
) -> None:
    asked: list[str] = []

    async def inquire(_exchange: Exchange) -> AsyncIterator[e.Event]:
        asked.append("asked")
        yield e.Signed()  # means nothing while an answer is awaited

    waiting = await world.walk(await world.put(exchange()), HAPPY)
    world.clock.pass_(Terms().answer_within)

    after = await world.walk(waiting, {**HAPPY, Duty.INQUIRE: inquire})

    assert asked == ["asked"]
    assert after.due is not None
    assert after.due > world.clock.now()


async def test_whom_a_crash_left_held_is_released_by_the_sweep(world: World) -> None:
    first = await world.put(exchange(1))
    held = await world.desk.write(await world.put(exchange(2)), e.Held(by_exchange=first.id))
    settled = decide(first, e.Cancelled(by="sender mis"), now=NOON)
    await world.ledger.save(settled)  # and the power is cut before the followers are released

    await world.desk.release_freed()

    released = await world.ledger.get(held.id)
    assert released is not None
    assert not released.held_by
