"""What an element of a known class may hold, whatever the document is about.

The table (`classes.csv`) says for each class its elements in order and its attributes; a document
is walked once along it. This is the cheap half of what an XSD checks, and it needs no XSD.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import SettingError

XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ALWAYS: Final = frozenset({"nullFlavor", XSI_TYPE})
_OPENING: Final = "realmCode*:CS typeId?:II templateId*:II "
_UNORDERED: Final = frozenset("%&")
_WITH_TEXT: Final = frozenset("%#")
_TOKEN: Final = re.compile(r"\(([^)]+)\)(\??)|(\w+)([?*+]?):([\w.]+)|([~%#&\-])")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an element may stand in its parent: its rank in the order, and how often."""

    rank: int
    single: bool
    class_name: str


@dataclass(frozen=True, slots=True)
class ElementClass:
    """One class: its slots by tag, what it cannot do without, its attributes."""

    slots: Mapping[str, Slot]
    required: tuple[frozenset[str], ...]
    attributes: frozenset[str]
    allowed: Mapping[str, frozenset[str]]
    demanded: frozenset[str]
    flags: frozenset[str]
    foreign: int
    """Rank at which elements of other namespaces stand, -1 where they may not."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that does not fit its class; `kind` names the sentence, `named` the thing."""

    kind: str
    element: etree._Element
    named: str = ""
    wanted: str = ""
    attribute: str = ""


class Classes:
    """The classes of one family of documents, and the walk along them."""

    def __init__(self, table: Mapping[str, ElementClass], namespace: str) -> None:
        self._table = table
        self._open = "{" + namespace + "}"

    @classmethod
    def load(cls, path: Path, namespace: str) -> Classes:
        """Read the table; raises `SettingError` where a class is named that it does not tell."""
        lines = (line for line in path.read_text("utf-8").splitlines() if line[:1] not in {"#", ""})
        table = {row["class"]: _class(row, namespace) for row in csv.DictReader(lines)}
        named = {slot.class_name for one in table.values() for slot in one.slots.values()}
        unknown = named - table.keys()
        if unknown:
            raise SettingError(f"unknown classes {', '.join(sorted(unknown))}", where=str(path))
        return cls(table, namespace)

    def elements_of(self, class_name: str) -> tuple[str, ...]:
        """Return the local names of a class's elements, in order."""
        return tuple(tag.rpartition("}")[2] for tag in self._table[class_name].slots)

    def walk(self, element: etree._Element, class_name: str) -> Iterator[Misfit]:
        """Tell what in `element` and below does not fit, in document order."""
        known = self._table.get(element.get(XSI_TYPE, class_name)) or self._table.get(class_name)
        if known is None:  # Classes.load has seen to it that there is one
            return
        yield from _misfit_attributes(element, known)
        inner: list[tuple[etree._Element, str]] = []
        yield from self._place(element, known, inner)
        for child, inner_class in inner:
            yield from self.walk(child, inner_class)

    def _place(
        self, element: etree._Element, known: ElementClass, inner: list[tuple[etree._Element, str]]
    ) -> Iterator[Misfit]:
        """Put each child into its slot, note it in `inner`, and tell what has none."""
        seen: set[str] = set()
        last = -1
        for child in element:
            tag: object = child.tag
            if not isinstance(tag, str):  # a comment or a processing instruction
                continue
            slot = known.slots.get(tag)
            if slot is None and (known.foreign < 0 or tag.startswith(self._open)):
                yield Misfit("unexpected", child)
                continue
            rank = known.foreign if slot is None else slot.rank
            if rank < last and known.flags.isdisjoint(_UNORDERED):
                yield Misfit("order", child)
            elif slot is not None and slot.single and rank == last:
                yield Misfit("repeated", child)
            last = max(last, rank)
            if slot is not None:
                seen.add(tag)
                inner.append((child, slot.class_name))
        for choice in known.required:
            if choice.isdisjoint(seen):
                names = " | ".join(sorted(tag.rpartition("}")[2] for tag in choice))
                yield Misfit("missing", element, names)


def _misfit_attributes(element: etree._Element, known: ElementClass) -> Iterator[Misfit]:
    attributes = element.attrib
    for name in attributes:
        if name not in known.attributes:
            yield Misfit("attribute-unexpected", element, str(name), attribute=str(name))
    for name, allowed in known.allowed.items():
        if name in attributes and not allowed.issuperset(str(attributes[name]).split()):
            wanted = " | ".join(sorted(allowed))
            yield Misfit("attribute-value", element, name, wanted, attribute=name)
    for name in known.demanded:
        if name not in attributes:
            yield Misfit("attribute-missing", element, name)
    if element.text and not element.text.isspace() and known.flags.isdisjoint(_WITH_TEXT):
        yield Misfit("text", element)


def _class(row: Mapping[str, str], namespace: str) -> ElementClass:
    written = row["elements"]
    flags = frozenset(token[6] for token in _TOKEN.finditer(written) if token[6])
    # a data type and the narrative open with nothing of their own
    is_plain = row["class"].isupper() or "_" in row["class"] or "-" in flags
    slots: dict[str, Slot] = {}
    required: list[frozenset[str]] = []
    foreign = -1
    for rank, token in enumerate(_TOKEN.finditer(written if is_plain else _OPENING + written)):
        if token[6]:
            foreign = rank if token[6] == "~" else foreign
            continue
        choice, optional, name, card, class_name, _ = token.groups()
        members = [one.split(":") for one in choice.split("|")] if choice else [[name, class_name]]
        single = bool(choice) or card in {"", "?"}
        tags = {f"{{{namespace}}}{member}": Slot(rank, single, kind) for member, kind in members}
        slots |= tags
        if (choice and not optional) or (not choice and card in {"", "+"}):
            required.append(frozenset(tags))
    attributes = row["attributes"].split()
    names = {re.split("[!=]", one)[0] for one in attributes}
    allowed = (one.replace("!", "").split("=") for one in attributes if "=" in one)
    return ElementClass(
        slots=slots,
        required=tuple(required),
        attributes=frozenset(names if "-" in flags else names | _ALWAYS),
        allowed={name: frozenset(values.split("|")) for name, values in allowed},
        demanded=frozenset(one[:-1] for one in attributes if one.endswith("!")),
        flags=flags,
        foreign=foreign,
    )
