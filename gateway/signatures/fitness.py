"""May this certificate and key have made this kind of signature."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gateway.signatures.algorithms import MINIMUM_RSA_BITS, Family, SignatureAlgorithm
from gateway.signatures.backends import PublicKey
from gateway.signatures.certificates import Certificate
from gateway.signatures.reasons import Fact
from gateway.signatures.roles import ROLE_OIDS
from gateway.signatures.verdict import Reason

_SIGNING: Final = frozenset({"digital_signature", "non_repudiation"})
_OTHER_TRADES: Final = frozenset(  # TLS server and client, time stamps, OCSP answers
    {f"1.3.6.1.5.5.7.3.{number}" for number in (1, 2, 8, 9)}
)
SKEW: Final = timedelta(minutes=5)
"""How far a signer's clock may be ahead of ours."""


class Purpose(Enum):
    """What was signed."""

    DOCUMENT = "document"
    ENVELOPE = "envelope"


def judge_certificate(certificate: Certificate, purpose: Purpose) -> Iterator[Reason]:
    """Say what keeps the certificate from signing for this purpose (RFC 5280 §4.2.1.3, §4.2.1.12).

    A document wants more than a certificate that may only open connections, stamp time or answer
    for an authority. What НУЦ РК says of its owner's role is no purpose: its authentication keys
    are told by clientAuth alone.
    """
    if not (certificate.key_usage or frozenset()) & _SIGNING:
        yield Reason(Fact.CERTIFICATE_UNFIT, "keyUsage")
    purposes = (certificate.extended_key_usage or frozenset()) - ROLE_OIDS
    if purpose is Purpose.DOCUMENT and purposes and purposes <= _OTHER_TRADES:
        yield Reason(Fact.CERTIFICATE_UNFIT, "extendedKeyUsage")


def judge_algorithm(
    algorithm: SignatureAlgorithm, allowed: Collection[SignatureAlgorithm], at: datetime
) -> Iterator[Reason]:
    """Say whether the algorithm is admitted; one that the table refuses is admitted visibly."""
    if algorithm not in allowed:
        yield Reason(Fact.ALGORITHM_FORBIDDEN, algorithm.name)
    elif algorithm.since is not None and at.date() < algorithm.since:
        yield Reason(Fact.ALGORITHM_FORBIDDEN, f"{algorithm.name} before {algorithm.since}")
    elif algorithm.until is not None and at.date() > algorithm.until:
        yield Reason(Fact.ALGORITHM_FORBIDDEN, f"{algorithm.name} after {algorithm.until}")
    elif algorithm.refused:
        yield Reason(Fact.LEGACY_ADMITTED, algorithm.name)


def judge_key(key: PublicKey, algorithm: SignatureAlgorithm) -> Iterator[Reason]:
    """Say whether the key is of the algorithm's family and long enough."""
    if key.family is not algorithm.family:
        yield Reason(Fact.ALGORITHMS_MIXED, f"{algorithm.name} with a key of {key.family}")
    if key.family is Family.RSA and key.bits < MINIMUM_RSA_BITS:
        yield Reason(Fact.KEY_TOO_SHORT, f"{key.bits} bits")


def judge_signing_time(
    certificate: Certificate, signed_at: datetime, at: datetime
) -> Iterator[Reason]:
    """Say what is wrong with the moment that the signer claims."""
    if signed_at > at + SKEW:
        yield Reason(Fact.SIGNED_IN_FUTURE)
    if not certificate.alive(signed_at):
        yield Reason(Fact.SIGNED_OUTSIDE_LIFE)
