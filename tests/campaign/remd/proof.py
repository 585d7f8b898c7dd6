"""Reads the sandbox's own file and names every promise that was broken.

It knows nothing of the gateway: what was asked, answered and registered stands in the file.
"""

import itertools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Attempt:
    """One registerDocument that reached the sandbox."""

    local_uid: str
    message_id: str
    organization: str
    kind: str
    patient: str
    at: datetime


@dataclass(frozen=True)
class Search:
    """One searchRegistryItem that the sandbox answered completely."""

    organization: str
    kind: str
    patient: str
    begin: str
    end: str
    at: datetime
    found: frozenset[str]

    def covers(self, attempt: Attempt) -> bool:
        """Tell whether it would have shown the attempt's document."""
        return (
            self.organization == attempt.organization
            and self.kind in {"", attempt.kind}
            and self.patient in {"", attempt.patient}
            and (not self.begin or datetime.fromisoformat(self.begin) <= attempt.at)
            and (not self.end or datetime.fromisoformat(self.end) >= self.at)
        )


class Evidence:
    """What one sandbox saw."""

    def __init__(self, store: Path) -> None:
        self._db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        self._db.row_factory = sqlite3.Row
        self.attempts: dict[str, list[Attempt]] = defaultdict(list)
        for row in self._db.execute("SELECT * FROM remd_attempt ORDER BY at"):
            self.attempts[row["local_uid"]].append(_read_attempt(row))
        self.registrations: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for row in self._db.execute("SELECT * FROM remd_registration ORDER BY id"):
            known = (row["number"], datetime.fromisoformat(row["at"]))
            self.registrations[row["local_uid"]].append(known)
        self.searches = list(self._read_searches())
        self.told = self._read_told()

    def sent_after_registered(self) -> list[str]:
        """Return attempts for a document that had been answered as registered before."""
        return [
            f"{uid}: attempt {one.message_id} at {one.at}, told at {self.told[uid]}"
            for uid, attempts in self.attempts.items()
            for one in attempts
            if uid in self.told and one.at > self.told[uid]
        ]

    def repeated_without_inquiry(self) -> list[str]:
        """Return repeats before which no complete search covered the attempt before."""
        return [
            f"{uid}: attempt {later.message_id} at {later.at} after {earlier.at}"
            for uid, attempts in self.attempts.items()
            for earlier, later in itertools.pairwise(attempts)
            if not any(
                earlier.at < search.at < later.at and search.covers(earlier)
                for search in self.searches
            )
        ]

    def registered_twice(self) -> tuple[list[str], list[str]]:
        """Return documents with two numbers: where a repeat met one in work, and all others.

        It was in work when the last inquiry before the repeat came before the registration: no
        search could have shown it then.
        """
        met: list[str] = []
        others: list[str] = []
        for uid, registrations in self.registrations.items():
            if len(registrations) > 1:
                (met if self._met_one_in_work(uid) else others).append(uid)
        return met, others

    def not_given_by_the_living(self, lives: list[tuple[datetime, datetime]]) -> list[str]:
        """Return files that did not come though a gateway listened from the asking on.

        The file counts as asked for when the sandbox wrote that down, right before the call. A
        call that was on its way when the power was cut is written down as failed after the cut.
        """
        asked: dict[str, datetime] = {}
        missed: list[str] = []
        for row in self._db.execute("SELECT * FROM log ORDER BY id"):
            at = datetime.fromisoformat(row["at"])
            if row["kind"] == "file_requested":
                asked[row["message_id"]] = at
            elif row["kind"] == "file_not_received":
                since = asked[row["message_id"]]
                if any(begin <= since and at <= end for begin, end in lives):
                    missed.append(f"{row['local_uid']}: asked at {since}, failed at {at}")
        return missed

    def _met_one_in_work(self, uid: str) -> bool:
        first_registered = self.registrations[uid][0][1]
        first, *repeats = self.attempts[uid]
        return any(
            search.at < first_registered
            for repeat in repeats
            for search in self._last_inquiry(first, before=repeat.at)
        )

    def _last_inquiry(self, attempt: Attempt, *, before: datetime) -> list[Search]:
        asked = [one for one in self.searches if one.at < before and one.covers(attempt)]
        return asked[-1:]

    def _read_log(self, kind: str) -> Iterator[tuple[sqlite3.Row, dict[str, object]]]:
        for row in self._db.execute("SELECT * FROM log WHERE kind = ? ORDER BY id", (kind,)):
            yield row, json.loads(row["facts"])

    def _read_searches(self) -> Iterator[Search]:
        for row, facts in self._read_log("search"):
            if facts["answered"] and facts["complete"]:
                yield Search(
                    organization=str(facts["organization"]),
                    kind=str(facts["document_kind"]),
                    patient=str(facts["patient"]),
                    begin=str(facts["begin"]),
                    end=str(facts["end"]),
                    at=datetime.fromisoformat(row["at"]),
                    found=frozenset(str(facts["found"]).split()),
                )

    def _read_told(self) -> dict[str, datetime]:
        """Return when each document was first answered as registered, and that was taken."""
        told: dict[str, datetime] = {}
        for row, facts in self._read_log("callback"):
            if facts.get("acknowledged") and facts.get("says") == "registered":
                told.setdefault(row["local_uid"], datetime.fromisoformat(row["at"]))
        for search in self.searches:
            for uid in search.found:
                told[uid] = min(told.get(uid, search.at), search.at)
        return told


def _read_attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        local_uid=row["local_uid"],
        message_id=row["message_id"],
        organization=row["organization"],
        kind=row["kind"],
        patient=row["patient"],
        at=datetime.fromisoformat(row["at"]),
    )
