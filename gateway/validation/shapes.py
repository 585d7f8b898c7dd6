"""What a profile asks of the elements beyond their class: its structure table.

One row of the table names a child of a shape, how often it stands there, which attributes it
carries and which shape it has in turn. A row with a slice speaks of those children only that the
slice picks (`observation/code@code=4059`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import SettingError
from gateway.validation.classes import XSI_TYPE, Misfit

_CARD: Final = re.compile(r"(\d+)(?:\.\.(\d+|\*))?")
_CODED: Final = ("codeSystem", "code", "codeSystemName", "codeSystemVersion", "displayName")
MANY: Final = 10**6


@dataclass(frozen=True, slots=True)
class Words:
    """What the cells of a table may name: namespaces, dictionaries and patterns."""

    namespaces: Mapping[str, str]
    dictionaries: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, str]

    def clark(self, name: str) -> str:
        """Return `{uri}local` of a name; without a prefix it lies in the default namespace."""
        prefix, _, local = name.rpartition(":")
        if prefix not in self.namespaces:
            raise SettingError(f"unknown prefix of {name}")
        return f"{{{self.namespaces[prefix]}}}{local}"

    def values(self, text: str) -> frozenset[str]:
        """Return the values of `a|b|$dictionary`."""
        found: list[str] = []
        for part in text.split("|"):
            found += self.dictionaries[part[1:]] if part.startswith("$") else [part]
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class AttributeWish:
    """An attribute (or the text, when `name` is empty) and what it has to be."""

    name: str
    label: str
    values: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    optional: bool = False

    def misfit(self, element: etree._Element) -> Misfit | None:
        """Tell whether the element disappoints the wish."""
        value = element.get(self.name) if self.name else _text_of(element)
        if value is None or not value.strip():
            if self.optional:
                return None
            return Misfit("attribute-missing" if self.name else "text-missing", element, self.label)
        if self.values and value not in self.values:
            wanted = " | ".join(sorted(self.values))
            return Misfit("attribute-value", element, self.label, wanted, self.name)
        if self.pattern is not None and not self.pattern.fullmatch(value):
            kind = "attribute-form" if self.name else "text-form"
            return Misfit(kind, element, self.label, attribute=self.name)
        return None


@dataclass(frozen=True, slots=True)
class Slice:
    """Which children a row speaks of: those with this descendant (and this attribute value)."""

    steps: tuple[str, ...]
    attribute: str
    values: frozenset[str]

    def said_by(self, child: etree._Element) -> frozenset[str]:
        """Return what the child says there; without an attribute, whether it is there."""
        nodes = [child]
        for step in self.steps:
            nodes = [inner for node in nodes for inner in node.iterchildren(step)]
        if not self.attribute:
            return frozenset(("",) if nodes else ())
        return frozenset(value for node in nodes if (value := node.get(self.attribute)) is not None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    tag: str
    label: str
    slices: tuple[Slice, ...]
    low: int
    high: int
    null: str
    wishes: tuple[AttributeWish, ...]
    shape: str
    official: str


@dataclass(frozen=True, slots=True)
class Shapes:
    """The structure table of a profile, and the walk along it."""

    rows: Mapping[str, tuple[Row, ...]]

    @classmethod
    def load(cls, path: Path, words: Words) -> Shapes:
        """Read the table; raises `SettingError` naming the line that does not read."""
        rows: dict[str, list[Row]] = {}
        text = path.read_text("utf-8")
        lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
        shape = ""
        for number, cells in enumerate(csv.DictReader(lines), start=2):
            try:
                shape = cells["shape"] or shape
                rows.setdefault(shape, []).append(_row(cells, words))
            except (KeyError, ValueError, AttributeError, SettingError) as error:
                raise SettingError(
                    f"row {number} does not read: {error}", where=str(path)
                ) from error
        unknown = {row.shape for many in rows.values() for row in many} - rows.keys() - {""}
        if unknown:
            raise SettingError(f"unknown shapes {', '.join(sorted(unknown))}", where=str(path))
        return cls({name: tuple(many) for name, many in rows.items()})

    def walk(self, element: etree._Element, shape: str) -> Iterator[tuple[Misfit, str]]:
        """Tell what of `element` and below is not as wanted, each with the official number."""
        children = _Children(element)
        for row in self.rows[shape]:
            found = children.of(row)
            if len(found) < row.low:
                yield Misfit("missing", element, row.label), row.official
            for child in found[row.high :]:
                yield Misfit("repeated", child, row.label), row.official
            for child in found:
                for misfit in _misfit_values(child, row):
                    yield misfit, row.official
                if row.shape and not (row.null and child.get("nullFlavor")):
                    yield from self.walk(child, row.shape)


class _Children:
    """The children of one element by tag, each slice of them looked at once."""

    def __init__(self, element: etree._Element) -> None:
        self._by_tag: dict[str, list[etree._Element]] = {}
        self._said: dict[tuple[str, tuple[str, ...], str], list[frozenset[str]]] = {}
        for child in element:
            self._by_tag.setdefault(child.tag, []).append(child)

    def of(self, row: Row) -> list[etree._Element]:
        """Return the children that the row speaks of."""
        found = self._by_tag.get(row.tag, [])
        if not row.slices or not found:
            return found
        picked = [True] * len(found)
        for one in row.slices:
            key = (row.tag, one.steps, one.attribute)
            if key not in self._said:
                self._said[key] = [one.said_by(child) for child in found]
            for place, said in enumerate(self._said[key]):
                picked[place] &= not one.values.isdisjoint(said)
        return [child for child, yes in zip(found, picked, strict=True) if yes]


def _misfit_values(child: etree._Element, row: Row) -> Iterable[Misfit]:
    flavor = child.get("nullFlavor")
    if flavor and row.null == "never":
        return [Misfit("null", child, attribute="nullFlavor")]
    if flavor and row.null not in {"", "yes"} and flavor not in row.null.split("|"):
        return [Misfit("attribute-value", child, "nullFlavor", row.null, "nullFlavor")]
    if flavor and row.null:
        return []
    return [misfit for wish in row.wishes if (misfit := wish.misfit(child)) is not None]


def _row(cells: Mapping[str, str], words: Words) -> Row:
    card = _CARD.fullmatch(cells["card"])
    if card is None:
        raise SettingError(f"no cardinality: {cells['card']}")
    low = int(card[1])
    high = low if card[2] is None else MANY if card[2] == "*" else int(card[2])
    slices = cells["slice"].split()
    wishes = [wish for token in cells["attributes"].split() for wish in _wishes(token, words)]
    label = cells["element"] + (f" ({cells['slice']})" if slices else "")
    return Row(
        tag=words.clark(cells["element"]),
        label=label,
        slices=tuple(_slice(token, words) for token in slices),
        low=low,
        high=high,
        null=cells["null"],
        wishes=tuple(wishes),
        shape=cells["inner"],
        official=cells["official"] or "",
    )


def _slice(token: str, words: Words) -> Slice:
    path, _, test = token.partition("@")
    name, _, values = test.partition("=")
    name = XSI_TYPE if name == "xsi:type" else name
    steps = tuple(words.clark(step) for step in path.split("/")) if path else ()
    return Slice(steps, name, words.values(values))


def _wishes(token: str, words: Words) -> Iterator[AttributeWish]:
    """Read `code`, `code=34|35`, `root~oid`, `text()`, `cd:$sex`, `cd-:$field`; `?` is optional."""
    if token.startswith(("cd:", "cd-:")):
        macro, _, systems = token.partition(":")
        yield AttributeWish("codeSystem", "codeSystem", words.values(systems))
        yield from (
            AttributeWish(name, name, optional=macro == "cd-" and name == "displayName")
            for name in _CODED[1:]
        )
        return
    written = re.fullmatch(r"([\w:()]+)(\??)(?:=(.*)|~(.*))?", token)
    if written is None:
        raise SettingError(f"no attribute: {token}")
    label, optional, values, pattern = written.groups()
    name = "" if label == "text()" else XSI_TYPE if label == "xsi:type" else label
    yield AttributeWish(
        name,
        label,
        words.values(values) if values else frozenset(),
        re.compile(words.patterns[pattern]) if pattern else None,
        bool(optional),
    )


def _text_of(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())
