"""What the registry keeps: attempts, registrations, and how they are written in SQLite."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gateway.sandbox.scenario import ErrorItem


class Stage(StrEnum):
    """Where the work on an attempt stands."""

    HELD = "held"
    """Until another attempt comes."""
    CHECK = "check"
    CALLBACK = "callback"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One registerDocument that was taken, and what has been done about it."""

    message_id: str
    local_uid: str
    number: int
    organization: str
    kind: str
    patient: str
    """HMAC of the СНИЛС."""
    request: bytes = field(repr=False)
    """The signed Body, canonical."""
    version: str
    """SOAP, as the МИС spoke it."""
    client: str
    callback: str
    at: datetime
    rule: str
    answered: str = ""
    answered_at: datetime | None = None
    stage: Stage = Stage.CHECK
    due: datetime
    tries: int = 0
    verdict: str = ""
    number_given: str = ""
    errors: tuple[ErrorItem, ...] = ()
    callback_index: int = 0
    callback_message_id: str = ""
    unanswered: int = 0
    """Searches that the scenario still leaves without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An entry of the registry."""

    number: str
    local_uid: str
    message_id: str
    organization: str
    kind: str
    document_number: str
    created: datetime
    at: datetime
    document_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The filters of a search; an empty one does not filter."""

    organization: str
    kind: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    patient: str = ""
    page: int = 1
    page_size: int = 100


def write_moment(moment: datetime) -> str:
    """Write a moment so that texts compare as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def attempt_as_row(attempt: Attempt) -> dict[str, str | int | bytes | None]:
    """Return the columns of an attempt."""
    answered_at = attempt.answered_at
    errors = [[item.code, item.message] for item in attempt.errors]
    return {
        "message_id": attempt.message_id,
        "local_uid": attempt.local_uid.lower(),
        "number": attempt.number,
        "organization": attempt.organization,
        "kind": attempt.kind,
        "patient": attempt.patient,
        "request": attempt.request,
        "version": attempt.version,
        "client": attempt.client,
        "callback": attempt.callback,
        "at": write_moment(attempt.at),
        "rule": attempt.rule,
        "answered": attempt.answered,
        "answered_at": None if answered_at is None else write_moment(answered_at),
        "stage": attempt.stage,
        "due": write_moment(attempt.due),
        "tries": attempt.tries,
        "verdict": attempt.verdict,
        "number_given": attempt.number_given,
        "errors": json.dumps(errors, ensure_ascii=False),
        "callback_index": attempt.callback_index,
        "callback_message_id": attempt.callback_message_id,
        "unanswered": attempt.unanswered,
    }


def read_attempt(row: sqlite3.Row) -> Attempt:
    """Return the attempt of a row."""
    plain = dict(row)
    answered_at = plain["answered_at"]
    return Attempt(
        **plain
        | {
            "at": datetime.fromisoformat(plain["at"]),
            "due": datetime.fromisoformat(plain["due"]),
            "answered_at": None if answered_at is None else datetime.fromisoformat(answered_at),
            "stage": Stage(plain["stage"]),
            "errors": tuple(
                ErrorItem(code=code, message=message)
                for code, message in json.loads(plain["errors"])
            ),
        }
    )


def read_registration(row: sqlite3.Row) -> Registration:
    """Return the registration of a row."""
    return Registration(
        number=row["number"],
        local_uid=row["local_uid"],
        message_id=row["message_id"],
        organization=row["organization"],
        kind=row["kind"],
        document_number=row["document_number"],
        created=datetime.fromisoformat(row["created"]),
        at=datetime.fromisoformat(row["at"]),
        document_sha256=row["document_sha256"],
    )
