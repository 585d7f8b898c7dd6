"""SOAP envelopes of both versions: writes them, finds their parts, says and reads Faults.

SOAP 1.1 (W3C Note 2000) and SOAP 1.2 (W3C Recommendation 2007). What is read here has not been
verified by anybody: whoever acts on it must have had the bytes verified first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.formats.xml import Limits, read_xml

WSA: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{WSA}/anonymous"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"


class Version(StrEnum):
    """A SOAP version, by its number."""

    V11 = "1.1"
    V12 = "1.2"

    @property
    def namespace(self) -> str:
        """The namespace of its envelope."""
        return _NAMESPACES[self]

    def headers(self, action: str) -> dict[str, str]:
        """Return the HTTP headers that name the version and the operation (1.1 §6.1.1; 1.2 §A)."""
        if self is Version.V11:
            return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{action}"'}

    @property
    def content_type(self) -> str:
        """What an answer of this version is."""
        return _CONTENT_TYPES[self]


_NAMESPACES: Final = {
    Version.V11: "http://schemas.xmlsoap.org/soap/envelope/",
    Version.V12: "http://www.w3.org/2003/05/soap-envelope",
}
_CONTENT_TYPES: Final = {
    Version.V11: "text/xml; charset=utf-8",
    Version.V12: "application/soap+xml; charset=utf-8",
}


class FaultCode(StrEnum):
    """Whose fault it is; the words are those of SOAP 1.2 (§5.4.6)."""

    SENDER = "Sender"
    RECEIVER = "Receiver"
    MUST_UNDERSTAND = "MustUnderstand"
    VERSION_MISMATCH = "VersionMismatch"
    OTHER = ""


_IN_11: Final = {FaultCode.SENDER: "Client", FaultCode.RECEIVER: "Server"}
_BY_NAME: Final = {code.value: code for code in FaultCode} | {
    name: code for code, name in _IN_11.items()
}
_STATUS_12: Final = {FaultCode.SENDER: 400}  # SOAP 1.2 part 2 §7.5.2.2; all others are 500


@dataclass(frozen=True, slots=True)
class Fault:
    """What a Fault says; `reason` is the other side's own text and may name a patient."""

    code: FaultCode
    reason: str
    detail: etree._Element | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """An envelope in its parts; `content` is the first element of the Body."""

    version: Version
    header: etree._Element | None
    body: etree._Element
    content: etree._Element | None


def write_message(
    version: Version, headers: Iterable[etree._Element], content: etree._Element
) -> bytes:
    """Return an envelope, not yet signed, in UTF-8."""
    soap = version.namespace
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap, "wsa": WSA})
    header = etree.SubElement(root, f"{{{soap}}}Header")
    header.extend(headers)
    etree.SubElement(root, f"{{{soap}}}Body").append(content)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def addressing(name: str, text: str) -> etree._Element:
    """Return a WS-Addressing header with a text."""
    element = etree.Element(f"{{{WSA}}}{name}", nsmap={"wsa": WSA})
    element.text = text
    return element


def addressed(name: str, address: str) -> etree._Element:
    """Return a WS-Addressing endpoint reference: ReplyTo, FaultTo."""
    element = etree.Element(f"{{{WSA}}}{name}", nsmap={"wsa": WSA})
    etree.SubElement(element, f"{{{WSA}}}Address").text = address
    return element


def read_message(envelope: bytes, limits: Limits | None = None) -> Message:
    """Return the parts of an envelope. Raises MalformedMessage."""
    root = (read_xml(envelope, limits) if limits else read_xml(envelope)).getroot()
    version = version_of(root)
    body = root.find(f"{{{version.namespace}}}Body")
    if body is None:
        raise MalformedMessage("the envelope has no Body", where="/Envelope")
    header = root.find(f"{{{version.namespace}}}Header")
    return Message(version, header, body, content_of(body))


def version_of(root: etree._Element) -> Version:
    """Return the version of an Envelope element. Raises MalformedMessage."""
    for version, namespace in _NAMESPACES.items():
        if root.tag == f"{{{namespace}}}Envelope":
            return version
    raise MalformedMessage("the root is no SOAP Envelope", where="/")


def content_of(body: etree._Element) -> etree._Element | None:
    """Return the only element of a Body, None when there are none. Raises MalformedMessage."""
    children = list(body.iterchildren(etree.Element))
    if len(children) > 1:
        raise MalformedMessage("the Body holds more than one element", where="/Envelope/Body")
    return children[0] if children else None


def guess_version(envelope: bytes) -> Version:
    """Return the version of bytes that may be anything; 1.1 where nothing shows."""
    return Version.V12 if _NAMESPACES[Version.V12].encode() in envelope[:4096] else Version.V11


def write_fault(version: Version, code: FaultCode, reason: str) -> tuple[int, bytes]:
    """Return HTTP status and envelope of a Fault; `reason` must not name a patient."""
    soap = version.namespace
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap})
    body = etree.SubElement(root, f"{{{soap}}}Body")
    fault = etree.SubElement(body, f"{{{soap}}}Fault")
    sentence = _printable(reason)
    if version is Version.V11:
        etree.SubElement(fault, "faultcode").text = f"soap:{_IN_11.get(code, code.value)}"
        etree.SubElement(fault, "faultstring").text = sentence
    else:
        value = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Code"), f"{{{soap}}}Value")
        value.text = f"soap:{code.value}"
        text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        text.set(f"{_XML}lang", "en")
        text.text = sentence
    status = _STATUS_12.get(code, 500) if version is Version.V12 else 500
    return status, etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def read_fault(content: etree._Element) -> Fault | None:
    """Return the Fault that a Body's element is; None when it is something else."""
    name = etree.QName(content)
    if name.localname != "Fault":
        return None
    if name.namespace == Version.V11.namespace:
        code, reason = content.findtext("faultcode"), content.findtext("faultstring")
        detail = content.find("detail")
    elif name.namespace == Version.V12.namespace:
        soap = f"{{{Version.V12.namespace}}}"
        code = content.findtext(f"{soap}Code/{soap}Value")
        reason = content.findtext(f"{soap}Reason/{soap}Text")
        detail = content.find(f"{soap}Detail")
    else:
        return None
    # 1.1 §4.4.1: a dot gives a finer code of the same class (Client.Authentication).
    local = (code or "").strip().rpartition(":")[2].partition(".")[0]
    return Fault(_BY_NAME.get(local, FaultCode.OTHER), (reason or "").strip(), detail)


_CONTROL: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str) -> str:
    """Return the text without characters that XML 1.0 §2.2 forbids."""
    return _CONTROL.sub("�", text)
