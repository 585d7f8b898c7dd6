"""When was it signed, and was the certificate good then (EN 319 102-1 §5.5).

Only a time-stamp proves a moment; of several the earliest counts. The chain is judged now, and for
the proven moment when now it has ended, by what is known now: a revocation after that moment does
not undo it when its reason casts no doubt upon the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.cms.attributes import read_tokens
from gateway.signatures.cms.container import SignerInfo
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps.judging import Proof, judge_token
from gateway.signatures.verdict import Reason

_MOST_TOKENS: Final = 4
_ENDED: Final = frozenset({Fact.EXPIRED, Fact.REVOKED, Fact.AUTHORITY_REVOKED})
"""What does not count against a signature that is older (the sub-indications …_NO_POE)."""


def prove_moment(info: SignerInfo, trust: Trust, at: datetime) -> Proof:
    """Return the earliest moment that the signer's time-stamps prove, and why others do not."""
    try:
        tokens = read_tokens(info.unsigned)
    except MalformedMessage as error:
        return Proof(None, (Reason(Fact.TIMESTAMP_REFUSED, error.text),))
    proofs = [judge_token(one, info.signature, trust, at=at) for one in tokens[:_MOST_TOKENS]]
    return Proof(
        moment=min((one.moment for one in proofs if one.moment is not None), default=None),
        reasons=tuple(reason for one in proofs for reason in one.reasons),
    )


def tokens_of(info: SignerInfo) -> tuple[bytes, ...]:
    """Return the time-stamps of a signer that are looked at; none where they cannot be read."""
    try:
        return read_tokens(info.unsigned)[:_MOST_TOKENS]
    except MalformedMessage:
        return ()


def judge_in_time(
    certificate: Certificate,
    extra: Sequence[Certificate],
    trust: Trust,
    at: datetime,
    proven: datetime | None,
) -> tuple[Reason, ...]:
    """Say what keeps the certificate from being trusted, now and at the moment that is proven."""
    now = judge_chain(certificate, extra, trust, at=at)
    if proven is None:
        return now
    if proven < certificate.not_before:
        # What was there before its certificate began was not signed with it.
        return (*now, Reason(Fact.NOT_YET_VALID, "at the moment of its time-stamp"))
    if not _ended(now):
        return now
    # Old lists tell nothing about what was found out since, so they are as old as they are now.
    then = judge_chain(certificate, extra, trust, at=proven, now=at)
    if _ended(then):
        return now
    return (*then, Reason(Fact.TIMESTAMPED, f"{proven:%Y-%m-%dT%H:%M:%SZ}"))


def _ended(reasons: Sequence[Reason]) -> bool:
    return any(one.fact in _ENDED for one in reasons)
