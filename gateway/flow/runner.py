"""Gives every due exchange what it is owed, many at a time, each step on disk before the next.

Recovery after a crash is this same reading: what was in hand is simply due again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.errors import GatewayError, Overtaken
from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms, exhaustion
from gateway.exchange.states import Duty, State
from gateway.ports import Chance, Clock, Failpoint, Ledger, Log, Observer, StoredCallback

Step = Callable[[Exchange], AsyncIterator[e.Event]]
"""One duty, done: yields what has happened; each event is on disk before the step goes on."""

FRUITLESS = (e.NotThere, e.NotSent, e.Unavailable, e.StillPending)
"""After these, and only these, the question is whether there is still hope."""

SAID = (e.Accepted, e.StillPending, e.TurnedAway, e.NotSent, e.NotThere, e.Answered)
"""What a recipient or the network has said: not thrown away because the exchange moved."""

_TRIES = 8
_LONGEST_SLEEP = timedelta(seconds=30)
_BREATH = timedelta(seconds=1)
"""Between two claims when the ledger takes none: a full disk passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where decisions are made and written: one exchange, one event at a time."""

    ledger: Ledger
    clock: Clock
    chance: Chance
    observer: Observer
    terms: Mapping[str, Terms]
    """By endpoint; an endpoint that is gone has the defaults."""
    failpoint: Failpoint

    async def write(
        self, exchange: Exchange, event: e.Event, *, callback: StoredCallback | None = None
    ) -> Exchange:
        """Decide, save, tell; return the exchange as it stands now.

        Raises Overtaken, and Replayed where the callback that brought the event is known.
        """
        decision = decide(
            exchange,
            event,
            now=self.clock.now(),
            terms=self.terms_of(exchange),
            chance=self.chance.draw(),
        )
        self.failpoint(f"before-save:{type(event).__name__}")
        after = await self.ledger.save(decision, callback=callback)
        self.failpoint(f"after-save:{type(event).__name__}")
        self.observer.advanced(decision)
        if after.outcome is not None and decision.before.outcome is None:
            await self.release_followers(after)
        return after

    def terms_of(self, exchange: Exchange) -> Terms:
        """Return the terms of the exchange's endpoint."""
        return self.terms.get(exchange.identity.endpoint) or Terms()

    async def write_anew(self, exchange: Exchange, event: e.Event) -> Exchange:
        """Write what the world has said to an exchange that may have moved meanwhile.

        The answer is had and cannot be had again: it is weighed where the exchange stands now,
        and changes nothing where it means nothing. Raises Overtaken when that never ends.
        """
        for _ in range(_TRIES):
            try:
                return await self.write(exchange, event)
            except Overtaken:
                exchange = await self.ledger.get(exchange.id) or exchange
        raise Overtaken("the exchange moves too fast", where=exchange.id)

    async def release_followers(self, settled: Exchange) -> None:
        """Let the later versions of a settled document go on at once."""
        for follower in await self.ledger.find_held(settled.id):
            await self._release(follower)

    async def release_freed(self) -> None:
        """Let go on whom a crash, or a moment between reading and writing, has left held."""
        for follower in await self.ledger.find_freed():
            await self._release(follower)

    async def _release(self, follower: Exchange) -> None:
        with suppress(Overtaken):  # it moved: the next sweep finds it again
            await self.write(follower, e.Released(by=follower.held_by))


@dataclass(slots=True, kw_only=True)
class Runner:
    """Claims due exchanges and walks each one as far as it is owed something now."""

    desk: Desk
    steps: Mapping[Duty, Step]
    log: Log
    at_once: int = 64
    """How many exchanges are in hand at a time."""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.at_once)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in hand is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped."""
        async with asyncio.TaskGroup() as hands:
            while not self._stopping.is_set():
                try:
                    if not await self._hand_out(hands):
                        await self._rest()
                except GatewayError as error:
                    self.log.warning("Nothing can be claimed", mender=error.mender)
                    await self.desk.clock.sleep_until(self.desk.clock.now() + _BREATH)

    async def _hand_out(self, hands: asyncio.TaskGroup) -> bool:
        await self._free.acquire()
        self._free.release()
        free = self._free._value  # noqa: SLF001 - asyncio offers no other way to ask
        claimed = await self.desk.ledger.claim(now=self.desk.clock.now(), limit=free)
        for exchange in claimed:
            await self._free.acquire()
            hands.create_task(self._care_for(exchange))
        return bool(claimed)

    async def _rest(self) -> None:
        """Sleep until something falls due, the bell rings or the house closes."""
        now = self.desk.clock.now()
        due = await self.desk.ledger.wait_for_due(now=now)
        until = min(due, now + _LONGEST_SLEEP) if due else now + _LONGEST_SLEEP
        waits = [
            asyncio.ensure_future(one)
            for one in (
                self.desk.ledger.wait_for_bell(),
                self.desk.clock.sleep_until(until),
                self._stopping.wait(),
            )
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _care_for(self, exchange: Exchange) -> None:
        try:
            await self.walk(exchange)
        except Overtaken:
            pass  # the row is read again with the next claim
        except GatewayError as error:
            self.log.warning("The ledger took no event", exchange=exchange.id, mender=error.mender)
            # A full disk still reads: without a breath it would be claimed and asked for at once.
            await self.desk.clock.sleep_until(self.desk.clock.now() + _BREATH)
        finally:
            await self.desk.ledger.release(exchange.id)
            self._free.release()

    async def walk(self, exchange: Exchange) -> Exchange:
        """Give one exchange all that it is owed now; return where it stands then."""
        while exchange.duty is not None and not self._stopping.is_set():
            if exchange.due is None or exchange.due > self.desk.clock.now():
                break
            if exchange.state is State.SIGNED and exchange.held_by:
                break
            exchange = await self._do(exchange, exchange.duty)
        return exchange

    async def _do(self, exchange: Exchange, duty: Duty) -> Exchange:
        before, event = exchange, None
        try:
            async for event in self.steps[duty](exchange):
                exchange = await self._record(exchange, event)
        except Overtaken:
            raise
        except Exception as error:  # noqa: BLE001 - no fault may take the house down
            event = _excuse(error)
            exchange = await self.desk.write(exchange, event)
        if (exchange.state, exchange.due) == (before.state, before.due):
            # Nothing that was said means anything here: asking again at once would never end.
            event = e.Unavailable(reason="the answer meant nothing where the exchange stands")
            exchange = await self.desk.write(exchange, event)
        return await self._give_up_in_time(exchange, event)

    async def _record(self, exchange: Exchange, event: e.Event) -> Exchange:
        """Write one event of a step; raise Overtaken where the step must not go on."""
        if isinstance(event, SAID):
            return await self.desk.write_anew(exchange, event)
        return await self.desk.write(exchange, event)

    async def _give_up_in_time(self, exchange: Exchange, event: e.Event | None) -> Exchange:
        if not isinstance(event, FRUITLESS) or exchange.outcome is not None:
            return exchange
        if exchange.state is State.AWAITING_SIGNATURE:
            return exchange  # has a clock of its own, which refuses instead of parking
        reason = exhaustion(exchange, self.desk.terms_of(exchange), self.desk.clock.now())
        return await self.desk.write(exchange, e.GaveUp(reason=reason)) if reason else exchange


def _excuse(error: Exception) -> e.Unavailable:
    """Return what an unplanned failure means: nothing is known, so the place is kept."""
    if isinstance(error, GatewayError):
        return e.Unavailable(reason=str(error))
    # The text of a foreign error may quote a document: only its kind and place are told.
    return e.Unavailable(reason=f"{e.UNPLANNED}{_place(error)}")


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
