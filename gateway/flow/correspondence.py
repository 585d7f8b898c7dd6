"""Hears what state systems call in with, and answers only when it is on disk.

A verified callback is matched by the attempt it relates to, then by the document's id, then by its
number. What cannot be verified settles nothing (decision 18): it may at most bring an inquiry
forward, and is kept as hash, size, source and its first 4 KiB, so many a minute and no more.

Our answer is made before anything is written and is kept with the event: what cannot be answered
is not heard. Of an answer that carries the document, which lies here already, only the head is
kept: all headers with our signature, which covers the rest.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from gateway.errors import GatewayError, Overtaken
from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.states import State
from gateway.flow.answers import weigh
from gateway.flow.offloop import in_thread
from gateway.flow.runner import Desk
from gateway.ports import (
    Callback,
    CallbackDoor,
    Reference,
    Replayed,
    Reply,
    StoredCallback,
    Stray,
    Unverified,
)

_TRIES = 8
_HEAD = 4096
_HEAD_OF_FILE = 8 * 2**10
"""Octets kept of an answer with the document in it."""
_STRAYS_A_MINUTE = 60
_HINTS_APART = timedelta(minutes=10)
_OPEN = frozenset({State.DELIVERING, State.AWAITING})
_LATER = "the call cannot be taken now; it may be sent again"
"""What a caller reads when the fault is ours: the cause is the operator's to read, in the log."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Ration:
    """So much a span and no more."""

    limit: int
    span: timedelta
    _taken: deque[datetime] = field(default_factory=deque)

    def take(self, now: datetime) -> bool:
        """Tell whether one more is allowed now."""
        while self._taken and now - self._taken[0] >= self.span:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """The ear of the house; one for all doors."""

    desk: Desk
    strays: Ration = field(default_factory=lambda: Ration(_STRAYS_A_MINUTE, timedelta(minutes=1)))
    hinted: dict[str, datetime] = field(default_factory=dict)

    async def hear(
        self, door: CallbackDoor, body: bytes, *, headers: Mapping[str, str], source: str
    ) -> Reply:
        """Verify, match, write, answer; whatever goes wrong is answered with a Fault."""
        try:
            return await self._hear(door, body, headers, source)
        except GatewayError as error:
            log.warning(
                "a call was not taken", endpoint=door.name, mender=error.mender, reason=error.text
            )
            return door.refuse(_LATER, sender_at_fault=False, request=body)

    def turn_away_large(self, door: CallbackDoor) -> None:
        """Count a call that is too large to be read: nobody knows whose it is."""
        self.desk.observer.answered(door.name, "unverified")

    async def _hear(
        self, door: CallbackDoor, body: bytes, headers: Mapping[str, str], source: str
    ) -> Reply:
        try:
            callback = door.read(body, headers=headers, now=self.desk.clock.now())
        except Unverified as error:
            await self._keep_stray(door, body, source, error)
            return door.refuse(error.text, sender_at_fault=True, request=body)
        try:
            return await self._settle(door, callback, body)
        except Replayed:
            self.desk.observer.answered(door.name, "doubled")
            return door.refuse("this message was heard before", sender_at_fault=True, request=body)

    async def _settle(self, door: CallbackDoor, callback: Callback, body: bytes) -> Reply:
        for _ in range(_TRIES):
            exchange = await self._match(door, callback.about)
            if exchange is None:
                return await self._keep_unmatched(door, callback, body)
            try:
                return await self._write(door, callback, exchange, body)
            except Overtaken:
                continue  # it moved under our hands: read again, weigh again
        raise Overtaken("the exchange moves too fast", where=callback.about.local_uid)

    async def _match(self, door: CallbackDoor, about: Reference) -> Exchange | None:
        """Return the exchange of this door that the reference names best."""
        for found in await self._candidates(door, about):
            if found.identity.endpoint == door.name:
                return found
        return None

    async def _candidates(self, door: CallbackDoor, about: Reference) -> Sequence[Exchange]:
        ledger = self.desk.ledger
        if about.message_id and (attempt := await ledger.find_attempt(about.message_id)):
            return (attempt,)
        if about.local_uid and (same_id := await ledger.find_document(about.local_uid)):
            return same_id
        if about.number and (numbered := await ledger.find_number(door.name, about.number)):
            return (numbered,)
        return ()

    async def _write(
        self, door: CallbackDoor, callback: Callback, exchange: Exchange, body: bytes
    ) -> Reply:
        document = None
        if callback.wants_document:
            document = await self._document(exchange)
            if document is None:
                return await self._keep_unmatched(door, callback, body)
        now = self.desk.clock.now()
        reply = await in_thread(partial(door.accept, callback, document=document, now=now))
        event = await self._event(callback, exchange)
        event = replace(event, wire=(*event.wire, _wire(callback, reply)))
        stored = _stored(door, callback, body, now, note=callback.malformed)
        await self.desk.write(exchange, event, callback=stored)
        return reply

    async def _document(self, exchange: Exchange) -> bytes | None:
        """Return the file, which only a document that was sent may be asked for."""
        same_id = await self.desk.ledger.find_document(exchange.identity.local_uid)
        sent = next((one for one in same_id if one.attempts), None)
        return await self.desk.ledger.payload(sent.id, "document") if sent else None

    async def _event(self, callback: Callback, exchange: Exchange) -> e.Event:
        if callback.event is None:
            return e.InquiryWanted(
                reason=callback.malformed or callback.name, wire=(callback.wire,)
            )
        event = await weigh(self.desk.ledger, exchange, callback.event)
        if isinstance(event, e.Answered) and event.already and not event.number:
            # The number is asked for where the schedule can wait for it, not in a callback.
            return e.TurnedAway(codes=event.codes, message_id=event.message_id, wire=event.wire)
        return event

    async def _keep_unmatched(self, door: CallbackDoor, callback: Callback, body: bytes) -> Reply:
        now = self.desk.clock.now()
        if callback.wants_document:
            reply = door.refuse("no such document here", sender_at_fault=True, request=body)
        else:
            reply = await in_thread(partial(door.accept, callback, document=None, now=now))
        note = "malformed" if callback.malformed else "unmatched"
        await self.desk.ledger.keep_callback(_stored(door, callback, body, now, note=note))
        self.desk.observer.answered(door.name, "unmatched")
        return reply

    async def _keep_stray(
        self, door: CallbackDoor, body: bytes, source: str, error: Unverified
    ) -> None:
        now = self.desk.clock.now()
        self.desk.observer.answered(door.name, "unverified")
        if not self.strays.take(now):
            return
        stray = Stray(
            endpoint=door.name,
            received_at=now,
            source=source,
            reason=error.text,
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            head=body[:_HEAD],
        )
        await self.desk.ledger.keep_stray(stray)
        facts = {"endpoint": door.name, "source": source, "sha256": stray.sha256}
        await self.desk.ledger.note(at=now, event="Stray", facts=facts)
        await self._bring_inquiry_forward(door, error.about, now)

    async def _bring_inquiry_forward(
        self, door: CallbackDoor, about: Reference, now: datetime
    ) -> None:
        exchange = await self._match(door, about)
        if exchange is None or exchange.state not in _OPEN or not self._may_hint(exchange.id, now):
            return
        with suppress(Overtaken):  # it moved by itself: the hint is no longer needed
            await self.desk.write(exchange, e.InquiryWanted(reason="an unverified callback"))

    def _may_hint(self, exchange_id: str, now: datetime) -> bool:
        """Once in a while for an exchange, whoever knocks."""
        for known, at in tuple(self.hinted.items()):
            if now - at >= _HINTS_APART:
                del self.hinted[known]
        if exchange_id in self.hinted:
            return False
        self.hinted[exchange_id] = now
        return True


def _wire(callback: Callback, reply: Reply) -> e.Wire:
    """Return our answer as it is kept."""
    body, note = reply.body, f"http {reply.status}"
    if callback.wants_document and len(body) > _HEAD_OF_FILE:
        whole = hashlib.sha256(body).hexdigest()
        note = f"{note}; the head of {len(body)} bytes, sha256 of all {whole}"
        body = body[:_HEAD_OF_FILE]
    return e.Wire(
        direction="out",
        name=reply.name,
        body=body,
        message_id=reply.message_id,
        relates_to=callback.message_id,
        note=note,
    )


def _stored(
    door: CallbackDoor, callback: Callback, body: bytes, now: datetime, *, note: str
) -> StoredCallback:
    return StoredCallback(
        endpoint=door.name,
        partner=callback.partner,
        message_id=callback.message_id,
        received_at=now,
        name=callback.name,
        body=body,
        note=note,
    )
