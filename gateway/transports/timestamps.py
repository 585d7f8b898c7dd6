"""Asks a time-stamping authority over HTTP (RFC 3161 §3.4); nothing unverified comes back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import tenacity

from gateway.errors import MalformedMessage, WeatherError
from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.cms.container import read_container
from gateway.signatures.timestamps import Query, TimestampRefused, check_token, read_answer
from gateway.transports.evidence.fetching import Fetcher, Missed, Question

_LARGEST: Final = 256 * 2**10  # octets of an answer; a token with its chain has some thousands
_NONCE_BITS: Final = 64
_QUERY: Final = "application/timestamp-query"


class Desk(Protocol):
    """Knows whose tokens count, and what their authorities say of revocation."""

    async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
        """Return what to verify these certificates by; never raises for the network."""
        ...


@dataclass(frozen=True, slots=True)
class FixedTrust:
    """A desk that asks nobody."""

    trust: Trust = field(repr=False)

    async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
        """Return the trust it was given."""
        del certificates, now
        return self.trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Tsa:
    """An authority and how it is asked; the operator names its URL.

    `digest` is what we hash with, None for the hash of the signature itself; `policy` an OID that
    the token must name, empty for any.
    """

    url: str = field(repr=False)
    fetcher: Fetcher = field(repr=False)
    desk: Desk = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    digest: DigestAlgorithm | None = None
    policy: str = ""
    tries: int = 3
    pause: timedelta = timedelta(milliseconds=500)
    draw: Callable[[int], int] = field(default=secrets.randbits, repr=False)
    """Draws a nonce of so many bits."""

    async def stamp(self, stamped: bytes, digest: DigestAlgorithm) -> bytes:
        """Return a good token over these octets; `digest` counts where the authority has none.

        Raises WeatherError (no whole answer in time), CryptoUnavailable (no backend for its
        algorithms) or TimestampRefused (a «no», or a token that proves nothing).
        """
        query = Query(
            stamped=stamped,
            digest=self.digest or digest,
            nonce=self.draw(_NONCE_BITS),
            policy=self.policy,
        )
        before = await self.desk.gather((), now=self.now())
        answer = await self._ask(query.write(before.backend))
        try:
            token = read_answer(answer)
            certificates = read_container(token).certificates
        except MalformedMessage as error:
            raise TimestampRefused(f"the answer cannot be read: {error.text}") from error
        now = self.now()
        trust = await self.desk.gather(certificates, now=now)
        await asyncio.to_thread(check_token, token, query, trust, at=now)
        return token

    async def _ask(self, query: bytes) -> bytes:
        """Send the query; it may be sent twice, for it changes nothing."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(WeatherError),
            stop=tenacity.stop_after_attempt(self.tries),
            wait=tenacity.wait_random_exponential(self.pause.total_seconds(), max=5),
            reraise=True,
        )
        return await retrying(self._ask_once, query)

    async def _ask_once(self, query: bytes) -> bytes:
        question = Question(
            url=self.url, ours=True, body=query, content_type=_QUERY, largest=_LARGEST
        )
        heard = await self.fetcher.fetch(question)
        if isinstance(heard, Missed):
            raise WeatherError(f"the time-stamping authority gives no answer: {heard.result}")
        return heard
