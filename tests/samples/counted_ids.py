"""Ids that count, so that the same test makes the same bytes."""

import uuid


class CountedIds:
    """UUIDs of version 7 with a count in place of time and chance."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        """Return the next id."""
        self._count += 1
        return str(uuid.UUID(int=self._count | 0x7 << 76 | 0b10 << 62))
