"""The registry and the work in progress, in the counterpart's own file."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Collection
from datetime import datetime

from gateway.sandbox.logbook import transaction
from gateway.sandbox.remd.metadata import Metadata, snils_digits
from gateway.sandbox.remd.records import (
    Attempt,
    Registration,
    Search,
    Stage,
    attempt_as_row,
    read_attempt,
    read_registration,
    write_moment,
)

_TABLES = """
CREATE TABLE IF NOT EXISTS remd_secret (key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS remd_message (
    message_id TEXT PRIMARY KEY, at TEXT NOT NULL
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
CREATE INDEX IF NOT EXISTS remd_attempt_unanswered ON remd_attempt (organization)
    WHERE unanswered > 0;
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

    def remember_message(self, message_id: str, at: datetime) -> bool:
        """Note a MessageID; return False when anybody has used it before."""
        normal = message_id.lower().removeprefix("urn:uuid:").replace("-", "")
        cursor = self.store.execute(
            "INSERT OR IGNORE INTO remd_message VALUES (?, ?)",
            (normal, at.isoformat()),
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
                (Stage.CHECK, write_moment(attempt.at), attempt.local_uid.lower(), Stage.HELD),
            )
            values = attempt_as_row(attempt)
            marks = ", ".join(f":{name}" for name in values)
            self.store.execute(
                f"INSERT INTO remd_attempt ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - our own names
                values,
            )

    def save(self, attempt: Attempt) -> Attempt:
        """Write how the work on an attempt stands; what was answered is not touched.

        The request is let go when nothing more is to be done with it.
        """
        with transaction(self.store):
            self.store.execute(
                "UPDATE remd_attempt SET stage = :stage, due = :due, tries = :tries,"
                " verdict = :verdict, number_given = :number_given, errors = :errors,"
                " callback_index = :callback_index, callback_message_id = :callback_message_id,"
                " request = CASE :stage WHEN 'done' THEN x'' ELSE request END"
                " WHERE message_id = :message_id",
                attempt_as_row(attempt),
            )
        return attempt

    def note_answer(self, message_id: str, answered: str, at: datetime) -> None:
        """Write what was said at once."""
        with transaction(self.store):
            self.store.execute(
                "UPDATE remd_attempt SET answered = ?, answered_at = ? WHERE message_id = ?",
                (answered, write_moment(at), message_id),
            )

    def get(self, message_id: str) -> Attempt | None:
        """Return one attempt."""
        row = self.store.execute(
            "SELECT * FROM remd_attempt WHERE message_id = ?", (message_id,)
        ).fetchone()
        return None if row is None else read_attempt(row)

    def due(self, now: datetime, *, limit: int, without: Collection[str]) -> list[Attempt]:
        """Return attempts that work is due on, the longest due first."""
        rows = self.store.execute(
            "SELECT * FROM remd_attempt WHERE stage IN (?, ?) AND due <= ? ORDER BY due LIMIT ?",
            (Stage.CHECK, Stage.CALLBACK, write_moment(now), limit + len(without)),
        )
        return [read_attempt(row) for row in rows if row["message_id"] not in without][:limit]

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
        return [read_attempt(row) for row in rows]

    def take_unanswered(self, search: Search) -> Attempt | None:
        """Return the first attempt that this search covers and that wants it to go wrong.

        Every such attempt has one search less to spoil afterwards.
        """
        with transaction(self.store):
            rows = self.store.execute(
                "SELECT * FROM remd_attempt WHERE unanswered > 0"
                " AND organization = ? AND ? IN ('', kind) AND ? IN ('', patient) ORDER BY rowid",
                (search.organization, search.kind, search.patient),
            ).fetchall()
            self.store.executemany(
                "UPDATE remd_attempt SET unanswered = unanswered - 1 WHERE message_id = ?",
                [(row["message_id"],) for row in rows],
            )
        return read_attempt(rows[0]) if rows else None

    def find_registration(self, local_uid: str) -> Registration | None:
        """Return the first registration of a document."""
        row = self.store.execute(
            "SELECT * FROM remd_registration WHERE local_uid = ? ORDER BY id LIMIT 1",
            (local_uid.lower(),),
        ).fetchone()
        return None if row is None else read_registration(row)

    def find_number(self, number: str) -> Registration | None:
        """Return the registration of this number."""
        row = self.store.execute(
            "SELECT * FROM remd_registration WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else read_registration(row)

    def registrations(self) -> list[Registration]:
        """Return the whole registry."""
        rows = self.store.execute("SELECT * FROM remd_registration ORDER BY id")
        return [read_registration(row) for row in rows]

    def search(self, search: Search) -> tuple[list[Registration], int]:
        """Return one page, and how many there are on all pages."""
        where = (
            "organization = ? AND ? IN ('', kind) AND ? IN ('', patient) AND at >= ? AND at <= ?"
        )
        filters = (
            search.organization,
            search.kind,
            search.patient,
            "" if search.begin is None else write_moment(search.begin),
            "9999" if search.end is None else write_moment(search.end),
        )
        total = self.store.execute(
            f"SELECT count(*) FROM remd_registration WHERE {where}",  # noqa: S608 - our own text
            filters,
        ).fetchone()[0]
        rows = self.store.execute(
            f"SELECT * FROM remd_registration WHERE {where} ORDER BY id LIMIT ? OFFSET ?",  # noqa: S608 - our own text
            (*filters, search.page_size, (search.page - 1) * search.page_size),
        )
        return [read_registration(row) for row in rows], int(total)

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
                write_moment(at),
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
