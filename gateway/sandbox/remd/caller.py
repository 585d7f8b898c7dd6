"""РЭМД's own calls to a МИС: fetch the file, tell the result."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from lxml import etree

from gateway.errors import MalformedMessage
from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.records import Attempt
from gateway.sandbox.remd.soap import (
    CALLBACK,
    Envelope,
    Headers,
    content_type,
    read_envelope,
    serialize,
    write_envelope,
)
from gateway.sandbox.remd.wss import WSSE, InsecureMessage, Signer, Verifier
from gateway.sandbox.scenario import ErrorItem, Form


class FileNotGot(Exception):  # noqa: N818 - a standing of the other side
    """The file did not come; `item` is what РЭМД says of it."""

    def __init__(self, item: ErrorItem) -> None:
        super().__init__(item.code)
        self.item = item


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How a callback was received."""

    taken: bool
    status: int
    """HTTP; 0 when there was none."""
    text: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Speaks to the callback addresses."""

    session: aiohttp.ClientSession
    signer: Signer
    verifier: Verifier
    clock: Clock
    ids: Ids
    patience: timedelta

    async def fetch_file(self, attempt: Attempt) -> bytes:
        """Return the file of an attempt's document. Raises FileNotGot."""
        request = etree.Element(f"{{{CALLBACK}}}getDocumentFileRequest", nsmap={"cb": CALLBACK})
        etree.SubElement(request, f"{{{CALLBACK}}}localUid").text = attempt.local_uid
        headers = self._headers(attempt, "getDocumentFile", self.ids.new(), relates_to="")
        envelope = write_envelope(attempt.version, headers, request)
        self.signer.sign(envelope, now=self.clock.now())
        try:
            status, answer = await self._post(attempt, "getDocumentFile", serialize(envelope))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise FileNotGot(say("MIS_NOT_AVAILABLE")) from error
        if status != 200:
            raise FileNotGot(say("GET_DOCUMENT_FILE_ERROR"))
        return self._read_file(answer)

    async def tell(
        self, attempt: Attempt, body: etree._Element, message_id: str, form: Form
    ) -> Acknowledgement:
        """Send a registerDocumentResult in the wanted form; return how it was received."""
        relates_to = {
            Form.NO_RELATES_TO: "",
            Form.UNKNOWN_RELATES_TO: "00000000-0000-4000-8000-000000000000",
        }.get(form, attempt.message_id)
        action = "sendRegisterDocumentResult"
        headers = self._headers(attempt, action, message_id, relates_to=relates_to)
        envelope = write_envelope(attempt.version, headers, body)
        if form is not Form.UNSIGNED:
            self.signer.sign(envelope, now=self.clock.now())
        octets = serialize(envelope)
        if form is Form.BROKEN_XML:
            octets = octets[: octets.rindex(b"registerDocumentResult>")]
        try:
            status, answer = await self._post(attempt, action, octets)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Acknowledgement(taken=False, status=0, text=type(error).__name__)
        return self._read_acknowledgement(status, answer)

    async def _post(self, attempt: Attempt, action: str, octets: bytes) -> tuple[int, bytes]:
        headers = {
            "Content-Type": content_type(attempt.version, action),
            "SOAPAction": f'"{action}"',
        }
        timeout = aiohttp.ClientTimeout(total=self.patience.total_seconds())
        async with self.session.post(
            attempt.callback, data=octets, headers=headers, timeout=timeout
        ) as response:
            return response.status, await response.read()

    def _headers(
        self, attempt: Attempt, action: str, message_id: str, *, relates_to: str
    ) -> Headers:
        return Headers(
            message_id=message_id,
            action=action,
            to=attempt.callback,
            relates_to=relates_to,
            client_entity_id=attempt.client,
        )

    def _read_answer(self, answer: bytes) -> Envelope:
        """Read an answer; a signature that is there must hold. Raises MalformedMessage."""
        envelope = read_envelope(answer)
        if envelope.root.find(f".//{{{WSSE}}}Security") is not None:
            self.verifier.verify(envelope, now=self.clock.now())
        return envelope

    def _read_file(self, answer: bytes) -> bytes:
        try:
            body = self._read_answer(answer).body
        except (MalformedMessage, InsecureMessage) as error:
            raise FileNotGot(say("RMIS_ERROR", error.text)) from error
        if body.findtext(f"{{{CALLBACK}}}status", "").strip() != "success":
            raise FileNotGot(say("RMIS_ERROR"))
        content = body.findtext(f"{{{CALLBACK}}}document")
        if not content:
            raise FileNotGot(say("FILE_WAS_NOT_SENT"))
        try:
            return base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise FileNotGot(say("INVALID_CONTENT", "base64")) from error

    def _read_acknowledgement(self, status: int, answer: bytes) -> Acknowledgement:
        try:
            body = self._read_answer(answer).body
        except (MalformedMessage, InsecureMessage) as error:
            return Acknowledgement(taken=False, status=status, text=error.text)
        said = body.findtext(f"{{{CALLBACK}}}status", "").strip() or etree.QName(body).localname
        return Acknowledgement(
            taken=200 <= status < 300 and said == "success", status=status, text=said
        )
