"""The canonical form of an element: Canonical XML 1.0 and Exclusive XML Canonicalization 1.0.

Comments are left out whatever the method says: a reference by `""` or `#id` selects none
(XML-DSig §4.4.3.3), and SignedInfo is refused when it has any.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
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


def canonical(
    element: etree._Element, method: str = EXCLUSIVE, prefixes: tuple[str, ...] = ()
) -> bytes:
    """Return the canonical form of an element of a document; raise MalformedMessage.

    `prefixes` is the PrefixList of an exclusive method (RFC 3741 §4).
    """
    if IS_EXCLUSIVE[method]:
        return _write(element, exclusive=True, prefixes=prefixes)
    inherited = _inherit(element)
    try:
        return _write(element, exclusive=False)
    finally:
        for name in inherited:
            del element.attrib[name]


def canonical_document(root: etree._Element, method: str, prefixes: tuple[str, ...] = ()) -> bytes:
    """Return the canonical form of a whole document, instructions around its root included."""
    return _write(root.getroottree(), exclusive=IS_EXCLUSIVE[method], prefixes=prefixes)


def _write(
    node: etree._Element | etree._ElementTree, *, exclusive: bool, prefixes: tuple[str, ...] = ()
) -> bytes:
    try:
        return etree.tostring(
            node,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except etree.LxmlError as error:  # a namespace that is a relative URI (RFC 3741 §1.3)
        raise MalformedMessage("a part of it has no canonical form") from error


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
