"""A МИС written from the WSDL: it asks over real HTTP and is called back over real HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from lxml import etree

from gateway.doors import SystemClock, SystemIds
from gateway.resources import PROFILES
from gateway.sandbox.remd.soap import SOAP11, Headers, content_type, serialize, write_envelope
from gateway.sandbox.remd.wss import Signer

SERVICE = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
CALLBACK = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"
WSA = "http://www.w3.org/2005/08/addressing"
SCHEMA = etree.XMLSchema(etree.parse(PROFILES / "wsdl" / "remd" / "callback.xsd"))
ANSWERS = etree.XMLSchema(etree.parse(PROFILES / "wsdl" / "remd" / "service.xsd"))


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is the Body's child, None where there is no SOAP."""

    status: int
    raw: bytes
    body: etree._Element | None

    def text(self, path: str) -> str:
        assert self.body is not None
        full = "/".join(f"{{{SERVICE}}}{step}" for step in path.split("/"))
        return (self.body.findtext(full) or "").strip()

    def codes(self) -> list[str]:
        assert self.body is not None
        return [one.text or "" for one in self.body.iter(f"{{{SERVICE}}}code")]

    def local_uids(self) -> list[str]:
        assert self.body is not None
        return [one.text or "" for one in self.body.iter(f"{{{SERVICE}}}localUid")]


@dataclass(frozen=True)
class Told:
    """One callback: its bytes, the envelope when it could be parsed, and the HTTP headers."""

    raw: bytes
    root: etree._Element | None

    def text(self, name: str) -> str:
        assert self.root is not None
        return next((one.text or "" for one in self.root.iter(f"{{{CALLBACK}}}{name}")), "")

    def header(self, name: str) -> str:
        assert self.root is not None
        return next((one.text or "" for one in self.root.iter(f"{{{WSA}}}{name}")), "")

    @property
    def codes(self) -> list[str]:
        assert self.root is not None
        return [one.text or "" for one in self.root.iter(f"{{{CALLBACK}}}code")]


@dataclass
class Mis:
    """Keeps files to be fetched and everything that it was told."""

    signer: Signer
    client: str
    session: aiohttp.ClientSession
    url: str = ""
    callback: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    file_status: str = "success"
    refuse_results: int = 0
    """So many results are answered with HTTP 503."""
    events: list[str] = field(default_factory=list)
    version: str = SOAP11
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError:
            return self._note(Told(raw, None), status=400)
        body = root.find("{*}Body")
        assert body is not None
        if etree.QName(body[0]).localname == "getDocumentFileRequest":
            return self._give_file(body[0])
        return self._note(Told(raw, root), status=200)

    def _give_file(self, request: etree._Element) -> web.Response:
        SCHEMA.assertValid(request)
        uid = (request.findtext(f"{{{CALLBACK}}}localUid") or "").lower()
        self.fetched.append(uid)
        self.events.append("file")
        response = etree.Element(f"{{{CALLBACK}}}getDocumentFileResponse", nsmap={"cb": CALLBACK})
        etree.SubElement(response, f"{{{CALLBACK}}}status").text = self.file_status
        if self.file_status == "success":
            content = base64.b64encode(self.files[uid]).decode()
            etree.SubElement(response, f"{{{CALLBACK}}}document").text = content
        return self._respond(response)

    def _note(self, told: Told, *, status: int) -> web.Response:
        if self.refuse_results:
            self.refuse_results -= 1
            self.events.append("refused")
            return web.Response(status=503)
        self.told.append(told)
        self.events.append("told")
        self.bell.set()
        if status != 200:
            return web.Response(status=status)
        name = "sendRegisterDocumentResultResponse"
        response = etree.Element(f"{{{CALLBACK}}}{name}", nsmap={"cb": CALLBACK})
        etree.SubElement(response, f"{{{CALLBACK}}}status").text = "success"
        return self._respond(response)

    def _respond(self, body: etree._Element) -> web.Response:
        headers = Headers(message_id=SystemIds().new(), action="answer")
        envelope = write_envelope(self.version, headers, body)
        self.signer.sign(envelope, now=SystemClock().now())
        return web.Response(
            body=serialize(envelope), headers={"Content-Type": content_type(self.version)}
        )

    async def wait_for_told(self, number: int = 1) -> list[Told]:
        """Return once so many callbacks have come."""
        async with asyncio.timeout(20):
            while len(self.told) < number:
                self.bell.clear()
                await self.bell.wait()
        return self.told

    async def send(
        self,
        action: str,
        body: etree._Element,
        *,
        message_id: str = "",
        client: str = "",
        signer: Signer | None = None,
        bend: Callable[[etree._Element], None] | None = None,
        now_offset: int = 0,
        content_kind: str = "",
    ) -> Answer:
        """Send one signed call; `bend` changes the signed envelope."""
        envelope = self.write(action, body, message_id=message_id, client=client, signer=signer)
        if bend is not None:
            bend(envelope)
        return await self.post(serialize(envelope), content_kind)

    def write(
        self,
        action: str,
        body: etree._Element,
        *,
        message_id: str = "",
        client: str = "",
        signer: Signer | None = None,
    ) -> etree._Element:
        headers = Headers(
            message_id=message_id or SystemIds().new(),
            action=action,
            to=self.url,
            client_entity_id=client or self.client,
        )
        envelope = write_envelope(self.version, headers, body)
        header = envelope.find("{*}Header")
        assert header is not None
        reply_to = etree.SubElement(header, f"{{{WSA}}}ReplyTo")
        etree.SubElement(reply_to, f"{{{WSA}}}Address").text = self.callback
        (signer or self.signer).sign(envelope, now=SystemClock().now())
        return envelope

    async def post(self, octets: bytes, content_kind: str = "") -> Answer:
        headers = {"Content-Type": content_kind or content_type(self.version)}
        async with self.session.post(self.url, data=octets, headers=headers) as response:
            raw = await response.read()
            return Answer(response.status, raw, read_body(raw))

    async def search(self, organization: str, **filters: str) -> Answer:
        """Ask what is registered; the answer is held against the schema."""
        request = etree.Element(f"{{{SERVICE}}}searchRegistryItemRequest", nsmap={"ser": SERVICE})
        etree.SubElement(request, f"{{{SERVICE}}}organization").text = organization
        order = ("kind", "registerDateBegin", "registerDateEnd", "patientSnils", "page", "pageSize")
        for name in order:
            if name in filters:
                etree.SubElement(request, f"{{{SERVICE}}}{name}").text = filters[name]
        answer = await self.send("searchRegistryItem", request)
        if answer.status == 200 and answer.body is not None:
            ANSWERS.assertValid(answer.body)
        return answer


def read_body(raw: bytes) -> etree._Element | None:
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return None
    body = root.find("{*}Body")
    return None if body is None else body[0]
