"""An authority that answers on loopback, and a desk that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.signatures import asn1
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, load_trust
from gateway.signatures.keys import SigningKey
from gateway.transports.evidence import (
    Authority,
    DeskTerms,
    Fetcher,
    RevocationDesk,
    TrustFolder,
    open_guarded_session,
)
from tests.signatures.conftest import DAY, NOON, Issue, Load, issue, key, pki, trust  # noqa: F401 - the same test PKI
from tests.signatures.ocsp.answering import Answer
from tests.signatures.reissuing import access, extended, list_bytes, points

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
DELTA = "2.5.29.46"


@dataclass
class Responder:
    """Serves what a test puts into its hands, and counts who asked."""

    server: TestServer
    routes: dict[str, Serve] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return str(self.server.make_url(path))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        return await self.routes[request.path](request)


@pytest.fixture
async def responder() -> AsyncIterator[Responder]:
    app = web.Application()
    server = TestServer(app)
    made = Responder(server)
    app.router.add_route("*", "/{path:.*}", made.serve)
    await server.start_server()
    yield made
    await server.close()


def bytes_of(content: bytes, status: int = 200, **headers: str) -> Serve:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, status=status, headers=headers)

    return serve


def nonce_in(request: bytes) -> bytes:
    """Return the nonce of an OCSPRequest."""
    tbs = asn1.read_der(request).members()[0]
    extension = tbs.members()[-1].members()[0].members()[0]
    return asn1.read_der(extension.members()[-1].body).body


def serial_in(request: bytes) -> int:
    """Return the serial number of the certificate that an OCSPRequest is about."""
    one = asn1.read_der(request).members()[0].members()[0].members()[0]
    return one.members()[0].members()[-1].integer()


def answering(answer: Answer, *, nonce: bytes | None = None) -> Serve:
    """Serve an answer that repeats the nonce of its question, or the one given."""

    async def serve(request: web.Request) -> web.StreamResponse:
        asked = nonce_in(await request.read())
        said = replace(answer, nonce=asked if nonce is None else nonce)
        return web.Response(body=said.der())

    return serve


@dataclass
class Scene:
    """A signer whose certificate names the responder, and whose authority has said nothing yet."""

    responder: Responder
    signer: SigningKey
    issuing: SigningKey
    trust: Trust
    plain: aiohttp.ClientSession
    guarded: aiohttp.ClientSession
    results: list[tuple[str, str]] = field(default_factory=list)
    ages: list[tuple[str, timedelta]] = field(default_factory=list)
    terms: DeskTerms = field(default_factory=DeskTerms)
    allow: frozenset[str] = frozenset({"127.0.0.1"})
    authorities: dict[str, Authority] = field(default_factory=dict)
    within: timedelta = timedelta(seconds=5)

    @property
    def certificate(self) -> Certificate:
        return self.signer.certificate

    @property
    def answer(self) -> Answer:
        return Answer(
            responder=self.issuing,
            certificate=self.certificate,
            issuer=self.issuing.certificate,
        )

    def crl(self, *extensions: bytes, revoked: bool = False, **changes: object) -> bytes:
        lines = {self.certificate.serial: (NOON - DAY, 1)} if revoked else {}
        return list_bytes(self.issuing, lines, *extensions, **changes)  # type: ignore[arg-type] # by name

    def desk(self) -> RevocationDesk:
        fetcher = Fetcher(
            plain=self.plain, guarded=self.guarded, allow_hosts=self.allow, within=self.within
        )
        return RevocationDesk(
            StillFolder(self.trust),
            fetcher,
            chance=lambda size: b"c" * size,
            terms=self.terms,
            authorities=self.authorities,
            fetched=lambda kind, result: self.results.append((kind, result)),
            aged=lambda kind, age: self.ages.append((kind, age)),
        )


class StillFolder(TrustFolder):
    """A folder that is what it is."""

    def __init__(self, shown: Trust) -> None:
        super().__init__(None, load_trust, every=timedelta(), log=Silent())
        self._trust = shown


class Silent:
    def info(self, event: str, /, **facts: object) -> None: ...
    def warning(self, event: str, /, **facts: object) -> None: ...
    def error(self, event: str, /, **facts: object) -> None: ...


@pytest.fixture
async def scene(
    responder: Responder,
    issue: Issue,  # noqa: F811
    key: Load,  # noqa: F811
    trust: Trust,  # noqa: F811
) -> AsyncIterator[Scene]:
    issuing = key("ru-issuing")
    signer = extended(
        issue(),
        issuing,
        access(ocsp=[responder.url("/ocsp")]),
        points("2.5.29.31", responder.url("/list")),
        points(DELTA, responder.url("/delta")),
    )
    name = issuing.certificate.subject_name
    deaf = replace(trust, lists=tuple(one for one in trust.lists if one.issuer_name != name))
    gone = bytes_of(b"", status=404)
    responder.routes |= {"/ocsp": gone, "/list": gone, "/delta": gone}
    async with aiohttp.ClientSession() as plain, open_guarded_session() as guarded:
        yield Scene(responder, signer, issuing, deaf, plain, guarded)
