"""From a reference to the octets that were digested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from gateway.signatures.xml.canonical import IS_EXCLUSIVE, canonical, canonical_document
from gateway.signatures.xml.names import INCLUSIVE, SMEV
from gateway.signatures.xml.parsing import read_xml
from gateway.signatures.xml.smev import transform
from gateway.signatures.xmldsig.effort import Effort


def write_octets(
    target: etree._Element, chain: tuple[str, ...], effort: Effort, prefixes: tuple[str, ...] = ()
) -> bytes:
    """Return what a chain of transforms makes of an element; raise MalformedMessage.

    The enveloped signature must have been taken out before. Without a canonicalisation in the
    chain the inclusive one is meant (XML-DSig §4.4.3.2).
    """
    method = next((step for step in chain if step in IS_EXCLUSIVE), INCLUSIVE)
    write = canonical_document if target.getparent() is None else canonical
    most, effort.left = effort.left, 0
    octets = write(target, method, prefixes, most=most)
    effort.left = most - len(octets)
    return transform(octets) if SMEV in chain else octets


def write_beside(
    content: bytes, chain: tuple[str, ...], effort: Effort, prefixes: tuple[str, ...]
) -> bytes:
    """Return what a chain makes of content that lies beside the signature; MalformedMessage."""
    return write_octets(read_xml(content), chain, effort, prefixes) if chain else content


@contextmanager
def without(element: etree._Element) -> Iterator[None]:
    """Take an element out of its document for a while; the text behind it stays."""
    parent = element.getparent()
    assert parent is not None  # a signature that is inside of something
    place, tail = parent.index(element), element.tail
    take_out(element)
    try:
        yield
    finally:
        _put_back(parent, element, place, tail)


def take_out(element: etree._Element) -> None:
    """Take an element out of its document for good; the text behind it stays."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    assert parent is not None
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
    element.tail = None
    parent.remove(element)


def _put_back(
    parent: etree._Element, element: etree._Element, place: int, tail: str | None
) -> None:
    before = parent[place - 1] if place else None
    length = len(tail or "")
    if length and before is None:
        parent.text = (parent.text or "")[:-length]
    elif length and before is not None:
        before.tail = (before.tail or "")[:-length]
    parent.insert(place, element)
    element.tail = tail
