"""How exchanges, their timelines, inboxes and the outcome table look in JSON.

The commands show the same when they read the store themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from gateway.exchange.events import Wire
from gateway.exchange.record import Exchange
from gateway.ports import InboxEntry, ReportRow, TimelineEntry

COUNTS = tuple(one.name for one in fields(ReportRow) if one.name != "by")
"""The columns of the outcome table."""
SHARED = ("registered", "rejected", "refused", "cancelled", "open", "awaiting", "overdue", "parked")
"""The columns that are also told as a share of the documents."""


def view_exchange(exchange: Exchange, lang: str = "ru") -> dict[str, Any]:
    """Return what `GET /exchanges/{id}` tells; times are ISO 8601 in UTC, or null."""
    identity = exchange.identity
    return {
        "id": exchange.id,
        "state": exchange.state.value,
        "outcome": exchange.outcome.value if exchange.outcome else None,
        "number": exchange.number,
        "duty": exchange.duty.value if exchange.duty else None,
        "due": _moment(exchange.due),
        "endpoint": identity.endpoint,
        "document": identity.profile,
        "kind": identity.kind,
        "local_uid": identity.local_uid,
        "set_id": identity.set_id,
        "version": identity.version,
        "sha256": identity.document_sha256,
        "sender": identity.sender,
        "organization": identity.organization,
        "attempt": exchange.attempt,
        "received_at": _moment(exchange.received_at),
        "first_sent_at": _moment(exchange.first_sent_at),
        "answer_due": _moment(exchange.answer_due),
        "registered_at": _moment(exchange.registered_at),
        "parked_because": exchange.parked_because,
        "held_by": exchange.held_by,
        "replaces": exchange.replaces,
        "part_of": exchange.part_of,
        "findings": [one.as_json(lang) for one in exchange.findings],
    }


def view_timeline(exchange_id: str, entries: Iterable[TimelineEntry]) -> dict[str, Any]:
    """Return every event with the messages that travelled with it, oldest first."""
    return {"exchange": exchange_id, "events": [_view_event(exchange_id, one) for one in entries]}


def view_inbox_entry(entry: InboxEntry, lang: str = "ru") -> dict[str, Any]:
    """Return one notice; each finding has its sentence in the wanted language too."""
    body = dict(entry.body)
    body["findings"] = [_with_text(one, lang) for one in body.get("findings", ())]
    known = {"exchange": entry.exchange, "kind": entry.kind.value, "at": _moment(entry.at)}
    return {"id": entry.id, **known, **body}


def view_report(rows: Sequence[ReportRow], *, by: Sequence[str]) -> dict[str, Any]:
    """Return the outcome table, each row with its shares, and the sum of all rows."""
    total = ReportRow(by={}, **{name: sum(getattr(row, name) for row in rows) for name in COUNTS})
    return {"by": list(by), "rows": [_view_row(one) for one in rows], "total": _view_row(total)}


def _view_row(row: ReportRow) -> dict[str, Any]:
    counts: dict[str, int] = {name: getattr(row, name) for name in COUNTS}
    whole = counts["documents"]
    shares = {name: round(counts[name] / whole, 4) if whole else 0.0 for name in SHARED}
    return {**row.by, **counts, "shares": shares}


def _view_event(exchange_id: str, entry: TimelineEntry) -> dict[str, Any]:
    place = f"/exchanges/{exchange_id}/timeline/{entry.sequence}"
    return {
        "sequence": entry.sequence,
        "at": _moment(entry.at),
        "event": entry.event,
        "state": entry.state.value,
        "facts": dict(entry.facts),
        "messages": [
            {**_view_wire(wire), "body": f"{place}/{number}"}
            for number, wire in enumerate(entry.wire)
        ],
    }


def _view_wire(wire: Wire) -> dict[str, Any]:
    return {
        "direction": wire.direction,
        "name": wire.name,
        "message_id": wire.message_id,
        "relates_to": wire.relates_to,
        "sha256": hashlib.sha256(wire.body).hexdigest(),
        "size": len(wire.body),
        "note": wire.note,
    }


def _with_text(finding: Mapping[str, Any], lang: str) -> dict[str, Any]:
    texts: Mapping[str, str] = finding.get("texts", {})
    text = texts.get(lang) or texts.get("ru") or texts.get("en") or finding.get("text", "")
    return {**finding, "text": text}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
