"""What is heavy leaves the loop, what is light does not, and no more than two go at once."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from gateway.errors import MalformedMessage
from gateway.flow.offloop import LIGHT, away, in_thread
from gateway.formats.cda import read_cda

PLACE: ContextVar[str] = ContextVar("PLACE", default="nowhere")


async def test_the_loop_goes_on_while_something_heavy_is_done() -> None:
    may_end = threading.Event()

    heavy = asyncio.ensure_future(away(LIGHT + 1, may_end.wait, 60))
    await asyncio.sleep(0)
    may_end.set()

    assert await heavy is True


async def test_what_is_light_is_done_at_once() -> None:
    assert await away(LIGHT, threading.get_ident) == threading.get_ident()
    assert await away(LIGHT + 1, threading.get_ident) != threading.get_ident()


async def test_no_more_than_two_are_done_at_once() -> None:
    gate, count, most = threading.Barrier(2), threading.Semaphore(2), []

    def work() -> None:
        most.append(count.acquire(blocking=False))
        gate.wait(60)
        count.release()

    await asyncio.gather(*(in_thread(work) for _ in range(6)))

    assert most == [True] * 6


async def test_an_error_and_the_context_cross_over() -> None:
    PLACE.set("here")

    assert await in_thread(PLACE.get) == "here"
    with pytest.raises(MalformedMessage):
        await away(LIGHT + 1, read_cda, b"no XML")
