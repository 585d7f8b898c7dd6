"""An envelope that is not wholly right is turned away with a Fault, and nothing of it is taken."""

from __future__ import annotations

import base64
import copy
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.sandbox.remd.soap import EGISZ, SOAP11, WSA, WSU, serialize
from gateway.sandbox.remd.wss import DS, EXC_C14N, WSSE, Signer, canonicalize
from tests.sandbox.remd.conftest import CLOCK, OTHER_CLIENT, Conversation, Talk
from tests.sandbox.remd.containers import read_hand
from tests.sandbox.remd.mis import SERVICE, Answer

RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
SHA_512 = "http://www.w3.org/2001/04/xmlenc#sha512"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
Bend = Callable[[etree._Element], None]


def find(root: etree._Element, tag: str) -> etree._Element:
    return next(root.iter(tag))


def drop(root: etree._Element, tag: str) -> None:
    element = find(root, tag)
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def change_the_body(root: etree._Element) -> None:
    find(root, f"{{{SERVICE}}}documentNumber").text = "999"


def change_the_timestamp(root: etree._Element) -> None:
    find(root, f"{{{WSU}}}Expires").text = "2099-01-01T00:00:00Z"


def wrap_the_body(root: etree._Element) -> None:
    """Move the signed Body aside and put another in its place (signature wrapping)."""
    body = find(root, f"{{{SOAP11}}}Body")
    evil = copy.deepcopy(body)
    evil.set(f"{{{WSU}}}Id", "other")
    find(evil, f"{{{SERVICE}}}documentNumber").text = "999"
    aside = etree.SubElement(find(root, f"{{{DS}}}Signature"), f"{{{DS}}}Object")
    root.replace(body, evil)
    aside.append(body)


def repeat_the_id(root: etree._Element) -> None:
    find(root, f"{{{EGISZ}}}transportHeader").set("Id", "body")


def sign_again(root: etree._Element, signer: Signer) -> None:
    """Make the signature value right for a SignedInfo that was bent."""
    info = find(root, f"{{{DS}}}SignedInfo")
    made = signer.backend.sign(signer.key, signer.algorithm, canonicalize(info))
    find(root, f"{{{DS}}}SignatureValue").text = base64.b64encode(made).decode()


def ask_for_sha1(root: etree._Element) -> None:
    find(root, f"{{{DS}}}SignatureMethod").set("Algorithm", RSA_SHA1)


def ask_for_inclusive_signed_info(root: etree._Element) -> None:
    find(root, f"{{{DS}}}CanonicalizationMethod").set("Algorithm", INCLUSIVE)


def canonicalise_the_body_inclusively(root: etree._Element) -> None:
    find(root, f"{{{DS}}}Transform").set("Algorithm", INCLUSIVE)
    octets = etree.tostring(find(root, f"{{{SOAP11}}}Body"), method="c14n")
    digest = hashlib.sha256(octets).digest()
    find(root, f"{{{DS}}}DigestValue").text = base64.b64encode(digest).decode()


def add_a_transform(root: etree._Element) -> None:
    """Hide a part of the Body from the digest."""
    transforms = find(root, f"{{{DS}}}Transforms")
    xpath = etree.SubElement(
        transforms, f"{{{DS}}}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"
    )
    etree.SubElement(xpath, f"{{{DS}}}XPath").text = "not(self::documentNumber)"


def ask_for_a_prefix_list(root: etree._Element) -> None:
    transform = find(root, f"{{{DS}}}Transform")
    etree.SubElement(transform, f"{{{EXC_C14N}}}InclusiveNamespaces", PrefixList="soap")


def mix_the_families(root: etree._Element) -> None:
    """Give a digest that holds, of another family than the signature."""
    find(root, f"{{{DS}}}DigestMethod").set("Algorithm", SHA_512)
    digest = hashlib.sha512(canonicalize(find(root, f"{{{SOAP11}}}Body"))).digest()
    find(root, f"{{{DS}}}DigestValue").text = base64.b64encode(digest).decode()


def leave_out_the_body(root: etree._Element) -> None:
    drop_reference(root, "#body")


def leave_out_the_timestamp(root: etree._Element) -> None:
    drop_reference(root, "#timestamp")


def drop_reference(root: etree._Element, uri: str) -> None:
    info = find(root, f"{{{DS}}}SignedInfo")
    for reference in info.findall(f"{{{DS}}}Reference"):
        if reference.get("URI") == uri:
            info.remove(reference)


def point_outside(root: etree._Element) -> None:
    find(root, f"{{{DS}}}Reference").set("URI", "http://127.0.0.1/body")


def refer_to_it_nine_times(root: etree._Element) -> None:
    reference = find(root, f"{{{DS}}}Reference")
    for _ in range(9):
        reference.addnext(copy.deepcopy(reference))


def lose_the_token(root: etree._Element) -> None:
    drop(root, f"{{{WSSE}}}BinarySecurityToken")


def lose_the_security(root: etree._Element) -> None:
    drop(root, f"{{{WSSE}}}Security")


def double_the_security(root: etree._Element) -> None:
    security = find(root, f"{{{WSSE}}}Security")
    security.addnext(etree.Element(f"{{{WSSE}}}Security"))


def lose_the_message_id(root: etree._Element) -> None:
    find(root, f"{{{WSA}}}MessageID").text = ""


def lose_the_reply_to(root: etree._Element) -> None:
    drop(root, f"{{{WSA}}}ReplyTo")


def lose_the_client(root: etree._Element) -> None:
    drop(root, f"{{{EGISZ}}}transportHeader")


def assert_nothing_taken(t: Conversation, answer: Answer) -> None:
    assert answer.status == 500
    assert answer.body is not None
    assert etree.QName(answer.body).localname == "Fault"
    assert t.sandbox.remd.registry.attempts() == []
    assert t.mis.fetched == []


@pytest.mark.parametrize(
    "bend",
    [
        change_the_body,
        change_the_timestamp,
        wrap_the_body,
        repeat_the_id,
        lose_the_token,
        lose_the_security,
        double_the_security,
        lose_the_message_id,
        lose_the_reply_to,
        lose_the_client,
    ],
)
async def test_bent_envelope_is_turned_away(talk: Talk, bend: Bend) -> None:
    async with talk() as t:
        answer = await t.mis.send("registerDocument", t.paper().request(), bend=bend)

        assert_nothing_taken(t, answer)


@pytest.mark.parametrize(
    "bend",
    [
        ask_for_sha1,
        ask_for_inclusive_signed_info,
        canonicalise_the_body_inclusively,
        add_a_transform,
        ask_for_a_prefix_list,
        mix_the_families,
        leave_out_the_body,
        leave_out_the_timestamp,
        point_outside,
        refer_to_it_nine_times,
    ],
)
async def test_signature_that_holds_over_too_little_or_otherwise_is_turned_away(
    talk: Talk, bend: Bend
) -> None:
    async with talk() as t:
        envelope = t.mis.write("registerDocument", t.paper().request())
        bend(envelope)
        sign_again(envelope, t.mis.signer)
        answer = await t.mis.post(serialize(envelope))

        assert_nothing_taken(t, answer)


async def test_signature_made_again_over_the_same_is_taken(talk: Talk) -> None:
    async with talk() as t:
        envelope = t.mis.write("registerDocument", t.paper().request())
        sign_again(envelope, t.mis.signer)
        answer = await t.mis.post(serialize(envelope))

    assert answer.text("status") == "success"


@pytest.mark.parametrize("certificate", ["stranger-partner", "ru-hospital16-transport"])
async def test_envelope_signed_by_somebody_else_is_turned_away(
    talk: Talk, certificate: str
) -> None:
    async with talk() as t:
        signer = t.signer(certificate)
        answer = await t.mis.send("registerDocument", t.paper().request(), signer=signer)

        assert_nothing_taken(t, answer)


@pytest.mark.parametrize("certificate", ["ru-expired", "ru-revoked", "ru-wrong-usage"])
async def test_envelope_signed_with_a_bad_certificate_is_turned_away(
    talk: Talk, certificate: str
) -> None:
    async with talk() as t:
        signer = t.signer(certificate)
        answer = await t.mis.send("registerDocument", t.paper().request(), signer=signer)

        assert_nothing_taken(t, answer)


@pytest.mark.parametrize("certificate", ["ru-clinic77-transport-gost"])
async def test_envelope_signed_with_gost_is_taken(talk: Talk, certificate: str) -> None:
    async with talk() as t:
        t.mis.signer = t.signer(certificate)
        answer = await t.bring(t.paper())
        (told,) = await t.mis.wait_for_told()

    assert answer.text("status") == "success"
    assert told.text("status") == "success"


async def test_pinned_certificate_may_speak_for_another_organisation(talk: Talk, pki: Path) -> None:
    pinned = hashlib.sha256(read_hand(pki, "ru-hospital16-transport").certificate).hexdigest()
    async with talk(transport_certificates=(pinned,)) as t:
        t.mis.signer = t.signer("ru-hospital16-transport")
        answer = await t.bring(t.paper())

    assert answer.text("status") == "success"


@pytest.mark.parametrize("offset", [timedelta(hours=-1), timedelta(hours=1)])
async def test_timestamp_of_another_hour_is_turned_away(talk: Talk, offset: timedelta) -> None:
    async with talk() as t:
        envelope = t.mis.write("registerDocument", t.paper().request())
        drop(envelope, f"{{{WSSE}}}Security")
        t.mis.signer.sign(envelope, now=CLOCK.now() + offset)
        answer = await t.mis.post(serialize(envelope))

        assert_nothing_taken(t, answer)


async def test_message_id_that_was_used_before_is_turned_away(talk: Talk) -> None:
    async with talk() as t:
        envelope = serialize(t.mis.write("registerDocument", t.paper().request()))
        t.mis.files[t.paper().local_uid] = t.paper().content
        first = await t.mis.post(envelope)
        second = await t.mis.post(envelope)
        attempts = len(t.sandbox.remd.registry.attempts())

    assert first.text("status") == "success"
    assert b"this MessageID was used before" in second.raw
    assert attempts == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"not xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body/></e:Envelope>",
    ],
)
async def test_bytes_that_are_no_envelope_are_turned_away(talk: Talk, octets: bytes) -> None:
    async with talk() as t:
        answer = await t.mis.post(octets)

        assert_nothing_taken(t, answer)


async def test_soap_of_one_version_does_not_travel_as_the_other(talk: Talk) -> None:
    async with talk() as t:
        envelope = serialize(t.mis.write("registerDocument", t.paper().request()))
        answer = await t.mis.post(envelope, "application/soap+xml")

        assert_nothing_taken(t, answer)


async def test_action_must_name_the_operation(talk: Talk) -> None:
    async with talk() as t:
        answer = await t.mis.send("searchRegistryItem", t.paper().request())

        assert_nothing_taken(t, answer)


async def test_unknown_information_system_gets_a_synchronous_error(talk: Talk) -> None:
    async with talk() as t:
        client = "99999999-0000-0000-0000-000000000000"
        answer = await t.mis.send("registerDocument", t.paper().request(), client=client)

    assert answer.codes() == ["NO_RMIS"]


async def test_organisation_of_another_system_gets_a_synchronous_error(talk: Talk) -> None:
    async with talk() as t:
        t.mis.signer = t.signer("ru-hospital16-transport")
        t.mis.client = OTHER_CLIENT
        answer = await t.bring(t.paper())

    assert answer.codes() == ["VALIDATION_ERROR"]
    assert "не привязана к РМИС" in answer.text("errors/item/message")


async def test_metadata_that_breaks_the_schema_gets_synchronous_errors_without_values(
    talk: Talk,
) -> None:
    async with talk() as t:
        paper = t.paper()
        secret = replace(paper, patient=paper.patient | {"snils": "Тайна", "birthDate": "давно"})
        answer = await t.bring(secret)

    assert set(answer.codes()) == {"VALIDATION_ERROR"}
    assert "Тайна".encode() not in answer.raw
    assert "patient" in answer.text("errors/item/message")


async def test_snils_with_a_wrong_control_number_gets_a_synchronous_error(talk: Talk) -> None:
    async with talk() as t:
        paper = t.paper()
        wrong = replace(paper, patient=paper.patient | {"snils": "111-111-111 11"})
        answer = await t.bring(wrong)

    assert answer.codes() == ["VALIDATION_ERROR"]
    assert "СНИЛС" in answer.text("errors/item/message")


async def test_answer_of_the_sandbox_is_signed_and_a_foreign_judge_agrees(
    talk: Talk, foreign: Callable[[str], str], tmp_path: Path
) -> None:
    xmlsec1 = foreign("xmlsec1")
    async with talk() as t:
        answer = await t.bring(t.paper())
        await t.mis.wait_for_told()
    for number, raw in enumerate((answer.raw, t.mis.told[0].raw)):
        file = tmp_path / f"{number}.xml"
        file.write_bytes(raw)
        token = find(etree.fromstring(raw), f"{{{WSSE}}}BinarySecurityToken")
        certificate = tmp_path / f"{number}.pem"
        certificate.write_text(
            f"-----BEGIN CERTIFICATE-----\n{token.text}\n-----END CERTIFICATE-----\n"
        )
        key = tmp_path / f"{number}.pub.pem"
        openssl = shutil.which("openssl") or foreign("openssl")
        subprocess.run(  # noqa: ASYNC221 - the conversation is over
            [openssl, "x509", "-in", certificate, "-pubkey", "-noout", "-out", key], check=True
        )
        judged = subprocess.run(  # noqa: ASYNC221
            [xmlsec1, "--verify", "--pubkey-pem", key, *_id_attributes(), file],
            capture_output=True,
            check=False,
        )
        assert judged.returncode == 0, judged.stderr


def _id_attributes() -> list[str]:
    names = {
        "Body": SOAP11,
        "Timestamp": WSU,
        "MessageID": WSA,
        "Action": WSA,
        "To": WSA,
        "RelatesTo": WSA,
    }
    return [
        word
        for name, namespace in names.items()
        for word in ("--id-attr:Id", f"{namespace}:{name}")
    ]
