"""Signs envelopes: WS-Security 1.0 with an X.509 token, as ИПС, РЭМД and ШЭП take them.

The envelope's octets stay as they are: ids and the Security header are put between them. The
Timestamp and SignedInfo are written in their canonical form at once; tests let xmlsec1 and our
own verifier canonicalise them again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.errors import HouseError
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss.layout import IPS, Layout, Token
from gateway.signatures.wss.names import BASE64, SOAP_11, SOAP_12, WSA, WSSE, WSU, X509_V3
from gateway.signatures.wss.places import Edit, Part, Places, find_places, splice
from gateway.signatures.xml.canonical import canonical
from gateway.signatures.xml.issuer import write_issuer
from gateway.signatures.xml.names import EXCLUSIVE
from gateway.signatures.xml.parsing import read_envelope
from gateway.signatures.xml.writing import (
    base64_of,
    write_reference,
    write_signature,
    write_signed_info,
)

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
    sign_header_names: Collection[str] | None = None,
    layout: Layout = IPS,
) -> bytes:
    """Return the envelope with a signed Security header; SOAP 1.1 or 1.2, `created` in UTC.

    `sign_header_names` are local names of WS-Addressing headers, signed where they are there;
    without them the layout's. Raises HouseError when there is a Security header already,
    MalformedMessage when it is no envelope, CryptoUnavailable.
    """
    if sign_header_names is not None:
        layout = replace(layout, headers=tuple(sign_header_names))
    places = find_places(envelope)
    if any(block.name == f"{WSSE} Security" for block in places.blocks):
        raise HouseError("the envelope is signed already")
    ids, edits = _name_parts(envelope, places, layout)
    parts = _find_parts(read_envelope(splice(envelope, edits)), places, layout)
    octets = [(name, canonical(part)) for name, part in zip(ids, parts, strict=True)]
    timestamp = _write_timestamp(created, lifetime) if layout.timestamp else ""
    if timestamp:
        octets.insert(1, (_TIMESTAMP_ID, timestamp.encode()))
    security = _write_security(key, octets, timestamp, layout, places.soap)
    return splice(envelope, [*edits, _place(security, places)])


def _wanted(places: Places, layout: Layout) -> list[Part]:
    """Return the Body and the header blocks that are to be signed, in this order."""
    assert places.body is not None  # the search has ended there
    headers = [
        block for name in layout.headers for block in places.blocks if block.name == f"{WSA} {name}"
    ]
    return [places.body, *headers]


def _name_parts(envelope: bytes, places: Places, layout: Layout) -> tuple[list[str], list[Edit]]:
    """Return the wsu:Id of each part, and what must be put in where it has none."""
    prefix = _free_prefix(envelope)
    ids: list[str] = []
    edits: list[Edit] = []
    for number, part in enumerate(_wanted(places, layout)):
        made = "body" if number == 0 else f"header-{number}"
        ids.append(part.id if part.id is not None else made)
        if part.id is None:
            text = f' xmlns:{prefix}="{WSU}" {prefix}:Id="{made}"'
            edits.append((part.behind_name, part.behind_name, text.encode()))
    if len({*ids, _TOKEN_ID, _TIMESTAMP_ID}) != len(ids) + 2:
        raise HouseError("two parts of the envelope have one Id")
    return ids, edits


def _free_prefix(envelope: bytes) -> str:
    prefix, number = "wsu", 0
    while f"xmlns:{prefix}".encode() in envelope:
        number += 1
        prefix = f"wsu{number}"
    return prefix


def _find_parts(root: etree._Element, places: Places, layout: Layout) -> list[etree._Element]:
    """Return the elements that `_wanted` names."""
    body = next(root.iterchildren(f"{{{places.soap}}}Body"))  # expat has seen it
    header = next(root.iterchildren(f"{{{places.soap}}}Header"), None)
    blocks = [] if header is None else list(header)
    tags = [f"{{{WSA}}}{name}" for name in layout.headers]
    return [body, *(block for tag in tags for block in blocks if block.tag == tag)]


def _write_security(
    key: SigningKey, octets: list[tuple[str, bytes]], timestamp: str, layout: Layout, soap: str
) -> bytes:
    digest = key.algorithm.digest
    references = "".join(
        write_reference(
            digest, key.backend.digest(digest, part), uri=f"#{name}", chain=(EXCLUSIVE,)
        )
        for name, part in octets
    )
    signed_info = write_signed_info(key, references)
    named = _KEY_INFOS[layout.token](key)
    key_info = f"<wsse:SecurityTokenReference>{named}</wsse:SecurityTokenReference>"
    signature = write_signature(key, signed_info, signed_info.encode(), key_info)
    token = _write_binary_token(key) if layout.token is Token.BINARY else ""
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" xmlns:soap="{soap}"'
        f' soap:mustUnderstand="{_MUST[soap]}">{token}{timestamp}{signature}</wsse:Security>'
    ).encode()


def _place(security: bytes, places: Places) -> Edit:
    """Return where the Security header goes: last in the Header, made where there is none."""
    if places.header is None:
        name = b"%bHeader" % places.prefix
        return places.body_at, places.body_at, b"<%b>%b</%b>" % (name, security, name)
    if places.header.end_tag is not None:
        return places.header.end_tag, places.header.end_tag, security
    return places.header.tail, places.header.tail + 2, b">%b</%b>" % (security, places.header.name)


def _write_timestamp(created: datetime, lifetime: timedelta) -> str:
    """Return the Timestamp in its canonical form."""
    return (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="{_TIMESTAMP_ID}">'
        f"<wsu:Created>{_write_moment(created)}</wsu:Created>"
        f"<wsu:Expires>{_write_moment(created + lifetime)}</wsu:Expires></wsu:Timestamp>"
    )


def _write_moment(moment: datetime) -> str:
    """Return a moment in UTC as xs:dateTime, a fifth of the time that a format takes."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _write_binary_token(key: SigningKey) -> str:
    return (
        f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{X509_V3}"'
        f' wsu:Id="{_TOKEN_ID}">{base64_of(key.certificate)}</wsse:BinarySecurityToken>'
    )


def _name_binary_token(_: SigningKey) -> str:
    return f'<wsse:Reference URI="#{_TOKEN_ID}" ValueType="{X509_V3}"/>'


def _write_key_identifier(key: SigningKey) -> str:
    return (
        f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{X509_V3}">'
        f"{base64_of(key.certificate)}</wsse:KeyIdentifier>"
    )


def _write_issuer_serial(key: SigningKey) -> str:
    issuer = escape(write_issuer(key.certificate))
    return (
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{key.certificate.serial}</ds:X509SerialNumber>"
        "</ds:X509IssuerSerial></ds:X509Data>"
    )


_KEY_INFOS: Final = {
    Token.BINARY: _name_binary_token,
    Token.KEY_IDENTIFIER: _write_key_identifier,
    Token.ISSUER_SERIAL: _write_issuer_serial,
}
