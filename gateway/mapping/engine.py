"""Applies rules: a document to the recipient's form, and that form back to the document's words.

Every value knows the rule that carried it. What a rule cannot read is a finding with its place;
what no rule reads is reported too, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.cda import Places, place_of
from gateway.mapping.coverage import unread_places
from gateway.mapping.rules import Loop, Rule, RuleFile

Form = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """The recipient's form of a document, and what was wrong or left over."""

    form: Form = field(repr=False)
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Reader:
    """One run over one document."""

    endpoint: str
    findings: list[Finding] = field(default_factory=list)
    read: list[etree._Element] = field(default_factory=list)
    places: Places = field(default_factory=Places)

    def fill(
        self, rules: tuple[Rule, ...], element: etree._Element, form: Form, within: str = ""
    ) -> None:
        for rule in rules:
            if (value := self._value(rule, element, within)) is not None:
                _put(form, rule.to, value)

    def loop(self, loop: Loop, root: etree._Element, form: Form) -> None:
        rows: list[Form] = form.setdefault(loop.to, [])
        found = _hits(loop.find(root))
        known = {one.get(loop.unique) for one in rows}
        for element, _, _ in found:
            row: Form = {}
            self.fill(loop.rules, element, row, f"{loop.id}.")
            if row.get(loop.unique) not in known or not loop.unique:
                rows.append(row)
                known.add(row.get(loop.unique))
        if loop.required and not found:
            self._tell(loop.id, loop.id, f"{place_of(root)}/{_plain(loop.path)}", "required")

    def _value(self, rule: Rule, element: etree._Element, within: str) -> str | None:
        if rule.find is None:
            return rule.const
        found = _hits(rule.find(element))
        if not found or not found[0][2].strip():
            if rule.required:
                self._tell(within + rule.id, rule.title, self._place_in(element, rule), "required")
            return None
        owner, attribute, text = found[0]
        self.read.append(owner)
        try:
            return rule.converter.forth(text)
        except ValueError:
            self._tell(within + rule.id, rule.title, self.places.of(owner, attribute), "value")
            return None

    def _place_in(self, element: etree._Element, rule: Rule) -> str:
        return f"{self.places.of(element)}/{_plain(rule.path)}"

    def _tell(self, rule: str, title: str, where: str, code: str) -> None:
        self.findings.append(
            Finding(
                rule=f"{self.endpoint}/{rule}",
                code=code,
                severity=Severity.ERROR,
                where=where,
                texts=_SENTENCES[code](title),
                mender=Mender.SENDER,
                tier=Tier.EXCHANGE,
            )
        )


def read_form(rules: RuleFile, tree: etree._ElementTree, *, endpoint: str) -> Reading:
    """Return the recipient's form of a document; `endpoint` names who wants it so."""
    root, reader = tree.getroot(), _Reader(endpoint)
    form: Form = {"kind": rules.kind}
    reader.fill(rules.rules, root, form)
    for loop in rules.loops:
        reader.loop(loop, root, form)
    unread = [_unmapped(endpoint, place) for place in unread_places(root, reader.read, rules.left)]
    return Reading(form, (*reader.findings, *unread))


def write_values(rules: RuleFile, form: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return, by rule, what a document would say for this form; constants say nothing.

    Raises ValueError for a value that the rule's converter cannot have given.
    """
    told = {rule.id: _back(rule, form) for rule in rules.rules if rule.find is not None}
    for loop in rules.loops:
        for rule in loop.rules:
            if rule.find is not None:
                rows = form.get(loop.to, ())
                told[f"{loop.id}.{rule.id}"] = tuple(
                    value for row in rows for value in _back(rule, row)
                )
    return told


def _back(rule: Rule, form: Mapping[str, Any]) -> tuple[str, ...]:
    place: Any = form
    for step in rule.to:
        place = place.get(step) if isinstance(place, Mapping) else None
    return (rule.converter.back(place),) if isinstance(place, str) else ()


def _put(form: Form, to: tuple[str, ...], value: str) -> None:
    for step in to[:-1]:
        form = form.setdefault(step, {})
    form[to[-1]] = value


def _hits(found: object) -> list[tuple[etree._Element, str, str]]:
    """Return owner, attribute (empty for text) and text of everything an XPath found."""
    return list(_each_hit(found)) if isinstance(found, list) else []


def _each_hit(found: list[Any]) -> Iterator[tuple[etree._Element, str, str]]:
    for one in found:
        if etree.iselement(one):
            yield one, "", "".join(str(text) for text in one.itertext())
        elif (owner := one.getparent()) is not None:
            yield owner, one.attrname or "", str(one)


def _plain(path: str) -> str:
    """Return the path as the Ministry writes it: HL7's names have no prefix."""
    return path.replace("h:", "")


_SENTENCES = {
    "required": lambda title: {
        "ru": f"Для регистрации нужно значение «{title}», в документе его нет.",
        "en": f"The registration needs the value “{title}”, which the document lacks.",
    },
    "value": lambda title: {
        "ru": f"Значение «{title}» не в той форме, которой требует регистрация.",
        "en": f"The value “{title}” is not in the form that the registration needs.",
    },
}


def _unmapped(endpoint: str, place: str) -> Finding:
    return Finding(
        rule=f"{endpoint}/unmapped",
        code="informational",
        severity=Severity.INFORMATION,
        where=place,
        texts={
            "ru": "Ни одно правило не переносит это в метаданные регистрации.",
            "en": "No rule carries this over into the registration.",
        },
        mender=Mender.OPERATOR,
        tier=Tier.EXCHANGE,
    )
