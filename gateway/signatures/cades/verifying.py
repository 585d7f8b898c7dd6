"""Verifies CAdES signatures over documents strictly; any bytes get a verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures.algorithms import ALLOWED, SignatureAlgorithm
from gateway.signatures.cades.moments import judge_in_time, prove_moment, tokens_of
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.cms.container import Container, read_container
from gateway.signatures.cms.judging import Hashes, Judged, judge_signer
from gateway.signatures.cms.profile import DOCUMENT, Profile
from gateway.signatures.fitness import SKEW, Purpose, judge_certificate, judge_signing_time
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict

_MOST_SIGNERS: Final = 32
_COVERS: Final = "the whole content"


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict, and the content that was verified: None unless the verdict is a good one.

    Business code reads these bytes and no others.
    """

    verdict: Verdict
    content: bytes | None = field(default=None, repr=False)


def verify_cms(
    cms: bytes,
    content: bytes | None,
    trust: Trust,
    *,
    at: datetime,
    profile: Profile = DOCUMENT,
) -> Verified:
    """Judge a CMS as of a moment by the rules of one recipient; never raises.

    `content` is what a detached container belongs to; None wants it inside. RFC 5652, RFC 5035,
    EN 319 122-1, EN 319 102-1. A good time-stamp proves an earlier moment for its signer; one that
    is not good proves nothing and is reported.
    """
    try:
        container = read_container(cms)
    except MalformedMessage as error:
        return Verified(Verdict((Reason(Fact.MALFORMED, error.text),), ()))
    covered = container.content if content is None else content
    hashes = Hashes(trust.backend, covered) if covered is not None else None
    reasons = list(_judge_form(container, content, profile))
    signers: list[Signer] = []
    for info in container.signers[:_MOST_SIGNERS]:
        judged = judge_signer(info, container, hashes, profile, backend=trust.backend, at=at)
        proof = prove_moment(info, trust, at)
        reasons += (*judged.reasons, *proof.reasons)
        reasons += _judge_person(judged, container, trust, at, proof.moment)
        signers.append(_present(judged, proof.moment))
    verdict = Verdict(tuple(dict.fromkeys(reasons)), tuple(signers))
    return Verified(verdict, covered if verdict.passed else None)


def verify_detached(
    cms: bytes,
    content: bytes,
    *,
    trust: Trust,
    at: datetime,
    signers: int = 1,
    allowed: Collection[SignatureAlgorithm] = ALLOWED,
) -> Verdict:
    """Judge a detached CMS that must hold exactly `signers` signers; see `verify_cms`."""
    profile = replace(DOCUMENT, fewest=signers, most=signers, allowed=allowed)
    return verify_cms(cms, content, trust, at=at, profile=profile).verdict


def certificates_in(cms: bytes) -> tuple[Certificate, ...]:
    """Return whose revocation a verdict may ask for: those inside, and inside the time-stamps.

    What cannot be read has none; the verdict will say so.
    """
    container = _read(cms)
    if container is None:
        return ()
    found = [container.certificates]
    for signer in container.signers[:_MOST_SIGNERS]:
        found += [one.certificates for one in map(_read, tokens_of(signer)) if one is not None]
    return tuple(dict.fromkeys(chain.from_iterable(found)))


def _read(cms: bytes) -> Container | None:
    try:
        return read_container(cms)
    except MalformedMessage:
        return None


def _judge_form(container: Container, content: bytes | None, profile: Profile) -> Iterator[Reason]:
    if not profile.counts(len(container.signers)):
        count = f"{len(container.signers)}, not {profile.wanted}"
        yield Reason(Fact.WRONG_SIGNER_COUNT, count)
    if container.content_type != profile.content_type:
        yield Reason(Fact.STRUCTURE_FORBIDDEN, "content of another type")
    if container.attached and content is not None:
        yield Reason(Fact.STRUCTURE_FORBIDDEN, "the content is inside")
    if not container.attached and content is None:
        yield Reason(Fact.CONTENT_MISSING)


def _judge_person(
    judged: Judged, container: Container, trust: Trust, at: datetime, proven: datetime | None
) -> Iterator[Reason]:
    certificate = judged.certificate
    if certificate is None:
        return
    yield from judge_certificate(certificate, Purpose.DOCUMENT)
    if judged.signed_at is not None:
        yield from judge_signing_time(certificate, judged.signed_at, at)
        if proven is not None and judged.signed_at > proven + SKEW:
            yield Reason(Fact.SIGNED_AFTER_TIMESTAMP)
    yield from judge_in_time(certificate, container.certificates, trust, at, proven)


def _present(judged: Judged, proven: datetime | None) -> Signer:
    return Signer.of(
        judged.certificate,
        algorithm=judged.algorithm_name,
        signed_at=judged.signed_at,
        covers=_COVERS,
        timestamped_at=proven,
    )
