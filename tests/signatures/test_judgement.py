"""Any signed file, judged by what it is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import MalformedMessage
from gateway.signatures.chain import Trust
from gateway.signatures.judgement import PROFILES, judge
from gateway.signatures.reasons import Fact
from gateway.signatures.recognition import Form, recognise
from gateway.signatures.verdict import Outcome

AT = datetime(2022, 11, 1, tzinfo=UTC)
DS = "http://www.w3.org/2000/09/xmldsig#"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SIGNATURE = f'<s:Signature xmlns:s="{DS}"/>'
SMEV = (
    f'<s:Signature xmlns:s="{DS}"><s:Transform Algorithm="urn://smev-gov-ru/xmldsig/transform"/>'
    "</s:Signature>"
)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"\x30\x80", Form.CMS),
        (b"MIAG\nAA==", Form.CMS),
        (b"-----BEGIN PKCS7-----\nMIAG\n-----END PKCS7-----\n", Form.CMS),
        (f"<a>{SIGNATURE}</a>".encode(), Form.XMLDSIG),
        (b"<a/>", Form.XMLDSIG),
        (SIGNATURE.encode(), Form.XMLDSIG),
        (f"<a>{SIGNATURE}{SIGNATURE}</a>".encode(), Form.XMLDSIG_NESTED),
        (f"<a><b>{SIGNATURE}</b>{SIGNATURE}</a>".encode(), Form.XMLDSIG),
        (f"<a>{SMEV}{SIGNATURE}</a>".encode(), Form.SMEV),
        (b"\xef\xbb\xbf<a/>", Form.XMLDSIG),
        (f'<a><w:Security xmlns:w="{WSSE}">{SIGNATURE}</w:Security></a>'.encode(), Form.WSS),
        (f'<a><w:Security xmlns:w="{WSSE}"/>{SIGNATURE}</a>'.encode(), Form.XMLDSIG),
    ],
)
def test_form_is_told_from_the_content(content: bytes, form: Form) -> None:
    assert recognise(content)[0] is form


@pytest.mark.parametrize(
    "content", [b"", b"junk!", b"AAA", b"<a", b"<!DOCTYPE a><a/>", b"-----BEGIN CMS-----\nAA"]
)
def test_anything_else_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        recognise(content)
    assert judge(content, None, Trust(), at=AT).outcome is Outcome.INVALID


def test_armour_is_taken_off() -> None:
    der = b"\x30\x03\x02\x01\x00"

    assert recognise(base64.encodebytes(der)) == (Form.CMS, der)


def test_a_profile_that_nobody_knows_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        judge(b"", None, Trust(), at=AT, profile="fr")


@pytest.mark.packs
@pytest.mark.parametrize(
    ("file", "algorithms"),
    [
        ("kz/signed/ncanode-xmldsig-xml_signed_valid_string.xml", ["rsa-sha256"]),
        (
            "kz/signed/ncanode-xmldsig-xml_signed_valid_string_two_signers.xml",
            ["rsa-sha256", "gost-512-kz"],
        ),
        ("kz/signed/ncanode-cms-signed_cms.p7s", ["gost-512-kz", "rsa-sha256"]),
        ("ru/smev3/SendRequestRequest_1.2_1.xml", ["gost-256"]),
    ],
)
def test_signatures_of_others_hold_and_lack_trust_alone(
    packs_folder: Path, file: str, algorithms: list[str]
) -> None:
    verdict = judge((packs_folder / file).read_bytes(), None, Trust(), at=AT)

    assert [one.algorithm for one in verdict.signers] == algorithms
    assert verdict.has(Fact.CHAIN_NOT_FOUND)
    for broken in (Fact.DIGEST_MISMATCH, Fact.SIGNATURE_BROKEN, Fact.STRUCTURE_FORBIDDEN):
        assert not verdict.has(broken)


@pytest.mark.packs
def test_profiles_differ_in_whose_algorithms_count(packs_folder: Path) -> None:
    kalkan = (packs_folder / "kz/signed/ncanode-cms-signed_cms.p7s").read_bytes()
    smev = (packs_folder / "ru/smev3/SendRequestRequest_1.2_1.xml").read_bytes()

    def refuses(content: bytes, profile: str, fact: Fact) -> bool:
        return judge(content, None, Trust(), at=AT, profile=profile).has(fact)

    assert [refuses(kalkan, one, Fact.ALGORITHM_FORBIDDEN) for one in ("any", "kz", "ru")] == [
        False,
        False,
        True,
    ]
    assert [refuses(smev, one, Fact.STRUCTURE_FORBIDDEN) for one in ("any", "smev", "ru")] == [
        False,
        False,
        True,
    ]
    assert set(PROFILES) == {"any", "ru", "smev", "kz"}
