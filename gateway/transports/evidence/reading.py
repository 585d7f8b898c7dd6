"""Looks at what was fetched: only what is genuine, new and to the point is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures.certificates import Certificate, split_pem
from gateway.signatures.chain import Trust, paths_of
from gateway.signatures.fitness import SKEW
from gateway.signatures.lists import RevocationList, read_list, verify_list
from gateway.signatures.ocsp import Declined, OcspAnswer, Status, read_answer
from gateway.signatures.reasons import Fact
from gateway.signatures.revocation import Evidence, judge_revocation, statements_in
from gateway.transports.evidence.fetching import Missed

_MOST_PAIRS: Final = 16

Pair = tuple[Certificate, Certificate]
"""A certificate and its issuer."""


def pairs_of(certificates: Sequence[Certificate], trust: Trust) -> list[Pair]:
    """Return each certificate that leads to a root with its issuer, the first few of them."""
    found: dict[Pair, None] = {}
    for certificate in certificates:
        found.update(dict.fromkeys(_links_above(certificate, certificates, trust)))
    return list(found)[:_MOST_PAIRS]


def _links_above(
    certificate: Certificate, extra: Sequence[Certificate], trust: Trust
) -> Iterator[Pair]:
    try:
        for path in paths_of(certificate, extra, trust):
            yield from pairwise(path)
    except CryptoUnavailable:
        return  # the verifier will say so


def settles(evidence: Evidence, pair: Pair, trust: Trust, now: datetime) -> bool:
    """Tell whether the evidence leaves nothing open about the certificate."""
    try:
        reason = judge_revocation(*pair, evidence, at=now, backend=trust.backend)
    except CryptoUnavailable:
        return True  # more of the same could not be read either
    return reason is None or reason.fact is not Fact.REVOCATION_UNKNOWN


def read_answer_to(
    content: bytes | Missed, nonce: bytes, pair: Pair, trust: Trust, now: datetime
) -> OcspAnswer | Missed:
    """Return an answer to this very question, or what is wrong with it."""
    if isinstance(content, Missed):
        return content
    try:
        answer = read_answer(content)
    except MalformedMessage:
        return Missed("malformed")
    if isinstance(answer, Declined):
        return Missed("declined")
    if answer.nonce is not None and answer.nonce != nonce:
        return Missed("replayed")
    wrong = _wrong_with(answer, pair, trust, now)
    return Missed(wrong) if wrong else answer


def _wrong_with(answer: OcspAnswer, pair: Pair, trust: Trust, now: datetime) -> str:
    words = [word for word in answer.words if word.is_about(*pair)]
    if not words:
        return "about-another"
    if any(word.this_update > now + SKEW for word in words):
        return "from-the-future"
    if all(word.status is Status.UNKNOWN for word in words):
        return "unknown"
    try:
        said = list(statements_in(answer, *pair, trust.evidence, at=now, backend=trust.backend))
    except CryptoUnavailable:
        return ""  # the verifier will say so
    if not said:
        return "unverified"
    return "" if any(one.fresh or one.line is not None for one in said) else "stale"


def is_past(crl: RevocationList | None, now: datetime) -> bool:
    """Tell whether a newer list should be out by now."""
    return crl is not None and crl.next_update is not None and crl.next_update < now


def read_list_of(
    issuer: Certificate,
    content: bytes | Missed,
    before: RevocationList | None,
    trust: Trust,
    now: datetime,
) -> RevocationList | Missed:
    """Return a list of this issuer, in DER or PEM, or what is wrong with it.

    `before`: the one that is at hand; an older one is not taken for it.
    """
    if isinstance(content, Missed):
        return content
    try:
        crl = read_list(next((each for _, each in split_pem(content)), content))
    except MalformedMessage:
        return Missed("malformed")
    wrong = _wrong_with_list(crl, before, issuer, trust, now)
    return Missed(wrong) if wrong else crl


def _wrong_with_list(
    crl: RevocationList,
    before: RevocationList | None,
    issuer: Certificate,
    trust: Trust,
    now: datetime,
) -> str:
    if crl.this_update > now + SKEW:
        return "from-the-future"
    if is_past(crl, now):
        return "stale"
    if before is not None and crl.this_update < before.this_update:
        return "older"
    # The issuer's key has verified a certificate already, so it can be read here.
    genuine = crl.issuer_name == issuer.subject_name and verify_list(crl, issuer, trust.backend)
    return "" if genuine else "unverified"
