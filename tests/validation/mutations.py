"""Applies the broken example that each rule declares, and finds the place it names."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from gateway.formats.cda import NAMESPACES, place_of
from gateway.validation.xpath import compile_xpath

SPACES = {"": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"} | {
    prefix: uri for prefix, uri in NAMESPACES.items() if prefix != "h"
}


def mutate(tree: etree._ElementTree, changes: Sequence[Mapping[str, Any]]) -> str:
    """Change the tree as declared and return the place where the finding must stand."""
    for change in changes:
        _apply(tree, change)
    last = changes[-1]
    where = _select(tree, str(last.get("where", last["at"])))
    assert where, f"nothing at {last.get('where', last['at'])}"
    return _place(where[0])


def _apply(tree: etree._ElementTree, change: Mapping[str, Any]) -> None:
    found = _select(tree, str(change["at"]))
    assert found or change.get("optional"), f"nothing at {change['at']}"
    every = change.get("remove") == "all" or "each-set" in change
    for node in found if every else found[:1]:
        _change(node, change)


def _change(node: Any, change: Mapping[str, Any]) -> None:
    element = node if etree.iselement(node) else node.getparent()
    if "set" in change:
        _set(node, element, str(change["set"]))
    elif "set-attributes" in change or "each-set" in change:
        element.attrib.update(change.get("set-attributes", change.get("each-set")))
    elif change.get("remove-attribute"):
        del element.attrib[node.attrname]
    else:
        _rebuild(element, change)


def _rebuild(element: etree._Element, change: Mapping[str, Any]) -> None:
    if "add" in change:
        element.extend(_fragment(str(change["add"])))
    elif "after" in change:
        for one in reversed(_fragment(str(change["after"]))):
            element.addnext(one)
    elif "replace" in change:
        (one,) = _fragment(str(change["replace"]))
        _parent(element).replace(element, one)
    elif change.get("copy"):
        element.addnext(copy.deepcopy(element))
    else:
        assert change.get("remove"), f"no change: {dict(change)}"
        _parent(element).remove(element)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _set(node: Any, element: etree._Element, value: str) -> None:
    if etree.iselement(node):
        for child in list(element):
            element.remove(child)
        element.text = value
    else:
        element.set(node.attrname, value)


def _fragment(text: str) -> list[etree._Element]:
    spaces = " ".join(
        f'xmlns{":" if prefix else ""}{prefix}="{uri}"' for prefix, uri in SPACES.items()
    )
    return list(etree.fromstring(f"<all {spaces}>{text}</all>"))


def _select(tree: etree._ElementTree, path: str) -> list[Any]:
    found = compile_xpath(path, SPACES)(tree)
    assert isinstance(found, list)
    return found


def _place(node: Any) -> str:
    if etree.iselement(node):
        return place_of(node)
    return place_of(node.getparent(), node.attrname)
