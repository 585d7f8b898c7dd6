"""Asks a time-stamping authority over HTTP (RFC 3161 §3.4); nothing unverified comes back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import tenacity

from gateway.errors import CryptoUnavailable, MalformedMessage, WeatherError
from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.chain import Trust
from gateway.signatures.fitness import SKEW
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps.judging import Proof, judge_token
from gateway.signatures.timestamps.query import TimestampRefused, read_answer, write_query
from gateway.signatures.timestamps.token import TstInfo

_LARGEST: Final = 256 * 2**10  # bytes of an answer; a token with its chain has some thousands
_NONCE_BITS: Final = 64
_HEADERS: Final = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    # Uncompressed: the limit on the answer's size counts what is held.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tsa:
    """An authority and how we ask it; `trust` says whose tokens count.

    `digest` is what we hash with, None for the hash of the signature itself; `policy` an OID that
    the token must then name, empty for any.
    """

    url: str
    session: aiohttp.ClientSession = field(repr=False)
    trust: Trust = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    digest: DigestAlgorithm | None = None
    policy: str = ""
    within: timedelta = timedelta(seconds=10)
    """For one try, from connecting to the last octet."""
    tries: int = 3
    pause: timedelta = timedelta(milliseconds=500)
    draw: Callable[[int], int] = field(default=secrets.randbits, repr=False)
    """Draws a nonce of so many bits."""

    async def stamp(self, stamped: bytes, digest: DigestAlgorithm) -> bytes:
        """Return a good token over these octets; `digest` is used where the authority names none.

        Raises WeatherError (no answer, too late, too large), CryptoUnavailable (no backend for its
        algorithms) or TimestampRefused (a «no», or a token that proves nothing).
        """
        chosen = self.digest or digest
        nonce = self.draw(_NONCE_BITS)
        imprint = self.trust.backend.digest(chosen, stamped)
        answer = await self._ask(write_query(imprint, chosen, nonce=nonce, policy=self.policy))
        try:
            token = read_answer(answer)
        except MalformedMessage as error:
            raise TimestampRefused(f"the answer cannot be read: {error.text}") from error
        at = self.now()
        proof = await asyncio.to_thread(judge_token, token, stamped, self.trust, at=at)
        self._need(proof, nonce, at)
        return token

    def _need(self, proof: Proof, nonce: int, at: datetime) -> None:
        """Refuse a token that is not good, or not the answer to this query (§2.4.2)."""
        for reason in proof.reasons:
            if Fact.BACKEND_MISSING.code in reason.detail:
                raise CryptoUnavailable(reason.text("en"))
            raise TimestampRefused(reason.text("en"))
        assert proof.info is not None
        for wrong, why in _differences(proof.info, nonce, self.policy, at):
            if wrong:
                raise TimestampRefused(f"the token {why}")

    async def _ask(self, query: bytes) -> bytes:
        """Send the query; a query may be sent twice, it changes nothing."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(WeatherError),
            stop=tenacity.stop_after_attempt(self.tries),
            wait=tenacity.wait_random_exponential(self.pause.total_seconds(), max=5),
            reraise=True,
        )
        return await retrying(self._ask_once, query)

    async def _ask_once(self, query: bytes) -> bytes:
        limit = aiohttp.ClientTimeout(total=self.within.total_seconds())
        try:
            async with self.session.post(
                self.url, data=query, headers=_HEADERS, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise WeatherError(f"the time-stamping authority answers {response.status}")
                return await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Its text may repeat the address with what is secret in it.
            raise WeatherError(
                f"the time-stamping authority does not answer: {type(error).__name__}"
            ) from error


def _differences(
    info: TstInfo, nonce: int, policy: str, at: datetime
) -> tuple[tuple[bool, str], ...]:
    return (
        (info.nonce != nonce, "carries another nonce"),
        (bool(policy) and info.policy != policy, "names another policy"),
        (abs(info.moment - at) > SKEW, "names a moment that is not now"),
    )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _LARGEST:
            response.close()
            raise WeatherError(f"an answer of more than {_LARGEST} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
