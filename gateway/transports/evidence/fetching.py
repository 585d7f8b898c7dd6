"""One question to an authority over HTTP, with a limit on everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import aiohttp
from aiohttp.resolver import DefaultResolver

from gateway.transports.evidence.addresses import (
    PrivateAddressError,
    PublicResolver,
    host_of,
    is_private_literal,
)

_CHUNK: Final = 64 * 2**10
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Missed:
    """Nothing came back that could be looked at; `result` is a word for metrics and logs."""

    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked where; without a body the URL is fetched."""

    url: str
    ours: bool = False
    """The operator named the URL, so it may lie anywhere."""
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    largest: int = 64 * 2**10
    """Octets of an answer that we are willing to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Asks; never follows a redirect, never waits longer than it may."""

    plain: aiohttp.ClientSession
    """For what the operator has named."""
    guarded: aiohttp.ClientSession
    """For what a certificate names: `open_guarded_session`."""
    allow_hosts: frozenset[str] = frozenset()
    """Hosts that certificates may name though they lie at private addresses."""
    within: timedelta = timedelta(seconds=10)
    """How long one answer may take, from the name's look-up to its last octet."""

    async def fetch(self, question: Question) -> bytes | Missed:
        """Return the answer's octets; never raises for what the network does."""
        host = host_of(question.url)
        if host is None:
            return Missed("forbidden-address")
        trusted = question.ours or host in self.allow_hosts
        if not trusted and is_private_literal(host):
            return Missed("forbidden-address")
        try:
            return await self._ask(self.plain if trusted else self.guarded, question)
        except TimeoutError:
            return Missed("slow")
        except aiohttp.ClientConnectorError as error:
            private = isinstance(error.os_error, PrivateAddressError)
            return Missed("forbidden-address" if private else "unreachable")
        except (aiohttp.ClientError, OSError, ValueError):
            return Missed("unreachable")

    async def _ask(self, session: aiohttp.ClientSession, question: Question) -> bytes | Missed:
        headers = {"Accept-Encoding": "identity"}  # the limit counts what is held
        if question.body is not None:
            headers["Content-Type"] = question.content_type
        async with session.request(
            "GET" if question.body is None else "POST",
            question.url,
            data=question.body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self.within.total_seconds()),
            allow_redirects=False,
        ) as response:
            if response.status != _OK:
                return Missed("http-status")
            return await _read(response, question.largest)


async def _read(response: aiohttp.ClientResponse, largest: int) -> bytes | Missed:
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > largest:
            response.close()
            return Missed("too-large")
    return bytes(content)


def open_guarded_session() -> aiohttp.ClientSession:
    """Open a session that reaches public addresses only; whoever opens it closes it."""
    connector = aiohttp.TCPConnector(resolver=PublicResolver(DefaultResolver()))
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
