"""What we sign over envelopes, judged by ourselves and by xmlsec1."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.signatures.algorithms import Family
from gateway.signatures.wss import Partner, sign_envelope, verify_envelope
from tests.signatures.conftest import NOON, Issue, Load
from tests.signatures.wss.forging import DS, SOAP, SOAP_12, WSA, WSSE, WSU

HEADERS = (
    "<wsa:MessageID>urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e</wsa:MessageID>"
    "<wsa:Action>registerDocument</wsa:Action><wsa:To>https://ips.example/</wsa:To>"
    "<wsa:ReplyTo><wsa:Address>https://mis.example/</wsa:Address></wsa:ReplyTo>"
    '<t:transportHeader xmlns:t="urn:t">id</t:transportHeader>'
)
VERSIONS = [pytest.param(SOAP, id="soap-1.1"), pytest.param(SOAP_12, id="soap-1.2")]


def envelope(soap: str = SOAP, headers: str = HEADERS, attributes: str = "") -> bytes:
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:wsa="{WSA}" {attributes}><s:Header>{headers}'
        '</s:Header><s:Body><m:x xmlns:m="urn:m" xmlns="urn:d"><y/>Ж &amp; &#13;\n</m:x></s:Body>'
        "</s:Envelope>"
    ).encode()


def partner_of(*certificates: str) -> Partner:
    return Partner(name="remd", pins=frozenset(certificates))


@pytest.mark.parametrize("soap", VERSIONS)
@pytest.mark.parametrize("name", ["gateway-transport", "gateway-transport-gost"])
def test_signed_envelope_is_verified_with_all_its_parts(key: Load, name: str, soap: str) -> None:
    signer = key(name)

    signed = sign_envelope(envelope(soap), signer, created=NOON)

    found = verify_envelope(signed, partner=partner_of(signer.certificate.sha256), at=NOON)
    assert found.verdict.reasons == ()
    assert found.verdict.signers[0].covers == "Body, Timestamp, MessageID, Action, To, ReplyTo"
    assert found.addressing("Action") == "registerDocument"
    assert found.addressing("ReplyTo") == "https://mis.example/"
    assert found.expires == NOON + timedelta(minutes=10)
    assert f"{{{WSA}}}RelatesTo" not in found.headers
    body = etree.fromstring(found.body)
    assert body[0].tag == "{urn:m}x"
    assert body[0][0].tail == "Ж & \r\n"


@pytest.mark.parametrize(("soap", "mark"), [(SOAP, "1"), (SOAP_12, "true")])
def test_security_header_must_be_understood_in_both_versions(
    key: Load, soap: str, mark: str
) -> None:
    signed = etree.fromstring(sign_envelope(envelope(soap), key("gateway-transport"), created=NOON))

    security = signed.find(f".//{{{WSSE}}}Security")

    assert security is not None
    assert security.get(f"{{{soap}}}mustUnderstand") == mark


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        f'xmlns:wsu="{WSU}"',
        'xmlns:wsu="urn:other" xmlns:wsse="urn:other"',
        'xmlns="urn:default"',
    ],
)
def test_prefixes_of_the_envelope_do_not_matter(key: Load, attributes: str) -> None:
    signer = key("gateway-transport")

    signed = sign_envelope(envelope(attributes=attributes), signer, created=NOON)

    found = verify_envelope(signed, partner=partner_of(signer.certificate.sha256), at=NOON)
    assert found.verdict.valid


def test_ids_that_are_there_stay_and_a_header_is_made_where_there_is_none(key: Load) -> None:
    signer = key("gateway-transport")
    bare = f'<s:Envelope xmlns:s="{SOAP}"><s:Body xmlns:u="{WSU}" u:Id="mine"/></s:Envelope>'

    signed = sign_envelope(bare.encode(), signer, created=NOON, lifetime=timedelta(minutes=1))

    found = verify_envelope(signed, partner=partner_of(signer.certificate.sha256), at=NOON)
    assert found.verdict.valid
    assert b'Id="mine"' in found.body
    assert found.expires == NOON + timedelta(minutes=1)


def test_only_the_wanted_headers_are_signed(key: Load) -> None:
    signer = key("gateway-transport")

    signed = sign_envelope(envelope(), signer, created=NOON, sign_header_names=("To",))

    found = verify_envelope(signed, partner=partner_of(signer.certificate.sha256), at=NOON)
    assert found.verdict.signers[0].covers == "Body, Timestamp, To"


@pytest.mark.parametrize(
    "headers",
    [
        f'<wsse:Security xmlns:wsse="{WSSE}"/>',
        f'<wsa:To xmlns:u="{WSU}" u:Id="timestamp"/>',
        f'<wsa:To xmlns:u="{WSU}" u:Id="token"/>',
    ],
)
def test_envelope_that_cannot_be_signed_clearly_is_not_signed(key: Load, headers: str) -> None:
    with pytest.raises(HouseError):
        sign_envelope(envelope(headers=headers), key("gateway-transport"), created=NOON)


@pytest.mark.parametrize("message", [b"<a/>", f'<s:Envelope xmlns:s="{SOAP}"/>'.encode(), b"x"])
def test_what_is_no_envelope_is_not_signed(key: Load, message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        sign_envelope(message, key("gateway-transport"), created=NOON)


@pytest.mark.foreign
@pytest.mark.parametrize("soap", VERSIONS)
@pytest.mark.parametrize("family", ["rsa", "ec"])
def test_xmlsec_finds_our_signature_good(
    key: Load,
    issue: Issue,
    foreign: Callable[[str], str],
    tmp_path: Path,
    soap: str,
    family: str,
) -> None:
    xmlsec = foreign("xmlsec1")
    signer = key("gateway-transport") if family == "rsa" else issue(family=Family.EC)
    signed = sign_envelope(envelope(soap), signer, created=NOON)
    tampered = signed.replace(b"registerDocument", b"registerDocumenT")
    (tmp_path / "certificate.der").write_bytes(signer.certificate.der)

    verdicts = []
    for number, message in enumerate((signed, tampered)):
        (tmp_path / f"{number}.xml").write_bytes(message)
        names = ("Body", "Timestamp", "MessageID", "Action", "To", "ReplyTo")
        done = subprocess.run(
            [
                *(xmlsec, "--verify"),
                *("--pubkey-cert-der", tmp_path / "certificate.der"),
                *(part for name in names for part in ("--id-attr:Id", name)),
                tmp_path / f"{number}.xml",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        verdicts.append(done.returncode == 0 and "(ok/all): 6/6" in done.stderr + done.stdout)

    assert verdicts == [True, False]


def test_signed_info_is_written_in_its_canonical_form(key: Load) -> None:
    signed = etree.fromstring(sign_envelope(envelope(), key("gateway-transport"), created=NOON))
    signed_info = signed.find(f".//{{{DS}}}SignedInfo")
    assert signed_info is not None

    octets = etree.tostring(signed_info, method="c14n", exclusive=True)

    assert octets.startswith(f'<ds:SignedInfo xmlns:ds="{DS}"><ds:Canon'.encode())
    assert b"/>" not in octets
