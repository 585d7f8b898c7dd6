"""What a journal entry says of an event: hashes, codes and reasons, never a patient's data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from gateway.exchange.decision import Decision
from gateway.exchange.events import Event, Payload, SignatureCheck, Wire
from gateway.exchange.record import Exchange
from gateway.exchange.states import State
from gateway.findings import Finding
from gateway.ports import StoredCallback

_BODIES = frozenset({"wire", "keeps"})
_FOREIGN_WORDS = frozenset({"text"})
"""What a recipient wrote freely may name the patient; it stays in the sealed wire message."""

OPENED = "Opened"
"""The first entry of a child: nobody handed it over, an event of its parent opened it."""


def sha256(content: bytes) -> str:
    """Return the digest in hex."""
    return hashlib.sha256(content).hexdigest()


def event_name(event: Event) -> str:
    """Return the event as the journal names it: `DeliveryBegan`."""
    return type(event).__name__


def facts_of_birth(exchange: Exchange, event: Event) -> dict[str, Any]:
    """Return the facts of a journal's first entry."""
    return {"state": exchange.state.value, **_event_facts(event), **_origin(exchange)}


def facts_of_opening(child: Exchange) -> dict[str, Any]:
    """Return the facts of a child's first entry."""
    return {"state": child.state.value, **_origin(child)}


def facts_of_decision(decision: Decision, callback: StoredCallback | None) -> dict[str, Any]:
    """Return the facts of an event, with the state it led to and who was told."""
    facts = {"state": decision.after.state.value, **_event_facts(decision.event)}
    if decision.notices:
        facts["notices"] = [notice.kind.value for notice in decision.notices]
    if decision.children:
        facts["children"] = [child.id for child in decision.children]
    if callback is not None:
        facts["callback"] = _callback_facts(callback)
    return facts


def state_in(facts: Mapping[str, Any]) -> State:
    """Return the state that an entry of an exchange's journal led to."""
    return State(facts["state"])


def _origin(exchange: Exchange) -> dict[str, Any]:
    identity = exchange.identity
    return {
        "endpoint": identity.endpoint,
        "document": identity.profile,
        "local_uid": identity.local_uid,
        "sender": identity.sender,
        "organization": identity.organization,
        "document_sha256": identity.document_sha256,
        "replaces": exchange.replaces,
        "part_of": exchange.part_of,
    }


def _callback_facts(callback: StoredCallback) -> dict[str, Any]:
    return {
        "partner": callback.partner,
        "message_id": callback.message_id,
        "name": callback.name,
        "sha256": sha256(callback.body),
    }


def _event_facts(event: Event) -> dict[str, Any]:
    told = {
        field.name: _plain(getattr(event, field.name))
        for field in fields(event)
        if field.name not in _BODIES | _FOREIGN_WORDS
    }
    told["wire"] = [_wire_facts(wire) for wire in event.wire]
    told["keeps"] = [_payload_facts(payload) for payload in event.keeps]
    return {name: value for name, value in told.items() if value not in ("", [], None)}


def _wire_facts(wire: Wire) -> dict[str, Any]:
    return {
        "direction": wire.direction,
        "name": wire.name,
        "message_id": wire.message_id,
        "relates_to": wire.relates_to,
        "size": len(wire.body),
        "sha256": sha256(wire.body),
    }


def _payload_facts(payload: Payload) -> dict[str, Any]:
    return {
        "name": payload.name,
        "size": len(payload.content),
        "sha256": sha256(payload.content),
    }


def _finding_facts(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "where": finding.where,
        "line": finding.line,
    }


def _check_facts(check: SignatureCheck) -> dict[str, Any]:
    return {field.name: _plain(getattr(check, field.name)) for field in fields(check)}


def _plain(value: object) -> Any:
    """Return a field of an event as JSON has it."""
    match value:
        case Finding():
            return _finding_facts(value)
        case tuple() | list():
            return [
                _check_facts(one) if isinstance(one, SignatureCheck) else _plain(one)
                for one in value
            ]
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case bool() | int() | float() | str() | None:
            return value
    raise TypeError(f"the journal has no form for {type(value).__name__}")
