"""One POST over HTTP: what came back, or how sure we are that nothing went out.

A request whose first byte may have gone out is never repeated here. Before that (DNS, connect,
TLS) it is tried again for a moment.
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import tenacity

_CHUNK: Final = 64 * 2**10
_LONGEST_WAIT: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def retry_after(self, now: datetime) -> timedelta | None:
        """Return how long the other side asks us to wait (RFC 9110 §10.2.3), at most six hours."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            seconds = min(int(text[:9]), int(_LONGEST_WAIT.total_seconds()))
            return timedelta(seconds=seconds)
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        if moment.tzinfo is None:
            return None
        return min(max(moment - now, timedelta()), _LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class NeverLeft:
    """Proof that no byte left: no connection came to be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have arrived; no whole answer came back."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The way to one partner over a session that others share."""

    session: aiohttp.ClientSession
    connect_within: timedelta = timedelta(seconds=10)
    answer_within: timedelta = timedelta(minutes=1)
    """How long the other side may be silent once it is connected."""
    tries: int = 3
    """How often a connection is tried; none of them has sent a byte."""
    pause: timedelta = timedelta(milliseconds=500)
    largest_answer: int = 16 * 2**20
    """Bytes of an answer that we are willing to hold."""

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | NeverLeft | Lost:
        """Send once; never raises for what the network or the other side does."""
        try:
            return await self._connect_and_post(url, body, headers)
        except _NO_CONNECTION as error:
            return NeverLeft(_name(error))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Lost(_name(error))

    async def _connect_and_post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | Lost:
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_NO_CONNECTION),
            stop=tenacity.stop_after_attempt(self.tries),
            wait=tenacity.wait_random_exponential(self.pause.total_seconds(), max=5),
            reraise=True,
        )
        return await retrying(self._post, url, body, headers)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Lost:
        connect = self.connect_within.total_seconds()
        answer = self.answer_within.total_seconds()
        limits = aiohttp.ClientTimeout(total=connect + answer, connect=connect, sock_read=answer)
        async with self.session.post(
            url,
            data=body,
            # Uncompressed: the limit on the answer's size counts what is held.
            headers={**headers, "Accept-Encoding": "identity"},
            timeout=limits,
            # A redirect would carry the document to somebody else, and a failure to connect
            # there would no longer prove that nothing left.
            allow_redirects=False,
        ) as response:
            return await self._read(response)

    async def _read(self, response: aiohttp.ClientResponse) -> Answer | Lost:
        chunks, size = [], 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > self.largest_answer:
                response.close()
                return Lost(f"an answer of more than {self.largest_answer} bytes")
            chunks.append(chunk)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, headers, b"".join(chunks))


_NO_CONNECTION: Final = (
    aiohttp.ClientConnectorError,  # DNS, connect, TLS handshake
    aiohttp.ConnectionTimeoutError,
)
"""Raised only while a connection is being made; with redirects off this is the first one."""


def _name(error: Exception) -> str:
    """Name the failure without its text, which may repeat an address with its query."""
    return type(error).__name__
