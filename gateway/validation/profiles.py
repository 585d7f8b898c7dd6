"""A profile: everything the gateway knows about one kind of document, read from one folder.

`profile.toml` names the kind and its editions, `structure.csv` the elements, `rules/*.yaml` the
rules. The engine knows none of them by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.cda import Places, line_of
from gateway.validation.classes import Classes, Misfit
from gateway.validation.functions import text_of
from gateway.validation.rules import Rule, Seen, expand, load_rules
from gateway.validation.sentences import CODES, SENTENCES
from gateway.validation.shapes import Shapes, Words
from gateway.validation.xpath import Functions, compile_xpath

TODAY: Final = "today"
"""The value that every profile has: the day as yyyymmdd."""

MOST: Final = 1000
"""Findings of one rule or one table in one document; who has more needs no longer list."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a document: its template, its kind (НСИ 11.1520), and until when it lived."""

    template: str
    kind: str
    number: int
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of document and how it is checked."""

    id: str
    names: Mapping[str, str] = field(hash=False)
    edition: Edition
    expired: tuple[Edition, ...]
    root: str
    shape: str
    template_at: etree.XPath = field(repr=False, compare=False)
    values: Mapping[str, etree.XPath] = field(repr=False, compare=False)
    """What rules call `$name`: of a node-set, its first node's text."""
    classes: Classes = field(repr=False, compare=False)
    shapes: Shapes = field(repr=False, compare=False)
    rules: tuple[Rule, ...] = field(repr=False)

    def templates_of(self, tree: etree._ElementTree) -> tuple[str, ...]:
        """Return the templates the document claims, as this profile would read them."""
        found = self.template_at(tree)
        return tuple(str(one).strip() for one in found) if isinstance(found, list) else ()

    def check_structure(self, tree: etree._ElementTree) -> Iterator[Finding]:
        """Return what tier 1 finds: the profile's own table first, then the classes."""
        root = tree.getroot()
        places = Places()
        told: set[tuple[str, str, str]] = set()
        misfits = [*islice(self.shapes.walk(root, self.shape), MOST)]
        classes = islice(self.classes.walk(root, self.root), MOST)
        misfits += [(misfit, "") for misfit in classes]
        for misfit, official in misfits:
            finding = _finding(misfit, official, places)
            named = misfit.named.split(" ")[0] if misfit.kind == "missing" else misfit.attribute
            key = (finding.rule, finding.where, named)
            if key not in told:
                told.add(key)
                yield finding

    def check_rules(self, tree: etree._ElementTree, today: date) -> Iterator[Finding]:
        """Return what tier 2 finds, rule by rule."""
        seen = self.see(tree, today)
        for rule in self.rules:
            yield from islice(rule.check(seen), MOST)

    def see(self, tree: etree._ElementTree, today: date) -> Seen:
        """Return the document as the rules see it, its values asked."""
        values = {name: _value(ask(tree)) for name, ask in self.values.items()}
        return Seen(tree, {**values, TODAY: f"{today:%Y%m%d}"})


def _value(answer: object) -> str | float | bool:
    return answer if isinstance(answer, float | bool) else text_of(answer)


def load_profiles(folder: Path, functions: Functions) -> tuple[Profile, ...]:
    """Read every profile below `folder`; raises `SettingError` naming what does not read."""
    paths = sorted(folder.glob("*/profile.toml"))
    return tuple(_load_profile(path, functions) for path in paths)


def _load_profile(path: Path, functions: Functions) -> Profile:
    try:
        told = tomllib.loads(path.read_text("utf-8"))
        build = partial(_build_profile, path.parent, told)
        return build(functions)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"the profile does not read: {error}", where=str(path)) from error
    except KeyError as error:
        raise SettingError(f"the profile lacks {error}", where=str(path)) from error


def _build_profile(folder: Path, told: Mapping[str, Any], functions: Functions) -> Profile:
    namespaces: dict[str, str] = told["namespaces"]
    dictionaries = {name: tuple(oids) for name, oids in told["dictionaries"].items()}
    words = Words(namespaces, dictionaries, told["patterns"])
    paths: dict[str, str] = {}
    for name, written in told.get("paths", {}).items():
        paths[name] = expand(written, paths)
    values = {
        name: compile_xpath(expand(written, paths), namespaces, functions)
        for name, written in told.get("values", {}).items()
    }
    return Profile(
        id=told["id"],
        names=told["name"],
        edition=_edition(told),
        expired=tuple(_edition(one) for one in told.get("expired", ())),
        root=told["root"],
        shape=told["shape"],
        template_at=compile_xpath(told["template_at"], namespaces),
        classes=Classes.load(folder / told["classes"], namespaces[""]),
        shapes=Shapes.load(folder / told["structure"], words),
        values=values,
        rules=load_rules(folder / "rules", namespaces, paths, {TODAY, *values}, functions),
    )


def _edition(told: Mapping[str, Any]) -> Edition:
    return Edition(
        template=told["template"],
        kind=str(told["kind"]),
        number=int(told["edition"]),
        valid_from=told.get("valid_from"),
        valid_to=told.get("valid_to"),
    )


def _finding(misfit: Misfit, official: str, places: Places) -> Finding:
    words = {"named": misfit.named, "wanted": misfit.wanted}
    return Finding(
        rule=f"structure.{misfit.kind}",
        code=CODES[misfit.kind],
        severity=Severity.ERROR,
        where=places.of(misfit.element, misfit.attribute),
        line=line_of(misfit.element),
        texts={lang: text.format(**words) for lang, text in SENTENCES[misfit.kind].items()},
        mender=Mender.VENDOR,
        tier=Tier.STRUCTURE,
        official=official,
    )
