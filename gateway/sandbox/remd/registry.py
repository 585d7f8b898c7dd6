"""The registry and the work in progress, in the counterpart's own file."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gateway.sandbox.logbook import transaction
from gateway.sandbox.remd.metadata import Metadata, snils_digits
from gateway.sandbox.scenario import ErrorItem

_TABLES = """
CREATE TABLE IF NOT EXISTS remd_secret (key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS remd_message (
    client TEXT NOT NULL, message_id TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (client, message_id)
);
CREATE TABLE IF NOT EXISTS remd_attempt (
    message_id TEXT PRIMARY KEY, local_uid TEXT NOT NULL, number INTEGER NOT NULL,
    organization TEXT NOT NULL, kind TEXT NOT NULL, patient TEXT NOT NULL,
    request BLOB NOT NULL, version TEXT NOT NULL, client TEXT NOT NULL, callback TEXT NOT NULL,
    at TEXT NOT NULL, rule TEXT NOT NULL, answered TEXT NOT NULL, answered_at TEXT,
    stage TEXT NOT NULL, due TEXT NOT NULL, tries INTEGER NOT NULL,
    verdict TEXT NOT NULL, number_given TEXT NOT NULL, errors TEXT NOT NULL,
    callback_index INTEGER NOT NULL, callback_message_id TEXT NOT NULL,
    unanswered INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS remd_attempt_by_due ON remd_attempt (stage, due);
CREATE INDEX IF NOT EXISTS remd_attempt_by_document ON remd_attempt (local_uid);
CREATE TABLE IF NOT EXISTS remd_registration (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, local_uid TEXT NOT NULL,
    message_id TEXT NOT NULL, organization TEXT NOT NULL, kind TEXT NOT NULL,
    patient TEXT NOT NULL, document_number TEXT NOT NULL, created TEXT NOT NULL,
    at TEXT NOT NULL, document_sha256 TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS remd_registration_by_document ON remd_registration (local_uid);
CREATE INDEX IF NOT EXISTS remd_registration_by_search
    ON remd_registration (organization, kind, at);
"""


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


class Registry:
    """Reads and writes both; every method that writes is one transaction."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self.store = store
        store.row_factory = sqlite3.Row
        store.executescript(_TABLES)
        self._key = self._obtain_key()

    def hide(self, snils: str) -> str:
        """Return the HMAC by which a patient is known in the registry."""
        if not snils:
            return ""
        digits = snils_digits(snils).encode()
        return hmac.new(self._key, digits, hashlib.sha256).hexdigest()

    def remember_message(self, client: str, message_id: str, at: datetime) -> bool:
        """Note a MessageID; return False when this client has used it before."""
        normal = message_id.lower().removeprefix("urn:uuid:").replace("-", "")
        cursor = self.store.execute(
            "INSERT OR IGNORE INTO remd_message VALUES (?, ?, ?)",
            (client.lower(), normal, at.isoformat()),
        )
        return cursor.rowcount == 1

    def count_attempts(self, local_uid: str) -> int:
        """Return how often this document was brought."""
        row = self.store.execute(
            "SELECT count(*) FROM remd_attempt WHERE local_uid = ?", (local_uid.lower(),)
        ).fetchone()
        return int(row[0])

    def add_attempt(self, attempt: Attempt) -> None:
        """Take an attempt, and let go earlier ones of the document that were held for it."""
        with transaction(self.store):
            self.store.execute(
                "UPDATE remd_attempt SET stage = ?, due = ? WHERE local_uid = ? AND stage = ?",
                (Stage.CHECK, _text(attempt.at), attempt.local_uid.lower(), Stage.HELD),
            )
            values = _row(attempt)
            marks = ", ".join(f":{name}" for name in values)
            self.store.execute(
                f"INSERT INTO remd_attempt ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - our own names
                values,
            )

    def save(self, attempt: Attempt) -> Attempt:
        """Write how the work on an attempt stands; what was answered is not touched."""
        with transaction(self.store):
            self.store.execute(
                "UPDATE remd_attempt SET stage = :stage, due = :due, tries = :tries,"
                " verdict = :verdict, number_given = :number_given, errors = :errors,"
                " callback_index = :callback_index, callback_message_id = :callback_message_id"
                " WHERE message_id = :message_id",
                _row(attempt),
            )
        return attempt

    def note_answer(self, message_id: str, answered: str, at: datetime) -> None:
        """Write what was said at once."""
        with transaction(self.store):
            self.store.execute(
                "UPDATE remd_attempt SET answered = ?, answered_at = ? WHERE message_id = ?",
                (answered, _text(at), message_id),
            )

    def get(self, message_id: str) -> Attempt | None:
        """Return one attempt."""
        row = self.store.execute(
            "SELECT * FROM remd_attempt WHERE message_id = ?", (message_id,)
        ).fetchone()
        return None if row is None else _attempt(row)

    def due(self, now: datetime, *, limit: int, without: Collection[str]) -> list[Attempt]:
        """Return attempts that work is due on, the longest due first."""
        rows = self.store.execute(
            "SELECT * FROM remd_attempt WHERE stage IN (?, ?) AND due <= ? ORDER BY due LIMIT ?",
            (Stage.CHECK, Stage.CALLBACK, _text(now), limit + len(without)),
        )
        return [_attempt(row) for row in rows if row["message_id"] not in without][:limit]

    def next_due(self, *, without: Collection[str]) -> datetime | None:
        """Return when work falls due next."""
        rows = self.store.execute(
            "SELECT message_id, due FROM remd_attempt WHERE stage IN (?, ?) ORDER BY due LIMIT ?",
            (Stage.CHECK, Stage.CALLBACK, 1 + len(without)),
        )
        moments = [row["due"] for row in rows if row["message_id"] not in without]
        return datetime.fromisoformat(moments[0]) if moments else None

    def attempts(self) -> list[Attempt]:
        """Return every attempt, in the order they came."""
        rows = self.store.execute("SELECT * FROM remd_attempt ORDER BY rowid")
        return [_attempt(row) for row in rows]

    def take_silence(self, search: Search) -> tuple[str, str, int] | None:
        """Return an attempt that makes this search go unanswered, and count that down.

        All attempts that the search covers are counted down; the first is returned as its
        MessageID, rule and number.
        """
        with transaction(self.store):
            rows = self.store.execute(
                "SELECT message_id, rule, number FROM remd_attempt WHERE unanswered > 0"
                " AND organization = ? AND ? IN ('', kind) AND ? IN ('', patient) ORDER BY rowid",
                (search.organization, search.kind, search.patient),
            ).fetchall()
            self.store.executemany(
                "UPDATE remd_attempt SET unanswered = unanswered - 1 WHERE message_id = ?",
                [(row["message_id"],) for row in rows],
            )
        return None if not rows else (rows[0]["message_id"], rows[0]["rule"], rows[0]["number"])

    def find_registration(self, local_uid: str) -> Registration | None:
        """Return the first registration of a document."""
        row = self.store.execute(
            "SELECT * FROM remd_registration WHERE local_uid = ? ORDER BY id LIMIT 1",
            (local_uid.lower(),),
        ).fetchone()
        return None if row is None else _registration(row)

    def find_number(self, number: str) -> Registration | None:
        """Return the registration of this number."""
        row = self.store.execute(
            "SELECT * FROM remd_registration WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else _registration(row)

    def registrations(self) -> list[Registration]:
        """Return the whole registry."""
        rows = self.store.execute("SELECT * FROM remd_registration ORDER BY id")
        return [_registration(row) for row in rows]

    def search(self, search: Search) -> tuple[list[Registration], int]:
        """Return one page, and how many there are on all pages."""
        where = (
            "organization = ? AND ? IN ('', kind) AND ? IN ('', patient) AND at >= ? AND at <= ?"
        )
        filters = (
            search.organization,
            search.kind,
            search.patient,
            "" if search.begin is None else _text(search.begin),
            "9999" if search.end is None else _text(search.end),
        )
        total = self.store.execute(
            f"SELECT count(*) FROM remd_registration WHERE {where}",  # noqa: S608 - our own text
            filters,
        ).fetchone()[0]
        rows = self.store.execute(
            f"SELECT * FROM remd_registration WHERE {where} ORDER BY id LIMIT ? OFFSET ?",  # noqa: S608 - our own text
            (*filters, search.page_size, (search.page - 1) * search.page_size),
        )
        return [_registration(row) for row in rows], int(total)

    def register(self, attempt: Attempt, metadata: Metadata, file: bytes, at: datetime) -> str:
        """Enter a document and return the number it gets; the caller holds the transaction."""
        row = self.store.execute(
            "SELECT coalesce(max(id), 0) + 1 FROM remd_registration"
        ).fetchone()
        number = _give_number(attempt, at, int(row[0]))
        self.store.execute(
            "INSERT INTO remd_registration (number, local_uid, message_id, organization, kind,"
            " patient, document_number, created, at, document_sha256)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                attempt.local_uid.lower(),
                attempt.message_id,
                attempt.organization,
                attempt.kind,
                attempt.patient,
                metadata.document_number,
                metadata.created.isoformat(),
                _text(at),
                hashlib.sha256(file).hexdigest(),
            ),
        )
        return number

    def _obtain_key(self) -> bytes:
        with transaction(self.store):
            row = self.store.execute("SELECT key FROM remd_secret").fetchone()
            if row is not None:
                return bytes(row["key"])
            key = secrets.token_bytes(32)
            self.store.execute("INSERT INTO remd_secret VALUES (?)", (key,))
            return key


def _give_number(attempt: Attempt, at: datetime, sequence: int) -> str:
    """Make a number like 119.77.26.05.030830566: kind, region, year, month, sequence."""
    arcs = attempt.organization.split(".")
    region = arcs[-2] if len(arcs) > 2 and len(arcs[-2]) <= 2 else "99"
    return f"{attempt.kind}.{region}.{at:%y.%m}.{sequence:09}"


def _text(moment: datetime) -> str:
    """Write a moment so that texts compare as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _row(attempt: Attempt) -> dict[str, str | int | bytes | None]:
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
        "at": _text(attempt.at),
        "rule": attempt.rule,
        "answered": attempt.answered,
        "answered_at": None if answered_at is None else _text(answered_at),
        "stage": attempt.stage,
        "due": _text(attempt.due),
        "tries": attempt.tries,
        "verdict": attempt.verdict,
        "number_given": attempt.number_given,
        "errors": json.dumps(errors, ensure_ascii=False),
        "callback_index": attempt.callback_index,
        "callback_message_id": attempt.callback_message_id,
        "unanswered": attempt.unanswered,
    }


def _attempt(row: sqlite3.Row) -> Attempt:
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


def _registration(row: sqlite3.Row) -> Registration:
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
