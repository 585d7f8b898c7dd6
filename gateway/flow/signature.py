"""Sees to it that every signature the recipient wants is there, and holds.

The signers' signatures are verified and passed on untouched. Ours to add is the organisation's,
with that organisation's key and no other's (decision 16); signing ends with verifying.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import State
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.flow.consignment import (
    ORGANIZATION,
    read_payload,
    read_signatures,
    signature_payload,
)
from gateway.flow.offloop import in_thread
from gateway.ports import Clock, Endpoint, Ledger, SignerCms
from gateway.signatures.cades import sign_detached, verify_detached
from gateway.signatures.chain import Trust
from gateway.signatures.keys import KeyRing, Role
from gateway.signatures.verdict import CheckHeard, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The step that `mapped` and `awaiting_signature` owe."""

    ledger: Ledger
    endpoints: Mapping[str, Endpoint]
    keys: KeyRing
    trust: Trust | None
    """None when the operator named no trust folder: nothing can be verified then."""
    clock: Clock
    terms: Mapping[str, Terms]
    heard: CheckHeard

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Verify the signers, add the organisation, or say whose signature is missing."""
        document = await read_payload(self.ledger, exchange, "document")
        brought = await read_signatures(self.ledger, exchange)
        now = self.clock.now()
        verdicts = [(one.role, await self._verify(one.content, document, now)) for one in brought]
        broken = [_reasons(role, one) for role, one in verdicts if _is_broken(one)]
        broken += [
            (_STRANGER,) for role, one in verdicts if self._is_strangers(exchange, role, one)
        ]
        if broken:
            yield e.Refused(findings=tuple(chain.from_iterable(broken)))
            return
        if doubt := next((one for _, one in verdicts if not _is_good(one)), None):
            yield e.Unavailable(reason="; ".join(one.text("en") for one in doubt.reasons))
            return
        async for event in self._complete(exchange, document, brought, now):
            yield event

    async def _complete(
        self, exchange: Exchange, document: bytes, brought: tuple[SignerCms, ...], now: datetime
    ) -> AsyncIterator[e.Event]:
        missing = await self._missing(exchange, brought)
        own = None
        if ORGANIZATION in missing:
            own = await self._sign(exchange, document, now)
            missing = [role for role in missing if role != ORGANIZATION or own is None]
        if missing:
            yield self._wait_or_refuse(exchange, missing, now)
            return
        if exchange.state is State.AWAITING_SIGNATURE:
            yield e.SignaturesGiven()
        yield e.Signed(keeps=(signature_payload(own),) if own else ())

    def _is_strangers(self, exchange: Exchange, role: str, verdict: Verdict) -> bool:
        """Tell whether an organisation's signature is another one's, as far as its key tells."""
        own = self.keys.choose(exchange.identity.organization, Role.ORGANIZATION, self.clock.now())
        if role != ORGANIZATION or own is None:
            return False  # without a key of its own the recipient is left to judge
        ogrn = own.certificate.subject.ogrn
        return any(one.ogrn != ogrn for one in verdict.signers)

    async def _missing(self, exchange: Exchange, brought: tuple[SignerCms, ...]) -> list[str]:
        metadata = json.loads(await read_payload(self.ledger, exchange, "metadata"))
        given = {one.role for one in brought}
        wanted = self.endpoints[exchange.identity.endpoint].wanted_roles(metadata)
        return [role for role in wanted if role not in given]

    async def _sign(self, exchange: Exchange, document: bytes, now: datetime) -> SignerCms | None:
        """Return the organisation's signature, or None when there is no key of its own."""
        key = self.keys.choose(exchange.identity.organization, Role.ORGANIZATION, now)
        if key is None:
            return None
        content = await in_thread(sign_detached, document, key, now)
        verdict = await self._verify(content, document, now)
        return SignerCms(role=ORGANIZATION, content=content) if _is_good(verdict) else None

    async def _verify(self, cms: bytes, document: bytes, now: datetime) -> Verdict:
        verify = partial(verify_detached, trust=self.trust or Trust(), at=now)
        verdict = await in_thread(verify, cms, document)
        self.heard("cms", verdict)
        return verdict

    def _wait_or_refuse(self, exchange: Exchange, missing: list[str], now: datetime) -> e.Event:
        terms = self.terms.get(exchange.identity.endpoint) or Terms()
        findings = tuple(_missing_finding(role) for role in missing)
        if now - exchange.received_at >= terms.signature_within:
            return e.Refused(findings=findings)
        return e.SignaturesMissing(findings=findings)


def _is_good(verdict: Verdict) -> bool:
    return verdict.outcome in {Outcome.VALID, Outcome.EXPIRED_BUT_TIMESTAMPED}


def _is_broken(verdict: Verdict) -> bool:
    return verdict.outcome in {Outcome.INVALID, Outcome.REVOKED}


def _reasons(role: str, verdict: Verdict) -> tuple[Finding, ...]:
    return tuple(reason.as_finding(f"signature[{role}]") for reason in verdict.reasons)


_STRANGER = Finding(
    rule="signature.another-organization",
    code="security",
    severity=Severity.ERROR,
    where=f"signature[{ORGANIZATION}]",
    texts={
        "ru": "Документ подписан ключом другой организации: ОГРН в сертификате не её.",
        "en": "Another organisation's key has signed: the ОГРН in the certificate is not its own.",
    },
    mender=Mender.SENDER,
    tier=Tier.SIGNATURE,
)


def _missing_finding(role: str) -> Finding:
    ours = role == ORGANIZATION
    return Finding(
        rule="signature.key-missing" if ours else "signature.missing",
        code="required",
        severity=Severity.ERROR if not ours else Severity.WARNING,
        where=f"signature[{role}]",
        texts={
            "ru": "Нет действующего ключа этой организации."
            if ours
            else f"Ожидается подпись роли {role} (НСИ 1.2.643.5.1.13.13.99.2.368).",
            "en": "There is no good key of this organisation."
            if ours
            else f"The signature of role {role} (НСИ 1.2.643.5.1.13.13.99.2.368) has to come.",
        },
        mender=Mender.OPERATOR if ours else Mender.SENDER,
        tier=Tier.SIGNATURE,
    )
