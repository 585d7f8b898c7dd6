"""Finds the parts of a signed envelope where they must stand, and refuses every other place.

Signature wrapping lives on ambiguity: two bodies, two equal ids, a signed part that was moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.wss.names import (
    ADDRESSING,
    BASE64,
    SOAP_11,
    SOAP_12,
    WSA,
    WSSE,
    WSU,
    X509_V3,
)
from gateway.signatures.xml.ids import Ids, children, index_ids, one
from gateway.signatures.xml.names import DS, ENVELOPED, EXCLUSIVE, SIGNATURE, WSU_ID
from gateway.signatures.xml.signature import (
    Reach,
    Rules,
    Signature,
    need,
    read_base64,
    read_signature,
)

_RULES: Final = Rules(
    methods=frozenset({EXCLUSIVE}),
    chains=frozenset({(EXCLUSIVE,), (ENVELOPED, EXCLUSIVE)}),
    reach=frozenset({Reach.PART}),
)
_FOR_US: Final = {
    SOAP_11: ("actor", ("", "http://schemas.xmlsoap.org/soap/actor/next")),
    SOAP_12: ("role", ("", f"{SOAP_12}/role/next", f"{SOAP_12}/role/ultimateReceiver")),
}
_TRUE: Final = ("1", "true")
_LONGEST_SERIAL: Final = 50  # decimal digits of 20 octets (RFC 5280 §4.1.2.2)


@dataclass(frozen=True, slots=True)
class IssuerSerial:
    """A certificate by name: the issuer as text, and the serial number."""

    issuer: str
    serial: int


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The parts of a signed envelope, each found in its only place."""

    soap: str
    body: etree._Element
    header: etree._Element
    security: etree._Element
    timestamp: etree._Element | None
    signature: Signature
    token: bytes | IssuerSerial
    """The certificate's octets, or the name of one that we must have."""
    must_understand: frozenset[str]
    ids: Ids


def read_structure(root: etree._Element) -> Envelope:
    """Return the parts; raise MalformedMessage naming what is missing, doubled or out of place."""
    soap = etree.QName(root).namespace or ""
    if root.tag != f"{{{soap}}}Envelope" or soap not in _FOR_US:
        raise MalformedMessage("this is no SOAP envelope")
    if [child.tag for child in root] != [f"{{{soap}}}Header", f"{{{soap}}}Body"]:
        raise MalformedMessage("an envelope holds one Header and one Body, in this order")
    header, body = root
    ids = index_ids(root)
    _refuse_doubled([block.tag for block in header])
    ours = [block for block in header if _is_for_us(block, soap)]
    security = one([block for block in ours if block.tag == f"{{{WSSE}}}Security"], "wsse:Security")
    timestamps = children(security, f"{{{WSU}}}Timestamp")
    signature = read_signature(one(children(security, SIGNATURE), "Signature"), _RULES)
    return Envelope(
        soap=soap,
        body=body,
        header=header,
        security=security,
        timestamp=one(timestamps, "Timestamp") if timestamps else None,
        signature=signature,
        token=_read_token(security, signature.key_info),
        must_understand=frozenset(
            str(block.tag)
            for block in ours
            if block is not security and block.get(f"{{{soap}}}mustUnderstand", "").strip() in _TRUE
        ),
        ids=ids,
    )


def _refuse_doubled(tags: list[str]) -> None:
    for name in ADDRESSING:
        if tags.count(f"{{{WSA}}}{name}") > 1:
            raise MalformedMessage(f"wsa:{name} comes twice")


def _is_for_us(block: etree._Element, soap: str) -> bool:
    name, ours = _FOR_US[soap]
    return block.get(f"{{{soap}}}{name}", "").strip() in ours


def _read_token(security: etree._Element, key_info: etree._Element) -> bytes | IssuerSerial:
    """Return the certificate that KeyInfo names (X.509 Token Profile 1.0 §3.2)."""
    references = children(key_info, f"{{{WSSE}}}SecurityTokenReference")
    named = [form for each in references for form in children(each, "*")]
    form = one(named, "what KeyInfo names")
    if form.tag == f"{{{WSSE}}}Reference":
        return _read_binary_token(security, form.get("URI", ""))
    if form.tag == f"{{{WSSE}}}KeyIdentifier":
        return _read_certificate(form)
    if form.tag == f"{{{DS}}}X509Data":
        return _read_issuer_serial(form)
    raise MalformedMessage("KeyInfo names a certificate in an unknown way")


def _read_binary_token(security: etree._Element, uri: str) -> bytes:
    tokens = [
        token
        for token in children(security, f"{{{WSSE}}}BinarySecurityToken")
        if uri == f"#{token.get(WSU_ID)}"
    ]
    return _read_certificate(one(tokens, "the token that KeyInfo names"))


def _read_certificate(holder: etree._Element) -> bytes:
    if holder.get("ValueType") != X509_V3 or holder.get("EncodingType", BASE64) != BASE64:
        raise MalformedMessage("the token is no X509v3 in base64")
    return read_base64(holder)


def _read_issuer_serial(data: etree._Element) -> IssuerSerial:
    (named,) = need(data, ("X509IssuerSerial",))
    issuer, serial = need(named, ("X509IssuerName", "X509SerialNumber"))
    digits = (serial.text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_SERIAL):
        raise MalformedMessage("the serial number of a certificate is no number")
    return IssuerSerial(issuer.text or "", int(digits))
