"""Which profile judges a document, and what becomes of one that none judges."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Severity, Tier
from gateway.formats.cda import CdaDocument, read_cda
from gateway.resources import MAPPINGS, PROFILES
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.explanation import explain
from gateway.validation.validator import Report, Validator
from gateway.validation.xpath import compile_xpath
from tests.validation.conftest import TODAY
from tests.validation.mutations import SPACES, mutate

EDITION_6 = b"1.2.643.5.1.13.13.14.34.9.6"


def test_a_bundled_referral_is_judged_by_its_profile(
    validator: Validator, referral: CdaDocument
) -> None:
    report = validator.check(referral, today=TODAY)

    assert report.profile is not None
    assert (report.profile.id, report.profile.edition.kind) == ("ru-088u", "121")
    assert report.tiers == {Tier.STRUCTURE: "ran", Tier.RULES: "ran"}


@pytest.mark.parametrize(
    ("template", "rule", "text"),
    [
        (b"1.2.643.5.1.13.13.14.34.9.5", "profile.expired", "15.03.2023"),
        (b"1.2.643.5.1.13.13.14.34.9.4", "profile.expired", "30.06.2022"),
        (b"1.2.643.5.1.13.13.14.34.9.7", "profile.unknown", "templateId"),
        (b"1.2.643.5.1.13.13.14.35.9.3", "profile.unknown", "templateId"),
    ],
)
def test_another_edition_or_kind_is_refused_by_name_and_not_judged(
    template: bytes, rule: str, text: str, validator: Validator, examples: Mapping[str, bytes]
) -> None:
    document = read_cda(examples["adult-in-person"].replace(EDITION_6, template))

    report = validator.check(document, today=TODAY)

    (finding,) = report.findings
    assert finding.rule == rule
    assert text in finding.text("en")
    assert finding.where == "/ClinicalDocument/templateId[1]/@root"
    assert report.profile is None
    assert set(report.tiers.values()) == {"not reached"}


def test_a_document_that_names_no_template_is_refused_at_its_root(validator: Validator) -> None:
    document = read_cda(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>')

    (finding,) = validator.check(document, today=TODAY).findings

    assert (finding.rule, finding.where) == ("profile.unknown", "/ClinicalDocument")


def test_the_profile_asked_for_judges_whatever_the_template(
    validator: Validator, examples: Mapping[str, bytes]
) -> None:
    other = examples["adult-in-person"].replace(EDITION_6, b"1.2.643.5.1.13.13.14.34.9.5")

    report = validator.check(read_cda(other), today=TODAY, profile="ru-088u")

    assert [one.rule for one in report.findings if one.severity is Severity.ERROR] == [
        "structure.attribute-value"
    ]


def test_a_profile_nobody_knows_is_refused_with_those_that_are(validator: Validator) -> None:
    with pytest.raises(SettingError, match="ru-088u"):
        validator.profile("ru-087u")


def test_the_same_document_gives_the_same_findings_in_the_same_order(
    validator: Validator, referral: CdaDocument
) -> None:
    mutate(referral.tree, [{"at": "//addr", "remove": "all", "where": "/*"}])

    first = validator.check(referral, today=TODAY)
    second = validator.check(referral, today=TODAY)

    assert first.findings == second.findings
    assert len(first.findings) > 5


def test_an_empty_document_of_the_template_is_told_everything_and_breaks_nothing(
    validator: Validator,
) -> None:
    document = read_cda(
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="' + EDITION_6 + b'"/>'
        b"</ClinicalDocument>"
    )

    report = validator.check(document, today=TODAY)

    assert len([one for one in report.findings if one.rule == "structure.missing"]) >= 15


def test_no_finding_repeats_what_the_document_says_of_the_patient(
    validator: Validator, referral: CdaDocument
) -> None:
    patient = referral.header.patient
    secrets = [patient.name.family, patient.name.given, patient.snils, patient.birth_date]
    for element in referral.tree.getroot().iter("{urn:hl7-org:v3}*"):
        if "value" in element.attrib:
            element.set("value", f"Ж{element.get('value')}")
        if "displayName" in element.attrib:
            element.set("displayName", f"{element.get('displayName')} {patient.name.family}")

    report = validator.check(referral, today=TODAY)

    told = " ".join(f"{one.text('ru')} {one.text('en')} {one.where}" for one in report.findings)
    assert len(report.findings) > 100
    assert [secret for secret in secrets if secret and secret in told] == []


DAMAGES = ("remove", "copy", "empty", "blank", "strip", "move")


def damage(element: etree._Element, how: str) -> None:
    parent = element.getparent()
    assert parent is not None
    if how == "remove":
        parent.remove(element)
    elif how == "copy":
        element.addnext(copy.deepcopy(element))
    elif how == "empty":
        element.clear()
    elif how == "blank":
        element.attrib.update(dict.fromkeys(element.attrib, " "))
    elif how == "strip":
        element.attrib.clear()
    else:
        parent.insert(0, element)


@pytest.fixture(scope="module")
def judge(
    validator: Validator, examples: Mapping[str, bytes]
) -> Callable[[list[tuple[int, str]]], tuple[CdaDocument, Report]]:
    def judge(damages: list[tuple[int, str]]) -> tuple[CdaDocument, Report]:
        document = read_cda(examples["infant-under-three"])
        for number, how in damages:
            elements = list(document.tree.getroot().iter("*"))[1:]
            damage(elements[number % len(elements)], how)
        return document, validator.check(document, today=TODAY)

    return judge


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(DAMAGES)), min_size=1, max_size=5))
def test_whatever_is_damaged_each_finding_leads_to_a_node_of_the_document(
    judge: Callable[[list[tuple[int, str]]], tuple[CdaDocument, Report]],
    damages: list[tuple[int, str]],
) -> None:
    document, report = judge(damages)

    for finding in report.findings:
        found = compile_xpath(finding.where, SPACES)(document.tree)
        assert isinstance(found, list)
        assert len(found) == 1, finding


def test_tomorrow_is_not_yet(validator: Validator, referral: CdaDocument) -> None:
    yesterday = date(TODAY.year, TODAY.month, TODAY.day - 1)

    rules = {one.rule for one in validator.check(referral, today=yesterday).findings}

    assert "header.time.not-future" in rules


@pytest.mark.parametrize(
    ("yaml", "cause"),
    [
        ("- {id: a, context: /b, test: c, ru: a}", "does not read"),
        ("- {id: a, context: '/b[', test: c, ru: a, en: a}", "no XPath"),
        ("- {id: a, context: /b, test: 'r:nothing(.)', ru: a, en: a}", "unknown function"),
        ("- {id: a, context: /b, test: c, ru: a, en: a, mend: x}", "unknown key mend"),
        ("- {id: a, context: /b, test: c, ru: a, en: a, severity: bad}", "does not read"),
        ("- &a {id: a, context: /b, test: c, ru: a, en: a}\n- *a", "stands twice"),
        ("- [", "do not read"),
    ],
)
def test_a_rule_that_does_not_read_is_named_at_the_start(
    yaml: str, cause: str, tmp_path: Path
) -> None:
    for name in ("ru-088u/profile.toml", "ru-088u/structure.csv", "cda/classes.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((PROFILES / name).read_bytes())
    (tmp_path / "ru-088u" / "rules").mkdir()
    (tmp_path / "ru-088u" / "rules" / "a.yaml").write_text(yaml)

    with pytest.raises(SettingError, match=cause):
        Validator.load(tmp_path, Dictionaries.load(MAPPINGS / "terminology"))


def test_every_rule_can_be_explained(validator: Validator) -> None:
    for profile in validator.profiles:
        for rule in profile.rules:
            assert rule.context in explain(validator, rule.id, "en")
    assert "order" in explain(validator, "structure.order", "en")
    with pytest.raises(SettingError, match=r"did you mean patient\.snils\.checksum"):
        explain(validator, "patient.snils.checksums")
