"""Reads ASN.1 (X.690): strict DER, and the BER that the outside of a CMS may come in.

Every value keeps its raw octets: what was signed is never written anew. All errors are
MalformedMessage, whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.errors import MalformedMessage

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
OID: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
_CONSTRUCTED: Final = 0x20
_MAX_DEPTH: Final = 32
_NOT_DER: Final = "this is not DER"
_END_OF_CONTENTS: Final = b"\0\0"
_STRINGS: Final = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1E: "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One tag with its content octets `body`; `raw` is all of it as it came."""

    tag: int
    body: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    def members(self) -> tuple[Value, ...]:
        """Return what is inside a constructed value."""
        if not self.tag & _CONSTRUCTED:
            raise MalformedMessage("a primitive value has no members")
        return tuple(_read_all(self.body))

    def fields(self) -> Fields:
        """Return the members, to be taken one by one."""
        return Fields(self.members())

    def oid(self) -> str:
        """Return the dotted form of an OBJECT IDENTIFIER."""
        dotted = read_oid(self.body) if self.tag == OID else None
        if dotted is None:
            raise MalformedMessage("an OBJECT IDENTIFIER cannot be read")
        return dotted

    def integer(self) -> int:
        """Return the number of an INTEGER or ENUMERATED."""
        if not self.body:
            raise MalformedMessage("an INTEGER has no octets")
        return int.from_bytes(self.body, "big", signed=True)

    def bits(self) -> tuple[bytes, int]:
        """Return the octets of a BIT STRING and how many of the last bits do not count."""
        if not self.body or self.body[0] > 7:
            raise MalformedMessage("a BIT STRING cannot be read")
        return self.body[1:], self.body[0]

    def text(self) -> str:
        """Return the characters of a string type, empty for any other type."""
        try:
            return self.body.decode(_STRINGS[self.tag]) if self.tag in _STRINGS else ""
        except UnicodeDecodeError as error:
            raise MalformedMessage("a string is not in its encoding") from error

    def time(self) -> datetime:
        """Return the moment of a UTCTime or GeneralizedTime in the form of RFC 5280 §4.1.2.5."""
        text = self.body.decode("latin-1")
        if self.tag == UTC_TIME and len(text) == 13:
            text = ("19" if text >= "50" else "20") + text
        elif self.tag != GENERALIZED_TIME:
            text = ""
        if len(text) != 15 or text[14] != "Z" or not text[:14].isascii() or not text[:14].isdigit():
            raise MalformedMessage("a time is not YYMMDDhhmmssZ")
        parts = [int(text[at : at + 2]) for at in range(4, 14, 2)]
        try:
            return datetime(int(text[:4]), *parts, tzinfo=UTC)  # type: ignore[misc,arg-type] # five numbers
        except ValueError as error:
            raise MalformedMessage("a time is not in the calendar") from error


class Fields:
    """The members of a SEQUENCE in their order; what is left over is an error of the caller."""

    def __init__(self, members: tuple[Value, ...]) -> None:
        self._members = members
        self._next = 0

    def take(self, *tags: int) -> Value:
        """Return the next member, which must have one of the tags."""
        found = self.optional(*tags)
        if found is None:
            raise MalformedMessage("a mandatory field is missing")
        return found

    def optional(self, *tags: int) -> Value | None:
        """Return the next member if it has one of the tags, else None and stay."""
        if self._next < len(self._members) and self._members[self._next].tag in tags:
            self._next += 1
            return self._members[self._next - 1]
        return None

    def end(self) -> None:
        """Refuse members that nobody has taken."""
        if self._next != len(self._members):
            raise MalformedMessage("there is an unexpected field")


def read_ber(content: bytes) -> Value:
    """Read one BER value that fills the content."""
    value, end = _read(content, 0, 0)
    if end != len(content):
        raise MalformedMessage("octets follow the end of the value")
    return value


def read_der(content: bytes) -> Value:
    """Read one DER value that fills the content, minimal lengths and sorted SETs all the way down.

    A signature over what could be encoded in two ways would say two things.
    """
    value = read_ber(content)
    _need_der(content, 0, len(content), 0)
    return value


def is_der(content: bytes) -> bool:
    """Tell whether the content is one DER value."""
    try:
        read_der(content)
    except MalformedMessage:
        return False
    return True


def _need_der(content: bytes, start: int, end: int, depth: int, *, sort: bool = False) -> None:
    """Walk what lies between two places, by places alone: objects cost more than hashing does."""
    raws: list[bytes] = []
    position = start
    while position < end:
        body, stop = _measure_der(content, position, end)
        tag = content[position]
        if tag & _CONSTRUCTED:
            if depth == _MAX_DEPTH:
                raise MalformedMessage(_NOT_DER)
            _need_der(content, body, stop, depth + 1, sort=tag == SET)
        if sort:
            raws.append(content[position:stop])
        position = stop
    if raws != sorted(raws):
        raise MalformedMessage("a SET is not in the order of DER")


def _measure_der(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the body of the value begins and ends; its length is in the fewest octets."""
    if start + 2 > end or content[start] & 0x1F == 0x1F:
        raise MalformedMessage(_NOT_DER)
    size, body = content[start + 1], start + 2
    if size & 0x80:
        octets = content[body : body + (size & 0x7F)]
        body += len(octets)
        size = int.from_bytes(octets, "big")
        # An indefinite length has no octets at all, so it fails here too.
        if size < 0x80 or not octets[0]:
            raise MalformedMessage(_NOT_DER)
    if body + size > end:
        raise MalformedMessage(_NOT_DER)
    return body, body + size


def _read_all(content: bytes) -> Iterator[Value]:
    position = 0
    while position < len(content):
        value, position = _read(content, position, 0)
        yield value


def _read(content: bytes, start: int, depth: int) -> tuple[Value, int]:
    """Return the value that begins at `start`, and where it ends."""
    if start + 2 > len(content) or content[start] & 0x1F == 0x1F or depth > _MAX_DEPTH:
        raise MalformedMessage("a tag cannot be read")
    tag, size, body = content[start], content[start + 1], start + 2
    if size == 0x80:
        return _read_indefinite(content, start, depth)
    if size & 0x80:
        count = size & 0x7F
        body += count
        size = int.from_bytes(content[start + 2 : body], "big")
        if count > 4 or body > len(content):
            raise MalformedMessage("a length cannot be read")
    end = body + size
    if end > len(content):
        raise MalformedMessage("a value is cut off")
    return Value(tag, content[body:end], content[start:end]), end


def _read_indefinite(content: bytes, start: int, depth: int) -> tuple[Value, int]:
    """Read a constructed value whose end is marked by two zero octets (X.690 §8.1.3.6)."""
    if not content[start] & _CONSTRUCTED:
        raise MalformedMessage("a primitive value has no indefinite length")
    position = body = start + 2
    while content[position : position + 2] != _END_OF_CONTENTS:
        _, position = _read(content, position, depth + 1)
    end = position + 2
    return Value(content[start], content[body:position], content[start:end]), end


@lru_cache(maxsize=1024)
def read_oid(octets: bytes) -> str | None:
    """Return the dotted form of an OID's content octets, or None."""
    if not octets or octets[-1] & 0x80:
        return None
    arcs, value = [], 0
    for octet in octets:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - first * 40, *arcs[1:]))
