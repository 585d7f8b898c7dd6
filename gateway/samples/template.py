"""A document with places left open: cut once, stamped many times.

Words in double braces are filled. Those of time count back in days from the day of the stamp:
`{{day-30}}` is a date of HL7 (20260131), `{{date-30}}` one for people (31.01.2026), `{{year-30}}`
its year, `{{day+30}}` lies ahead, `{{now}}` the moment to the minute with Moscow's offset.

A long record is declared once: what stands between `<?mse-repeat 900?>` and `<?mse-end?>` is
written 900 times, and inside it `{{each}}` counts, `{{each-day 365 3}}` (or `each-date`) comes
nearer from 365 days ago, three a day, `{{each-turn a b}}` takes the words in turn and
`{{each-of a b}}` in no order that shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Final
from xml.sax.saxutils import escape

from gateway.errors import HouseError

MOSCOW: Final = timezone(timedelta(hours=3))
_NOTE: Final = re.compile(r"(?<=\?>\n)<!--.*?-->\n", re.DOTALL)
_REPEATED: Final = re.compile(r"<\?mse-repeat (\d+)\?>(.*?)<\?mse-end\?>", re.DOTALL)
_EACH: Final = re.compile(r"\{\{each(?:-(day|date|of|turn) ([^}]*))?\}\}")
_OPEN: Final = re.compile(r"\{\{([a-z][a-z0-9.+-]*)\}\}")
_TIME: Final = re.compile(r"(day|date|year)([+-]\d+)")
_FORMS: Final = {"day": "%Y%m%d", "date": "%d.%m.%Y", "year": "%Y"}


class Template:
    """The pieces of a document between its open places."""

    def __init__(self, source: str, *, name: str) -> None:
        self.name = name
        text = _REPEATED.sub(_repeat, _NOTE.sub("", source, count=1))
        pieces = _OPEN.split(text)
        self._fixed = tuple(piece.encode() for piece in pieces[0::2])
        self._words = tuple(pieces[1::2])
        self._times = frozenset(word for word in self._words if _TIME.fullmatch(word))
        self.open = frozenset(self._words) - self._times - {"now"}
        """The words that the stamp must bring."""

    def stamp(self, words: Mapping[str, str], now: datetime) -> bytes:
        """Return the document with every place filled; raises `HouseError` for one left open."""
        missing = self.open - words.keys()
        if missing:
            raise HouseError(f"the sample {self.name} lacks {', '.join(sorted(missing))}")
        local = now.astimezone(MOSCOW)
        filled = {word: escape(words[word], {'"': "&quot;"}).encode() for word in self.open}
        filled |= {word: _time(word, local) for word in self._times}
        filled["now"] = local.strftime("%Y%m%d%H%M%z").encode()
        return b"".join(self._written(filled))

    def _written(self, filled: Mapping[str, bytes]) -> Iterator[bytes]:
        for fixed, word in zip(self._fixed, self._words, strict=False):
            yield fixed
            yield filled[word]
        yield self._fixed[-1]


def _time(word: str, now: datetime) -> bytes:
    kind = _TIME.fullmatch(word)
    assert kind is not None
    return (now + timedelta(days=int(kind[2]))).strftime(_FORMS[kind[1]]).encode()


def _repeat(block: re.Match[str]) -> str:
    """Write a declared block out."""
    return "".join(
        _EACH.sub(lambda place: _each(place, turn), block[2])  # noqa: B023 - used at once
        for turn in range(int(block[1]))
    )


def _each(place: re.Match[str], turn: int) -> str:
    kind, words = place[1], (place[2] or "").split()
    if kind in ("day", "date"):
        first, a_day = int(words[0]), int(words[1])
        return f"{{{{{kind}-{first - turn // a_day}}}}}"
    if kind == "of":
        # Not round and round: a record that repeats itself every week looks made up.
        return words[(turn * 5 + turn // 7 + turn // 11) % len(words)]
    if kind == "turn":
        return words[turn % len(words)]
    return str(turn + 1)
