"""One form for a MessageID, so that a copy is told; the store keeps what was seen."""

from __future__ import annotations

import re
from typing import Final

_UUID: Final = re.compile(
    r"(?:urn:uuid:|uuid:|\{)?([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})\}?"
)


def normalise_message_id(message_id: str) -> str:
    """Return the one form of a MessageID: a UUID as 32 lower-case digits, else the text itself.

    Partners write one UUID with and without `urn:uuid:`, braces, dashes and capitals, also within
    one conversation (MessageID and RelatesTo).
    """
    stripped = message_id.strip()
    match = _UUID.fullmatch(stripped.lower())
    return match[1].replace("-", "") if match else stripped
