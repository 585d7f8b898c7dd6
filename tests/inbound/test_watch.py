"""Waking whoever waits, and letting a key act once."""

import asyncio

import pytest
from aiohttp import web

from gateway.errors import WeatherError
from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.flow.intake import KeyReused
from gateway.inbound.keys import Keys
from gateway.inbound.watch import Watch, exchange_topic, inbox_topic
from tests.inbound.office import NOON, make_exchange

HOUR = 3600.0


@pytest.mark.parametrize("topic", [exchange_topic("x-1"), inbox_topic("mis")])
async def test_a_decision_wakes_whoever_waits_for_it(topic: str) -> None:
    watch, known = Watch(look_again=HOUR), asyncio.Event()
    decision = decide(make_exchange("x-1", "mis"), e.Cancelled(by="mis"), now=NOON)

    async def look() -> str | None:
        return "known" if known.is_set() else None

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(watch.wait(topic, look, seconds=5))
        await asyncio.sleep(0)
        known.set()
        watch.advanced(decision)

    assert waiting.result() == "known"


async def test_whoever_waits_for_something_else_sleeps_on() -> None:
    watch, looks = Watch(look_again=HOUR), 0
    decision = decide(make_exchange("x-1", "mis"), e.Validated(), now=NOON)

    async def look() -> str | None:
        nonlocal looks
        looks += 1
        return None

    async with asyncio.TaskGroup() as tasks:
        for topic in (exchange_topic("x-2"), inbox_topic("mis")):
            tasks.create_task(watch.wait(topic, look, seconds=0.05))
        await asyncio.sleep(0)
        watch.advanced(decision)

    assert looks == 2


async def test_what_another_process_wrote_is_found_by_looking_again() -> None:
    watch, looks = Watch(look_again=0.001), 0

    async def look() -> str | None:
        nonlocal looks
        looks += 1
        return "found" if looks > 2 else None

    assert await watch.wait("topic", look, seconds=HOUR) == "found"


class Acting:
    """An act that waits until it may end."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> web.Response:
        self.begun += 1
        await self.may_end.wait()
        return web.Response(body=b"done", content_type="text/plain")


async def test_two_at_once_under_one_key_act_once() -> None:
    keys, act = Keys(), Acting()

    async with asyncio.TaskGroup() as tasks:
        answers = [
            tasks.create_task(keys.answer_once(sender="mis", key="k", request="r", act=act))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        act.may_end.set()

    assert act.begun == 1
    assert {answer.result().body for answer in answers} == {b"done"}


async def test_a_key_whose_act_failed_is_free_again() -> None:
    keys, act = Keys(), Acting()
    act.may_end.set()

    async def failing() -> web.Response:
        raise WeatherError("not now")

    with pytest.raises(WeatherError):
        await keys.answer_once(sender="mis", key="k", request="r", act=failing)
    answer = await keys.answer_once(sender="mis", key="k", request="other", act=act)

    assert answer.body == b"done"


async def test_a_key_that_was_used_is_not_free() -> None:
    keys, act = Keys(), Acting()
    act.may_end.set()

    await keys.answer_once(sender="mis", key="k", request="r", act=act)

    with pytest.raises(KeyReused):
        await keys.answer_once(sender="mis", key="k", request="other", act=act)


async def test_the_oldest_keys_are_forgotten() -> None:
    keys, act = Keys(most=2), Acting()
    act.may_end.set()

    for key in ("a", "b", "c", "a"):
        await keys.answer_once(sender="mis", key=key, request="r", act=act)

    assert act.begun == 4
