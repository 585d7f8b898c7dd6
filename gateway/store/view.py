"""What the writes of a batch are judged by, read at once for all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.exchange.journal import GATEWAY_CHAIN, START
from gateway.exchange.record import Exchange, Identity
from gateway.ports import Birth, StoredCallback
from gateway.store import codec, guard, queries
from gateway.store.codec import to_json
from gateway.store.writes import Create, Keep, Note, Remember, Save, Write

CallbackMark = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: its newest sequence and hash."""

    sequence: int
    hash: str
    on_disk: int
    """The revision on disk before the batch; 0 for what the batch brought."""


@dataclass(slots=True)
class Neighbours:
    """The exchanges among which a birth must find its place, by document id and by marks."""

    _groups: dict[tuple[str, ...], dict[str, Exchange]] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Take an exchange in, or the newer standing of one."""
        for key in _neighbourhoods(exchange.identity):
            self._groups.setdefault(key, {})[exchange.id] = exchange

    def around(self, identity: Identity) -> Iterator[Exchange]:
        """Return who shares the id or the marks."""
        together: dict[str, Exchange] = {}
        for key in _neighbourhoods(identity):
            together |= self._groups.get(key, {})
        yield from together.values()


def _neighbourhoods(identity: Identity) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = []
    if identity.local_uid:
        keys.append((identity.local_uid.lower(),))
    if guard.can_have_twins(identity):
        keys.append(guard.marks(identity))
    return keys


@dataclass(slots=True)
class View:
    """What the writes of a batch are judged by."""

    heads: dict[str, Head] = field(default_factory=dict)
    neighbours: Neighbours = field(default_factory=Neighbours)
    keys: set[tuple[str, str]] = field(default_factory=set)
    callbacks: set[CallbackMark] = field(default_factory=set)


def look(connection: sqlite3.Connection, writes: Sequence[Write]) -> View:
    """Read what a batch is judged by: one statement for each kind of question."""
    view = View()
    births = [one.birth for one in writes if isinstance(one, Create)]
    ids = [one.decision.before.id for one in writes if isinstance(one, Save)]
    ids += [one.exchange.id for one in births]
    if ids:
        for exchange_id, revision, digest in connection.execute(queries.HEADS, (to_json(ids),)):
            view.heads[exchange_id] = Head(revision, digest or "", revision)
    if births:
        _look_around(connection, view, births)
    keys = [(one.used.sender, one.used.key) for one in writes if isinstance(one, Remember)]
    if keys:
        view.keys.update(connection.execute(queries.KNOWN_KEYS, (to_json(keys),)))
    marks = [mark(one.callback) for one in writes if isinstance(one, Save | Keep) and one.callback]
    if marks:
        view.callbacks.update(connection.execute(queries.KNOWN_CALLBACKS, (to_json(marks),)))
    if any(isinstance(one, Note) for one in writes):
        last = connection.execute(queries.LAST_ENTRY, (GATEWAY_CHAIN,)).fetchone() or (0, START)
        view.heads[GATEWAY_CHAIN] = Head(last[0], last[1], last[0])
    return view


def _look_around(connection: sqlite3.Connection, view: View, births: list[Birth]) -> None:
    identities = [one.exchange.identity for one in births]
    documents = to_json([one.local_uid for one in identities if one.local_uid])
    marks = to_json([guard.marks(one) for one in identities if guard.can_have_twins(one)])
    for sql, values in ((queries.SAME_DOCUMENT, documents), (queries.SAME_MARKS, marks)):
        for row in connection.execute(sql, (values,)):
            view.neighbours.add(codec.exchange_from(row))
    used = [(one.idempotency.sender, one.idempotency.key) for one in births if one.idempotency]
    if used:
        view.keys.update(connection.execute(queries.KNOWN_KEYS, (to_json(used),)))


def mark(callback: StoredCallback) -> CallbackMark:
    """Return by what a replay is recognised: endpoint, partner, MessageID."""
    return (callback.endpoint, callback.partner, callback.message_id)
