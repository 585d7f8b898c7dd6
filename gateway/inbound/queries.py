"""Reads what stands in a URL or a header; a slip is named, never guessed at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from aiohttp import web
from multidict import MultiMapping

from gateway.errors import SenderError
from gateway.exchange.states import Outcome, State
from gateway.ports import Query

E = TypeVar("E", bound=StrEnum)
LANGUAGES = ("ru", "en", "kk")
DIMENSIONS = ("endpoint", "document", "organization")
LARGEST_PAGE = 1000
LONGEST_WAIT = 300
"""Seconds; a longer `wait` is taken as this."""
_TEXTS = ("endpoint", "organization", "local_uid", "set_id", "number", "after")
_LONGEST_TEXT = 256
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?")


class BadQuery(SenderError):  # noqa: N818 - a standing, not a fault
    """A parameter or a header is not of the form it must have."""

    code = "value"


def read_search(
    query: MultiMapping[str], *, tenant: str, extra: frozenset[str] = frozenset()
) -> Query:
    """Return the search that a URL asks for; `tenant` is whose, empty for everybody's.

    Raises BadQuery.
    """
    known = {*_TEXTS, "sender", "state", "outcome", "due_before", "from", "to", "limit"} | extra
    forbid_unknown(query, known)
    return Query(
        sender=tenant or read_text(query, "sender"),
        states=_read_words(query, "state", State),
        outcomes=_read_words(query, "outcome", Outcome),
        due_before=read_moment(query, "due_before"),
        received_from=read_moment(query, "from"),
        received_to=read_moment(query, "to"),
        limit=read_number(query, "limit", default=100, least=1, most=LARGEST_PAGE),
        **{name: read_text(query, name) for name in _TEXTS},
    )


def read_dimensions(query: MultiMapping[str]) -> tuple[str, ...]:
    """Return by what the report is broken down; by endpoint and document when nothing is said."""
    if "by" not in query:
        return ("endpoint", "document")
    asked = tuple(word for word in read_text(query, "by").split(",") if word)
    if wrong := set(asked) - set(DIMENSIONS):
        raise BadQuery(f"{wrong.pop()!r} is none of {', '.join(DIMENSIONS)}", where="by")
    return tuple(dict.fromkeys(asked))


def forbid_unknown(query: Mapping[str, str], known: Iterable[str]) -> None:
    """Raise BadQuery for a parameter that nobody would read."""
    names = set(known)
    for name in query:
        if name not in names:
            raise BadQuery(f"unknown parameter; known: {', '.join(sorted(names))}", where=name)


def read_text(query: Mapping[str, str], name: str) -> str:
    """Return a text of sane length without control characters. Raises BadQuery."""
    text = query.get(name, "")
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise BadQuery(f"at most {_LONGEST_TEXT} printable characters are wanted", where=name)
    return text


def read_number(query: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number within its bounds. Raises BadQuery."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadQuery("a whole number is wanted", where=name)
    number = int(text)
    if not least <= number <= most:
        raise BadQuery(f"a number from {least} to {most} is wanted", where=name)
    return number


def read_moment(query: Mapping[str, str], name: str) -> datetime | None:
    """Return a moment (ISO 8601 with its offset, or a date: its midnight in UTC)."""
    text = query.get(name)
    if text is None:
        return None
    try:
        # A plus sign that nobody escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None and len(text) > len("2026-01-31"):
            raise BadQuery("the offset is missing, like 2026-01-31T10:00:00Z", where=name)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadQuery("a moment like 2026-01-31T10:00:00Z is wanted", where=name) from error


def read_wait(request: web.Request) -> int | None:
    """Return how many seconds `Prefer: wait=N` (RFC 7240 §4.3) would wait; None if it does not."""
    for header in request.headers.getall("Prefer", ()):
        for preference in re.split(r"[,;]", header):
            if match := _WAIT.fullmatch(preference.strip().lower()):
                return min(int(match[1]), LONGEST_WAIT)
    return None


def read_key(request: web.Request) -> str:
    """Return the Idempotency-Key, or an empty text. Raises BadQuery."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise BadQuery("1 to 255 visible ASCII characters are wanted", where="Idempotency-Key")
    return key


def read_language(request: web.Request) -> str:
    """Return the best of our languages by `Accept-Language` (RFC 9110 §12.5.4), else Russian."""
    best, weight = "ru", 0.0
    for one in request.headers.get("Accept-Language", "").split(","):
        name, _, rest = one.partition(";")
        code = name.strip().lower().partition("-")[0]
        quality = _read_quality(rest)
        if code in LANGUAGES and quality > weight:
            best, weight = code, quality
    return best


def _read_quality(text: str) -> float:
    match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", text)
    return float(match[1]) if match else 1.0


def _read_words(query: MultiMapping[str], name: str, kind: Callable[[str], E]) -> tuple[E, ...]:
    words = [word for text in query.getall(name, []) for word in text.split(",") if word]
    try:
        return tuple(kind(word) for word in words)
    except ValueError as error:
        known = ", ".join(one.value for one in (State if name == "state" else Outcome))
        raise BadQuery(f"one of {known} is wanted", where=name) from error
