"""Signs envelopes: WS-Security 1.0 with an X.509 token, as ИПС and РЭМД take them.

Body, Timestamp and the addressing headers are signed. SignedInfo is written in its canonical
form at once; tests let xmlsec1 and our own verifier canonicalise it again.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.signatures.backends.octets import value_in_xml
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss.names import (
    ADDRESSING,
    BASE64,
    DS,
    EXCLUSIVE,
    SOAP_11,
    SOAP_12,
    WSA,
    WSSE,
    WSU,
    WSU_ID,
    X509_V3,
)
from gateway.signatures.wss.parsing import canonical, parse, read_envelope

LIFETIME: Final = timedelta(minutes=10)
_TOKEN_ID: Final = "token"  # noqa: S105 - the name of an XML element
_TIMESTAMP_ID: Final = "timestamp"
_MUST: Final = {SOAP_11: "1", SOAP_12: "true"}


def sign_envelope(
    envelope: bytes,
    key: SigningKey,
    *,
    created: datetime,
    lifetime: timedelta = LIFETIME,
    sign_header_names: Collection[str] = ADDRESSING,
) -> bytes:
    """Return the envelope with a signed Security header; SOAP 1.1 or 1.2, `created` in UTC.

    `sign_header_names` are local names of WS-Addressing headers, signed where they are there.
    Raises HouseError when there is a Security header already, MalformedMessage when it is no
    envelope, CryptoUnavailable.
    """
    root = _declare_prefixes(read_envelope(envelope))
    soap, header, body = _find_parts(root)
    if header.find(f"{{{WSSE}}}Security") is not None:
        raise HouseError("the envelope is signed already")
    timestamp = _make_timestamp(created, lifetime)
    security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
    security.set(f"{{{soap}}}mustUnderstand", _MUST[soap])
    security.append(_make_token(key))
    security.append(timestamp)
    parts = [body, timestamp, *_find_headers(header, sign_header_names)]
    signed_info = _make_signed_info(key, parts)
    value = value_in_xml(key.algorithm.family, key.sign(signed_info))
    security.append(_make_signature(signed_info.decode(), base64.b64encode(value).decode("ascii")))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _declare_prefixes(root: etree._Element) -> etree._Element:
    """Return the envelope with our prefixes on its root: else each signed part declares its own."""
    wanted: dict[str | None, str] = {"wsse": WSSE, "wsu": WSU}
    if wanted.keys() & root.nsmap.keys():
        return root
    declared = etree.Element(
        root.tag,
        {str(name): str(value) for name, value in root.items()},
        nsmap=root.nsmap | wanted,  # type: ignore[arg-type] # stubs forget the default namespace
    )
    declared.text = root.text
    declared.extend(root)
    return declared


def _find_parts(root: etree._Element) -> tuple[str, etree._Element, etree._Element]:
    """Return the SOAP namespace, the Header (made where there is none) and the Body."""
    soap = etree.QName(root).namespace or ""
    body = root.find(f"{{{soap}}}Body")
    if root.tag != f"{{{soap}}}Envelope" or soap not in _MUST or body is None:
        raise MalformedMessage("this is no SOAP envelope")
    header = root.find(f"{{{soap}}}Header")
    if header is None:
        header = etree.Element(f"{{{soap}}}Header")
        root.insert(0, header)
    return soap, header, body


def _find_headers(header: etree._Element, names: Collection[str]) -> Iterator[etree._Element]:
    for name in names:
        yield from header.findall(f"{{{WSA}}}{name}")


def _make_timestamp(created: datetime, lifetime: timedelta) -> etree._Element:
    timestamp = etree.Element(f"{{{WSU}}}Timestamp", {WSU_ID: _TIMESTAMP_ID}, nsmap={"wsu": WSU})
    for name, moment in (("Created", created), ("Expires", created + lifetime)):
        etree.SubElement(timestamp, f"{{{WSU}}}{name}").text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return timestamp


def _make_token(key: SigningKey) -> etree._Element:
    token = etree.Element(
        f"{{{WSSE}}}BinarySecurityToken",
        {"EncodingType": BASE64, "ValueType": X509_V3, WSU_ID: _TOKEN_ID},
    )
    token.text = base64.b64encode(key.certificate.der).decode("ascii")
    return token


def _make_signed_info(key: SigningKey, parts: list[etree._Element]) -> bytes:
    """Return SignedInfo in canonical form: no line ends, no empty tags, attributes in order."""
    ids = [_name_part(part, number) for number, part in enumerate(parts)]
    if len(set(ids)) != len(ids) or _TOKEN_ID in ids:
        raise HouseError("two parts of the envelope have one Id")
    references = "".join(
        _write_reference(key, one, part) for one, part in zip(ids, parts, strict=True)
    )
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{key.algorithm.uri}"></ds:SignatureMethod>'
        f"{references}</ds:SignedInfo>"
    ).encode()


def _name_part(part: etree._Element, number: int) -> str:
    """Return the part's wsu:Id, given to it where it has none."""
    name = part.get(WSU_ID)
    if name is None:
        name = "body" if number == 0 else f"header-{number - 1}"
        part.set(WSU_ID, name)
    return name


def _write_reference(key: SigningKey, part_id: str, part: etree._Element) -> str:
    digest = key.backend.digest(key.algorithm.digest, canonical(part))
    return (
        f'<ds:Reference URI="#{part_id}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{key.algorithm.digest.uri}"></ds:DigestMethod>'
        f"<ds:DigestValue>{base64.b64encode(digest).decode('ascii')}</ds:DigestValue>"
        "</ds:Reference>"
    )


def _make_signature(signed_info: str, value: str) -> etree._Element:
    text = (
        f'<ds:Signature xmlns:ds="{DS}">{signed_info}'
        f"<ds:SignatureValue>{value}</ds:SignatureValue>"
        f'<ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="{WSSE}">'
        f'<wsse:Reference URI="#{_TOKEN_ID}" ValueType="{X509_V3}"/>'
        "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
    )
    return parse(text.encode())
