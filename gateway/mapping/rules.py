"""Reads rule files: one rule a line, with an id, a path on both sides and a named converter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from lxml import etree

from gateway.errors import SettingError
from gateway.formats.cda import NAMESPACES
from gateway.mapping.converters import CONVERTERS, Converter, table

_RULE_KEYS: Final = {"id", "title", "cda", "to", "conv", "map", "card", "const"}
_LOOP_KEYS: Final = {"id", "each", "to", "rules", "unique", "card"}
_FILE_KEYS: Final = {"map", "template", "kind", "wants", "rules", "left"}
_CARDS: Final = {"1..1": True, "0..1": False, "1..*": True, "0..*": False}


@dataclass(frozen=True, slots=True)
class Rule:
    """One value: where it stands in the document and where in the recipient's form."""

    id: str
    title: str
    """What the value is called, in Russian, for the finding."""
    path: str
    find: etree.XPath | None
    to: tuple[str, ...]
    converter: Converter
    required: bool
    const: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """Rules that hold for each element that a path finds; `unique` names what tells two apart."""

    id: str
    path: str
    find: etree.XPath
    to: str
    rules: tuple[Rule, ...]
    unique: str
    required: bool


@dataclass(frozen=True, slots=True)
class Left:
    """What is not carried over, and why."""

    find: etree.XPath
    why: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """All rules of one kind of document for one recipient."""

    name: str
    template: str
    """`templateId` of the documents it reads."""
    kind: str
    """What the recipient calls that kind."""
    wants: tuple[str, ...]
    """Roles of the signers that the recipient wants."""
    rules: tuple[Rule, ...]
    loops: tuple[Loop, ...]
    left: tuple[Left, ...] = field(default=())


def read_rules(path: Path) -> RuleFile:
    """Read one rule file; raise SettingError with the file and the rule that is wrong."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingError(f"the rules cannot be read: {error}", where=path.name) from error
    table_of = _keys(told, _FILE_KEYS, path.name)
    entries = [_entry(one, f"{path.name}:{one.get('id', '?')}") for one in table_of["rules"]]
    _refuse_twins(entries, path.name)
    return RuleFile(
        name=path.stem,
        template=str(table_of["template"]),
        kind=str(table_of["kind"]),
        wants=tuple(str(role) for role in table_of.get("wants", ())),
        rules=tuple(one for one in entries if isinstance(one, Rule)),
        loops=tuple(one for one in entries if isinstance(one, Loop)),
        left=tuple(
            Left(_compile(one["cda"], path.name), str(one["why"]))
            for one in table_of.get("left", ())
        ),
    )


def _entry(told: Mapping[str, Any], where: str) -> Rule | Loop:
    return _loop(told, where) if "each" in told else _rule(told, where)


def _rule(told: Mapping[str, Any], where: str) -> Rule:
    told = _keys(told, _RULE_KEYS, where)
    path, const = str(told.get("cda", "")), str(told.get("const", ""))
    if bool(path) is bool(const):
        raise SettingError("a rule has either a path or a constant", where=where)
    return Rule(
        id=str(told["id"]),
        title=str(told.get("title", told["id"])),
        path=path,
        find=_compile(path, where) if path else None,
        to=tuple(str(told["to"]).split(".")),
        converter=_converter(told, where),
        required=_required(told, where),
        const=const,
    )


def _loop(told: Mapping[str, Any], where: str) -> Loop:
    told = _keys(told, _LOOP_KEYS, where)
    path = str(told["each"])
    return Loop(
        id=str(told["id"]),
        path=path,
        find=_compile(path, where),
        to=str(told["to"]),
        rules=tuple(_rule(one, f"{where}.{one.get('id', '?')}") for one in told["rules"]),
        unique=str(told.get("unique", "")),
        required=_required(told, where),
    )


def _converter(told: Mapping[str, Any], where: str) -> Converter:
    name = str(told.get("conv", "text"))
    try:
        return table(told["map"]) if "map" in told else CONVERTERS[name]
    except (KeyError, ValueError, AttributeError) as error:
        raise SettingError(f"no such converter or table: {error}", where=where) from error


def _required(told: Mapping[str, Any], where: str) -> bool:
    card = str(told.get("card", "1..1"))
    if card not in _CARDS:
        raise SettingError(f"card is one of {', '.join(_CARDS)}", where=where)
    return _CARDS[card]


def _compile(path: str, where: str) -> etree.XPath:
    try:
        return etree.XPath(path, namespaces=NAMESPACES)
    except etree.XPathSyntaxError as error:
        raise SettingError(f"{path} is no XPath", where=where) from error


def _keys(told: object, known: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise SettingError("a table is wanted", where=where)
    if unknown := set(told) - known:
        raise SettingError(f"unknown keys: {', '.join(sorted(map(str, unknown)))}", where=where)
    return told


def _refuse_twins(entries: Sequence[Rule | Loop], where: str) -> None:
    ids = [one.id for one in entries]
    ids += [
        f"{loop.id}.{rule.id}" for loop in entries if isinstance(loop, Loop) for rule in loop.rules
    ]
    twins = {one for one in ids if ids.count(one) > 1}
    if twins:
        raise SettingError(f"ids used twice: {', '.join(sorted(twins))}", where=where)
