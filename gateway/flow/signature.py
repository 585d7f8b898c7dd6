"""Sees to it that every signature the recipient wants is there, and holds.

The signers' signatures are verified and passed on untouched. Ours to add is the organisation's,
with that organisation's key and no other's (decision 16); signing ends with verifying. What an
authority could not be asked about now waits, and is asked about again: it is neither accepted
nor refused.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import State
from gateway.findings import Finding, Mender, Severity, Tier, has_errors
from gateway.flow.consignment import (
    ORGANIZATION,
    read_payload,
    read_signatures,
    signature_payload,
)
from gateway.flow.offloop import in_thread
from gateway.ports import Clock, Endpoint, Ledger, SignerCms, VerifiedSigner
from gateway.signatures.cades import certificates_in, sign_detached, verify_detached
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.keys import KeyRing, Role
from gateway.signatures.verdict import CheckHeard, Outcome, Verdict


class EvidenceDesk(Protocol):
    """Knows whose word counts, and has asked them (`gateway.transports.evidence`)."""

    async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
        """Return what to verify these certificates by; never raises for the network."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """A signature under its role, and what became of it."""

    role: str
    verdict: Verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every reason, with its place."""
        return tuple(one.as_finding(f"signature[{self.role}]") for one in self.verdict.reasons)

    @property
    def told(self) -> e.SignatureCheck:
        """What the journal keeps of it."""
        signers = self.verdict.signers
        return e.SignatureCheck(
            role=self.role,
            verdict=self.verdict.outcome.value,
            etsi=self.verdict.etsi,
            reasons=tuple(dict.fromkeys(one.fact.code for one in self.verdict.reasons)),
            algorithms=tuple(one.algorithm for one in signers),
            certificates=tuple(one.certificate_sha256 for one in signers),
        )

    @property
    def signers(self) -> tuple[VerifiedSigner, ...]:
        """Who has signed, as an endpoint is told."""
        return tuple(
            VerifiedSigner(
                role=self.role,
                snils=one.snils,
                ogrn=one.ogrn,
                organization=one.organization,
                signed_at=one.signed_at,
                not_before=one.not_before,
                not_after=one.not_after,
            )
            for one in self.verdict.signers
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The step that `mapped` and `awaiting_signature` owe."""

    ledger: Ledger
    endpoints: Mapping[str, Endpoint]
    keys: KeyRing
    desk: EvidenceDesk
    clock: Clock
    terms: Mapping[str, Terms]
    heard: CheckHeard

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Verify the signers, add the organisation, or say whose signature is missing."""
        document = await read_payload(self.ledger, exchange, "document")
        brought = await read_signatures(self.ledger, exchange)
        now = self.clock.now()
        checks = [
            Checked(one.role, await self._verify(one.content, document, now)) for one in brought
        ]
        if refusal := self._refuse(exchange, checks):
            yield refusal
            return
        if doubtful := [one for one in checks if not one.verdict.passed]:
            yield _wait_for(doubtful, checks)
            return
        async for event in self._complete(exchange, document, checks, now):
            yield event

    def _refuse(self, exchange: Exchange, checks: Sequence[Checked]) -> e.Refused | None:
        broken = [one for check in checks if _is_broken(check.verdict) for one in check.findings]
        if any(self._is_strangers(exchange, one.role, one.verdict) for one in checks):
            broken.append(_STRANGER)
        return e.Refused(findings=tuple(broken), checks=_told(checks)) if broken else None

    async def _complete(
        self, exchange: Exchange, document: bytes, brought: list[Checked], now: datetime
    ) -> AsyncIterator[e.Event]:
        metadata = json.loads(await read_payload(self.ledger, exchange, "metadata"))
        endpoint = self.endpoints[exchange.identity.endpoint]
        given = {one.role for one in brought}
        missing = [role for role in endpoint.wanted_roles(metadata) if role not in given]
        checks, own = list(brought), None
        if ORGANIZATION in missing:
            own, check = await self._sign(exchange, document, now)
            checks += [check] if check is not None else []
            if check is not None and check.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED:
                yield _wait_for([check], checks)
                return
            own = own if check is not None and check.verdict.passed else None
            missing = [role for role in missing if role != ORGANIZATION or own is None]
        signers = [signer for one in checks for signer in one.signers]
        said = endpoint.judge_signers(metadata, signers, now=now)
        if has_errors(said):
            yield e.Refused(findings=said, checks=_told(checks))
            return
        if missing:
            yield self._wait_or_refuse(exchange, missing, checks, now)
            return
        if exchange.state is State.AWAITING_SIGNATURE:
            yield e.SignaturesGiven()
        remarks = (*(one for check in checks for one in check.findings), *said)
        keeps = (signature_payload(own),) if own else ()
        yield e.Signed(keeps=keeps, findings=remarks, checks=_told(checks))

    def _is_strangers(self, exchange: Exchange, role: str, verdict: Verdict) -> bool:
        """Tell whether an organisation's signature is another one's, as far as its key tells."""
        own = self.keys.choose(exchange.identity.organization, Role.ORGANIZATION, self.clock.now())
        if role != ORGANIZATION or own is None:
            return False  # without a key of its own the recipient is left to judge
        ogrn = own.certificate.subject.ogrn
        return any(one.ogrn != ogrn for one in verdict.signers)

    async def _sign(
        self, exchange: Exchange, document: bytes, now: datetime
    ) -> tuple[SignerCms | None, Checked | None]:
        """Return the organisation's signature, checked; None without a key of its own."""
        key = self.keys.choose(exchange.identity.organization, Role.ORGANIZATION, now)
        if key is None:
            return None, None
        content = await in_thread(sign_detached, document, key, now)
        verdict = await self._verify(content, document, now)
        return SignerCms(role=ORGANIZATION, content=content), Checked(ORGANIZATION, verdict)

    async def _verify(self, cms: bytes, document: bytes, now: datetime) -> Verdict:
        trust = await self.desk.gather(certificates_in(cms), now=now)
        verdict = await in_thread(partial(verify_detached, trust=trust, at=now), cms, document)
        self.heard("cms", verdict)
        return verdict

    def _wait_or_refuse(
        self, exchange: Exchange, missing: list[str], checks: Sequence[Checked], now: datetime
    ) -> e.Event:
        terms = self.terms.get(exchange.identity.endpoint) or Terms()
        findings = tuple(_missing_finding(role) for role in missing)
        if now - exchange.received_at >= terms.signature_within:
            return e.Refused(findings=findings, checks=_told(checks))
        return e.SignaturesMissing(findings=findings, checks=_told(checks))


def _is_broken(verdict: Verdict) -> bool:
    return verdict.outcome in {Outcome.INVALID, Outcome.REVOKED}


def _told(checks: Iterable[Checked]) -> tuple[e.SignatureCheck, ...]:
    return tuple(one.told for one in checks)


def _wait_for(doubtful: Sequence[Checked], checks: Sequence[Checked]) -> e.Unavailable:
    """Say what could not be checked: the exchange keeps its place and is looked at again."""
    reasons = dict.fromkeys(one.text("en") for check in doubtful for one in check.verdict.reasons)
    return e.Unavailable(
        reason="; ".join(reasons),
        findings=tuple(one for check in doubtful for one in check.findings),
        checks=_told(checks),
    )


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
