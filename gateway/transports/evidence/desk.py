"""Gathers fresh words of the authorities about the certificates of a signature.

Everything that is fetched is verified before it is kept, and judged again by the verifier. What
cannot be fetched is simply missing: the verifier then says `could-not-be-checked`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.lists import RevocationList
from gateway.signatures.ocsp import OcspAnswer, ask
from gateway.transports.evidence.cache import Slot, Slots
from gateway.transports.evidence.fetching import Fetcher, Missed, Question
from gateway.transports.evidence.folder import TrustFolder
from gateway.transports.evidence.reading import (
    Pair,
    is_past,
    pairs_of,
    read_answer_to,
    read_list_of,
    settles,
)

_NONCE: Final = 32
_MOST_ANSWERS, _MOST_LISTS = 4096, 64
FETCHED: Final = "fetched"

FetchHeard = Callable[[str, str], None]
"""Told of each fetch: `ocsp`, `list` or `delta`, and its result."""
AgeHeard = Callable[[str, timedelta], None]
"""Told how old the word is that a signature is verified by: `ocsp` or `list`, and its age."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the operator wants an authority to be asked; empty: where its certificates say."""

    ocsp: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    deltas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTerms:
    """How often is asked, and how much is taken."""

    ask_again: timedelta = timedelta(minutes=5)
    """How long an answer about one certificate is used before it is asked for anew."""
    lists_again: timedelta = timedelta(hours=1)
    """The same for a list; one past its nextUpdate is fetched at once."""
    pause: timedelta = timedelta(seconds=30)
    """How long whoever did not answer is left alone."""
    largest_answer: int = 64 * 2**10
    largest_list: int = 32 * 2**20


class RevocationDesk:
    """Answers with the trust to verify one signature by."""

    def __init__(
        self,
        folder: TrustFolder,
        fetcher: Fetcher | None,
        *,
        chance: Callable[[int], bytes],
        terms: DeskTerms | None = None,
        authorities: Mapping[str, Authority] | None = None,
        fetched: FetchHeard = lambda _kind, _result: None,
        aged: AgeHeard = lambda _kind, _age: None,
    ) -> None:
        """`fetcher`: None to ask nobody. `authorities`: by SHA-256 of their certificates.

        `chance`: returns so many octets that nobody can guess.
        """
        self._folder, self._fetcher, self._chance = folder, fetcher, chance
        self._terms, self._authorities = terms or DeskTerms(), authorities or {}
        self._fetched, self._aged = fetched, aged
        self._answers: Slots[OcspAnswer] = Slots(_MOST_ANSWERS)
        self._lists: Slots[RevocationList] = Slots(_MOST_LISTS)

    async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
        """Return the folder's trust with what authorities say of these certificates.

        Only certificates that lead to a root are asked about. Never raises for the network.
        """
        trust = await self._folder.trust(now)
        if self._fetcher is None:
            return trust
        pairs = await asyncio.to_thread(pairs_of, certificates, trust)
        heard = await asyncio.gather(
            *(self._hear_of(pair, trust, self._fetcher, now) for pair in pairs)
        )
        answers = [answer for found, _ in heard for answer in found]
        lists = [each for _, found in heard for each in found]
        return trust.with_evidence(answers, tuple(dict.fromkeys(lists)))

    async def _hear_of(
        self, pair: Pair, trust: Trust, fetcher: Fetcher, now: datetime
    ) -> tuple[list[OcspAnswer], list[RevocationList]]:
        """Ask about one certificate; lists are fetched only where no answer settles it."""
        certificate, issuer = pair
        answer = await self._ask(pair, trust, fetcher, now)
        answers = [answer] if answer is not None else []
        evidence = trust.with_evidence(answers, []).evidence
        if settles(evidence, pair, trust, now):
            return answers, []
        own = self._authorities.get(issuer.sha256, Authority())
        lists = await self._fetch_all("list", own.lists, certificate.list_urls, pair, trust, now)
        named = (*certificate.delta_urls, *(url for one in lists for url in one.delta_urls))
        deltas = await self._fetch_all("delta", own.deltas, named, pair, trust, now)
        return answers, [*lists, *deltas]

    # --- answers -----------------------------------------------------------------------------

    async def _ask(
        self, pair: Pair, trust: Trust, fetcher: Fetcher, now: datetime
    ) -> OcspAnswer | None:
        certificate, issuer = pair
        own = self._authorities.get(issuer.sha256, Authority()).ocsp
        urls = own or certificate.ocsp_urls
        if not urls:
            return None
        slot = self._answers.of(certificate.sha256, issuer.sha256)
        async with slot.lock:
            if slot.is_due(now, again=self._terms.ask_again, pause=self._terms.pause):
                slot.failed_at = now
                await self._ask_each(slot, urls, bool(own), pair, trust, fetcher, now)
        if slot.heard is not None:
            self._aged("ocsp", now - max(word.this_update for word in slot.heard.words))
        return slot.heard

    async def _ask_each(
        self,
        slot: Slot[OcspAnswer],
        urls: Sequence[str],
        ours: bool,  # noqa: FBT001
        pair: Pair,
        trust: Trust,
        fetcher: Fetcher,
        now: datetime,
    ) -> None:
        for url in urls:
            nonce = self._chance(_NONCE)
            question = Question(
                url=url,
                ours=ours,
                body=ask(*pair, nonce=nonce),
                content_type="application/ocsp-request",
                largest=self._terms.largest_answer,
            )
            heard = read_answer_to(await fetcher.fetch(question), nonce, pair, trust, now)
            self._fetched("ocsp", heard.result if isinstance(heard, Missed) else FETCHED)
            if not isinstance(heard, Missed):
                slot.keep(heard, now)
                return

    # --- lists -------------------------------------------------------------------------------

    async def _fetch_all(
        self,
        kind: str,
        own: tuple[str, ...],
        named: Sequence[str],
        pair: Pair,
        trust: Trust,
        now: datetime,
    ) -> list[RevocationList]:
        urls = own or tuple(dict.fromkeys(named))
        found = [await self._fetch(kind, url, bool(own), pair, trust, now) for url in urls]
        return [each for each in found if each is not None]

    async def _fetch(
        self,
        kind: str,
        url: str,
        ours: bool,  # noqa: FBT001
        pair: Pair,
        trust: Trust,
        now: datetime,
    ) -> RevocationList | None:
        assert self._fetcher is not None
        issuer = pair[1]
        slot = self._lists.of(url, issuer.sha256)
        async with slot.lock:
            again = timedelta() if is_past(slot.heard, now) else self._terms.lists_again
            if slot.is_due(now, again=again, pause=self._terms.pause):
                slot.failed_at = now
                question = Question(url=url, ours=ours, largest=self._terms.largest_list)
                content = await self._fetcher.fetch(question)
                heard = await asyncio.to_thread(
                    read_list_of, issuer, content, slot.heard, trust, now
                )
                self._fetched(kind, heard.result if isinstance(heard, Missed) else FETCHED)
                if not isinstance(heard, Missed):
                    slot.keep(heard, now)
        if slot.heard is not None:
            self._aged("list", now - slot.heard.this_update)
        return slot.heard
