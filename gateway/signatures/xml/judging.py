"""What envelopes and documents are asked alike: algorithms, digests, and the signature's value."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures.algorithms import (
    SIGNATURES,
    DigestAlgorithm,
    SignatureAlgorithm,
    digest_by_uri,
    signature_by_uri,
)
from gateway.signatures.backends import Backend
from gateway.signatures.backends.octets import canonical_in_xml
from gateway.signatures.certificates import Certificate
from gateway.signatures.fitness import judge_algorithm, judge_key
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason
from gateway.signatures.xml.canonical import canonical
from gateway.signatures.xml.signature import Reference, Signature

_COUNTRIES: Final = {row.digest: row.country for row in SIGNATURES}
"""Whose signatures a hash is made for; it goes with no other."""
_LARGEST_SIGNED_INFO: Final = 2**18  # octets; real ones have one or two thousand


def judge_algorithms(
    signature: Signature, allowed: Collection[SignatureAlgorithm], at: datetime
) -> Iterator[Reason]:
    """Say which algorithm is unknown, forbidden, or of another family than the others."""
    algorithm = signature_by_uri(signature.algorithm_uri)
    if algorithm is None:
        yield Reason(Fact.ALGORITHM_UNKNOWN, signature.algorithm_uri[:200])
    else:
        yield from judge_algorithm(algorithm, allowed, at)
    for reference in signature.references:
        yield from _judge_digest_method(reference, algorithm, allowed)


def _judge_digest_method(
    reference: Reference,
    algorithm: SignatureAlgorithm | None,
    allowed: Collection[SignatureAlgorithm],
) -> Iterator[Reason]:
    """A refused hash is admitted where a signature with that same hash is."""
    digest = digest_by_uri(reference.digest_uri)
    if digest is None:
        yield Reason(Fact.ALGORITHM_UNKNOWN, reference.digest_uri[:200])
    elif digest.refused and digest not in {row.digest for row in allowed}:
        yield Reason(Fact.ALGORITHM_FORBIDDEN, digest.name)
    elif digest.refused:
        yield Reason(Fact.LEGACY_ADMITTED, digest.name)
    if digest and algorithm and not _of_one_kind(digest, algorithm):
        yield Reason(Fact.ALGORITHMS_MIXED, f"{digest.name} in {algorithm.name}")


def judge_value(
    signature: Signature,
    certificate: Certificate | None,
    allowed: Collection[SignatureAlgorithm],
    backend: Backend,
) -> Iterator[Reason]:
    """Say whether the certificate's key made the signature; raise CryptoUnavailable."""
    algorithm = signature_by_uri(signature.algorithm_uri)
    if algorithm is None or algorithm not in allowed or certificate is None:
        return
    key = backend.load_public(certificate.spki)
    yield from judge_key(key, algorithm)
    octets = canonical(
        signature.signed_info, signature.method, signature.prefixes, most=_LARGEST_SIGNED_INFO
    )
    value = canonical_in_xml(algorithm.family, signature.value)
    if not backend.verify(key, algorithm, value, octets):
        yield Reason(Fact.SIGNATURE_BROKEN)


def holds(reference: Reference, octets: bytes, backend: Backend) -> bool:
    """Tell whether the octets have the digest of the reference; raise CryptoUnavailable."""
    digest = digest_by_uri(reference.digest_uri)
    if digest is None:
        raise MalformedMessage("the digest of a reference is not known")
    return hmac.compare_digest(backend.digest(digest, octets), reference.digest_value)


def _of_one_kind(digest: DigestAlgorithm, algorithm: SignatureAlgorithm) -> bool:
    return _COUNTRIES[digest] is algorithm.country
