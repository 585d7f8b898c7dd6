"""What can be asked of a store, as functions of a reading connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.errors import HouseError
from gateway.exchange.decision import NoticeKind
from gateway.exchange.events import Wire
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import State
from gateway.ports import Idempotency, InboxEntry, Query, ReportRow, Standing, TimelineEntry
from gateway.store import bodies, codec, facts, fairness, guard, queries
from gateway.store.bodies import Bodies
from gateway.store.codec import micros, moment, moment_or_none, to_json

Value = str | int


def many(connection: sqlite3.Connection, sql: str, values: Sequence[Value]) -> list[Exchange]:
    """Return the exchanges that a query of `queries` finds."""
    return [codec.exchange_from(row) for row in connection.execute(sql, values)]


def one(connection: sqlite3.Connection, sql: str, values: Sequence[Value]) -> Exchange | None:
    """Return the exchange that a query of `queries` finds."""
    row = connection.execute(sql, values).fetchone()
    return codec.exchange_from(row) if row else None


def page(connection: sqlite3.Connection, query: Query) -> list[Exchange]:
    """Return a page of a search, newest first."""
    where, values = queries.condition(query)
    if query.after:
        where += " AND x.id < ?"
        values.append(query.after)
    return many(connection, queries.PAGE.format(where=where), [*values, query.limit])


def twins(connection: sqlite3.Connection, identity: Identity) -> list[Exchange]:
    """Return what would make an identity a «дубль», newest first."""
    if not guard.can_have_twins(identity):
        return []
    found = many(connection, queries.SAME_MARKS, [to_json([guard.marks(identity)])])
    twin = (
        one
        for one in found
        if guard.stands_in_the_way(one) and guard.is_twin(identity, one.identity)
    )
    return sorted(twin, key=lambda one: one.id, reverse=True)


def due(
    connection: sqlite3.Connection, *, now: datetime, hand: Iterable[str], limit: int
) -> list[Exchange]:
    """Return the due exchanges of one round, most urgent first."""
    values = {"now": micros(now), "hand": to_json(list(hand)), "limit": limit}
    waiting = map(fairness.Waiting._make, connection.execute(queries.DUE, values))
    chosen = fairness.choose(waiting, limit)
    found = {one.id: one for one in many(connection, queries.BY_IDS, [to_json(chosen)])}
    return [found[exchange_id] for exchange_id in chosen]


def next_due(connection: sqlite3.Connection, hand: Iterable[str]) -> datetime | None:
    """Return when the next exchange falls due that is not in hand."""
    (when,) = connection.execute(queries.NEXT_DUE, {"hand": to_json(list(hand))}).fetchone()
    return moment_or_none(when)


# --- bodies and the timeline ------------------------------------------------------------------


def payload(
    connection: sqlite3.Connection, packer: Bodies, exchange_id: str, name: str
) -> bytes | None:
    """Return kept bytes. Raises HouseError when they are not those that were kept."""
    row = connection.execute(queries.PAYLOAD, (exchange_id, name)).fetchone()
    if row is None:
        return None
    place = bodies.payload_place(exchange_id, name)
    return _intact(packer.unpack(row[1], about=place), row[0], place)


def payload_names(connection: sqlite3.Connection, exchange_id: str) -> list[str]:
    """Return the names of kept bytes, sorted."""
    return [name for (name,) in connection.execute(queries.PAYLOAD_NAMES, (exchange_id,))]


def timeline(
    connection: sqlite3.Connection, packer: Bodies, exchange_id: str
) -> list[TimelineEntry]:
    """Return every event of an exchange with its messages, oldest first."""
    wires = _wires(connection, packer, exchange_id)
    entries = []
    for sequence, at, event, told, _ in connection.execute(queries.CHAIN, (exchange_id,)):
        read: dict[str, Any] = orjson.loads(told)
        entry = TimelineEntry(
            sequence=sequence,
            at=moment(at),
            event=event,
            state=facts.state_in(read),
            facts=read,
            wire=tuple(wires.get(sequence, ())),
        )
        entries.append(entry)
    return entries


def _wires(
    connection: sqlite3.Connection, packer: Bodies, exchange_id: str
) -> dict[int, list[Wire]]:
    wires: dict[int, list[Wire]] = {}
    for sequence, position, *texts, digest, body in connection.execute(
        queries.WIRES, (exchange_id,)
    ):
        place = bodies.wire_place(exchange_id, sequence, position)
        direction, name, message_id, relates_to, note = texts
        wire = Wire(
            direction=direction,
            name=name,
            body=_intact(packer.unpack(body, about=place), digest, place),
            message_id=message_id,
            relates_to=relates_to,
            note=note,
        )
        wires.setdefault(sequence, []).append(wire)
    return wires


def _intact(content: bytes, digest: str, place: str) -> bytes:
    if facts.sha256(content) != digest:
        raise HouseError("a body is not the one that was kept: see journal verify", where=place)
    return content


# --- the inbox and keys -----------------------------------------------------------------------


def entries(connection: sqlite3.Connection, sql: str, values: Sequence[Value]) -> list[InboxEntry]:
    """Return the inbox entries that a query of `queries` finds."""
    return [_entry(row) for row in connection.execute(sql, values)]


def _entry(row: Sequence[Any]) -> InboxEntry:
    number, sender, exchange, kind, at, body, webhook_due, tries = row
    return InboxEntry(
        id=number,
        sender=sender,
        exchange=exchange,
        kind=NoticeKind(kind),
        at=moment(at),
        body={"id": number, **orjson.loads(body)},
        webhook_due=moment_or_none(webhook_due),
        webhook_tries=tries,
    )


def recall(
    connection: sqlite3.Connection, packer: Bodies, sender: str, key: str
) -> Idempotency | None:
    """Return what an Idempotency-Key was used for."""
    row = connection.execute(queries.KEY, (sender, key)).fetchone()
    if row is None:
        return None
    return Idempotency(
        sender=sender,
        key=key,
        request_sha256=row[2],
        status=row[3],
        location=row[4],
        body=packer.unpack(row[5], about=bodies.answer_place(sender, key)),
    )


# --- counting ---------------------------------------------------------------------------------


def standing(connection: sqlite3.Connection) -> Standing:
    """Return how many exchanges are not closed, and since when each endpoint is waited for."""
    return Standing(
        open={
            (endpoint, State(state)): count
            for endpoint, state, count in connection.execute(queries.STANDING)
        },
        oldest_awaiting={
            endpoint: moment(since)
            for endpoint, since in connection.execute(queries.OLDEST_AWAITING)
        },
    )


def report(
    connection: sqlite3.Connection, query: Query, *, by: Sequence[str], now: datetime
) -> list[ReportRow]:
    """Return the outcome table."""
    where, values = queries.condition(query)
    columns = [queries.DIMENSIONS[name] for name in by]
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    sql = queries.REPORT.format(
        by="".join(f"{column}, " for column in columns),
        where=where,
        group=f"GROUP BY {places} ORDER BY {places}" if by else "",
    )
    rows = connection.execute(sql, [micros(now), *values])
    return [_line(row, by) for row in rows if row[len(by)]]


def _line(row: Sequence[Any], by: Sequence[str]) -> ReportRow:
    counts = dict(zip(queries.REPORT_COLUMNS, row[len(by) :], strict=True))
    return ReportRow(by=dict(zip(by, row[: len(by)], strict=True)), **counts)
