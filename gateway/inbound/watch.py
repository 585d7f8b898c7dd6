"""Wakes whoever waits for an outcome or for a new entry of an inbox."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.exchange.decision import Decision

T = TypeVar("T")


class Watch:
    """An observer of the flow that people wait at."""

    def __init__(self, *, look_again: float = 1.0) -> None:
        """`look_again`: seconds; another process may have written, whose observer is not ours."""
        self._look_again = look_again
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def advanced(self, decision: Decision) -> None:
        """Wake who waits for this exchange, and for its sender's inbox where it grew."""
        self._ring(exchange_topic(decision.after.id))
        if decision.notices:
            self._ring(inbox_topic(decision.after.identity.sender))

    def answered(self, endpoint: str, kind: str) -> None:
        """Wake nobody: it belongs to no exchange."""

    async def wait(
        self, topic: str, look: Callable[[], Awaitable[T | None]], *, seconds: float
    ) -> T | None:
        """Return what `look` finds, as soon as it finds something; None when time is up."""
        bell = asyncio.Event()
        self._waiting[topic].add(bell)
        try:
            async with asyncio.timeout(seconds):
                return await self._look(bell, look)
        except TimeoutError:
            return None
        finally:
            self._waiting[topic].discard(bell)
            if not self._waiting[topic]:
                del self._waiting[topic]

    async def _look(self, bell: asyncio.Event, look: Callable[[], Awaitable[T | None]]) -> T:
        while True:
            bell.clear()
            if (found := await look()) is not None:
                return found
            try:
                async with asyncio.timeout(self._look_again):
                    await bell.wait()
            except TimeoutError:
                continue

    def _ring(self, topic: str) -> None:
        for bell in self._waiting.get(topic, ()):
            bell.set()


def exchange_topic(exchange_id: str) -> str:
    """Return what waiting for an exchange is called."""
    return f"exchange:{exchange_id}"


def inbox_topic(sender: str) -> str:
    """Return what waiting for a sender's inbox is called."""
    return f"inbox:{sender}"
