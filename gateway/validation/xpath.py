"""XPath as rules write it: names without a prefix lie in the profile's default namespace.

XPath 1.0 knows no default namespace, so each such name gets a prefix before lxml compiles it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from lxml import etree

from gateway.errors import SettingError

DEFAULT: Final = "h"
"""The prefix that stands for the default namespace."""

FUNCTIONS_URI: Final = "urn:mse-gateway:rules"
FUNCTIONS_PREFIX: Final = "r"

Functions = Mapping[str, Callable[..., object]]

_TOKEN: Final = re.compile(
    r"""(?P<literal>"[^"]*"|'[^']*')"""
    r"""|(?P<variable>\$[\w.\-]+)"""
    r"""|(?P<attribute>@\s*(?:[\w\-]+:)?(?:[\w.\-]+|\*))"""
    r"""|(?P<axis>[\w\-]+\s*::)"""
    r"""|(?P<function>(?:[\w\-]+:)?[\w\-]+\s*\()"""
    r"""|(?P<prefixed>[\w\-]+:(?:[\w.\-]+|\*))"""
    r"""|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[^\W\d][\w.\-]*)"""
    r"""|(?P<close>[)\]]|\.\.|\.)"""
    r"""|(?P<other>.)""",
    re.DOTALL,
)
_OPERATORS: Final = frozenset({"and", "or", "div", "mod"})
_OPERANDS: Final = frozenset(
    {"literal", "variable", "attribute", "prefixed", "number", "name", "close"}
)


def add_prefix(expression: str) -> str:
    """Return the expression with the default prefix on every element name that has none."""
    written: list[str] = []
    before = ""
    for token in _TOKEN.finditer(expression):
        kind, text = str(token.lastgroup), token[0]
        if kind == "other" and text.isspace():
            written.append(text)
            continue
        if kind == "name" and text in _OPERATORS and before in _OPERANDS:
            kind = "operator"
        elif kind == "name" and before != "attribute axis":
            text = f"{DEFAULT}:{text}"
        written.append(text)
        before = "attribute axis" if kind == "axis" and text.startswith("attribute") else kind
        if text == "*" and kind == "other":
            before = "close"  # a wildcard is an operand; a product has one before it as well
    return "".join(written)


def functions_in(expression: str) -> frozenset[str]:
    """Return the rule functions an expression calls."""
    return frozenset(re.findall(rf"\b{FUNCTIONS_PREFIX}:([\w\-]+)\s*\(", expression))


def values_in(expression: str) -> frozenset[str]:
    """Return the names of the values an expression asks for as `$name`."""
    found = (token[0] for token in _TOKEN.finditer(expression) if token.lastgroup == "variable")
    return frozenset(name.removeprefix("$") for name in found)


def compile_xpath(
    expression: str, namespaces: Mapping[str, str], functions: Functions | None = None
) -> etree.XPath:
    """Compile an expression once; it gets only the functions it names.

    Raises `SettingError` with the expression when it is none or calls an unknown function.
    """
    known = functions or {}
    wanted = functions_in(expression)
    if unknown := wanted - known.keys():
        raise SettingError(f"unknown function r:{min(unknown)}", where=expression)
    written = add_prefix(expression)
    prefixes = {(prefix or DEFAULT): uri for prefix, uri in namespaces.items()}
    prefixes |= {FUNCTIONS_PREFIX: FUNCTIONS_URI}
    # lxml registers each prefix at every evaluation: only those that are used
    used = {prefix: uri for prefix, uri in prefixes.items() if f"{prefix}:" in written}
    try:
        return etree.XPath(
            written,
            namespaces=used,
            extensions={(FUNCTIONS_URI, name): _called(known[name]) for name in wanted},
        )
    except etree.XPathSyntaxError as error:
        raise SettingError(f"no XPath: {error}", where=expression) from error


def _called(function: Callable[..., object]) -> Callable[..., object]:
    def call(_context: object, *arguments: object) -> object:
        return function(*arguments)

    return call
