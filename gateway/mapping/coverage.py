"""What of a document no rule has read and no rule file has left out by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lxml import etree

from gateway.formats.cda import Places
from gateway.formats.xml import elements_of
from gateway.mapping.rules import Left

_CONTENT: Final = ("value", "code", "extension", "root")
"""Attributes that say something; the others are HL7's fixed words about structure."""


def unread_places(
    root: etree._Element, read: Iterable[etree._Element], left: Sequence[Left]
) -> list[str]:
    """Return the place of every element that says something and was neither read nor left."""
    closed = {element for one in left for element in elements_of(one.find(root))}
    places = Places()
    return [places.of(element) for element in _speaking(root, set(read), closed)]


def _speaking(
    element: etree._Element, read: set[etree._Element], closed: set[etree._Element]
) -> Iterator[etree._Element]:
    if element in closed:
        return
    if element not in read and _says_something(element):
        yield element
    for child in element.iterchildren(etree.Element):
        yield from _speaking(child, read, closed)


def _says_something(element: etree._Element) -> bool:
    return bool((element.text or "").strip()) or any(element.get(name) for name in _CONTENT)
