"""Bodies as they lie on disk: compressed, then sealed where a key is configured.

The first byte says which, so that a store may get its key later than its first document.
"""

from __future__ import annotations

import zlib

from gateway.errors import HouseError
from gateway.ports import Sealer

_PLAIN = b"\x00"
_SEALED = b"\x01"
# Level 1: the time of the one writer counts for more than the last tenth of the size.
_LEVEL = 1


class Bodies:
    """Packs and unpacks; `about` names the place of a body, so that none can be moved."""

    def __init__(self, sealer: Sealer | None) -> None:
        self._sealer = sealer

    def pack(self, content: bytes, *, about: str) -> bytes:
        """Return what is written to disk."""
        small = zlib.compress(content, _LEVEL)
        if self._sealer is None:
            return _PLAIN + small
        return _SEALED + self._sealer.seal(small, about.encode())

    def unpack(self, stored: bytes, *, about: str) -> bytes:
        """Return the bytes that were packed.

        Raises HouseError when they are sealed and there is no key, or are not what was packed;
        whatever the sealer raises goes through.
        """
        kind, rest = stored[:1], stored[1:]
        if kind == _SEALED:
            if self._sealer is None:
                raise HouseError("a body is sealed, and no key is configured", where=about)
            rest = self._sealer.open(rest, about.encode())
        try:
            return zlib.decompress(rest)
        except zlib.error as error:
            raise HouseError("a body is damaged on disk", where=about) from error

    def can_open(self, stored: bytes) -> bool:
        """Tell whether there is a key where one is needed."""
        return stored[:1] != _SEALED or self._sealer is not None


def payload_place(exchange_id: str, name: str) -> str:
    """Return the place of a payload."""
    return f"payload/{exchange_id}/{name}"


def wire_place(exchange_id: str, sequence: int, position: int) -> str:
    """Return the place of a wire message."""
    return f"wire/{exchange_id}/{sequence}/{position}"


def callback_place(endpoint: str, partner: str, message_id: str) -> str:
    """Return the place of a callback's body."""
    return f"callback/{endpoint}/{partner}/{message_id}"


def stray_place(endpoint: str, sha256: str) -> str:
    """Return the place of a stray call's first bytes."""
    return f"stray/{endpoint}/{sha256}"


def answer_place(sender: str, key: str) -> str:
    """Return the place of the answer that an Idempotency-Key was given."""
    return f"answer/{sender}/{key}"
