"""Turns an authority's Schematron into a stylesheet that names every failed check.

ISO/IEC 19757-3:2016 with the query bindings `xslt2` and `xslt3`. In each pattern the first rule
whose context matches a node decides about it; an `assert` fails when its test is false, a
`report` when its test is true. The authorities write XPath 3.1 under the name `xslt2`, so the
stylesheet is XSLT 3.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import HouseError
from gateway.findings import Severity

ISO: Final = "http://purl.oclc.org/dsdl/schematron"
XSL: Final = "http://www.w3.org/1999/XSL/Transform"
BINDINGS: Final = ("xslt2", "xslt3", "xpath2", "xpath3", "xpath31")
SEVERITIES: Final = {
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "info": Severity.INFORMATION,
    "information": Severity.INFORMATION,
}
_PREDICATE: Final = re.compile(r"\[[^\[\]]*\]")
_LAST_STEP: Final = re.compile(r"(?:^|/)\s*(@?(?:[\w.-]+:)?(?:[\w.-]+|\*))\s*$")
_OFFICIAL: Final = re.compile(r"^\s*([^\W\d_]+\d+-\d+)\b")


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion; `number` counts the asserts and reports of the file from 1."""

    number: int
    official: str
    text: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The stylesheet and what its numbers mean.

    The stylesheet answers lines of `NUMBER TAB PATH`, one a failed check, `PATH` as `fn:path()`
    writes it.
    """

    stylesheet: str
    checks: dict[int, Check]


def transpile(source: bytes, *, default_namespace: str, phase: str = "") -> Rulebook:
    """Return the rulebook of a Schematron; `phase` is one of its own or `#ALL`.

    Without `phase` the file's `defaultPhase` counts, else all patterns run. Raises `HouseError`
    for what is no Schematron and for the parts of it that nobody has needed yet (`include`).
    """
    schema = _read(source)
    return _Transpiler(
        schema, default_namespace, phase or schema.get("defaultPhase", "#ALL")
    ).book()


def _read(source: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        schema = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        raise HouseError(f"the Schematron is not well-formed: {error}") from error
    if schema.tag != _iso("schema"):
        raise HouseError("the root of the Schematron is not schema of ISO/IEC 19757-3")
    if schema.get("queryBinding", "xslt") not in BINDINGS:
        raise HouseError(f"the query binding {schema.get('queryBinding', 'xslt')} is not supported")
    if next(schema.iter(_iso("include")), None) is not None:
        raise HouseError("the Schematron includes other files; install it as one file")
    return schema


class _Transpiler:
    """Writes one mode a pattern and one template a rule."""

    def __init__(self, schema: etree._Element, default_namespace: str, phase: str) -> None:
        self.schema = schema
        self.phase = phase
        self.checks: dict[int, Check] = {}
        names = {str(ns.get("prefix")): str(ns.get("uri")) for ns in schema.iter(_iso("ns"))}
        self.sheet = etree.Element(_xsl("stylesheet"), nsmap={**names, "xsl": XSL})
        self.sheet.set("version", "3.0")
        self.sheet.set("xpath-default-namespace", default_namespace)
        etree.SubElement(self.sheet, _xsl("output"), method="text")
        self.start = etree.SubElement(self.sheet, _xsl("template"), match="/")
        self.numbers = self._numbers()

    def _numbers(self) -> dict[etree._Element, int]:
        """Number every check of the file, so that a phase does not change the numbers."""
        found = self.schema.iter(_iso("assert"), _iso("report"))
        return {check: number for number, check in enumerate(found, 1)}

    def book(self) -> Rulebook:
        active = self._active()
        self._lets(self.sheet, self.schema)
        patterns = [
            pattern
            for pattern in self.schema.iterchildren(_iso("pattern"))
            if pattern.get("abstract") != "true"
            and (active is None or pattern.get("id", "") in active)
        ]
        for number, pattern in enumerate(patterns, 1):
            self._pattern(f"p{number}", pattern)
        text = etree.tostring(self.sheet, encoding="unicode")
        return Rulebook(text, self.checks)

    def _active(self) -> frozenset[str] | None:
        """Return the ids of the patterns of the phase, None for all."""
        if self.phase == "#ALL":
            return None
        for phase in self.schema.iterchildren(_iso("phase")):
            if phase.get("id") == self.phase:
                self._lets(self.sheet, phase)
                return frozenset(
                    str(active.get("pattern")) for active in phase.iterchildren(_iso("active"))
                )
        raise HouseError(f"the Schematron has no phase {self.phase}")

    def _pattern(self, mode: str, pattern: etree._Element) -> None:
        values = {str(p.get("name")): str(p.get("value")) for p in pattern.iter(_iso("param"))}
        written = self._abstract(pattern)
        self._lets(self.sheet, pattern)
        rules = [
            rule for rule in written.iterchildren(_iso("rule")) if rule.get("abstract") != "true"
        ]
        contexts = [_filled(str(rule.get("context")), values) for rule in rules]
        etree.SubElement(
            self.start, _xsl("apply-templates"), select=_candidates(contexts), mode=mode
        )
        etree.SubElement(self.sheet, _xsl("mode"), {"name": mode, "on-no-match": "deep-skip"})
        for place, (rule, context) in enumerate(zip(rules, contexts, strict=True)):
            template = etree.SubElement(
                self.sheet,
                _xsl("template"),
                match=context,
                mode=mode,
                priority=str(len(rules) - place),
            )
            self._lets(template, rule)
            for check in self._checks(rule):
                self._check(template, check, values)

    def _abstract(self, pattern: etree._Element) -> etree._Element:
        name = pattern.get("is-a")
        if name is None:
            return pattern
        for other in self.schema.iterchildren(_iso("pattern")):
            if other.get("id") == name and other.get("abstract") == "true":
                self._lets(self.sheet, other)
                return other
        raise HouseError(f"the Schematron has no abstract pattern {name}")

    def _checks(self, rule: etree._Element) -> Iterator[etree._Element]:
        """Yield the checks of a rule with those of the abstract rules that it extends."""
        for part in rule:
            if part.tag == _iso("extends"):
                yield from self._checks(self._abstract_rule(str(part.get("rule"))))
            elif part.tag in (_iso("assert"), _iso("report")):
                yield part

    def _abstract_rule(self, name: str) -> etree._Element:
        for rule in self.schema.iter(_iso("rule")):
            if rule.get("id") == name and rule.get("abstract") == "true":
                return rule
        raise HouseError(f"the Schematron has no abstract rule {name}")

    def _check(
        self, template: etree._Element, check: etree._Element, values: dict[str, str]
    ) -> None:
        number = self.numbers[check]
        text = _sentence(check)
        official = _OFFICIAL.match(text)
        role = check.get("role") or check.get("flag") or ""
        self.checks[number] = Check(
            number,
            official[1] if official else "",
            text,
            SEVERITIES.get(role.lower(), Severity.ERROR),
        )
        test = _filled(str(check.get("test")), values)
        fails = f"boolean({test})" if check.tag == _iso("report") else f"not({test})"
        # What cannot be evaluated (two values where the test wants one) has not been passed.
        verdict = etree.SubElement(template, _xsl("variable"), name=f"failed-{number}")
        attempt = etree.SubElement(verdict, _xsl("try"), select=fails)
        etree.SubElement(attempt, _xsl("catch"), select="true()")
        verdict.set("as", "item()")
        failed = etree.SubElement(template, _xsl("if"), test=f"$failed-{number}")
        line = f"concat('{number}', codepoints-to-string(9), path(.), codepoints-to-string(10))"
        etree.SubElement(failed, _xsl("value-of"), select=line)

    def _lets(self, parent: etree._Element, owner: etree._Element) -> None:
        for let in owner.iterchildren(_iso("let")):
            variable = etree.SubElement(parent, _xsl("variable"), name=str(let.get("name")))
            if let.get("value") is None:
                variable.text = let.text
                variable.extend(list(let))
            else:
                variable.set("select", str(let.get("value")))


def _candidates(contexts: Iterable[str]) -> str:
    """Return an XPath for every node that one of the contexts may match.

    Going by name is three times as fast as showing every node to every pattern. A context whose
    last step is not a plain name has its pattern see everything.
    """
    found: dict[str, None] = {}
    for context in contexts:
        bare = context
        while (shorter := _PREDICATE.sub("", bare)) != bare:
            bare = shorter
        for path in bare.split("|"):
            last = _LAST_STEP.search(path)
            if last is None:
                return "(/ | //node() | //@*)"
            found[f"//{last[1]}"] = None
    return f"({', '.join(found)})"


def _filled(expression: str, values: dict[str, str]) -> str:
    """Return the expression of an abstract pattern with its parameters put in."""
    for name, value in sorted(values.items(), key=lambda pair: -len(pair[0])):
        expression = expression.replace(f"${name}", value)
    return expression


def _sentence(check: etree._Element) -> str:
    """Return the authority's words; an inserted value stays an expression.

    `value-of` would carry the patient's data out of the document and into findings and logs.
    """
    parts = [check.text or ""]
    for part in check:
        if part.tag == _iso("value-of"):
            parts.append(f"{{{part.get('select')}}}")
        elif part.tag == _iso("name"):
            parts.append(f"{{{part.get('path', 'name(.)')}}}")
        elif isinstance(part.tag, str):
            parts.append("".join(str(text) for text in part.itertext()))
        parts.append(part.tail or "")
    return " ".join("".join(parts).split())


def _iso(name: str) -> str:
    return f"{{{ISO}}}{name}"


def _xsl(name: str) -> str:
    return f"{{{XSL}}}{name}"
