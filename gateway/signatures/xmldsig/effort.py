"""How much of a document may be written in canonical form, whoever asks for it.

A signature names up to eight parts, and parts may lie within each other: without a measure a
stranger lets us write one large document more than a hundred times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.errors import MessageTooLarge
from gateway.signatures.xmldsig.structure import Found

_TIMES: Final = 4
_FREE: Final = 8 * 2**20


class Effort:
    """What is left of it, in octets."""

    def __init__(self, size: int) -> None:
        self.left = _allowed(size)


def need_modest(found: Iterable[Found], size: int, beside: int) -> None:
    """Refuse references that are over the same octets too often; raise MessageTooLarge.

    `size` of the document and of the content `beside` it in octets. Nothing has been written yet.
    """
    targets = [target for each in found for target in each.targets]
    over = Counter(target.element for target in targets if target.element is not None)
    most = max(
        (sum(over[one] for one in (each, *each.iterancestors())) for each in over), default=0
    )
    again = sum(target.element is None and bool(target.reference.chain) for target in targets)
    if most * size > _allowed(size) or again * beside > _allowed(beside):
        raise MessageTooLarge("the same octets are signed too often for their size")


def _allowed(size: int) -> int:
    """Sixteen may sign half a megabyte, and four anything that can be read."""
    return _TIMES * size + _FREE
