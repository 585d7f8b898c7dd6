"""Reads the life of a message out of the verified bytes of its Timestamp."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures.wss.names import WSU
from gateway.signatures.xml.parsing import parse

# xs:dateTime; WSS 1.0 §10 wants UTC, partners write offsets too. A moment without either is none.
_DATE_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when a message is good."""

    created: datetime
    expires: datetime


def read_life(timestamp: bytes) -> Life:
    """Return Created and Expires, each of which must be there once; raise MalformedMessage."""
    root = parse(timestamp)
    if [child.tag for child in root] != [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"]:
        raise MalformedMessage("a Timestamp holds Created and Expires")
    created, expires = (_read_moment(child.text or "") for child in root)
    return Life(created, expires)


def _read_moment(text: str) -> datetime:
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        raise MalformedMessage("a moment of the Timestamp is no xs:dateTime with its zone")
    second, fraction, zone = match.groups()
    try:
        return datetime.fromisoformat(second + (fraction or "")[:7] + zone.replace("Z", "+00:00"))
    except ValueError as error:
        raise MalformedMessage("a moment of the Timestamp is not in the calendar") from error
