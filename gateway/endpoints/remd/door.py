"""Where РЭМД calls us: it fetches files and tells results.

A file of its own beside the five of every endpoint: the adapter speaks and this one listens, and
each fills a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Final

from lxml import etree

from gateway.endpoints.remd.envelope import (
    Result,
    flatten_kind,
    guess_reference,
    read_file_request,
    read_result,
    says_registered,
    write_acknowledgement,
    write_file,
)
from gateway.endpoints.remd.faults import ErrorItem, Faults
from gateway.errors import MalformedMessage
from gateway.exchange.events import Answered, Event, Source, StillPending, Unavailable, Wire
from gateway.formats.cda import HL7
from gateway.formats.soap import Version, guess_version, read_message
from gateway.ports import Callback, Reference, Reply
from gateway.signatures.keys import KeyRing, Role, SigningKey
from gateway.transports.ips import canonical_id
from gateway.transports.ips_calls import LARGEST_CALL, Call, Ear, refuse

_FETCH: Final = "getDocumentFile"
_TELL: Final = "sendRegisterDocumentResult"


@dataclass(slots=True, kw_only=True, eq=False)
class RemdDoor:
    """РЭМД's way in."""

    name: str
    ear: Ear = field(repr=False)
    faults: Faults = field(repr=False)
    keys: KeyRing = field(repr=False)
    organizations: tuple[str, ...] = ()
    largest_call: int = LARGEST_CALL

    def wsdl(self) -> bytes:
        """Return the callback WSDL with its schemas inside."""
        return self.ear.contract.wsdl

    def read(self, body: bytes, *, headers: Mapping[str, str], now: datetime) -> Callback:
        """Verify and read a call. Raises Unverified for whatever is not РЭМД's."""
        del headers  # what they say is signed by nobody
        call = self.ear.hear(body, now=now, about=guess_reference(body))
        if call.content is None:
            return self._malformed(call, body, call.malformed)
        flatten_kind(call.content)
        operation = self.ear.contract.by_request(call.content.tag)
        if operation is None:
            return self._malformed(call, body, "no operation of ours")
        if call.action not in {"", operation.action}:
            return self._malformed(call, body, "Action and Body contradict each other")
        if broken := self.ear.contract.fault_in(call.content):
            return self._malformed(call, body, broken, name=operation.name)
        if operation.name == _FETCH:
            return self._read_fetch(call, call.content, body)
        return self._read_result(call, call.content, body)

    def accept(self, callback: Callback, *, document: bytes | None, now: datetime) -> Reply:
        """Return the answer: the file, or the acknowledgement.

        What could not be read is acknowledged with status `error`: it is kept all the same, and
        РЭМД learns that it said nothing.
        """
        version, asked = _read_request(callback.wire.body)
        if callback.wants_document and document is not None:
            content, name = write_file(callback.about.local_uid, document), _FETCH
            organization = _organization_of(document)
        else:
            content, name = write_acknowledgement(_complaint(callback)), _TELL
            organization = _named_organization(asked)
        return self.ear.answer(
            content,
            version=version,
            action=f"{name}Response",
            relates_to=callback.message_id,
            key=self._key_of(organization, now),
            now=now,
        )

    def refuse(self, reason: str, *, sender_at_fault: bool, request: bytes) -> Reply:
        """Return a Fault in the caller's SOAP version."""
        return refuse(reason, sender_at_fault=sender_at_fault, request=request)

    def _read_fetch(self, call: Call, content: etree._Element, body: bytes) -> Callback:
        about = Reference(local_uid=read_file_request(content))
        wire = _wire(call, body, _FETCH)
        return Callback(
            partner=self.name,
            message_id=call.message_id,
            name=_FETCH,
            about=about,
            # Who fetches the file has the document in work; its answer may still be on its way.
            event=StillPending(
                reason="the recipient fetches the file", source=Source.CALLBACK, wire=(wire,)
            ),
            wants_document=True,
            wire=wire,
        )

    def _read_result(self, call: Call, content: etree._Element, body: bytes) -> Callback:
        try:
            result = read_result(content)
        except MalformedMessage as error:
            return self._malformed(call, body, error.text, name=_TELL)
        wire = _wire(call, body, _TELL, relates_to=canonical_id(result.relates_to))
        event = self._event(result, wire)
        if isinstance(event, str):
            return self._malformed(call, body, event, name=_TELL)
        return Callback(
            partner=self.name,
            message_id=call.message_id,
            name=_TELL,
            about=Reference(
                message_id=wire.relates_to,
                local_uid=result.local_uid,
                number=result.match.number if result.match else "",
            ),
            event=event,
            wire=wire,
        )

    def _event(self, result: Result, wire: Wire) -> Event | str:
        """Return what a result tells, or why it tells nothing."""
        registered = result.match is not None and says_registered(result.match)
        if result.success and result.match is not None and registered:
            return Answered(
                registered=True,
                source=Source.CALLBACK,
                message_id=wire.relates_to,
                number=result.match.number,
                registered_at=result.match.registered_at,
                wire=(wire,),
            )
        if result.success:
            return "success without an entry of the registry"
        if result.match is not None:
            return "an error with an entry of the registry"
        settled = self.faults.settle(
            result.errors, source=Source.CALLBACK, message_id=wire.relates_to, wire=(wire,)
        )
        return settled.reason if isinstance(settled, Unavailable) else settled

    def _malformed(self, call: Call, body: bytes, why: str, name: str = "malformed") -> Callback:
        about = guess_reference(body)
        return Callback(
            partner=self.name,
            message_id=call.message_id,
            name=name,
            about=about,
            event=None,
            malformed=why,
            wire=_wire(call, body, name, relates_to=about.message_id),
        )

    def _key_of(self, organization: str, now: datetime) -> SigningKey | None:
        """Return the organisation's key; where none is named, that of the only one we have.

        Without one the answer goes unsigned: never with another organisation's key.
        """
        if not organization and len(self.organizations) == 1:
            organization = self.organizations[0]
        return self.keys.choose(organization, Role.TRANSPORT, now)


def _read_request(body: bytes) -> tuple[Version, etree._Element | None]:
    try:
        request = read_message(body)
    except MalformedMessage:  # verified, yet with more than one element in its Body
        return guess_version(body), None
    return request.version, request.content


def _organization_of(document: bytes) -> str:
    """Return the OID of the organisation, without reading on: the file is large and was checked."""
    parts = etree.iterparse(
        BytesIO(document),
        tag=f"{{{HL7}}}providerOrganization",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        found = next((element.find(f"{{{HL7}}}id") for _, element in parts), None)
    except etree.XMLSyntaxError:
        return ""
    return "" if found is None else found.get("root", "")


def _complaint(callback: Callback) -> tuple[ErrorItem, ...]:
    if not callback.malformed:
        return ()
    return (ErrorItem("VALIDATION_ERROR", callback.malformed),)


def _named_organization(content: etree._Element | None) -> str:
    return "" if content is None else (content.findtext("{*}organization") or "").strip()


def _wire(call: Call, body: bytes, name: str, *, relates_to: str = "") -> Wire:
    return Wire(
        direction="in",
        name=name,
        body=body,
        message_id=call.message_id,
        relates_to=relates_to,
    )
