"""The structure tier: what a referral must hold, where it may stand, and how it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Tier
from gateway.formats.cda import CdaDocument
from gateway.resources import PROFILES
from gateway.validation.classes import Classes
from gateway.validation.shapes import Shapes, Words
from gateway.validation.validator import Validator
from tests.validation.conftest import TODAY
from tests.validation.mutations import mutate

PATIENT = "/ClinicalDocument/recordTarget/patientRole"
SECTIONS = "/ClinicalDocument/component/structuredBody"
GOALS = f"{SECTIONS}/component/section[code/@code='SCOPORG']"


@pytest.mark.parametrize(
    ("rule", "official", "change"),
    [
        ("missing", "У1-9", {"at": "/ClinicalDocument/realmCode", "remove": True, "where": "/*"}),
        ("missing", "У1-20", {"at": f"{PATIENT}/telecom", "remove": "all", "where": PATIENT}),
        (
            "missing",
            "У2-12",
            {
                "at": f"{SECTIONS}/component[section/code/@code='CONSENT']",
                "remove": True,
                "where": SECTIONS,
            },
        ),
        (
            "missing",
            "У3-1",
            {
                "at": f"{GOALS}/entry/act/entryRelationship[observation/code/@code='4059']",
                "remove": True,
                "where": f"{GOALS}/entry/act",
            },
        ),
        (
            "repeated",
            "У1-20",
            {"at": f"{PATIENT}/patient/birthTime", "copy": True, "where": "//birthTime[2]"},
        ),
        ("repeated", "У1-20", {"at": f"{PATIENT}/id[1]", "copy": True, "where": "//id[3]"}),
        ("unexpected", "", {"at": PATIENT, "add": "<salary/>", "where": "//salary"}),
        (
            "order",
            "",
            {"at": f"{PATIENT}/patient", "after": "<telecom value='tel:+74950000000'/>",
             "where": f"{PATIENT}/telecom[last()]"},
        ),
        (
            "order",
            "",
            {"at": f"{PATIENT}/patient", "after": "<identity:Note/>",
             "where": f"{PATIENT}/identity:Note"},
        ),
        ("text", "", {"at": f"{PATIENT}/patient/birthTime", "set": "1980"}),
        ("text-missing", "У1-14", {"at": "/ClinicalDocument/title", "set": " "}),
        ("text-form", "У1-3", {"at": f"{PATIENT}/addr/postalCode", "set": "12"}),
        ("null", "Core01-1", {"at": "//patient/name/family", "set-attributes": {"nullFlavor": "NI"},
                              "where": "//patient/name/family/@nullFlavor"}),
        ("attribute-missing", "У1-13", {"at": "/*/code/@displayName", "remove-attribute": True,
                                        "where": "/*/code"}),
        ("attribute-value", "У1-9", {"at": "/ClinicalDocument/realmCode/@code", "set": "KZ"}),
        ("attribute-value", "У1-16", {"at": "/*/confidentialityCode/@codeSystem", "set": "1.2.3"}),
        ("attribute-form", "У1-12", {"at": "/ClinicalDocument/id/@root", "set": "1.2.643.51"}),
        ("attribute-unexpected", "", {"at": "/*/code", "set-attributes": {"codesystem": "1"},
                                      "where": "/*/code/@codesystem"}),
    ],
)  # fmt: skip
def test_each_misfit_is_found_at_its_place(
    rule: str,
    official: str,
    change: dict[str, object],
    validator: Validator,
    referral: CdaDocument,
) -> None:
    place = mutate(referral.tree, [change])

    report = validator.check(referral, today=TODAY)

    found = [one for one in report.findings if one.tier is Tier.STRUCTURE and one.where == place]
    assert [(one.rule, one.official) for one in found] == [(f"structure.{rule}", official)]


def test_one_misfit_is_told_once_though_two_tables_know_it(
    validator: Validator, referral: CdaDocument
) -> None:
    mutate(referral.tree, [{"at": "/*/custodian", "remove": True, "where": "/*"}])

    report = validator.check(referral, today=TODAY)

    told = [one for one in report.findings if "custodian" in one.text("en")]
    assert [one.rule for one in told] == ["structure.missing"]


def test_comments_and_instructions_between_elements_do_not_disturb(
    validator: Validator, referral: CdaDocument
) -> None:
    patient = referral.tree.getroot()[8]
    patient.insert(0, etree.Comment("why"))
    patient.insert(0, etree.ProcessingInstruction("print", "no"))

    report = validator.check(referral, today=TODAY)

    assert not [one for one in report.findings if one.tier is Tier.STRUCTURE]


WORDS = Words({"": "urn:x"}, {"colour": ("red", "green")}, {"digit": "[0-9]"})


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("Root,a,,sometimes,,,,", "no cardinality"),
        ("Root,b:a,,1,,,,", "unknown prefix"),
        ("Root,a,,1,code~letter,,,", "letter"),
        ("Root,a,,1,code=$shape,,,", "shape"),
        ("Root,a,,1,,,Nowhere,", "unknown shapes Nowhere"),
    ],
)
def test_a_table_that_does_not_read_names_its_row(row: str, cause: str, tmp_path: Path) -> None:
    table = tmp_path / "structure.csv"
    table.write_text(f"shape,element,slice,card,attributes,null,inner,official\n{row}\n")

    with pytest.raises(SettingError, match=cause):
        Shapes.load(table, WORDS)


def test_a_class_nobody_tells_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "classes.csv"
    table.write_text("class,elements,attributes\nAct,id*:II,\n")

    with pytest.raises(SettingError, match="unknown classes CS, II"):
        Classes.load(table, "urn:x")


def test_a_choice_is_exactly_one(tmp_path: Path) -> None:
    table = tmp_path / "classes.csv"
    table.write_text("class,elements,attributes\nENTRY,(a:II|b:II),\nII,,root\n")
    classes = Classes.load(table, "urn:x")

    def kinds(xml: str) -> list[str]:
        return [misfit.kind for misfit in classes.walk(etree.fromstring(xml), "ENTRY")]

    assert kinds("<e xmlns='urn:x'><a/></e>") == []
    assert kinds("<e xmlns='urn:x'/>") == ["missing"]
    assert kinds("<e xmlns='urn:x'><a/><b/></e>") == ["repeated"]


@pytest.mark.packs
def test_the_classes_know_what_the_schema_of_the_ministry_knows(packs_folder: Path) -> None:
    schema = next(packs_folder.rglob("POCD_MT000040.xsd"))
    xs = "{http://www.w3.org/2001/XMLSchema}"
    classes = Classes.load(PROFILES / "cda" / "classes.csv", "urn:hl7-org:v3")

    for kind in etree.parse(schema).iter(f"{xs}complexType"):
        name = str(kind.get("name")).removeprefix("POCD_MT000040.")
        if name in {"InfrastructureRoot.typeId", "RegionOfInterest.value"}:
            continue
        wanted = [str(one.get("name")) for one in kind.iter(f"{xs}element")]
        assert list(classes.elements_of(name)) == wanted, name
