"""Who may speak to РЭМД, and what they want: the envelope before its content is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from gateway.errors import MalformedMessage, SenderError
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.remd.settings import OrganizationSettings, RemdSettings
from gateway.sandbox.remd.soap import (
    CONTENT_TYPES,
    SERVICE,
    SOAP11,
    SOAP12,
    Envelope,
    only_child,
    read_envelope,
)
from gateway.sandbox.remd.wss import InsecureMessage, Verifier
from gateway.sandbox.scenario import ErrorItem

OPERATIONS = {
    "registerDocumentRequest": "registerDocument",
    "searchRegistryItemRequest": "searchRegistryItem",
}


class Refused(SenderError):  # noqa: N818 - what is answered, not a fault of ours
    """Nothing of the message is taken; the caller gets a Fault."""

    def __init__(self, text: str, version: str) -> None:
        super().__init__(text)
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call whose envelope holds."""

    version: str
    operation: str
    message_id: str
    client: str
    organizations: tuple[OrganizationSettings, ...]
    """Those that speak by this information system; none: nobody knows it."""
    reply_to: str
    request: etree._Element = field(repr=False)
    """The Body's child, parsed from the bytes that were signed."""
    body: bytes = field(repr=False)
    """The canonical Body."""


class Reception:
    """Lets in what is signed by whom it says, now, and for the first time."""

    def __init__(self, settings: RemdSettings, verifier: Verifier, registry: Registry) -> None:
        self._settings = settings
        self._verifier = verifier
        self._registry = registry

    def admit(self, octets: bytes, content_type: str, *, now: datetime) -> Call:
        """Return the call. Raises Refused."""
        version = SOAP12 if content_type.startswith(CONTENT_TYPES[SOAP12]) else SOAP11
        try:
            envelope = read_envelope(octets)
        except MalformedMessage as error:
            raise Refused(error.text, version) from error
        if not content_type.startswith(CONTENT_TYPES[envelope.version]):
            wanted = CONTENT_TYPES[envelope.version]
            raise Refused(f"this version of SOAP travels as {wanted}", envelope.version)
        try:
            verified = self._verifier.verify(envelope, now=now)
        except (InsecureMessage, MalformedMessage) as error:
            raise Refused(error.text, envelope.version) from error
        organizations = self._settings.client(envelope.client_entity_id)
        certificate = verified.certificate
        speaks_for = {one.ogrn for one in organizations}
        pinned = certificate.sha256 in self._settings.transport_certificates
        if organizations and certificate.ogrn not in speaks_for and not pinned:
            raise Refused("the certificate is not this information system's", envelope.version)
        request = only_child(verified.body)
        operation = self._read_operation(envelope, request)
        if not self._registry.remember_message(envelope.message_id, now):
            raise Refused("this MessageID was used before", envelope.version)
        return Call(
            version=envelope.version,
            operation=operation,
            message_id=envelope.message_id,
            client=envelope.client_entity_id,
            organizations=organizations,
            reply_to=envelope.reply_to,
            request=request,
            body=verified.body,
        )

    def _read_operation(self, envelope: Envelope, request: etree._Element) -> str:
        name = etree.QName(request)
        operation = OPERATIONS.get(name.localname) if name.namespace == SERVICE else None
        if operation is None:
            raise Refused(f"no such operation: {name.localname}", envelope.version)
        if envelope.action != operation:
            raise Refused(f"wsa:Action is to be {operation}", envelope.version)
        needed = {
            "wsa:MessageID": envelope.message_id,
            "wsa:To": envelope.to,
            "clientEntityId": envelope.client_entity_id,
        }
        if operation == "registerDocument":
            needed["wsa:ReplyTo"] = envelope.reply_to
        for header, value in needed.items():
            if not value:
                raise Refused(f"{header} is missing", envelope.version)
        return operation


def write_response(name: str, errors: tuple[ErrorItem, ...]) -> etree._Element:
    """Write a status, with errors if there are any."""
    response = etree.Element(f"{{{SERVICE}}}{name}", nsmap={"ser": SERVICE})
    status = etree.SubElement(response, f"{{{SERVICE}}}status")
    status.text = "error" if errors else "success"
    if errors:
        outside = etree.SubElement(response, f"{{{SERVICE}}}errors")
        for error in errors:
            item = etree.SubElement(outside, f"{{{SERVICE}}}item")
            etree.SubElement(item, f"{{{SERVICE}}}code").text = error.code
            etree.SubElement(item, f"{{{SERVICE}}}message").text = error.message
    return response
