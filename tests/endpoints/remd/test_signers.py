"""What РЭМД would have against the signers is found before it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.endpoints.remd.signers import judge_signers
from gateway.findings import Finding, Severity
from gateway.ports import VerifiedSigner
from tests.endpoints.remd.conftest import House

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
CHAIR, MEMBER = "99000014871", "99000028579"
METADATA: dict[str, Any] = {
    "created": "2026-06-15T10:00:00+03:00",
    "organization_ogrn": "1997700084810",
    "organization_name": "ГБУЗ «Городская поликлиника № 777 (вымышленная)»",
    "signers": [{"snils": CHAIR, "role": "14"}, {"snils": MEMBER, "role": "16"}, {"snils": "3"}],
}
GOOD = VerifiedSigner(role="14", snils=CHAIR, not_before=NOON - YEAR, not_after=NOON + YEAR)
OWN = VerifiedSigner(
    role="organization",
    ogrn="1997700084810",
    organization='ГБУЗ "Городская поликлиника №777" (Вымышленная)',
    not_before=NOON - YEAR,
    not_after=NOON + YEAR,
)


def judge(*signers: VerifiedSigner, **metadata: Any) -> list[Finding]:
    return list(judge_signers({**METADATA, **metadata}, signers, now=NOON))


def rules(*signers: VerifiedSigner, **metadata: Any) -> list[str]:
    return [one.rule for one in judge(*signers, **metadata)]


def test_chair_and_organisation_of_the_document_are_welcome() -> None:
    assert rules(GOOD, OWN, replace(GOOD, role="16", snils=MEMBER)) == []


@pytest.mark.parametrize(
    ("signer", "rule"),
    [
        (replace(GOOD, snils=""), "remd/signer-without-snils"),
        (replace(GOOD, snils="99000099999"), "remd/signer-not-in-document"),
        (replace(GOOD, role="16", snils="99000099999"), "remd/signer-not-in-document"),
        (replace(GOOD, snils=MEMBER), "remd/signer-not-chair"),
        (replace(GOOD, snils="3"), "remd/signer-not-chair"),
        (replace(OWN, ogrn="1027700000000"), "remd/organization-ogrn"),
        (replace(OWN, ogrn=""), "remd/organization-ogrn"),
        (replace(GOOD, not_after=NOON - timedelta(seconds=1)), "remd/certificate-expired"),
    ],
)
def test_whoever_may_not_sign_is_refused_with_the_place(signer: VerifiedSigner, rule: str) -> None:
    (finding,) = judge(signer)

    assert finding.rule == rule
    assert finding.severity is Severity.ERROR
    assert finding.where == f"signature[{signer.role}]"
    assert set(finding.texts) == {"ru", "en"}


def test_other_spelling_of_the_name_is_a_warning_only() -> None:
    (finding,) = judge(replace(OWN, organization="ООО «Другая клиника»"))

    assert (finding.rule, finding.severity) == ("remd/organization-name", Severity.WARNING)


def test_document_that_does_not_name_its_organisation_is_held_against_nobody() -> None:
    stranger = replace(OWN, ogrn="1", organization="Иная")

    assert rules(stranger, organization_ogrn=None, organization_name=None) == []
    assert rules(stranger, organization_ogrn=None) == ["remd/organization-name"]


@pytest.mark.parametrize(
    ("first", "last", "fit"),
    [
        # The document is of 15 June in Moscow, which begins at 21:00 UTC of the day before.
        ("2026-06-15T20:59:59+00:00", "2027-01-01T00:00:00+00:00", True),
        ("2026-06-15T21:00:00+00:00", "2027-01-01T00:00:00+00:00", False),
        ("2025-01-01T00:00:00+00:00", "2026-06-14T21:00:00+00:00", True),
        ("2025-01-01T00:00:00+00:00", "2026-06-14T20:59:59+00:00", False),
    ],
)
def test_certificate_must_be_in_force_on_the_documents_day(
    first: str, last: str, fit: object
) -> None:
    signer = replace(
        GOOD, not_before=datetime.fromisoformat(first), not_after=datetime.fromisoformat(last)
    )

    found = [one for one in rules(signer) if one == "remd/certificate-not-of-that-day"]

    assert (not found) is fit


def test_certificate_of_unknown_life_is_left_to_the_verifier() -> None:
    assert rules(replace(GOOD, not_before=None)) == []
    assert rules(replace(GOOD, not_after=None)) == []


def test_one_objection_is_told_once() -> None:
    assert rules(replace(GOOD, snils=""), replace(GOOD, snils="")) == ["remd/signer-without-snils"]


def test_metadata_names_the_organisation_for_the_comparison(house: House, document: bytes) -> None:
    endpoint = house.endpoint

    metadata, _ = endpoint.describe(document)

    assert metadata["organization_ogrn"] == METADATA["organization_ogrn"]
    assert metadata["organization_name"] == METADATA["organization_name"]
    assert endpoint.judge_signers(metadata, [replace(OWN, ogrn="1")], now=NOON)
