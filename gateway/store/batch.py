"""What becomes of the writes of one transaction: each is judged alone, in the order it came.

What a write is judged by is read once for the whole batch (`view`), and each write sees those
before it.
A write that is turned down leaves no row behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from gateway.errors import HouseError, Overtaken
from gateway.exchange.decision import Decision
from gateway.exchange.events import Event, TurnedAway
from gateway.exchange.journal import GATEWAY_CHAIN, START, link
from gateway.exchange.record import Exchange
from gateway.ports import Birth, Idempotency, Replayed, StoredCallback
from gateway.store import bodies, codec, facts, guard
from gateway.store.bodies import Bodies
from gateway.store.codec import micros, to_json
from gateway.store.notices import notice_bodies
from gateway.store.rows import Rows
from gateway.store.view import Head, View, mark
from gateway.store.writes import Create, Keep, KeepStray, Note, Remember, Save, Seal, Settle, Write


class Batch:
    """The writes of one transaction on their way to rows."""

    def __init__(self, view: View, bodies: Bodies, webhooks: frozenset[str]) -> None:
        self.rows = Rows()
        self.rings = False
        """Whether an exchange or a webhook may have become due."""
        self._view = view
        self._bodies = bodies
        self._webhooks = webhooks

    def judge(self, write: Write) -> Exchange | None:
        """Return the exchange as it stands after a write.

        Raises what the ledger raises to the caller of that write.
        """
        match write:
            case Create():
                return self._create(write.birth)
            case Save():
                return self._save(write.decision, write.callback)
            case Keep():
                self._keep(write.callback)
            case KeepStray():
                self.rows.strays.append(_stray_row(write, self._bodies))
            case Remember():
                self._remember(write.used)
            case Note():
                self._note(write)
            case Settle():
                row = (write.entry, codec.micros_or_none(write.due), 1)
                self.rows.absorb(Rows(webhooks={write.entry: row}))
                self.rings = True
            case Seal():
                self._seal(write)
        return None

    def _create(self, birth: Birth) -> Exchange:
        view = self._view
        key = self._fresh_key(birth.idempotency)
        if birth.exchange.id in view.heads:
            raise HouseError("an exchange with this id exists already")
        guard.admit(birth, view.neighbours.around(birth.exchange.identity))
        guard.check_sequence(birth)
        rows, standing, head = self._born(birth)
        self._take(rows, standing, head)
        if key:
            view.keys.add(key)
        return standing

    def _fresh_key(self, used: Idempotency | None) -> tuple[str, str] | None:
        key = (used.sender, used.key) if used is not None else None
        if key in self._view.keys:
            raise Overtaken("this Idempotency-Key was used a moment ago")
        return key

    def _remember(self, used: Idempotency) -> None:
        key = self._fresh_key(used)
        assert key is not None
        self.rows.keys.append(_key_row(used, self._bodies))
        self._view.keys.add(key)

    def _born(self, birth: Birth) -> tuple[Rows, Exchange, Head]:
        rows = Rows()
        standing = codec.without_bodies(replace(birth.exchange, revision=1))
        told = facts.facts_of_birth(standing, birth.received)
        head = self._append(
            rows, Head(0, START, 0), standing, birth.received, told, birth.exchange.received_at
        )
        _bear(rows, standing)
        if birth.idempotency is not None:
            rows.keys.append(_key_row(birth.idempotency, self._bodies))
        for decision in birth.decisions:
            standing, head = self._apply(rows, head, decision, None)
        return rows, standing, head

    def _save(self, decision: Decision, callback: StoredCallback | None) -> Exchange:
        if callback is not None:
            self._refuse_replay(callback)
        head = self._view.heads.get(decision.before.id)
        if head is None or head.sequence != decision.before.revision:
            raise Overtaken("somebody else has written this exchange since it was read")
        if not head.hash:
            raise HouseError("the journal of this exchange is cut: see journal verify")
        rows = Rows()
        standing, head = self._apply(rows, head, decision, callback)
        if callback is not None:
            rows.callbacks.append(_callback_row(callback, standing.id, self._bodies))
            self._view.callbacks.add(mark(callback))
        self._take(rows, standing, head)
        return standing

    def _take(self, rows: Rows, standing: Exchange, head: Head) -> None:
        self.rows.absorb(rows)
        self._view.heads[standing.id] = head
        self._view.neighbours.add(standing)
        self.rings = True

    def _apply(
        self, rows: Rows, head: Head, decision: Decision, callback: StoredCallback | None
    ) -> tuple[Exchange, Head]:
        after = codec.without_bodies(decision.after)
        told = facts.facts_of_decision(decision, callback)
        head = self._append(rows, head, after, decision.event, told, decision.at)
        change = (after.id, head.on_disk, _late_answers(decision.event), *codec.moving_row(after))
        rows.absorb(Rows(changes={after.id: change}))
        rows.attempts |= codec.attempt_rows(after, decision.before.attempts)
        for child in decision.children:
            self._open_child(rows, replace(child, revision=1), decision.at)
        self._tell(rows, decision)
        return after, head

    def _open_child(self, rows: Rows, child: Exchange, at: datetime) -> None:
        told = facts.facts_of_opening(child)
        _chain(rows, Head(0, START, 0), child.id, at, facts.OPENED, told)
        _bear(rows, child)

    def _append(
        self,
        rows: Rows,
        head: Head,
        exchange: Exchange,
        event: Event,
        told: dict[str, Any],
        at: datetime,
    ) -> Head:
        """Return the chain's head after the event, with all that the event carried in rows."""
        newer = _chain(rows, head, exchange.id, at, facts.event_name(event), told)
        hashes = [one["sha256"] for one in told.get("wire", [])]
        for position, (wire, digest) in enumerate(zip(event.wire, hashes, strict=True)):
            place = (exchange.id, newer.sequence, position)
            body = self._bodies.pack(wire.body, about=bodies.wire_place(*place))
            texts = (wire.direction, wire.name, wire.message_id, wire.relates_to, wire.note)
            rows.wires.append((*place, *texts, digest, body))
        for kept, known in zip(event.keeps, told.get("keeps", []), strict=True):
            about = bodies.payload_place(exchange.id, kept.name)
            body = self._bodies.pack(kept.content, about=about)
            row = (exchange.id, kept.name, kept.content_type, known["sha256"], body)
            rows.payloads[exchange.id, kept.name] = row
        return newer

    def _tell(self, rows: Rows, decision: Decision) -> None:
        sender = decision.after.identity.sender
        for notice, body in zip(decision.notices, notice_bodies(decision), strict=True):
            at = micros(notice.at)
            due = at if sender in self._webhooks else None
            row = (sender, notice.exchange, notice.kind.value, at, to_json(body), due)
            rows.inbox.append(row)

    def _keep(self, callback: StoredCallback) -> None:
        self._refuse_replay(callback)
        self.rows.callbacks.append(_callback_row(callback, "", self._bodies))
        self._view.callbacks.add(mark(callback))

    def _refuse_replay(self, callback: StoredCallback) -> None:
        if callback.message_id and mark(callback) in self._view.callbacks:
            raise Replayed("this MessageID of this partner was seen before")

    def _note(self, note: Note) -> None:
        head = self._view.heads[GATEWAY_CHAIN]
        told: Mapping[str, Any] = orjson.loads(note.facts)
        head = _chain(self.rows, head, GATEWAY_CHAIN, note.at, note.event, dict(told))
        self._view.heads[GATEWAY_CHAIN] = head

    def _seal(self, write: Seal) -> None:
        sealed = write.checkpoint
        row = (sealed.number, micros(sealed.at), sealed.root, sealed.hash, sealed.signature)
        self.rows.checkpoints.append(row)
        self.rows.heads.extend(
            (sealed.number, head.chain, head.sequence, head.hash) for head in sealed.heads
        )


def _chain(
    rows: Rows, head: Head, chain: str, at: datetime, event: str, told: dict[str, Any]
) -> Head:
    entry = link(
        chain=chain,
        sequence=head.sequence + 1,
        # As it is read again, else a moment told in another zone would break its own hash.
        at=codec.moment(micros(at)),
        event=event,
        facts=told,
        previous=head.hash,
    )
    rows.journal.append(
        (chain, entry.sequence, micros(at), event, to_json(told), entry.hash),
    )
    return Head(entry.sequence, entry.hash, head.on_disk)


def _bear(rows: Rows, exchange: Exchange) -> None:
    row = (*codec.lasting_row(exchange), *codec.moving_row(exchange), 0)
    rows.births[exchange.id] = row
    rows.attempts |= codec.attempt_rows(exchange)


def _late_answers(event: Event) -> int:
    return int(isinstance(event, TurnedAway) and not event.in_time)


def _callback_row(callback: StoredCallback, exchange_id: str, packer: Bodies) -> codec.Row:
    about = bodies.callback_place(*mark(callback))
    return (
        *mark(callback),
        micros(callback.received_at),
        callback.name,
        callback.note,
        exchange_id,
        facts.sha256(callback.body),
        packer.pack(callback.body, about=about),
    )


def _stray_row(write: KeepStray, packer: Bodies) -> codec.Row:
    stray = write.stray
    return (
        stray.endpoint,
        micros(stray.received_at),
        stray.source,
        stray.reason,
        stray.size,
        stray.sha256,
        packer.pack(stray.head, about=bodies.stray_place(stray.endpoint, stray.sha256)),
    )


def _key_row(used: Idempotency, packer: Bodies) -> codec.Row:
    about = bodies.answer_place(used.sender, used.key)
    return (
        used.sender,
        used.key,
        used.request_sha256,
        used.status,
        used.location,
        packer.pack(used.body, about=about),
    )
