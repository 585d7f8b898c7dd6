"""Exchanges and their findings as rows, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gateway.exchange.events import Answered, Source
from gateway.exchange.record import Attempt, Exchange, Identity
from gateway.exchange.states import Outcome, State
from gateway.findings import Finding, Mender, Severity, Tier

Row = tuple[Any, ...]
"""What sqlite3 takes and gives: str, int, bytes or None in each place."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LASTING = (
    "id",
    "endpoint",
    "profile",
    "kind",
    "local_uid",
    "sender",
    "organization",
    "document_sha256",
    "set_id",
    "version",
    "protocol_number",
    "patient",
    "received_at",
    "part_of",
)
"""The columns that are written once."""

MOVING = (
    "revision",
    "state",
    "due",
    "attempt",
    "answer_due",
    "tries",
    "outcome",
    "number",
    "registered_at",
    "rejection",
    "parked_from",
    "parked_because",
    "held_by",
    "replaces",
    "priority",
    "findings",
    "first_sent_at",
)
"""The columns that every event may change."""


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 in UTC; a moment without a zone raises TypeError."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(microseconds: int) -> datetime:
    """Return the moment in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def micros_or_none(when: datetime | None) -> int | None:
    """Return microseconds, or None."""
    return None if when is None else micros(when)


def moment_or_none(microseconds: int | None) -> datetime | None:
    """Return the moment, or None."""
    return None if microseconds is None else moment(microseconds)


def to_json(value: object) -> str:
    """Return JSON text."""
    return orjson.dumps(value).decode()


def without_bodies(exchange: Exchange) -> Exchange:
    """Return the exchange as it is kept: what a remembered rejection carried lies elsewhere."""
    heard = exchange.rejection
    if heard is None or not (heard.wire or heard.keeps):
        return exchange
    return replace(exchange, rejection=replace(heard, wire=(), keeps=()))


def lasting_row(exchange: Exchange) -> Row:
    """Return the columns `LASTING`."""
    identity = exchange.identity
    return (
        exchange.id,
        identity.endpoint,
        identity.profile,
        identity.kind,
        identity.local_uid,
        identity.sender,
        identity.organization,
        identity.document_sha256,
        identity.set_id,
        identity.version,
        identity.protocol_number,
        identity.patient,
        micros(exchange.received_at),
        exchange.part_of,
    )


def moving_row(exchange: Exchange) -> Row:
    """Return the columns `MOVING`."""
    heard = exchange.rejection
    return (
        exchange.revision,
        exchange.state.value,
        micros_or_none(exchange.due),
        exchange.attempt,
        micros_or_none(exchange.answer_due),
        exchange.tries,
        exchange.outcome.value if exchange.outcome else None,
        exchange.number,
        micros_or_none(exchange.registered_at),
        to_json(_answer_to_json(heard)) if heard else None,
        exchange.parked_from.value if exchange.parked_from else None,
        exchange.parked_because,
        exchange.held_by,
        exchange.replaces,
        exchange.priority,
        findings_to_text(exchange.findings),
        micros_or_none(exchange.first_sent_at),
    )


def attempt_rows(exchange: Exchange, known: Sequence[Attempt] = ()) -> dict[tuple[str, int], Row]:
    """Return the attempts that differ from the known ones, by exchange and position."""
    return {
        (exchange.id, position): _attempt_row(exchange.id, position, one)
        for position, one in enumerate(exchange.attempts)
        if position >= len(known) or known[position] != one
    }


def _attempt_row(exchange_id: str, position: int, attempt: Attempt) -> Row:
    return (
        exchange_id,
        position,
        attempt.number,
        attempt.message_id,
        attempt.envelope_sha256,
        micros(attempt.began_at),
        int(attempt.not_sent),
    )


def exchange_from(row: Sequence[Any]) -> Exchange:
    """Return the exchange from `LASTING`, `MOVING` and its attempts as JSON."""
    moving = row[len(LASTING) :]
    (revision, state, due, attempt, answer_due, tries, outcome, number, registered_at) = moving[:9]
    (rejection, parked_from, parked_because, held_by, replaces, priority, findings) = moving[9:16]
    return Exchange(
        id=row[0],
        identity=_identity_from(row),
        received_at=moment(row[12]),
        part_of=row[13],
        revision=revision,
        state=State(state),
        due=moment_or_none(due),
        attempt=attempt,
        answer_due=moment_or_none(answer_due),
        tries=tries,
        outcome=Outcome(outcome) if outcome else None,
        number=number,
        registered_at=moment_or_none(registered_at),
        rejection=_answer_from_json(orjson.loads(rejection)) if rejection else None,
        parked_from=State(parked_from) if parked_from else None,
        parked_because=parked_because,
        held_by=held_by,
        replaces=replaces,
        priority=priority,
        findings=findings_from(findings),
        attempts=_attempts_from(moving[17]),
    )


def _identity_from(row: Sequence[Any]) -> Identity:
    return Identity(
        endpoint=row[1],
        profile=row[2],
        kind=row[3],
        local_uid=row[4],
        sender=row[5],
        organization=row[6],
        document_sha256=row[7],
        set_id=row[8],
        version=row[9],
        protocol_number=row[10],
        patient=row[11],
    )


def _attempts_from(text: str) -> tuple[Attempt, ...]:
    if text == "[]":
        return ()
    return tuple(
        Attempt(
            number=number,
            message_id=message_id,
            envelope_sha256=envelope_sha256,
            began_at=moment(began_at),
            not_sent=bool(not_sent),
        )
        for number, message_id, envelope_sha256, began_at, not_sent in orjson.loads(text)
    )


# --- findings and answers ---------------------------------------------------------------------


def findings_to_text(findings: tuple[Finding, ...]) -> str:
    """Return findings as JSON text."""
    return to_json([_finding_to_json(one) for one in findings]) if findings else "[]"


def findings_from(text: str) -> tuple[Finding, ...]:
    """Return findings from JSON text."""
    return tuple(map(_finding_from_json, orjson.loads(text))) if text != "[]" else ()


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "code": finding.code,
        "severity": finding.severity.value,
        "where": finding.where,
        "texts": dict(finding.texts),
        "mender": finding.mender.value,
        "tier": finding.tier.value,
        "line": finding.line,
        "official": finding.official,
    }


def _finding_from_json(told: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=told["rule"],
        code=told["code"],
        severity=Severity(told["severity"]),
        where=told["where"],
        texts=told["texts"],
        mender=Mender(told["mender"]),
        tier=Tier(told["tier"]),
        line=told["line"],
        official=told["official"],
    )


def _answer_to_json(answer: Answered) -> dict[str, Any]:
    return {
        "registered": answer.registered,
        "source": answer.source.value,
        "message_id": answer.message_id,
        "number": answer.number,
        "registered_at": micros_or_none(answer.registered_at),
        "codes": answer.codes,
        "findings": [_finding_to_json(one) for one in answer.findings],
        "already": answer.already,
    }


def _answer_from_json(told: Mapping[str, Any]) -> Answered:
    return Answered(
        registered=told["registered"],
        source=Source(told["source"]),
        message_id=told["message_id"],
        number=told["number"],
        registered_at=moment_or_none(told["registered_at"]),
        codes=tuple(told["codes"]),
        findings=tuple(map(_finding_from_json, told["findings"])),
        already=told["already"],
    )
