"""Does a token prove a moment: its own signature, its authority, and what it stamps.

RFC 3161 §2.3, RFC 5816, EN 319 102-1 §5.4. A token that does not hold spoils nothing: it proves
nothing, and the verdict says why. SHA-1 counts nowhere, so a token that names its certificate by
SHA-1 alone (signing-certificate of version 1) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.algorithms import (
    GOST_95_KZ,
    digest_by_oid,
)
from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
)
from gateway.signatures.cms.container import Container, read_container
from gateway.signatures.cms.judging import Hashes, Judged, judge_signer
from gateway.signatures.cms.profile import Profile
from gateway.signatures.extensions import read_extensions
from gateway.signatures.fitness import SKEW, judge_signing_time
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps.token import COARSEST, TST_INFO, TstInfo, read_tst_info
from gateway.signatures.verdict import Outcome, Reason, Verdict

TOKEN: Final = Profile(
    name="time-stamp token",
    content_type=TST_INFO,
    required=(CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2),
)
_EXTENDED_KEY_USAGE: Final = "2.5.29.37"
_TIME_STAMPING: Final = frozenset({"1.3.6.1.5.5.7.3.8"})  # id-kp-timeStamping
_SIGNING: Final = frozenset({"digital_signature", "non_repudiation"})
_QUIETLY_ENDED: Final = ("affiliationChanged", "superseded", "cessationOfOperation")
"""Reasons that leave older tokens good (RFC 3161 §4.1).

«unspecified» would too, if said aloud; a list without any reason looks the same, so it does not.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """The moment that was proven, or None and the reason why not."""

    moment: datetime | None
    reasons: tuple[Reason, ...] = ()
    info: TstInfo | None = field(default=None, repr=False)


def judge_token(token: bytes, stamped: bytes, trust: Trust, *, at: datetime) -> Proof:
    """Judge a token over these octets as of a moment; never raises.

    The moment proven is the latest that its accuracy allows. A reason never makes a verdict worse.
    """
    try:
        container = read_container(token)
        info = read_tst_info(container.content or b"")
    except MalformedMessage as error:
        return _refuse([Reason(Fact.MALFORMED, error.text)])
    if any(digest_by_oid(one.digest) is GOST_95_KZ for one in container.signers):
        return Proof(None, (Reason(Fact.TIMESTAMP_NOT_CHECKED, GOST_95_KZ.name),), info)
    found = list(_judge(container, info, stamped, trust, at))
    match Verdict(tuple(found), ()).outcome:
        case Outcome.VALID:
            return Proof(info.latest, (), info)
        case Outcome.COULD_NOT_BE_CHECKED:
            return Proof(None, (Reason(Fact.TIMESTAMP_NOT_CHECKED, _codes(found)),), info)
        case _:
            return _refuse(found, info)


def _refuse(found: list[Reason], info: TstInfo | None = None) -> Proof:
    return Proof(None, (Reason(Fact.TIMESTAMP_REFUSED, _codes(found)),), info)


def _codes(found: list[Reason]) -> str:
    weighing = dict.fromkeys(one for one in found if one.outcome is not Outcome.VALID)
    return "; ".join(
        f"{one.fact.code} ({one.detail})" if one.detail else one.fact.code for one in weighing
    )


def _judge(
    container: Container, info: TstInfo, stamped: bytes, trust: Trust, at: datetime
) -> Iterator[Reason]:
    if len(container.signers) != 1:
        yield Reason(Fact.WRONG_SIGNER_COUNT, f"{len(container.signers)}, not 1")
        return
    if container.content_type != TST_INFO:
        yield Reason(Fact.STRUCTURE_FORBIDDEN, "content of another type")
    hashes = Hashes(trust.backend, container.content or b"")
    judged = judge_signer(
        container.signers[0], container, hashes, TOKEN, backend=trust.backend, at=at
    )
    yield from judged.reasons
    yield from _judge_imprint(info, stamped, trust.backend)
    for oid in info.unknown_critical:
        yield Reason(Fact.STRUCTURE_FORBIDDEN, f"critical extension {oid}")
    if info.accuracy > COARSEST:
        yield Reason(Fact.ATTRIBUTE_WRONG, "accuracy")
    if info.moment > at + SKEW:
        yield Reason(Fact.SIGNED_IN_FUTURE)
        return
    if judged.certificate is not None:
        yield from _judge_authority(judged, judged.certificate, info)
        yield from _judge_trust(judged.certificate, container, info, trust, at)


def _judge_imprint(info: TstInfo, stamped: bytes, backend: Backend) -> Iterator[Reason]:
    """Is it these octets that are stamped, and by a hash that counts."""
    digest = digest_by_oid(info.digest)
    if digest is None or digest.refused:
        yield Reason(Fact.ALGORITHM_FORBIDDEN, digest.name if digest else info.digest)
        return
    try:
        real = backend.digest(digest, stamped)
    except CryptoUnavailable as error:
        yield Reason(Fact.BACKEND_MISSING, error.text)
        return
    if real != info.imprint:
        yield Reason(Fact.DIGEST_MISMATCH, "messageImprint")


def _judge_authority(judged: Judged, certificate: Certificate, info: TstInfo) -> Iterator[Reason]:
    """May this certificate stamp time: RFC 3161 §2.3 wants that one purpose, and critical."""
    usage, purposes = certificate.key_usage, certificate.extended_key_usage
    if purposes != _TIME_STAMPING or not _is_critical(certificate, _EXTENDED_KEY_USAGE):
        yield Reason(Fact.CERTIFICATE_UNFIT, "extendedKeyUsage")
    if usage is not None and not usage & _SIGNING:
        yield Reason(Fact.CERTIFICATE_UNFIT, "keyUsage")
    if info.tsa is not None and info.tsa != certificate.subject_name:
        yield Reason(Fact.ATTRIBUTE_WRONG, "tsa")
    if not certificate.alive(info.moment):
        yield Reason(Fact.SIGNED_OUTSIDE_LIFE)
    if judged.signed_at is not None:
        yield from judge_signing_time(certificate, judged.signed_at, info.moment)


def _judge_trust(
    certificate: Certificate, container: Container, info: TstInfo, trust: Trust, at: datetime
) -> Iterator[Reason]:
    """Is the authority trusted now, or was it when it stamped and has it ended quietly since."""
    now = judge_chain(certificate, container.certificates, trust, at=at)
    quiet = [one for one in now if one.fact is Fact.REVOKED and one.detail in _QUIETLY_ENDED]
    if quiet:
        yield from judge_chain(certificate, container.certificates, trust, at=info.latest, now=at)
    yield from (one for one in now if one not in quiet)


def _is_critical(certificate: Certificate, oid: str) -> bool:
    wrapped = asn1.read_der(certificate.tbs).members()[-1]
    return read_extensions(wrapped)[oid].critical
