"""The rules of a profile: one sentence each, where it holds, and who mends it when it does not.

A rule is data (`rules/*.yaml`): a context that selects nodes and a test each of them must pass.
Both become one XPath that selects what fails, so a document costs one evaluation a rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.cda import Places, line_of
from gateway.validation.xpath import Functions, compile_xpath, values_in

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEYS: Final = frozenset(
    ("id", "context", "test", "at", "once", "severity", "code", "mender", "official", "ru", "en")
) | {"broken"}
_QUOTABLE: Final = ("codeSystem", "codeSystemVersion")
"""Attributes whose value a text may repeat: they tell of a dictionary, never of a person."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One document as rules see it: `values` are asked once, however many nodes want them."""

    tree: etree._ElementTree
    values: Mapping[str, str | float | bool]
    places: Places = field(default_factory=Places)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `once` is an XPath over a failing node: nodes with the same answer fail once."""

    id: str
    context: str
    test: str
    severity: Severity
    code: str
    mender: Mender
    texts: Mapping[str, str] = field(hash=False)
    official: str = ""
    at: str = ""
    broken: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    """Changes to an example that make the rule speak; the tests apply them."""
    failing: etree.XPath = field(kw_only=True, repr=False, compare=False)
    once: etree.XPath | None = field(default=None, kw_only=True, repr=False, compare=False)
    asks: frozenset[str] = field(default=frozenset(), kw_only=True, repr=False)
    """The values of the document that the rule names as `$name`."""

    def check(self, seen: Seen) -> Iterator[Finding]:
        """Return what the rule finds, in document order."""
        failing = self.failing(seen.tree, **{name: seen.values[name] for name in self.asks})
        if not isinstance(failing, list):
            raise SettingError(f"the context of {self.id} selects no nodes")
        told: set[str] = set()
        for node in failing:
            element, attribute = _element_of(node)
            if self.once is not None:
                key = str(self.once(element))
                if key in told:
                    continue
                told.add(key)
            pointed = attribute or self._pointed(element)
            yield self._finding(element, seen.places.of(element, pointed))

    def _pointed(self, element: etree._Element) -> str:
        """Return the attribute the finding points at, if the element has it at all."""
        name = self.at.removeprefix("@")
        return name if name and name in element.attrib else ""

    def _finding(self, element: etree._Element, where: str) -> Finding:
        quoted = {name: element.get(name, "") for name in _QUOTABLE}
        texts = {lang: _filled(text, quoted) for lang, text in self.texts.items()}
        return Finding(
            rule=self.id,
            code=self.code,
            severity=self.severity,
            where=where,
            line=line_of(element),
            texts=texts,
            mender=self.mender,
            tier=Tier.RULES,
            official=self.official,
        )


def load_rules(
    folder: Path,
    namespaces: Mapping[str, str],
    paths: Mapping[str, str],
    values: Collection[str],
    functions: Functions,
) -> tuple[Rule, ...]:
    """Read and compile every rule below `folder`, in the order of files and lines.

    `values` are the names that rules may write as `$name`.

    Raises `SettingError` naming the rule that does not read, or an id that stands twice.
    """
    rules: dict[str, Rule] = {}
    for path in sorted(folder.glob("*.yaml")):
        for written in _read_yaml(path):
            rule = _rule(written, namespaces, paths, functions)
            if unknown := rule.asks - set(values):
                raise SettingError(f"unknown value ${min(unknown)}", where=rule.id)
            if rule.id in rules:
                raise SettingError(f"the rule {rule.id} stands twice", where=str(path))
            rules[rule.id] = rule
    return tuple(rules.values())


def _read_yaml(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        # _LOADER is the safe loader, in C where it is built
        written = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise SettingError("rules do not read", where=str(path)) from error
    return written or ()


def _rule(
    written: Mapping[str, Any],
    namespaces: Mapping[str, str],
    paths: Mapping[str, str],
    functions: Functions,
) -> Rule:
    name = str(written.get("id", "without an id"))
    if unknown := written.keys() - _KEYS:
        raise SettingError(f"unknown key {min(unknown)}", where=name)
    try:
        context, test = (expand(str(written[key]), paths) for key in ("context", "test"))
        once = written.get("once")
        return Rule(
            id=name,
            context=context,
            test=test,
            at=str(written.get("at", "")),
            severity=Severity(written.get("severity", "error")),
            code=str(written.get("code", "business-rule")),
            mender=Mender(written.get("mender", "sender")),
            texts={"ru": str(written["ru"]), "en": str(written["en"])},
            official=str(written.get("official", "")),
            broken=_broken(written.get("broken"), paths),
            failing=compile_xpath(f"({context})[not({test})]", namespaces, functions),
            asks=values_in(context + test),
            once=compile_xpath(f"string({once})", namespaces, functions) if once else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise SettingError(f"the rule does not read: {error}", where=name) from error


def expand(text: str, paths: Mapping[str, str]) -> str:
    """Return `text` with `{name}` replaced by the path the profile calls so."""
    for name, path in paths.items():
        text = text.replace(f"{{{name}}}", path)
    return text


def _broken(written: Any, paths: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    if written is None:
        return ()
    changes = written if isinstance(written, list) else [written]
    return tuple(
        {
            key: expand(value, paths) if isinstance(value, str) else value
            for key, value in one.items()
        }
        for one in changes
    )


def _element_of(node: object) -> tuple[etree._Element, str]:
    """Return the element a failing node is or belongs to, and the attribute's name if it is one."""
    if etree.iselement(node):
        return node, ""
    parent, attribute = getattr(node, "getparent", None), getattr(node, "attrname", None)
    element = parent() if callable(parent) else None
    if not etree.iselement(element):
        raise SettingError("a context selects neither elements nor attributes")
    return element, str(attribute or "")


def _filled(text: str, quoted: Mapping[str, str]) -> str:
    for name, value in quoted.items():
        text = text.replace(f"{{{name}}}", value)
    return text
