"""A rule file that is wrong is refused at the start, by file and rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Severity
from gateway.mapping.engine import read_form, write_values
from gateway.mapping.rules import RuleFile, read_rules

HEAD = "map: a <-> b\ntemplate: 1.2\nkind: '7'\nrules:\n"
ROWS = (
    "  - {id: name, title: имя, cda: 'h:a/@v', to: person.name}\n"
    "  - id: rows\n    each: 'h:row'\n    to: rows\n    unique: n\n    card: 0..*\n    rules:\n"
    "      - {id: n, cda: '@n', to: n, map: {x: '1', y: '2'}}\n"
    "      - {id: fixed, to: fixed, const: z}\n"
    "left:\n  - {cda: 'h:left', why: not wanted}\n"
)


def rules(folder: Path, text: str) -> RuleFile:
    path = folder / "rules.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return read_rules(path)


def tree(inner: str) -> etree._ElementTree:
    text = f'<ClinicalDocument xmlns="urn:hl7-org:v3">{inner}</ClinicalDocument>'
    return etree.fromstring(text).getroottree()


def test_document_becomes_a_form_and_the_form_its_words_again(tmp_path: Path) -> None:
    read = rules(tmp_path, ROWS)

    reading = read_form(read, tree('<a v="q"/><row n="y"/><row n="x"/><row n="y"/>'), endpoint="e")

    assert reading.form == {
        "kind": "7",
        "person": {"name": "q"},
        "rows": [{"n": "2", "fixed": "z"}, {"n": "1", "fixed": "z"}],
    }
    assert reading.findings == ()
    assert write_values(read, reading.form) == {"name": ("q",), "rows.n": ("y", "x")}


def test_every_fault_names_rule_and_place_and_never_the_value(tmp_path: Path) -> None:
    found = read_form(
        rules(tmp_path, ROWS),
        tree('<row n="secret"/><left v="x"/><more v="1" code="c"/>'),
        endpoint="e",
    ).findings

    assert [(one.rule, one.code, one.severity, one.where) for one in found] == [
        ("e/name", "required", Severity.ERROR, "/ClinicalDocument/a/@v"),
        ("e/rows.n", "value", Severity.ERROR, "/ClinicalDocument/row[1]/@n"),
        ("e/unmapped", "informational", Severity.INFORMATION, "/ClinicalDocument/more[1]"),
    ]
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  - {id: a, cda: 'h:a', to: a, converter: x}\n", "unknown keys: converter"),
        ("  - {id: a, cda: 'h:a', to: a, conv: nope}\n", "no such converter"),
        ("  - {id: a, cda: 'h:a', to: a, map: {x: '1', y: '1'}}\n", "mean the same"),
        ("  - {id: a, cda: 'h:a[', to: a}\n", "no XPath"),
        ("  - {id: a, to: a}\n", "path or a constant"),
        ("  - {id: a, cda: 'h:a', to: a, card: 2..3}\n", "card is one of"),
        ("  - {id: a, cda: 'h:a', to: a}\n  - {id: a, cda: 'h:b', to: b}\n", "used twice: a"),
        ("  - [\n", "cannot be read"),
    ],
)
def test_rule_file_with_a_slip_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        rules(tmp_path, text)


def test_form_that_no_document_can_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in the table"):
        write_values(rules(tmp_path, ROWS), {"rows": [{"n": "3"}]})
