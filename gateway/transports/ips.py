"""ИПС of ЕГИСЗ: signed SOAP through its integration bus, out and back.

An envelope carries the transport header with the organisation's `clientEntityId`, WS-Addressing
and WS-Security with a Timestamp. What comes back settles something only if the partner signed it
and it relates to our message; everything else is `Unavailable`.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.errors import CryptoUnavailable, HouseError, MalformedMessage
from gateway.exchange.events import NotSent, Unavailable, Wire
from gateway.formats.soap import (
    ANONYMOUS,
    Fault,
    addressed,
    addressing,
    content_of,
    read_fault,
    read_message,
    write_message,
)
from gateway.formats.xml import read_xml
from gateway.ports import Clock, Envelope, Ids
from gateway.signatures.keys import KeyRing, Role, SigningKey
from gateway.signatures.replay import normalise_message_id
from gateway.signatures.verdict import CheckHeard
from gateway.signatures.wss import Partner, VerifiedEnvelope, sign_envelope, verify_envelope
from gateway.transports.http import Answer, Leg, Lost, NeverLeft
from gateway.transports.ips_settings import IpsSettings, Replies
from gateway.transports.wsdl import Contract

EGISZ: Final = "http://egisz.rosminzdrav.ru"
_SECURITY: Final = (
    "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}Security"
)
_WSA: Final = "{http://www.w3.org/2005/08/addressing}"
UNDERSTOOD: Final = frozenset(
    {_SECURITY, f"{{{EGISZ}}}transportHeader"}
    | {f"{_WSA}{name}" for name in ("MessageID", "Action", "To", "From", "ReplyTo", "FaultTo")}
    | {f"{_WSA}RelatesTo"}
)
"""Header blocks that we understand; another one with `mustUnderstand` turns a message away."""
_SIGNATURE: Final = b"http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A verified reply of the wanted kind."""

    content: etree._Element
    wire: Wire


@dataclass(frozen=True, slots=True, eq=False)
class Faulted:
    """A verified Fault: the message was not taken."""

    fault: Fault
    wire: Wire


CallResult = Heard | Faulted | NotSent | Unavailable


def canonical_id(message_id: str) -> str:
    """Return a MessageID in one form: a UUID in lower case with dashes, else the text itself."""
    normal = normalise_message_id(message_id)
    try:
        return str(uuid.UUID(hex=normal))
    except ValueError:
        return normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ips:
    """The line to one state system behind ИПС."""

    settings: IpsSettings
    contract: Contract
    partner: Partner
    keys: KeyRing = field(repr=False)
    clock: Clock
    ids: Ids
    leg: Leg = field(repr=False)
    heard: CheckHeard = field(repr=False)

    async def wrap(
        self, operation: str, content: etree._Element, *, organization: str, now: datetime
    ) -> Envelope:
        """Return a new signed envelope around a body.

        Raises CryptoUnavailable when no transport key of the organisation lives now, SettingError
        when it has no `client_entity_id`, HouseError when the body breaks the schema.
        """
        if fault := self.contract.fault_in(content):
            raise HouseError(fault, where=operation)
        wanted, message_id = self.contract.operations[operation], self.ids.new()
        unsigned = write_message(
            self.settings.soap,
            self._headers(wanted.action, message_id, organization),
            content,
        )
        key = self.key_of(organization, now)
        body = await asyncio.to_thread(sign_envelope, unsigned, key, created=now)
        return Envelope(
            message_id=canonical_id(message_id),
            body=body,
            wire_name=operation,
            url=self.settings.url,
            headers=self.settings.soap.headers(wanted.action),
        )

    async def call(self, envelope: Envelope) -> CallResult:
        """Send once and read what comes back; never raises for what the other side does."""
        answer = await self.leg.post(envelope.url, envelope.body, envelope.headers)
        if isinstance(answer, NeverLeft):
            return NotSent(reason=answer.reason)
        if isinstance(answer, Lost):
            return Unavailable(reason=answer.reason)
        wire = self._wire(envelope, answer)
        if refused := self._read_refusal(answer, wire):
            return refused
        try:
            return await self._read(envelope, answer, wire)
        except (MalformedMessage, CryptoUnavailable) as error:
            return Unavailable(reason=f"the reply cannot be read: {error.text}", wire=(wire,))

    def _headers(self, action: str, message_id: str, organization: str) -> list[etree._Element]:
        settings = self.settings
        headers = [
            _transport_header(settings.entity_of(organization)),
            addressing("MessageID", message_id),
            addressing("To", settings.url),
            addressing("Action", action),
            addressed("FaultTo", ANONYMOUS),
        ]
        if settings.callback_url:
            headers.append(addressed("ReplyTo", settings.callback_url))
        return headers

    def key_of(self, organization: str, now: datetime) -> SigningKey:
        """Return the organisation's own transport key (decision 16). Raises CryptoUnavailable."""
        key = self.keys.choose(organization, Role.TRANSPORT, now)
        if key is None:
            raise CryptoUnavailable(
                f"no transport key of the organisation {organization} lives now", where="keys"
            )
        return key

    def _wire(self, envelope: Envelope, answer: Answer) -> Wire:
        return Wire(
            direction="in",
            name=self.contract.operations[envelope.wire_name].response.rpartition("}")[2],
            body=answer.body,
            relates_to=envelope.message_id,
            note=f"http {answer.status}",
        )

    def _read_refusal(self, answer: Answer, wire: Wire) -> Unavailable | None:
        """Read an unsigned «too many» or «not now»: how long to wait, and nothing else.

        A gate in front of the service may say it after the service has taken the document.
        """
        wait = answer.retry_after(self.clock.now())
        refused = answer.status == 429 or (answer.status == 503 and wait is not None)
        if not refused or _SIGNATURE in answer.body:
            return None
        return Unavailable(reason=f"HTTP {answer.status}", retry_after=wait, wire=(wire,))

    async def _read(self, envelope: Envelope, answer: Answer, wire: Wire) -> CallResult:
        if not answer.body:
            return Unavailable(reason=f"HTTP {answer.status} without a body", wire=(wire,))
        if self.settings.replies is Replies.TRANSPORT and _SIGNATURE not in answer.body:
            content = read_message(answer.body).content
        else:
            verified = await asyncio.to_thread(self._verify, answer.body)
            self.heard("wss", verified.verdict)
            if reason := self._doubt(verified, envelope):
                return Unavailable(reason=reason, wire=(wire,))
            content = content_of(read_xml(verified.body).getroot())
        if content is None:
            return Unavailable(reason="the reply's Body is empty", wire=(wire,))
        return self._judge(content, envelope, wire)

    def _judge(self, content: etree._Element, envelope: Envelope, wire: Wire) -> CallResult:
        if fault := read_fault(content):
            return Faulted(fault, wire)
        if content.tag != self.contract.operations[envelope.wire_name].response:
            return Unavailable(reason="the reply is of another kind", wire=(wire,))
        if broken := self.contract.fault_in(content):
            return Unavailable(reason=broken, wire=(wire,))
        return Heard(content, wire)

    def _verify(self, body: bytes) -> VerifiedEnvelope:
        partner = replace(self.partner, required_headers=frozenset({"RelatesTo"}))
        return verify_envelope(body, partner=partner, at=self.clock.now())

    def _doubt(self, verified: VerifiedEnvelope, envelope: Envelope) -> str:
        """Return why a reply proves nothing; empty when it does."""
        if not verified.verdict.valid:
            codes = ", ".join(one.fact.code for one in verified.verdict.reasons)
            return f"the reply cannot be verified: {codes}"
        # A reply to another message, however genuine, says nothing about this one.
        if canonical_id(verified.addressing("RelatesTo")) != envelope.message_id:
            return "the reply relates to another message"
        if verified.must_understand - UNDERSTOOD:
            return "the reply has a header that must be understood and is not"
        return ""


def _transport_header(entity: str) -> etree._Element:
    header = etree.Element(f"{{{EGISZ}}}transportHeader", nsmap={"egisz": EGISZ})
    info = etree.SubElement(header, f"{{{EGISZ}}}authInfo")
    etree.SubElement(info, f"{{{EGISZ}}}clientEntityId").text = entity
    return header
