"""What is wrong with a document is told by РЭМД's own code, and nothing is registered."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.sandbox.remd.settings import RemdSettings
from tests.sandbox.remd.conftest import CLOCK, Conversation, Talk
from tests.sandbox.remd.containers import make_container, read_hand
from tests.sandbox.remd.papers import Paper, spoil

CHAIR = "ru-clinic77-chair"
ORGANIZATION = "ru-clinic77-organization"
Change = Callable[[Conversation, Paper], Paper]


def _send_instead(t: Conversation, paper: Paper, owner: str, container: bytes) -> Paper:
    return replace(paper, containers={**paper.containers, owner: container})


def _bend(owner: str, **how: object) -> Change:
    def change(t: Conversation, paper: Paper) -> Paper:
        made = make_container(
            paper.content,
            read_hand(t.pki, owner),
            at=CLOCK.now(),
            **how,  # type: ignore[arg-type] # keywords by name
        )
        return _send_instead(t, paper, owner, made)

    return change


def _by(owner: str, *certificates: str) -> Change:
    def change(t: Conversation, paper: Paper) -> Paper:
        hands = [read_hand(t.pki, name) for name in certificates]
        made = make_container(paper.content, *hands, at=CLOCK.now())
        return _send_instead(t, paper, owner, made)

    return change


def _over_other_bytes(t: Conversation, paper: Paper) -> Paper:
    other = t.seal(CHAIR, paper.content + b"\n")
    return _send_instead(t, paper, CHAIR, other)


def _both_over_other_bytes(t: Conversation, paper: Paper) -> Paper:
    for owner in (CHAIR, ORGANIZATION):
        paper = _send_instead(t, paper, owner, t.seal(owner, paper.content + b"\n"))
    return paper


def _signed_tomorrow(t: Conversation, paper: Paper) -> Paper:
    made = make_container(
        paper.content, read_hand(t.pki, CHAIR), at=CLOCK.now() + timedelta(days=1)
    )
    return _send_instead(t, paper, CHAIR, made)


def _without_the_organisation(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, organization_certificate="")


def _twice_the_chair(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, signers=paper.signers * 2)


def _as_a_member(t: Conversation, paper: Paper) -> Paper:
    ((certificate, person),) = paper.signers
    return replace(paper, signers=((certificate, person | {"role": "16"}),))


def _created_tomorrow(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, created=(CLOCK.now() + timedelta(days=1)).isoformat())


def _garbage(t: Conversation, paper: Paper) -> Paper:
    return _send_instead(t, paper, CHAIR, b"\x30\x03\x02\x01\x01")


def _other_digest(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, digest=b"\0" * 32)


def _said_of_the_patient(**said: str) -> Change:
    def change(t: Conversation, paper: Paper) -> Paper:
        return replace(paper, patient=paper.patient | said)

    return change


def _said_of_the_chair(**said: str) -> Change:
    def change(t: Conversation, paper: Paper) -> Paper:
        ((certificate, person),) = paper.signers
        return replace(paper, signers=((certificate, person | said),))

    return change


def _written(old: str, new: str) -> Change:
    def change(t: Conversation, paper: Paper) -> Paper:
        return spoil(paper, old, new)

    return change


def _another_id(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, local_uid="6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0009")


def _not_xml(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, content=b"%PDF-1.4")


def _another_day(t: Conversation, paper: Paper) -> Paper:
    return replace(paper, created=(CLOCK.now() - timedelta(days=3)).isoformat())


SIGNATURES = {
    "no-signing-time": (_bend(CHAIR, without="signing_time"), "WRONG_SIGNATURE_FORMAT"),
    "no-ess": (_bend(CHAIR, without="signing_certificate_v2"), "WRONG_SIGNATURE_FORMAT"),
    "content-inside": (_bend(CHAIR, inside=True), "WRONG_SIGNATURE_FORMAT"),
    "no-certificate": (_bend(CHAIR, with_certificate=False), "NO_END_ENTITY_CERTIFICATE"),
    "not-der": (_bend(CHAIR, unsorted=True), "SIGNATURE_DECODING_ERROR"),
    "spoilt-value": (_bend(CHAIR, spoil=True), "SIGNATURE_VERIFICATION_ERROR"),
    "two-signers": (_by(CHAIR, CHAIR, "ru-clinic77-member-1"), "MULTIPLE_SIGNERS"),
    "other-person": (_by(CHAIR, "ru-clinic77-member-1"), "VALUE_MISMATCH_METADATA_AND_CERTIFICATE"),
    "other-organisation": (
        _by(ORGANIZATION, "ru-hospital16-organization"),
        "VALUE_MISMATCH_METADATA_AND_CERTIFICATE",
    ),
    "stranger": (_by(CHAIR, "stranger-partner"), "CANT_BUILD_CERT_CHAIN_TO_ACCREDITED_CA_CERT"),
    "expired": (_by(CHAIR, "ru-expired"), "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT"),
    "revoked": (_by(CHAIR, "ru-revoked"), "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT"),
    "wrong-usage": (_by(CHAIR, "ru-wrong-usage"), "INVALID_CERT_KEY_USAGE"),
    "different-bytes": (_over_other_bytes, "INCONSISTENT_DIGESTS"),
    "signed-tomorrow": (_signed_tomorrow, "SIGNATURE_VERIFICATION_ERROR"),
    "no-organisation": (_without_the_organisation, "ORG_SIGNATURE_OCCURRENCE_MISMATCH"),
    "chair-twice": (_twice_the_chair, "SIGNATURE_DUPLICATION"),
    "no-chair": (_as_a_member, "ROLE_OCCURRENCE_MISMATCH"),
    "created-tomorrow": (_created_tomorrow, "WRONG_CREATION_DATE"),
    "garbage": (_garbage, "SIGNATURE_DECODING_ERROR"),
}
FILES = {
    "other-file-signed": (_both_over_other_bytes, "DIGEST_MISMATCH"),
    "other-digest": (_other_digest, "DIGEST_MISMATCH"),
    "not-xml": (_not_xml, "INVALID_CONTENT"),
    "no-cda": (_written("ClinicalDocument", "CriminalDocument"), "INVALID_CONTENT"),
    "other-template": (_written("14.34.9.6", "14.34.9.5"), "INVALID_CONTENT"),
    "other-id": (_another_id, "ATTRIBUTE_MISMATCH"),
    "other-day": (_another_day, "VALIDATION_ERROR"),
    "other-family": (_said_of_the_patient(lastName="Другой"), "VALIDATION_ERROR"),
    "other-patronymic": (_said_of_the_patient(middleName="Другой"), "VALIDATION_ERROR"),
    "other-birth": (_said_of_the_patient(birthDate="1970-01-01"), "VALIDATION_ERROR"),
    "other-gender": (_said_of_the_patient(gender="2"), "VALIDATION_ERROR"),
    "other-patient-id": (_said_of_the_patient(localId="x"), "VALIDATION_ERROR"),
    "other-custodian": (
        _written(
            '<representedCustodianOrganization>\n        <id root="1.2.643.5.1.13.13.12.2.77.8481"',
            '<representedCustodianOrganization>\n        <id root="1.2.643.5.1.13.13.12.2.77.8482"',
        ),
        "VALIDATION_ERROR",
    ),
    "doctor-id": (_said_of_the_chair(localId="x"), "INVALID_DOCTOR_ID"),
    "doctor-family": (_said_of_the_chair(lastName="Другая"), "INVALID_DOCTOR_FAMILY"),
    "doctor-name": (_said_of_the_chair(firstName="Другая"), "INVALID_DOCTOR_NAME"),
    "doctor-patronymic": (_said_of_the_chair(middleName="Другая"), "INVALID_DOCTOR_PATRONYMIC"),
    "not-the-chair": (
        _written('performer typeCode="PPRF"', 'performer typeCode="SPRF"'),
        "ROLE_OCCURRENCE_MISMATCH",
    ),
}


@pytest.mark.parametrize("case", SIGNATURES)
async def test_wrong_signature_is_told_before_the_file_is_asked_for(talk: Talk, case: str) -> None:
    change, code = SIGNATURES[case]
    async with talk() as t:
        paper = change(t, t.paper())
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert code in told.codes
    assert t.mis.fetched == []
    assert (account.standing, account.registrations) == ("rejected", ())


@pytest.mark.parametrize("case", FILES)
async def test_file_that_is_not_what_was_described_is_told(talk: Talk, case: str) -> None:
    change, code = FILES[case]
    async with talk() as t:
        paper = change(t, t.paper())
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert set(told.codes) == {code}
    assert t.mis.fetched == [paper.local_uid]
    assert (account.standing, account.registrations) == ("rejected", ())


async def test_organisation_of_another_ogrn_is_told_also_where_no_name_is_known(
    talk: Talk, settings: RemdSettings
) -> None:
    unnamed = {key: replace(one, name="") for key, one in settings.organizations.items()}
    async with talk(organizations=unnamed) as t:
        await t.bring(_by(ORGANIZATION, "ru-hospital16-organization")(t, t.paper()))
        (told,) = await t.mis.wait_for_told()

    assert told.codes == ["VALUE_MISMATCH_METADATA_AND_CERTIFICATE"]
    assert "ОГРН" in told.text("message")


async def test_organisation_whose_certificate_has_another_name_is_told(
    talk: Talk, settings: RemdSettings
) -> None:
    renamed = {
        key: replace(one, name="ООО «Другое»") for key, one in settings.organizations.items()
    }
    async with talk(organizations=renamed) as t:
        await t.bring(t.paper())
        (told,) = await t.mis.wait_for_told()

    assert told.codes == ["VALUE_MISMATCH_METADATA_AND_CERTIFICATE"]
    assert "ORG_NAME" in told.text("message")


async def test_legal_authenticator_must_be_among_the_signers(talk: Talk) -> None:
    async with talk() as t:
        paper = t.paper()
        ((_, chair),) = paper.signers
        digits = chair["snils"]
        head, _, tail = paper.content.decode().partition("</legalAuthenticator>")
        other = head[: head.rindex(digits)] + "990-000-285 79" + head[head.rindex(digits) + 14 :]
        changed = replace(paper, content=(other + "</legalAuthenticator>" + tail).encode())
        await t.bring(changed)
        (told,) = await t.mis.wait_for_told()

    assert told.codes == ["LEGAL_AUTHENTICATOR_NOT_FOUND"]


async def test_texts_of_a_rejection_do_not_repeat_the_patients_names(talk: Talk) -> None:
    async with talk() as t:
        paper = _said_of_the_patient(lastName="Другой")(t, t.paper())
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()

    assert "Другой".encode() not in told.raw


async def test_gost_signatures_are_taken(talk: Talk) -> None:
    async with talk() as t:
        paper = replace(
            t.paper(),
            signers=tuple((f"{name}-gost", person) for name, person in t.paper().signers),
            organization_certificate=f"{ORGANIZATION}-gost",
        )
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()

    assert (told.text("status"), told.codes) == ("success", [])


async def test_signature_made_by_openssl_is_taken(
    talk: Talk, foreign: Callable[[str], str], tmp_path: Path
) -> None:
    openssl = foreign("openssl")
    async with talk() as t:
        paper = t.paper()
        file = tmp_path / "document.xml"
        file.write_bytes(paper.content)
        for owner in (CHAIR, ORGANIZATION):
            key, certificate = t.pki / f"{owner}.key.pem", t.pki / f"{owner}.cert.pem"
            command = [openssl, "cms", "-sign", "-binary", "-cades", "-outform", "DER"]
            made = subprocess.run(  # noqa: ASYNC221 - a moment
                [*command, "-md", "sha256", "-in", file, "-signer", certificate, "-inkey", key],
                check=True,
                capture_output=True,
            ).stdout
            paper = _send_instead(t, paper, owner, made)
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()

    assert told.text("status") == "success"
