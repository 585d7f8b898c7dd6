"""Broken twins: one declared change each, and where it must be found."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import HouseError, SettingError
from gateway.formats.cda import NAMESPACES, read_cda
from gateway.samples.examples import FOLDER

_ATTRIBUTE: Final = re.compile(r"/@(\w+)$")


@dataclass(frozen=True, slots=True)
class Twin:
    """A document with one fault.

    `where` is the place as a finding names it; `check` the number in the Ministry's Schematron
    of kind 121, 0 for its XSD; `official` the Ministry's number of the rule.
    """

    name: str
    example: str
    title: str
    change: Mapping[str, str]
    where: str
    check: int
    official: str


def read_twins(folder: Path = FOLDER) -> dict[str, Twin]:
    """Return the broken twins by name; raises `SettingError` naming what is wrong."""
    path = folder / "broken.toml"
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Twin(name=name, **row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError) as error:
        raise SettingError(f"{path}: {error}", where="samples") from error


def break_document(content: bytes, twin: Twin) -> bytes:
    """Return the document with the twin's change; raises `HouseError` where it finds no place."""
    tree = read_cda(content).tree
    change = twin.change
    if "remove" in change:
        _remove(tree, change["remove"])
    if "copy" in change:
        _set(tree, change["over"], _read(tree, change["copy"]))
    for place in ("set", "then_set"):
        if place in change:
            _set(tree, change[place], change["to"])
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


def _find(tree: etree._ElementTree, path: str) -> tuple[etree._Element, str]:
    """Return the element that a path names, and the attribute if it names one."""
    end = _ATTRIBUTE.search(path)
    found = tree.xpath(path[: end.start()] if end else path, namespaces=NAMESPACES)
    if not isinstance(found, list) or len(found) != 1 or not etree.iselement(found[0]):
        raise HouseError(f"{path} is not one place of the sample", where="samples")
    return found[0], end[1] if end else ""


def _read(tree: etree._ElementTree, path: str) -> str:
    element, attribute = _find(tree, path)
    return element.get(attribute, "") if attribute else element.text or ""


def _set(tree: etree._ElementTree, path: str, value: str) -> None:
    element, attribute = _find(tree, path)
    if attribute:
        element.set(attribute, value)
    else:
        element.text = value


def _remove(tree: etree._ElementTree, path: str) -> None:
    element, attribute = _find(tree, path)
    above = element.getparent()
    if attribute:
        del element.attrib[attribute]
    elif above is not None:
        above.remove(element)
