"""A registry on a real socket that says what a test has written down, word for word.

Made from the WSDL alone; it checks nothing and decides nothing.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web
from lxml import etree

from gateway.exchange.record import Attempt, Exchange, Identity
from gateway.formats.soap import Version
from gateway.ports import Consignment, SignerCms
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss import sign_envelope

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
CLINIC = "1.2.643.5.1.13.13.12.2.77.8481"
ENTITY = "0e6f4a5c-5a0c-4f6a-9b8a-3f2d1c0b9a87"
SERVICE = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
CALLBACK = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"
WSA = "http://www.w3.org/2005/08/addressing"
NAMES = {"ser": SERVICE, "cb": CALLBACK, "wsa": WSA, "egisz": "http://egisz.rosminzdrav.ru"}
OUR_ADDRESS = "https://ips.example/gateway"
NUMBER = "121.77.26.11.000000017"


def envelope(
    body: str,
    *,
    version: Version = Version.V12,
    relates_to: str = "",
    message_id: str | None = None,
    headers: str = "",
    to: str = "",
) -> bytes:
    """Return an unsigned envelope with this body."""
    soap = version.namespace
    own = message_id if message_id is not None else str(uuid.uuid5(uuid.NAMESPACE_URL, body))
    lines = [f"<wsa:MessageID>{own}</wsa:MessageID>" if own else ""]
    lines += [f"<wsa:RelatesTo>{relates_to}</wsa:RelatesTo>" if relates_to else ""]
    lines += [f"<wsa:To>{to}</wsa:To>" if to else ""]
    return (
        f'<soap:Envelope xmlns:soap="{soap}" xmlns:wsa="{WSA}">'
        f"<soap:Header>{''.join(lines)}{headers}</soap:Header>"
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def taken() -> str:
    return (
        f'<RegisterDocumentResponse xmlns="{SERVICE}"><status>success</status>'
        "</RegisterDocumentResponse>"
    )


def errors(*items: tuple[str, str]) -> str:
    told = "".join(f"<item><code>{c}</code><message>{m}</message></item>" for c, m in items)
    return f"<errors>{told}</errors>"


def refused(*items: tuple[str, str]) -> str:
    return (
        f'<RegisterDocumentResponse xmlns="{SERVICE}"><status>error</status>{errors(*items)}'
        "</RegisterDocumentResponse>"
    )


def page(*local_uids: str, more: str = "<hasMore>false</hasMore>", status: str = "") -> str:
    items = "".join(
        f"<item><localUid>{uid}</localUid><emdrId>{NUMBER}</emdrId>"
        f"<registrationDateTime>2026-11-25T15:30:00+03:00</registrationDateTime>{status}</item>"
        for uid in local_uids
    )
    return (
        f'<searchRegistryItemResponse xmlns="{SERVICE}"><status>success</status>'
        f"<matches>{items}</matches>{more}</searchRegistryItemResponse>"
    )


def result(relates_to: str, inner: str, *, status: str = "success", uid: str = "") -> str:
    named = f"<localUid>{uid}</localUid>" if uid else ""
    return (
        f'<registerDocumentResult xmlns="{CALLBACK}">'
        f"<relatesToMessage>{relates_to}</relatesToMessage><status>{status}</status>{named}"
        f"{inner}</registerDocumentResult>"
    )


def entry(number: str = NUMBER, status: str = "Зарегистрировано") -> str:
    return (
        f"<registryItem><emdrId>{number}</emdrId>"
        "<registrationDate>2026-11-25T15:30:00+03:00</registrationDate>"
        f"<documentStatus>{status}</documentStatus></registryItem>"
    )


def fetch(uid: str) -> str:
    return (
        f'<getDocumentFileRequest xmlns="{CALLBACK}"><localUid>{uid}</localUid>'
        "</getDocumentFileRequest>"
    )


Say = Callable[[str], tuple[int, dict[str, str], bytes]]
"""From the MessageID of a request to status, headers and body of the reply."""


@dataclass
class Registry:
    """What it will say, in this order, and what it has heard."""

    key: SigningKey
    script: list[Say | str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def says(self, body: str, *, version: Version = Version.V12) -> Say:
        """A signed reply that relates to the request."""

        def say(message_id: str) -> tuple[int, dict[str, str], bytes]:
            reply = envelope(body, version=version, relates_to=message_id)
            return 200, {}, sign_envelope(reply, self.key, created=NOON)

        return say

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.heard.append(body)
        self.headers.append(dict(request.headers))
        say = self.script.pop(0)
        if say == "say nothing":
            await asyncio.sleep(1)
        if isinstance(say, str):
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        message_id = etree.fromstring(body).findtext(f".//{{{WSA}}}MessageID") or ""
        status, headers, reply = say(message_id)
        return web.Response(status=status, headers=headers, body=reply)

    def find(self, path: str, index: int = -1) -> list[etree._Element]:
        found = etree.fromstring(self.heard[index]).xpath(path, namespaces=NAMES)
        assert isinstance(found, list)
        return [one for one in found if etree.iselement(one)]

    def text(self, path: str, index: int = -1) -> str:
        return "".join(map(str, self.find(path, index)[0].itertext()))


@dataclass
class HandClock:
    """A clock that stands still until a test moves it."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)


def consign(
    document: bytes, form: dict[str, object], signatures: tuple[SignerCms, ...]
) -> Consignment:
    began = NOON - timedelta(hours=2)
    exchange = Exchange(
        id="exchange",
        identity=Identity(
            endpoint="remd",
            profile="ru-088u",
            kind="121",
            local_uid=str(form["local_uid"]),
            sender="mis",
            organization=CLINIC,
            document_sha256="0" * 64,
        ),
        received_at=began,
        attempts=(Attempt(number=0, message_id="m", envelope_sha256="h", began_at=began),),
    )
    return Consignment(exchange=exchange, document=document, metadata=form, signatures=signatures)


def unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
