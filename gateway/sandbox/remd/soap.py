"""Envelopes of SOAP 1.1 and 1.2 with WS-Addressing and the header of ИПС: read and written."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.errors import MalformedMessage, MessageTooLarge

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
EGISZ = "http://egisz.rosminzdrav.ru"
SERVICE = EGISZ + "/iehr/emdr/service/"
CALLBACK = EGISZ + "/iehr/emdr/callback/"

MAX_DECLARATIONS = 512
"""More namespace declarations make canonicalisation quadratic; no honest message has them."""
CONTENT_TYPES = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What an envelope says about itself; `body` is the Body's only child."""

    version: str
    """The envelope's namespace."""
    root: etree._Element = field(repr=False)
    body: etree._Element = field(repr=False)
    message_id: str
    action: str
    to: str
    reply_to: str
    relates_to: str
    client_entity_id: str


def parse(octets: bytes) -> etree._Element:
    """Parse a stranger's XML. Raises MalformedMessage; a DOCTYPE is malformed here."""
    if octets.count(b"xmlns") > MAX_DECLARATIONS:
        raise MessageTooLarge("too many namespace declarations")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedMessage(f"no well-formed XML: line {error.lineno}") from error
    declared = root.getroottree().docinfo.doctype  # type: ignore[union-attr] # the stub lacks it
    if declared:
        raise MalformedMessage("a DOCTYPE has no place in a message")
    return root


def read_envelope(octets: bytes) -> Envelope:
    """Read an envelope. Raises MalformedMessage."""
    root = parse(octets)
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in CONTENT_TYPES:
        raise MalformedMessage("no SOAP envelope")
    version = str(name.namespace)
    bodies = root.findall(f"{{{version}}}Body")
    headers = root.findall(f"{{{version}}}Header")
    if len(bodies) != 1 or len(headers) > 1:
        raise MalformedMessage("an envelope has one Body and at most one Header")
    inside = list(bodies[0].iterchildren("*"))
    if len(inside) != 1:
        raise MalformedMessage("the Body holds one element")
    header = headers[0] if headers else etree.Element("none")
    return Envelope(
        version=version,
        root=root,
        body=inside[0],
        message_id=_text(header, f"{{{WSA}}}MessageID"),
        action=_text(header, f"{{{WSA}}}Action"),
        to=_text(header, f"{{{WSA}}}To"),
        reply_to=_text(header, f"{{{WSA}}}ReplyTo/{{{WSA}}}Address"),
        relates_to=_text(header, f"{{{WSA}}}RelatesTo"),
        client_entity_id=_text(
            header, f"{{{EGISZ}}}transportHeader/{{{EGISZ}}}authInfo/{{{EGISZ}}}clientEntityId"
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """What goes into the header of an envelope; an empty field is left out."""

    message_id: str
    action: str
    to: str = ""
    relates_to: str = ""
    client_entity_id: str = ""


def write_envelope(version: str, headers: Headers, body: etree._Element) -> etree._Element:
    """Build an envelope that is not signed yet; the parts to be signed carry a wsu:Id."""
    root = etree.Element(f"{{{version}}}Envelope", nsmap={"soap": version, "wsa": WSA, "wsu": WSU})
    header = etree.SubElement(root, f"{{{version}}}Header")
    if headers.client_entity_id:
        transport = etree.SubElement(header, f"{{{EGISZ}}}transportHeader", nsmap={"egisz": EGISZ})
        info = etree.SubElement(transport, f"{{{EGISZ}}}authInfo")
        etree.SubElement(info, f"{{{EGISZ}}}clientEntityId").text = headers.client_entity_id
    for name, value in (
        ("MessageID", headers.message_id),
        ("Action", headers.action),
        ("To", headers.to),
        ("RelatesTo", headers.relates_to),
    ):
        if value:
            element = etree.SubElement(header, f"{{{WSA}}}{name}")
            element.set(f"{{{WSU}}}Id", f"id-{name}")
            element.text = value
    outside = etree.SubElement(root, f"{{{version}}}Body")
    outside.set(f"{{{WSU}}}Id", "body")
    outside.append(body)
    return root


def only_child(body: bytes) -> etree._Element:
    """Return the element in a Body that was canonicalised. Raises MalformedMessage."""
    return next(parse(body).iterchildren("*"))


def write_fault(version: str, reason: str, *, sender_at_fault: bool) -> bytes:
    """Build a Fault (SOAP 1.1 §4.4, SOAP 1.2 part 1 §5.4)."""
    root = etree.Element(f"{{{version}}}Envelope", nsmap={"soap": version})
    body = etree.SubElement(root, f"{{{version}}}Body")
    fault = etree.SubElement(body, f"{{{version}}}Fault")
    if version == SOAP11:
        who = "Client" if sender_at_fault else "Server"
        etree.SubElement(fault, "faultcode").text = f"soap:{who}"
        etree.SubElement(fault, "faultstring").text = reason
    else:
        who = "Sender" if sender_at_fault else "Receiver"
        code = etree.SubElement(fault, f"{{{version}}}Code")
        etree.SubElement(code, f"{{{version}}}Value").text = f"soap:{who}"
        why = etree.SubElement(fault, f"{{{version}}}Reason")
        text = etree.SubElement(why, f"{{{version}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "ru")
        text.text = reason
    return serialize(root)


def serialize(root: etree._Element) -> bytes:
    """Return the bytes that go on the wire."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def content_type(version: str, action: str = "") -> str:
    """Return the Content-Type of a message of this SOAP version."""
    extra = f'; action="{action}"' if version == SOAP12 and action else ""
    return f"{CONTENT_TYPES[version]}; charset=utf-8{extra}"


def _text(header: etree._Element, path: str) -> str:
    found = header.findall(path)
    if len(found) > 1:
        raise MalformedMessage(f"{etree.QName(found[0]).localname} is there twice")
    return (found[0].text or "").strip() if found else ""
