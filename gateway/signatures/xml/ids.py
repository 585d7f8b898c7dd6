"""Which element answers to an id: exactly one, or the reference is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.xml.names import WSU, WSU_ID, XML, XML_ID
from gateway.signatures.xml.parsing import elements_of

_NAMES: Final = ("Id", "ID", "id", WSU_ID, XML_ID)
"""What names an element: nobody signs by any other attribute."""
# A union is ten times as fast as a predicate over every element.
_WITH_ID: Final = etree.XPath(
    "(//@Id | //@ID | //@id | //@wsu:Id | //@xml:id)/..", namespaces={"wsu": WSU, "xml": XML}
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
    _refuse_doubled(holders)
    for element in holders:
        for value in {value for name in _NAMES if (value := element.get(name)) is not None}:
            found[value] = (*found.get(value, ()), element)
    return Ids(found)


def one(found: Sequence[etree._Element], what: str) -> etree._Element:
    """Return the only element there is; raise MalformedMessage saying how many there are."""
    if len(found) != 1:
        raise MalformedMessage(f"{what}: {len(found)} instead of one")
    return found[0]


def _refuse_doubled(holders: Sequence[etree._Element]) -> None:
    """wsu:Id and xml:id must be unique in a document, by their own standards."""
    for name in (WSU_ID, XML_ID):
        given = [value for element in holders if (value := element.get(name)) is not None]
        if len(set(given)) != len(given):
            raise MalformedMessage("an Id comes twice")
