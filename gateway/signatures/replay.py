"""When has a message been here before: the pure part; the store keeps what was seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class Window:
    """How long a message counts as fresh, and how far the partner's clock may be off."""

    length: timedelta = timedelta(minutes=10)
    skew: timedelta = timedelta(minutes=5)

    def admits(self, created: datetime, now: datetime) -> bool:
        """Tell whether a message made at `created` may be taken at `now`."""
        return created - self.skew <= now <= created + self.length + self.skew

    def forget_before(self, now: datetime) -> datetime:
        """Return the moment of arrival before which a seen id need not be kept.

        Whatever arrived earlier can no longer be admitted a second time.
        """
        return now - self.length - 2 * self.skew
