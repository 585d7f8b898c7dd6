"""Which element answers to an id: exactly one, or the reference is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.xml.names import WSU, WSU_ID, XML, XML_ID
from gateway.signatures.xml.parsing import elements_of

_NAMES: Final = frozenset({"Id", "ID", "id", WSU_ID, XML_ID})
"""What names an element: nobody signs by any other attribute."""
_UNIQUE: Final = frozenset({WSU_ID, XML_ID})
"""What must be unique in a document, by their own standards."""
# A union is ten times as fast as a predicate over every element.
_WITH_ID: Final = etree.XPath(
    "({0}@Id | {0}@ID | {0}@id | {0}@wsu:Id | {0}@xml:id)/..".format("/descendant::*/"),
    namespaces={"wsu": WSU, "xml": XML},
)


@dataclass(frozen=True, slots=True, eq=False)
class Ids:
    """The elements that hold each id, whatever their id attribute is called."""

    holders: Mapping[str, tuple[etree._Element, ...]]

    def find(self, uri: str) -> etree._Element:
        """Return the only element that a `#id` names; raise MalformedMessage."""
        return one(self.holders.get(uri[1:], ()), "the element of a reference")


def index_ids(root: etree._Element) -> Ids:
    """Return the ids of a document; raise MalformedMessage when one that must not comes twice."""
    found: dict[str, tuple[etree._Element, ...]] = {}
    holders = elements_of(_WITH_ID(root))
    unique: list[tuple[str, str]] = []
    for element in holders:
        given = [(str(name), str(value)) for name, value in element.items() if name in _NAMES]
        for value in {value for _, value in given}:
            found[value] = (*found.get(value, ()), element)
        unique += [row for row in given if row[0] in _UNIQUE]
    if len(set(unique)) != len(unique):
        raise MalformedMessage("an Id comes twice")
    return Ids(found)


def one(found: Sequence[etree._Element], what: str) -> etree._Element:
    """Return the only element there is; raise MalformedMessage saying how many there are."""
    if len(found) != 1:
        raise MalformedMessage(f"{what}: {len(found)} instead of one")
    return found[0]


def children(parent: etree._Element, tag: str) -> list[etree._Element]:
    """Return the children of this name, a third of the time that a path takes."""
    return list(parent.iterchildren(tag))
