"""What a state system says to us through ИПС: verified before it is read, answered in its version.

Nothing of a call is believed but the bytes that the partner's signature covers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.formats.soap import (
    FaultCode,
    Version,
    addressing,
    content_of,
    guess_version,
    write_fault,
    write_message,
)
from gateway.formats.xml import read_xml
from gateway.ports import Ids, Reference, Reply, Unverified
from gateway.signatures.keys import SigningKey
from gateway.signatures.verdict import CheckHeard
from gateway.signatures.wss import Partner, VerifiedEnvelope, sign_envelope, verify_envelope
from gateway.transports.ips import UNDERSTOOD, canonical_id
from gateway.transports.wsdl import Contract

NOT_UNDERSTOOD: Final = "a header that must be understood is not understood here"
LARGEST_CALL: Final = 1 * 2**20
"""Octets. A call of a state system names a document; it never brings one."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A verified call; `content` is None and `malformed` says why when it has no single body."""

    version: Version
    message_id: str
    action: str
    content: etree._Element | None = field(repr=False)
    malformed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """Takes the calls of one partner and puts our answers into envelopes."""

    contract: Contract
    partner: Partner
    ids: Ids
    heard: CheckHeard = field(repr=False)
    addresses: frozenset[str] = frozenset()
    """What a call's `To` may be; empty: anything."""

    def hear(self, envelope: bytes, *, now: datetime, about: Reference) -> Call:
        """Return a verified call. Raises Unverified for whatever is not the partner's.

        `about` is what the unverified bytes claim to be about; it goes with the refusal only.
        """
        if len(envelope) > LARGEST_CALL:
            raise Unverified(f"a call of more than {LARGEST_CALL} bytes", about=about)
        verified = verify_envelope(envelope, partner=self.partner, at=now)
        self.heard("wss", verified.verdict)
        if reason := self._doubt(verified):
            raise Unverified(reason, about=about)
        content, malformed = _read_body(verified.body)
        return Call(
            version=Version.V12 if verified.soap == Version.V12.namespace else Version.V11,
            message_id=_identify(verified),
            action=verified.addressing("Action"),
            content=content,
            malformed=malformed,
        )

    def answer(
        self,
        content: etree._Element,
        *,
        version: Version,
        action: str,
        relates_to: str,
        key: SigningKey | None,
        now: datetime,
    ) -> Reply:
        """Return our answer, signed where there is a key. Raises HouseError for a body amiss."""
        if fault := self.contract.fault_in(content):
            raise HouseError(fault, where=action)
        message_id = self.ids.new()
        headers = _headers(message_id, action, relates_to)
        body = write_message(version, headers, content)
        if key is not None:
            body = sign_envelope(body, key, created=now)
        return Reply(
            status=200,
            body=body,
            content_type=version.content_type,
            name=action,
            message_id=canonical_id(message_id),
        )

    def _doubt(self, verified: VerifiedEnvelope) -> str:
        """Return why the call is nobody's we know; empty when it is the partner's."""
        if not verified.verdict.valid:
            return ", ".join(one.fact.code for one in verified.verdict.reasons)
        to = verified.addressing("To").rstrip("/")
        if self.addresses and to and to not in self.addresses:
            return "the call is addressed to somebody else"
        if verified.must_understand - UNDERSTOOD:
            return NOT_UNDERSTOOD
        return ""


def _identify(verified: VerifiedEnvelope) -> str:
    """Return what the call is known by, so that a copy of it is told.

    That is its signed MessageID. A partner may sign no addressing header (npm soap signs Body and
    Timestamp alone): then it is the hash of what it did sign, and an unsigned id is not read.
    """
    if signed := verified.addressing("MessageID"):
        return canonical_id(signed)
    created = verified.created.isoformat() if verified.created else ""
    return f"sha256:{sha256(created.encode() + verified.body).hexdigest()}"


def refuse(reason: str, *, sender_at_fault: bool, request: bytes) -> Reply:
    """Return a Fault in the caller's SOAP version."""
    version = guess_version(request)
    code = FaultCode.SENDER if sender_at_fault else FaultCode.RECEIVER
    if reason == NOT_UNDERSTOOD:
        code = FaultCode.MUST_UNDERSTAND
    status, body = write_fault(version, code, reason)
    return Reply(status=status, body=body, content_type=version.content_type)


def _headers(message_id: str, action: str, relates_to: str) -> Iterable[etree._Element]:
    return (
        addressing("MessageID", message_id),
        addressing("Action", action),
        addressing("RelatesTo", relates_to),
    )


def _read_body(body: bytes) -> tuple[etree._Element | None, str]:
    try:
        content = content_of(read_xml(body).getroot())
    except MalformedMessage as error:
        return None, error.text
    return content, "" if content is not None else "the Body is empty"
