"""Named pairs of pure functions between two spellings of one value.

Law: `forth(back(y)) == y` for every `y` that `forth` can give; `back` gives the one canonical
spelling. Both raise ValueError for what is no such value.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Final

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SNILS: Final = re.compile(r"([0-9]{3})[-\s]?([0-9]{3})[-\s]?([0-9]{3})[-\s]?([0-9]{2})")
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_MOMENT: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?([+-])([0-9]{2})([0-9]{2}))?"
)
_LONGEST_TEXT: Final = 512
_SNILS_MODULUS: Final = 101
_WITHOUT_CHECK: Final = 1_001_998  # numbers up to 001-001-998 were given before check digits
MOSCOW: Final = timezone(timedelta(hours=3))


@dataclass(frozen=True, slots=True)
class Converter:
    """One pair: document to recipient and back."""

    name: str
    forth: Callable[[str], str]
    back: Callable[[str], str]


def check_text(text: str) -> str:
    """Return the text as an `xs:token` of 1 to 512 characters."""
    token = " ".join(text.split())
    if not 0 < len(token) <= _LONGEST_TEXT:
        raise ValueError("a text of 1 to 512 characters is wanted")
    return token


def check_oid(text: str) -> str:
    """Return the OID in dotted form."""
    token = text.strip()
    if not _OID.fullmatch(token):
        raise ValueError("an OID is wanted")
    return token


def read_uuid(text: str) -> str:
    """Return the UUID in its canonical form, lower case (RFC 9562 §4)."""
    token = text.strip()
    if not _UUID.fullmatch(token):
        raise ValueError("a UUID is wanted")
    return str(uuid.UUID(token))


def read_snils(text: str) -> str:
    """Return eleven digits; the check digits must hold (Постановление ПФР 192п, прил. 1)."""
    match = _SNILS.fullmatch(text.strip())
    if match is None:
        raise ValueError("a СНИЛС is wanted")
    digits = "".join(match.groups())
    number, check = digits[:9], int(digits[9:])
    weighed = sum(int(digit) * (9 - at) for at, digit in enumerate(number)) % _SNILS_MODULUS
    if int(number) > _WITHOUT_CHECK and weighed % 100 != check:
        raise ValueError("the check digits of the СНИЛС do not hold")
    return digits


def write_snils(digits: str) -> str:
    """Return `123-456-789 01`."""
    digits = read_snils(digits)
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"


def read_day(text: str) -> str:
    """Return an HL7 TS to the day as an ISO date."""
    match = _DAY.fullmatch(text.strip()[:8])
    if match is None:
        raise ValueError("a date is wanted")
    return date(int(match[1]), int(match[2]), int(match[3])).isoformat()


def write_day(text: str) -> str:
    """Return an ISO date as an HL7 TS."""
    return date.fromisoformat(text).strftime("%Y%m%d")


def read_moment(text: str) -> str:
    """Return an HL7 TS to the day, minute or second as `xs:dateTime` with its zone.

    A day alone begins at midnight in Moscow: РЭМД counts in +03:00 (our assumption).
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError("a moment with its zone, or a day, is wanted")
    day = date(int(match[1]), int(match[2]), int(match[3]))
    if match[4] is None:
        moment = datetime(day.year, day.month, day.day, tzinfo=MOSCOW)
    else:
        offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
        zone = timezone(offset if match[7] == "+" else -offset)
        clock = (int(match[4]), int(match[5]), int(match[6] or 0))
        moment = datetime(day.year, day.month, day.day, *clock, tzinfo=zone)
    return moment.isoformat()


def write_moment(text: str) -> str:
    """Return an `xs:dateTime` with its zone as an HL7 TS to the second."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment with its zone is wanted")
    return moment.strftime("%Y%m%d%H%M%S%z")[:19]


def table(pairs: Mapping[str, str]) -> Converter:
    """Return the converter of a value table; each side must name a value once."""
    back = {there: here for here, there in pairs.items()}
    if len(back) != len(pairs):
        raise ValueError("two values of the table mean the same")
    return Converter("table", _look_up(pairs), _look_up(back))


def _look_up(pairs: Mapping[str, str]) -> Callable[[str], str]:
    fixed = MappingProxyType(dict(pairs))

    def look_up(value: str) -> str:
        if value.strip() not in fixed:
            raise ValueError("the value is not in the table")
        return fixed[value.strip()]

    return look_up


CONVERTERS: Final = MappingProxyType(
    {
        one.name: one
        for one in (
            Converter("text", check_text, check_text),
            Converter("oid", check_oid, check_oid),
            Converter("uuid", read_uuid, read_uuid),
            Converter("snils", read_snils, write_snils),
            Converter("day", read_day, write_day),
            Converter("moment", read_moment, write_moment),
        )
    }
)
"""By the name that a rule uses."""
