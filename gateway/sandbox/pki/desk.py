"""The authorities' door: which path asks what, and how it is answered over HTTP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote

from aiohttp import web

from gateway.errors import CryptoUnavailable, SettingError
from gateway.sandbox.counterpart import SandboxAccount
from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.listener import reset
from gateway.sandbox.logbook import Logbook, open_store
from gateway.sandbox.pki.authorities import Registry
from gateway.sandbox.pki.configuration import write_configuration
from gateway.sandbox.pki.faults import Answer, Faults
from gateway.sandbox.pki.lists import write_delta, write_list
from gateway.sandbox.pki.ocsp import Responder
from gateway.sandbox.pki.stamping import stamp
from gateway.sandbox.scenario import Restart
from gateway.signatures.backends import open_backend

NAME = Path(__file__).parent.name
_DELTA = "-delta"
_GARBAGE = b"\x30\x82\xff\xff nothing that anybody could read"


class Pki:
    """All authorities of one folder, with their scenario."""

    name = NAME
    restart = Restart()

    def __init__(
        self, folder: Path, *, clock: Clock, ids: Ids, faults: Faults, time_scale: float = 1.0
    ) -> None:
        self._registry = Registry(folder, open_backend())
        self._responder = Responder(self._registry, faults.ocsp)
        self._stampers = self._registry.stampers()
        self._clock = clock
        self._ids = ids
        self._faults = faults
        self._delay: timedelta = faults.delay / time_scale
        self._connection = open_store(None)  # what was asked is not needed after a restart
        self.log = Logbook(self._connection, self.name, clock)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request below `/NAME`."""
        # The raw path: base64 in it may hold an escaped slash.
        _, service, rest = f"{request.rel_url.raw_path.strip('/')}//".split("/", 2)
        doors = {"ocsp": self._ocsp, "crl": self._crl, "ca": self._ca, "tsa": self._tsa}
        if service == "log":
            lines = "".join(f"{entry.as_json()}\n" for entry in self.log.entries())
            return web.Response(text=lines, content_type="application/x-ndjson")
        if service not in doors:
            return _text(404, "here are: ocsp crl ca tsa log")
        return await doors[service](request, rest.strip("/"))

    async def _ocsp(self, request: web.Request, rest: str) -> web.StreamResponse:
        """RFC 6960, appendix A.1: POST, or GET with the request in the path."""
        name, _, encoded = rest.partition("/")
        authority = self._registry.authorities.get(name)
        if authority is None:
            return self._nobody(self._registry.authorities)
        if request.method == "POST":
            if request.content_type != "application/ocsp-request":
                return _text(415, "application/ocsp-request")
            body = await request.read()
        elif request.method in ("GET", "HEAD"):
            try:
                body = base64.b64decode(unquote(encoded), validate=True)
            except (binascii.Error, ValueError):
                body = b""
        else:
            return _text(405, "GET POST")
        now = self._clock.now().replace(microsecond=0)
        return await self._respond(
            request,
            self._faults.ocsp.answer,
            "application/ocsp-response",
            lambda: self._responder.answer(authority, body, now),
        )

    async def _crl(self, request: web.Request, rest: str) -> web.StreamResponse:
        name = rest.removesuffix(".crl")
        is_delta = name.endswith(_DELTA)
        authority = self._registry.authorities.get(name.removesuffix(_DELTA))
        if authority is None or name == rest:
            return self._nobody(self._registry.authorities)
        faults = self._faults.delta if is_delta else self._faults.crl
        if faults.answer is Answer.REFUSED:
            return _text(404, "no such list")
        now = self._clock.now()
        delta = f"{request.url.origin()}/{self.name}/crl/{authority.hand.name}{_DELTA}.crl"

        def write() -> bytes:
            if is_delta:
                return write_delta(authority, now, faults)
            return write_list(authority, now, faults, delta)

        return await self._respond(request, faults.answer, "application/pkix-crl", write)

    async def _ca(self, request: web.Request, rest: str) -> web.StreamResponse:
        authority = self._registry.authorities.get(rest.removesuffix(".cer"))
        if authority is None:
            return self._nobody(self._registry.authorities)
        return await self._respond(
            request, Answer.GIVEN, "application/pkix-cert", lambda: authority.hand.der
        )

    async def _tsa(self, request: web.Request, rest: str) -> web.StreamResponse:
        """RFC 3161 §3.4; without a name the first that there is."""
        name = rest or next(iter(self._stampers), "")
        try:
            # Any certificate may be asked to stamp: that of the wrong purpose is a test.
            hand = self._registry.hand(name)
        except (SettingError, CryptoUnavailable):
            return self._nobody(self._stampers)
        if request.method != "POST":
            return _text(405, "POST")
        if request.content_type != "application/timestamp-query":
            return _text(415, "application/timestamp-query")
        body, now = await request.read(), self._clock.now()
        return await self._respond(
            request,
            self._faults.tsa.answer,
            "application/timestamp-reply",
            lambda: stamp(hand, body, now, self._ids, self._faults.tsa),
        )

    async def _respond(
        self, request: web.Request, answer: Answer, kind: str, write: Callable[[], bytes]
    ) -> web.StreamResponse:
        self.log.write("request", path=request.path, method=request.method, answer=answer.value)
        if answer is Answer.RESET:
            return reset(request)
        if answer is Answer.HTTP_500:
            return _text(500, "Internal Server Error")
        if answer is Answer.SLOW:
            await self._clock.sleep_until(self._clock.now() + self._delay)
        octets = _GARBAGE if answer is Answer.GARBAGE else write()
        self.log.write("answer", path=request.path, sha256=hashlib.sha256(octets).hexdigest())
        return web.Response(body=octets, content_type=kind)

    def _nobody(self, known: object) -> web.Response:
        names = " ".join(known) if isinstance(known, dict | tuple) else ""
        return _text(404, f"here are: {names}")

    # --- what every counterpart can do ---------------------------------------------------------

    def turns_away(self, number: int) -> bool:  # noqa: ARG002 - the protocol's
        """Tell that no connection is reset before it is read: each service has its own faults."""
        return False

    async def work(self) -> None:
        """Do nothing on its own account, for ever."""
        await asyncio.Event().wait()

    async def account(self) -> SandboxAccount:
        """Return that no document was ever shown to it."""
        return SandboxAccount()

    def expect(self, local_uid: str, *, kind: str = "", organization: str = "") -> str:  # noqa: ARG002
        """Return that it foresees nothing for a document."""
        return "none"

    def note(self, kind: str, *, number: int = 0) -> None:
        """Write into the log what the listener did."""
        self.log.write(kind, number=number)

    def export(self, out: TextIO) -> None:
        """Write the log as JSON lines."""
        self.log.export(out)

    def configuration(self, url: str) -> str:
        """Return the TOML that has a gateway ask here."""
        return write_configuration(self._registry, url)

    def close(self) -> None:
        """Let the log go."""
        self._connection.close()


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
