"""What РЭМД is told of a document, read out of every bundled referral."""

from __future__ import annotations

import re

import pytest

from gateway.doors import SystemIds
from gateway.endpoints.remd.adapter import LARGEST_DOCUMENT
from gateway.errors import MalformedMessage
from gateway.findings import Severity
from gateway.formats.cda import read_cda
from gateway.mapping.engine import read_form, write_values
from gateway.mapping.rules import read_rules
from gateway.resources import MAPPINGS
from gateway.samples.examples import read_examples
from gateway.samples.maker import Maker, SampleDocument
from tests.endpoints.remd.conftest import House
from tests.endpoints.remd.registry import NOON

RULES = read_rules(MAPPINGS / "remd" / "ru-088u.yaml")


def sample(name: str) -> SampleDocument:
    return Maker().make(3, now=NOON, ids=SystemIds(), example=name)


@pytest.mark.parametrize("name", list(read_examples()))
def test_every_bundled_referral_is_described_whole(name: str) -> None:
    made = sample(name)

    reading = read_form(RULES, read_cda(made.content).tree, endpoint="remd")

    assert reading.findings == ()
    assert reading.form["local_uid"] == made.local_uid
    assert reading.form["organization"] == made.organization
    assert reading.form["number"] == made.protocol_number
    assert reading.form["signers"][0]["role"] == "14"
    assert re.fullmatch(r"\d{11}", reading.form["patient"]["snils"])


@pytest.mark.parametrize("name", list(read_examples()))
def test_rules_lead_back_to_the_documents_own_words(name: str) -> None:
    tree = read_cda(sample(name).content).tree
    form = read_form(RULES, tree, endpoint="remd").form

    told = write_values(RULES, form)

    read = {rule.id: rule for rule in RULES.rules}
    for rule_id in ("document.uid", "document.number", "organization", "patient.birth"):
        find = read[rule_id].find
        assert find is not None
        found = find(tree.getroot())
        assert isinstance(found, list)
        words = [getattr(one, "text", None) or str(one) for one in found]
        assert list(told[rule_id]) == words
    assert read["document.moment"].converter.forth(told["document.moment"][0]) == form["created"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "where"),
    [
        (r'<id root="1.2.643.100.3" extension="[^"]+"/>', "", "remd/patient.snils", "patientRole"),
        (r'<birthTime value="\d+"', '<birthTime value="19700230"', "remd/patient.birth", "@value"),
        (r'<performer typeCode="PPRF"', '<performer typeCode="PART"', "", "role"),
    ],
)
def test_what_registration_needs_and_lacks_is_found_with_its_place(
    house: House, old: str, new: str, rule: str, where: str
) -> None:
    text = sample("adult-in-person").content.decode()
    broken = re.sub(old, new, text, count=1).encode()

    form, findings = house.endpoint.describe(broken)

    if rule:
        assert [(one.rule, one.severity) for one in findings] == [(rule, Severity.ERROR)]
        assert where in findings[0].where
        assert findings[0].where.startswith("/ClinicalDocument/recordTarget")
    else:
        assert "14" not in [one.get(where) for one in form["signers"]]


def test_what_no_rule_reads_is_reported(house: House) -> None:
    text = sample("adult-in-person").content.decode()
    more = text.replace("<setId", '<fileNumber value="7"/><setId', 1)

    _, findings = house.endpoint.describe(more.encode())

    assert [(one.rule, one.severity, one.where) for one in findings] == [
        ("remd/unmapped", Severity.INFORMATION, "/ClinicalDocument/fileNumber[1]")
    ]


def test_document_of_another_kind_is_not_described(house: House) -> None:
    text = sample("adult-in-person").content.decode()

    form, findings = house.endpoint.describe(text.replace("34.9.6", "34.9.5").encode())

    assert form == {}
    assert [one.rule for one in findings] == ["remd/kind"]


def test_chair_and_organisation_are_wanted(house: House) -> None:
    assert house.endpoint.wanted_roles({"kind": "121"}) == ("14", "organization")
    assert house.endpoint.wanted_roles({}) == ()


def test_what_is_no_cda_is_malformed(house: House) -> None:
    with pytest.raises(MalformedMessage):
        house.endpoint.describe(b"<a/>")


def test_document_that_one_answer_cannot_carry_is_refused_before_it_is_sent(
    house: House,
) -> None:
    padded = sample("adult-in-person").content + b"\n" * LARGEST_DOCUMENT

    _, findings = house.endpoint.describe(padded)

    assert [one.rule for one in findings if one.severity is Severity.ERROR] == ["remd/size"]
