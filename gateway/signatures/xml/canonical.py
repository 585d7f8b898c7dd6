"""The canonical form of an element: Canonical XML 1.0 and Exclusive XML Canonicalization 1.0.

Comments are left out whatever the method says: a reference by `""` or `#id` selects none
(XML-DSig §4.4.3.3), and SignedInfo is refused when it has any.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage, MessageTooLarge
from gateway.signatures.xml.names import (
    EXCLUSIVE,
    EXCLUSIVE_WITH_COMMENTS,
    INCLUSIVE,
    INCLUSIVE_WITH_COMMENTS,
    XML,
)

IS_EXCLUSIVE: Final = {
    EXCLUSIVE: True,
    EXCLUSIVE_WITH_COMMENTS: True,
    INCLUSIVE: False,
    INCLUSIVE_WITH_COMMENTS: False,
}
"""The methods we know."""
LARGEST: Final = 128 * 2**20
"""Octets of a canonical form, unless the caller allows fewer."""


def canonical(
    element: etree._Element,
    method: str = EXCLUSIVE,
    prefixes: tuple[str, ...] = (),
    *,
    most: int = LARGEST,
) -> bytes:
    """Return the canonical form of an element below a root; raise MalformedMessage.

    `prefixes` is the PrefixList of an exclusive method (RFC 3741 §4), `most` the number of octets
    after which it is given up.
    """
    tree = etree.ElementTree(element)
    if IS_EXCLUSIVE[method]:
        return _write(tree, most, exclusive=True, prefixes=prefixes)
    inherited = _inherit(element)
    try:
        return _write(tree, most, exclusive=False)
    finally:
        for name in inherited:
            del element.attrib[name]


def canonical_document(
    root: etree._Element, method: str, prefixes: tuple[str, ...] = (), *, most: int = LARGEST
) -> bytes:
    """Return the canonical form of a whole document, instructions around its root included."""
    return _write(root.getroottree(), most, exclusive=IS_EXCLUSIVE[method], prefixes=prefixes)


class _Octets(BytesIO):
    """Takes what is written, until it is too much."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, piece: bytes) -> int:  # type: ignore[override] # lxml gives bytes alone
        """Take a piece; raise MessageTooLarge."""
        taken = super().write(piece)
        if self.tell() > self._most:
            raise MessageTooLarge("the canonical form is too long")
        return taken


def _write(
    tree: etree._ElementTree, most: int, *, exclusive: bool, prefixes: tuple[str, ...] = ()
) -> bytes:
    """A long namespace that is declared once may be written at every element below."""
    octets = _Octets(most)
    try:
        tree.write(
            octets,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes),
        )
    except etree.LxmlError as error:  # a namespace that is a relative URI (RFC 3741 §1.3)
        raise MalformedMessage("a part of it has no canonical form") from error
    return octets.getvalue()


def _inherit(element: etree._Element) -> list[str]:
    """Give the element the xml: attributes of those above it (Canonical XML 1.0 §2.4).

    libxml2 forgets them when it writes a part of a document.
    """
    given: list[str] = []
    for above in element.iterancestors():
        for name, value in above.items():
            if str(name).startswith(f"{{{XML}}}") and name not in element.attrib:
                element.set(name, value)
                given.append(str(name))
    return given
