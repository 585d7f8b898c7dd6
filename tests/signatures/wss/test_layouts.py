"""How partners name the signer and lay out the header: tokens, ids, with a Timestamp or without."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.signatures.algorithms import Family
from gateway.signatures.issuing import make_name
from gateway.signatures.keys import SigningKey
from gateway.signatures.reasons import Fact
from gateway.signatures.wss import (
    IPS,
    SHEP,
    Layout,
    Partner,
    Token,
    VerifiedEnvelope,
    sign_envelope,
    verify_envelope,
)
from gateway.signatures.xml.issuer import names_issuer, write_issuer
from tests.signatures.conftest import NOON, Issue, Load
from tests.signatures.wss.forging import DS, SOAP, SOAP_12, WSA, WSU, X509, Forgery

ENVELOPE = (
    f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body><m:x xmlns:m="urn:m">1</m:x></s:Body>'
    "</s:Envelope>"
).encode()
BODY = '<s:Body {}="b"><m:notice xmlns:m="urn:m">1</m:notice></s:Body>'


def partner_of(key: SigningKey, **changes: object) -> Partner:
    return replace(
        Partner(name="shep", certificates=(key.certificate,)),
        **changes,  # type: ignore[arg-type] # the dataclass checks names
    )


def facts(envelope: VerifiedEnvelope) -> list[Fact]:
    if not envelope.verdict.valid:
        assert (envelope.body, envelope.headers, envelope.created) == (b"", {}, None)
    return [reason.fact for reason in envelope.verdict.reasons]


# --- ours --------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", list(Token))
@pytest.mark.parametrize("family", [Family.RSA, Family.EC, Family.GOST_256, Family.GOST_512_KZ])
def test_signer_is_named_in_every_way(issue: Issue, token: Token, family: Family) -> None:
    signer = issue(family=family)

    signed = sign_envelope(ENVELOPE, signer, created=NOON, layout=Layout(token=token))

    verified = verify_envelope(signed, partner=partner_of(signer), at=NOON)
    assert facts(verified) == []
    assert verified.certificate == signer.certificate
    assert verified.created == NOON


@pytest.mark.parametrize("family", [Family.RSA, Family.GOST_512_KZ])
def test_envelope_of_shep_is_signed_as_its_partners_do(issue: Issue, family: Family) -> None:
    signer = issue(family=family)

    signed = sign_envelope(ENVELOPE, signer, created=NOON, layout=SHEP)

    verified = verify_envelope(
        signed, partner=partner_of(signer, timestamp_required=False), at=NOON
    )
    assert facts(verified) == []
    assert verified.verdict.signers[0].covers == "Body"
    assert (verified.created, verified.expires) == (None, None)
    assert b">1</m:x>" in verified.body
    assert signed.count(b"<ds:Reference ") == 1
    assert b"<wsse:SecurityTokenReference><wsse:KeyIdentifier " in signed
    assert b"Timestamp" not in signed
    assert b"BinarySecurityToken" not in signed
    assert facts(verify_envelope(signed, partner=partner_of(signer), at=NOON)) == [Fact.NOT_COVERED]


def test_timestamp_that_is_there_must_be_signed_also_where_none_is_wanted(key: Load) -> None:
    signer = key("remd-partner")
    easy = partner_of(signer, timestamp_required=False)

    unsigned = verify_envelope(Forgery(signer, NOON, signed=("b",)).write(), partner=easy, at=NOON)
    none = Forgery(signer, NOON, signed=("b",), timestamp="<x:nothing/>").write()

    assert facts(unsigned) == [Fact.NOT_COVERED]
    assert facts(verify_envelope(none, partner=easy, at=NOON)) == []


@pytest.mark.parametrize(
    ("before", "header"),
    [
        (b"<s:Header/>", b"<s:Header><wsse:Security "),
        (b"<s:Header a='/>'  />", b"<s:Header a='/>'  ><wsse:Security "),
        (b"<s:Header></s:Header>", b"<s:Header><wsse:Security "),
        (b"<s:Header>\n<x/></s:Header>", b"<s:Header>\n<x/><wsse:Security "),
        (b"<s:Header><s:Header/><s:Body/></s:Header>", b"<s:Body/><wsse:Security "),
        (b"<s:Header><x><![CDATA[</s:Header>]]></x></s:Header>", b"]]></x><wsse:Security "),
        (b"", b"<s:Header><wsse:Security "),
    ],
)
def test_security_goes_last_into_the_header(key: Load, before: bytes, header: bytes) -> None:
    signer = key("gateway-transport")

    signed = sign_envelope(ENVELOPE.replace(b"<s:Header/>", before), signer, created=NOON)

    assert header in signed
    assert signed.count(b"</wsse:Security></s:Header>") == 1
    assert facts(verify_envelope(signed, partner=partner_of(signer), at=NOON)) == []


def test_octets_of_an_envelope_stay_as_they_were(key: Load) -> None:
    odd = ENVELOPE.replace(b">1<", b" a = '1'  >&#x31;<![CDATA[<&>]]><").replace(
        b"<s:Body>", b"<s:Body >"
    )

    signed = sign_envelope(odd, key("gateway-transport"), created=NOON)

    start, end = signed.index(b"<wsse:Security "), signed.index(b"</wsse:Security>") + 16
    bare = signed[:start] + signed[end:]
    identified = b'<s:Body xmlns:wsu="%b" wsu:Id="body" >' % WSU.encode()
    assert bare == odd.replace(b"<s:Body >", identified).replace(
        b"<s:Header/>", b"<s:Header></s:Header>"
    )


def test_default_namespace_and_a_mark_of_byte_order_do_not_matter(key: Load) -> None:
    signer = key("gateway-transport")
    bare = (
        b"\xef\xbb\xbf<?xml version='1.0'?>\n"
        + (f"<Envelope xmlns='{SOAP_12}'><Body><Body/></Body></Envelope>").encode()
    )

    signed = sign_envelope(bare, signer, created=NOON)

    assert b"<Header><wsse:Security " in signed
    assert facts(verify_envelope(signed, partner=partner_of(signer), at=NOON)) == []


def test_prefix_of_an_id_is_free(key: Load) -> None:
    signer = key("gateway-transport")
    taken = ENVELOPE.replace(b"<s:Body>", b'<s:Body xmlns:wsu="urn:1" xmlns:wsu1="urn:2">')

    signed = sign_envelope(taken, signer, created=NOON)

    assert b' wsu2:Id="body"' in signed
    assert facts(verify_envelope(signed, partner=partner_of(signer), at=NOON)) == []


def test_headers_are_signed_in_the_order_of_the_layout(key: Load) -> None:
    signer = key("gateway-transport")
    headers = (
        f'<s:Header xmlns:w="{WSA}"><w:To>1</w:To><x/><w:Action w:a="">2</w:Action></s:Header>'
    )
    message = ENVELOPE.replace(b"<s:Header/>", headers.encode())

    signed = sign_envelope(message, signer, created=NOON, layout=IPS)

    verified = verify_envelope(signed, partner=partner_of(signer), at=NOON)
    assert verified.verdict.signers[0].covers == "Body, Timestamp, Action, To"
    assert (verified.addressing("Action"), verified.addressing("To")) == ("2", "1")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"<a/>",
        b"<a",
        b"<s:Envelope xmlns:s='urn:soap'><s:Body/></s:Envelope>",
        f"<s:Body xmlns:s='{SOAP}'/>".encode(),
        f"<s:Envelope xmlns:s='{SOAP}'><s:Header/></s:Envelope>".encode(),
        f"<s:Envelope xmlns:s='{SOAP}'><s:Header><s:Body/></s:Header></s:Envelope>".encode(),
        f"<s:Envelope xmlns:s='{SOAP}'><Body/></s:Envelope>".encode(),
        ENVELOPE.replace(b">1<", b"><!-- -->1<"),
        ENVELOPE.replace(b"</s:Body>", b""),
    ],
)
def test_what_is_no_envelope_is_not_signed(key: Load, message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        sign_envelope(message, key("gateway-transport"), created=NOON)


@pytest.mark.parametrize("name", ["token", "timestamp", "body"])
def test_id_that_is_ours_is_not_used_twice(key: Load, name: str) -> None:
    header = f'<s:Header xmlns:w="{WSA}" xmlns:u="{WSU}"><w:To u:Id="{name}"/></s:Header>'
    message = ENVELOPE.replace(b"<s:Header/>", header.encode())

    with pytest.raises(HouseError, match="one Id"):
        sign_envelope(message, key("gateway-transport"), created=NOON)


# --- theirs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Id", "ID", "id", "wsu:Id", "xml:id"])
def test_id_of_the_body_is_read_under_every_name(key: Load, name: str) -> None:
    signer = key("remd-partner")

    verified = verify_envelope(
        Forgery(signer, NOON, body=BODY.format(name)).write(), partner=partner_of(signer), at=NOON
    )

    assert facts(verified) == []
    assert b">1<" in verified.body


def test_carriage_returns_in_base64_are_read(key: Load) -> None:
    signer = key("remd-partner")
    message = Forgery(signer, NOON).write().decode()
    value = etree.fromstring(message).findtext(f".//{{{DS}}}SignatureValue")
    assert value is not None
    broken = message.replace(value, f"\n{value[:76]}&#13;\n{value[76:]}&#13;\n")

    verified = verify_envelope(broken.encode(), partner=partner_of(signer), at=NOON)

    assert facts(verified) == []


def identifier(key: SigningKey, value_type: str = X509) -> str:
    value = base64.b64encode(key.certificate.der).decode()
    return f'<wsse:KeyIdentifier ValueType="{value_type}">{value}</wsse:KeyIdentifier>'


def issuer_serial(issuer: str, serial: object) -> str:
    return (
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


def test_key_identifier_brings_a_certificate_that_must_be_the_partners(key: Load) -> None:
    signer, stranger = key("remd-partner"), key("stranger-partner")

    good = Forgery(signer, NOON, key_info=identifier(signer)).write()
    evil = Forgery(stranger, NOON, key_info=identifier(stranger)).write()
    thief = Forgery(stranger, NOON, key_info=identifier(signer)).write()

    partner = partner_of(signer)
    assert facts(verify_envelope(good, partner=partner, at=NOON)) == []
    assert facts(verify_envelope(evil, partner=partner, at=NOON)) == [Fact.PARTNER_UNKNOWN]
    assert facts(verify_envelope(thief, partner=partner, at=NOON)) == [Fact.SIGNATURE_BROKEN]


def test_issuer_and_serial_find_a_pinned_certificate_and_no_other(key: Load) -> None:
    signer = key("remd-partner")
    certificate = signer.certificate
    named = issuer_serial(write_issuer(certificate), certificate.serial)
    message = Forgery(signer, NOON, key_info=named).write()
    pinned = Partner(name="remd", pins=frozenset({certificate.sha256}))

    assert facts(verify_envelope(message, partner=partner_of(signer), at=NOON)) == []
    unknown = verify_envelope(message, partner=pinned, at=NOON)
    assert facts(unknown) == [Fact.PARTNER_UNKNOWN]
    for other in (
        issuer_serial(write_issuer(certificate), certificate.serial + 1),
        issuer_serial("CN=somebody else", certificate.serial),
    ):
        changed = Forgery(signer, NOON, key_info=other).write()
        assert facts(verify_envelope(changed, partner=partner_of(signer), at=NOON)) == [
            Fact.PARTNER_UNKNOWN
        ]


def test_certificate_named_by_its_issuer_does_not_lend_its_name_to_another_key(key: Load) -> None:
    certificate = key("remd-partner").certificate
    named = issuer_serial(write_issuer(certificate), certificate.serial)
    forged = Forgery(key("stranger-partner"), NOON, key_info=named).write()

    verified = verify_envelope(forged, partner=partner_of(key("remd-partner")), at=NOON)

    assert facts(verified) == [Fact.SIGNATURE_BROKEN]


@pytest.mark.parametrize(
    "key_info",
    [
        "",
        "<ds:KeyName>remd</ds:KeyName>",
        '<wsse:Embedded xmlns:wsse="urn:x"/>',
        '<wsse:Reference URI="#k"/><wsse:Reference URI="#k"/>',
        '<wsse:KeyIdentifier ValueType="urn:thumbprint">AAAA</wsse:KeyIdentifier>',
        f'<wsse:KeyIdentifier ValueType="{X509}" EncodingType="urn:hex">AA</wsse:KeyIdentifier>',
        "<ds:X509Data/>",
        "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>",
        "<ds:X509Data><ds:X509IssuerSerial/></ds:X509Data>",
        issuer_serial("CN=a", ""),
        issuer_serial("CN=a", "-1"),
        issuer_serial("CN=a", "½"),
        issuer_serial("CN=a", "1" * 51),
    ],
)
def test_signer_named_in_any_other_way_is_refused(key: Load, key_info: str) -> None:
    signer = key("remd-partner")
    message = Forgery(signer, NOON, key_info=key_info).write()

    assert facts(verify_envelope(message, partner=partner_of(signer), at=NOON)) == [
        Fact.STRUCTURE_FORBIDDEN
    ]


def test_second_reference_to_a_token_is_refused(key: Load) -> None:
    signer = key("remd-partner")
    doubled = Forgery(
        signer,
        NOON,
        replacements={
            "<ds:KeyInfo>": "<ds:KeyInfo><wsse:SecurityTokenReference>"
            f"{identifier(key('stranger-partner'))}</wsse:SecurityTokenReference>"
        },
    )

    assert facts(verify_envelope(doubled.write(), partner=partner_of(signer), at=NOON)) == [
        Fact.STRUCTURE_FORBIDDEN
    ]


# --- the name of an issuer ---------------------------------------------------------------------


def test_issuer_is_found_however_it_is_written(key: Load) -> None:
    certificate = key("remd-partner").certificate
    written = write_issuer(certificate)
    parts = written.split(",")

    for text in (written, ", ".join(reversed(parts)), written.upper(), "+".join(parts)):
        assert names_issuer(text, certificate)
    for text in ("", written + ",CN=x", ",".join(parts[1:]), "no name", written + "\\", "=,=,"):
        assert not names_issuer(text, certificate)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        (
            {"common_name": 'ЦС "Тест", +<1>; #2 \\'},
            [
                'CN=ЦС \\"Тест\\"\\, \\+\\<1\\>\\; #2 \\\\',
                'CN="ЦС \\"Тест\\", +<1>; #2 \\\\"',
                "2.5.4.3=\\D0\\A6С \\22Тест\\22\\2C \\+\\<1\\>\\; #2 \\\\",
            ],
        ),
        ({"common_name": "#1 "}, ["CN=\\#1\\ ", "CN = \\#1"]),
        ({"common_name": "a", "inn": "990100031318"}, ["OID.1.2.643.3.131.1.1=990100031318,CN=a"]),
    ],
)
def test_special_letters_of_a_name_survive(
    issue: Issue, name: dict[str, str], texts: list[str]
) -> None:
    root = issue(subject=_name(name), key_usage=("key_cert_sign",))
    certificate = issue(issuer=root).certificate

    assert names_issuer(write_issuer(certificate), certificate)
    for text in texts:
        assert names_issuer(text, certificate), text


def test_value_without_a_short_name_is_written_by_its_octets(issue: Issue) -> None:
    root = issue(subject=_name({"inn": "990100031318"}), key_usage=("key_cert_sign",))
    certificate = issue(issuer=root).certificate

    written = write_issuer(certificate)

    assert written.startswith("1.2.643.3.131.1.1=#")
    assert names_issuer(written, certificate)
    assert not names_issuer("1.2.643.3.131.1.1=#xx", certificate)
    assert not names_issuer("1.2.643.3.131.1.1=#0500", certificate)


def _name(attributes: dict[str, str]) -> bytes:
    return make_name(**attributes)
