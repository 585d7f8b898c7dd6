"""Finds the parts of a signed envelope where they must stand, and refuses every other place.

Signature wrapping lives on ambiguity: two bodies, two equal ids, a signed part that was moved.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.wss.names import (
    ADDRESSING,
    BASE64,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    SOAP_11,
    SOAP_12,
    WSA,
    WSSE,
    WSU,
    WSU_ID,
    X509_V3,
    XML_ID,
)
from gateway.signatures.wss.parsing import elements_of

_MOST_REFERENCES: Final = 8
_MOST_PREFIXES: Final = 16
_ID_NAMES: Final = ("Id", "ID", "id")
_WITH_ID: Final = etree.XPath(
    "//*[@*[local-name() = 'Id' or local-name() = 'ID' or local-name() = 'id']]"
)
_FOR_US: Final = {
    SOAP_11: ("actor", ("", "http://schemas.xmlsoap.org/soap/actor/next")),
    SOAP_12: ("role", ("", f"{SOAP_12}/role/next", f"{SOAP_12}/role/ultimateReceiver")),
}
_TRUE: Final = ("1", "true")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One ds:Reference: which element, how made canonical, by which hash."""

    uri: str
    prefixes: tuple[str, ...]
    digest_uri: str
    digest_value: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The parts of a signed envelope, each found in its only place."""

    soap: str
    body: etree._Element
    header: etree._Element
    security: etree._Element
    timestamp: etree._Element
    signature: etree._Element
    signed_info: etree._Element
    prefixes: tuple[str, ...]
    signature_uri: str
    signature_value: bytes
    references: tuple[Reference, ...]
    token: bytes
    must_understand: frozenset[str]
    ids: Mapping[str, tuple[etree._Element, ...]]

    def find(self, uri: str) -> etree._Element:
        """Return the only element that a `#id` names; raise MalformedMessage."""
        return _one(list(self.ids.get(uri[1:], ())), "the element of a reference")


def read_structure(root: etree._Element) -> Envelope:
    """Return the parts; raise MalformedMessage naming what is missing, doubled or out of place."""
    soap = etree.QName(root).namespace or ""
    if root.tag != f"{{{soap}}}Envelope" or soap not in _FOR_US:
        raise MalformedMessage("this is no SOAP envelope")
    if [child.tag for child in root] != [f"{{{soap}}}Header", f"{{{soap}}}Body"]:
        raise MalformedMessage("an envelope holds one Header and one Body, in this order")
    header, body = root
    holders = elements_of(_WITH_ID(root))
    _refuse_doubled_ids(holders)
    for name in ADDRESSING:
        if len(header.findall(f"{{{WSA}}}{name}")) > 1:
            raise MalformedMessage(f"wsa:{name} comes twice")
    security = _one(
        [each for each in header.findall(f"{{{WSSE}}}Security") if _is_for_us(each, soap)],
        "wsse:Security",
    )
    timestamp = _only(security, WSU, "Timestamp")
    signature = _only(security, DS, "Signature")
    signed_info, value, key_info = _need(signature, ("SignedInfo", "SignatureValue", "KeyInfo"))
    method, algorithm, *references = _need_signed_info(signed_info)
    return Envelope(
        soap=soap,
        body=body,
        header=header,
        security=security,
        timestamp=timestamp,
        signature=signature,
        signed_info=signed_info,
        prefixes=_read_canonicalisation(method),
        signature_uri=_read_algorithm(algorithm),
        signature_value=_read_base64(value),
        references=tuple(_read_reference(each) for each in references),
        token=_read_token(security, key_info),
        must_understand=frozenset(
            str(each.tag)
            for each in header
            if _is_for_us(each, soap)
            and each is not security
            and each.get(f"{{{soap}}}mustUnderstand", "").strip() in _TRUE
        ),
        ids=_index_ids(holders),
    )


def _index_ids(holders: Sequence[etree._Element]) -> dict[str, tuple[etree._Element, ...]]:
    """Return the elements that hold each id, whatever their id attribute is called."""
    found: dict[str, tuple[etree._Element, ...]] = {}
    for element in holders:
        values = {str(value) for name, value in element.items() if _local(str(name)) in _ID_NAMES}
        for value in values:
            found[value] = (*found.get(value, ()), element)
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _refuse_doubled_ids(holders: Sequence[etree._Element]) -> None:
    """wsu:Id and xml:id must be unique in a document, by their own standards."""
    for name in (WSU_ID, XML_ID):
        values = [element.get(name) for element in holders]
        given = [value for value in values if value is not None]
        if len(set(given)) != len(given):
            raise MalformedMessage("an Id comes twice")


def _is_for_us(block: etree._Element, soap: str) -> bool:
    name, ours = _FOR_US[soap]
    return block.get(f"{{{soap}}}{name}", "").strip() in ours


def _one(found: list[etree._Element], what: str) -> etree._Element:
    if len(found) != 1:
        raise MalformedMessage(f"{what}: {len(found)} instead of one")
    return found[0]


def _only(parent: etree._Element, namespace: str, name: str) -> etree._Element:
    return _one(parent.findall(f"{{{namespace}}}{name}"), name)


def _need(parent: etree._Element, names: tuple[str, ...]) -> list[etree._Element]:
    """Return the children, which must be exactly these elements of XML-DSig."""
    if [child.tag for child in parent] != [f"{{{DS}}}{name}" for name in names]:
        raise MalformedMessage(f"{etree.QName(parent).localname} is not built as it must be")
    return list(parent)


def _need_signed_info(signed_info: etree._Element) -> list[etree._Element]:
    count = len(signed_info) - 2
    if count > _MOST_REFERENCES:
        raise MalformedMessage(f"more than {_MOST_REFERENCES} references")
    return _need(
        signed_info,
        ("CanonicalizationMethod", "SignatureMethod", *["Reference"] * max(count, 1)),
    )


def _read_reference(reference: etree._Element) -> Reference:
    transforms, method, value = _need(reference, ("Transforms", "DigestMethod", "DigestValue"))
    uri = reference.get("URI", "")
    if not uri.startswith("#") or len(uri) < 2 or set(reference.attrib) - {"URI", "Id", "Type"}:
        raise MalformedMessage("a reference leads out of the envelope")
    steps = [step.get("Algorithm", "") for step in transforms]
    if steps not in ([EXCLUSIVE], [ENVELOPED, EXCLUSIVE]):
        raise MalformedMessage("a transform is not admitted")
    _need(transforms, ("Transform",) * len(steps))
    return Reference(
        uri=uri,
        prefixes=_read_canonicalisation(transforms[-1]),
        digest_uri=_read_algorithm(method),
        digest_value=_read_base64(value),
    )


def _read_canonicalisation(method: etree._Element) -> tuple[str, ...]:
    """Return the PrefixList of an exclusive canonicalisation (RFC 3741 §4)."""
    if method.get("Algorithm") != EXCLUSIVE:
        raise MalformedMessage("a canonicalisation is not admitted")
    if len(method) == 0:
        return ()
    inclusive = method[0]
    if len(method) > 1 or inclusive.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces":
        raise MalformedMessage("a canonicalisation has an unknown parameter")
    prefixes = tuple(inclusive.get("PrefixList", "").split())
    if len(prefixes) > _MOST_PREFIXES:
        raise MalformedMessage(f"a PrefixList has more than {_MOST_PREFIXES} names")
    return prefixes


def _read_algorithm(method: etree._Element) -> str:
    """Return the URI; parameters such as HMACOutputLength are refused."""
    if len(method):
        raise MalformedMessage("an algorithm has an unknown parameter")
    return method.get("Algorithm", "")


def _read_base64(element: etree._Element) -> bytes:
    text = "".join((element.text or "").split())
    if len(element) or not _BASE64.fullmatch(text) or len(text) % 4:
        raise MalformedMessage(f"{etree.QName(element).localname} is not base64")
    return base64.b64decode(text)


def _read_token(security: etree._Element, key_info: etree._Element) -> bytes:
    """Return the octets of the token that KeyInfo points to (X.509 Token Profile §3.2.1)."""
    reference = key_info.find(f"{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference")
    uri = reference.get("URI", "") if reference is not None else ""
    tokens = [
        token
        for token in security.findall(f"{{{WSSE}}}BinarySecurityToken")
        if uri == f"#{token.get(WSU_ID)}"
    ]
    token = _one(tokens, "the token that KeyInfo names")
    if token.get("ValueType") != X509_V3 or token.get("EncodingType", BASE64) != BASE64:
        raise MalformedMessage("the token is no X509v3 in base64")
    return _read_base64(token)
