"""What a ledger promises whoever works through it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.states import State
from gateway.ports import Ledger
from tests.store import papers
from tests.store.papers import MINUTE, NOON, born, exchange, led


def _numbers(found: object) -> list[int]:
    assert isinstance(found, list)
    return [int(one.id[-12:]) for one in found if isinstance(one, Exchange)]


async def test_the_urgent_come_first_then_the_longest_due(ledger: Ledger) -> None:
    await born(ledger, 1, due=NOON - 2 * MINUTE)
    await born(ledger, 2, due=NOON - 3 * MINUTE)
    await born(ledger, 3, due=NOON, priority=5)
    await born(ledger, 4, due=NOON + MINUTE, priority=9)

    claimed = await ledger.claim(now=NOON, limit=10)

    assert _numbers(list(claimed)) == [3, 2, 1]


async def test_what_is_in_hand_is_not_claimed_again(ledger: Ledger) -> None:
    await born(ledger)

    first = await ledger.claim(now=NOON, limit=10)
    second = await ledger.claim(now=NOON, limit=10)
    await ledger.release(exchange().id)
    third = await ledger.claim(now=NOON, limit=10)

    assert [len(one) for one in (first, second, third)] == [1, 0, 1]


async def test_two_who_claim_at_once_get_different_exchanges(ledger: Ledger) -> None:
    for number in range(1, 11):
        await born(ledger, number)

    hands = await asyncio.gather(*(ledger.claim(now=NOON, limit=4) for _ in range(4)))

    claimed = [one.id for hand in hands for one in hand]
    assert len(claimed) == len(set(claimed)) == 10


async def test_a_held_exchange_stops_before_delivery(ledger: Ledger) -> None:
    held = await led(ledger, await born(ledger), e.Held(by_exchange="older"), *papers.to_signed())

    assert held.state is State.SIGNED
    assert list(await ledger.claim(now=NOON, limit=10)) == []
    assert await ledger.wait_for_due(now=NOON) is None
    assert list(await ledger.find_held("older")) == [held]
    free = await led(ledger, held, e.Released(by="operator"))
    assert list(await ledger.claim(now=NOON, limit=10)) == [free]


async def test_what_is_closed_or_parked_is_never_claimed(ledger: Ledger) -> None:
    await led(ledger, await born(ledger, 1), e.Cancelled(by="clinic"), e.Notified())
    await led(ledger, await born(ledger, 2), e.GaveUp(reason="no answer"))

    assert list(await ledger.claim(now=NOON + 999 * MINUTE, limit=10)) == []


async def test_no_sender_eats_a_whole_round(ledger: Ledger) -> None:
    for number in range(1, 9):
        await born(ledger, number, sender="big", due=NOON - MINUTE, priority=1)
    await born(ledger, 9, sender="small")

    claimed = await ledger.claim(now=NOON, limit=4)

    assert _numbers(list(claimed)) == [1, 2, 3, 9]


async def test_places_that_nobody_else_wants_are_filled(ledger: Ledger) -> None:
    for number in range(1, 9):
        await born(ledger, number, sender="big")
    await born(ledger, 9, sender="small", due=NOON + MINUTE)

    assert _numbers(list(await ledger.claim(now=NOON, limit=6))) == [1, 2, 3, 4, 5, 6]


async def test_the_next_due_time_is_known(ledger: Ledger) -> None:
    assert await ledger.wait_for_due(now=NOON) is None
    await born(ledger, 1, due=NOON + 5 * MINUTE)
    await born(ledger, 2, due=NOON + 3 * MINUTE, priority=1)

    assert await ledger.wait_for_due(now=NOON) == NOON + 3 * MINUTE
    assert await ledger.wait_for_due(now=NOON + 4 * MINUTE) == NOON + 4 * MINUTE


async def test_what_is_in_hand_is_not_waited_for(ledger: Ledger) -> None:
    await born(ledger)
    await ledger.claim(now=NOON, limit=1)

    assert await ledger.wait_for_due(now=NOON) is None


@pytest.mark.parametrize("writing", ["create", "save", "release"])
async def test_the_bell_rings_for_whoever_waits(ledger: Ledger, writing: str) -> None:
    made = await born(ledger)
    await ledger.wait_for_bell()
    waiting = asyncio.ensure_future(ledger.wait_for_bell())
    await asyncio.sleep(0)
    assert not waiting.done()

    if writing == "create":
        await born(ledger, 2)
    elif writing == "save":
        await led(ledger, made, e.Validated())
    else:
        await ledger.release(made.id)

    await asyncio.wait_for(waiting, timeout=30)


async def test_a_bell_that_rang_before_is_heard(ledger: Ledger) -> None:
    await born(ledger)

    await asyncio.wait_for(ledger.wait_for_bell(), timeout=30)
