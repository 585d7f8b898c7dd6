"""Where in an envelope's octets its parts begin, so that it can be signed without being rewritten.

expat tells the place of each tag; it reads no further than the Body's start tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from gateway.errors import MalformedMessage
from gateway.signatures.wss.names import SOAP_11, SOAP_12, WSU

_NAME: Final = re.compile(rb"<([^\s/>]+)")
_TAG: Final = re.compile(rb"""<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>""")
_ID: Final = f"{WSU} Id"

Edit = tuple[int, int, bytes]
"""From where to where, and what comes there instead."""


@dataclass(frozen=True, slots=True)
class Part:
    """A start tag: its Clark name, the offset behind its written name, the wsu:Id it has."""

    name: str
    behind_name: int
    id: str | None


@dataclass(frozen=True, slots=True)
class Header:
    """The Header as it is written: `end_tag` is None for an empty tag, whose `/>` is at `tail`."""

    name: bytes
    tail: int
    end_tag: int | None


@dataclass(slots=True)
class Places:
    """What an envelope holds, and where."""

    soap: str = ""
    prefix: bytes = b""
    """How the Body writes the namespace of SOAP, with its colon."""
    header: Header | None = None
    blocks: list[Part] = field(default_factory=list)
    body: Part | None = None
    body_at: int = 0


class _BodySeenError(Exception):
    """Nothing behind is wanted."""


def find_places(envelope: bytes) -> Places:
    """Return the places of an envelope's parts; raise MalformedMessage when it is none."""
    scanner = _Scanner(envelope)
    try:
        scanner.parser.Parse(envelope, True)
    except expat.ExpatError as error:
        raise MalformedMessage("it is not well-formed XML") from error
    except _BodySeenError:
        return scanner.places
    raise MalformedMessage("this is no SOAP envelope")


def splice(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the content with each edit done; they must not overlap."""
    out, last = [], 0
    for start, end, piece in sorted(edits):
        out += [content[last:start], piece]
        last = end
    return b"".join((*out, content[last:]))


class _Scanner:
    """Listens to expat until the Body begins."""

    def __init__(self, envelope: bytes) -> None:
        self.places = Places()
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._envelope, self._depth = envelope, 0
        self._header_at: int | None = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        at = self.parser.CurrentByteIndex
        namespace, _, local = name.rpartition(" ")
        if self._depth == 1:
            if local != "Envelope" or namespace not in (SOAP_11, SOAP_12):
                raise MalformedMessage("this is no SOAP envelope")
            self.places.soap = namespace
        elif self._depth == 2 and (namespace, local) == (self.places.soap, "Body"):
            self.places.body_at = at
            self.places.body = self._part(name, at, attributes)
            raise _BodySeenError
        elif self._depth == 2 and (namespace, local) == (self.places.soap, "Header"):
            self._header_at = at
        elif self._depth == 3 and self._header_at is not None and self.places.header is None:
            self.places.blocks.append(self._part(name, at, attributes))

    def _end(self, _: str) -> None:
        if self._depth == 2 and self._header_at is not None and self.places.header is None:
            self.places.header = self._header(self._header_at, self.parser.CurrentByteIndex)
        self._depth -= 1

    def _header(self, start: int, end: int) -> Header:
        """Return what was written."""
        tag = _TAG.match(self._envelope, start)
        assert tag is not None  # expat has just read it
        empty = tag[0].endswith(b"/>")
        return Header(tag[1], tag.end() - 2, None if empty else end)

    def _part(self, name: str, at: int, attributes: dict[str, str]) -> Part:
        written = _NAME.match(self._envelope, at)
        assert written is not None  # expat has just read a tag there
        prefix, colon, _ = written[1].rpartition(b":")
        self.places.prefix = prefix + colon
        return Part(name, written.end(), attributes.get(_ID))
