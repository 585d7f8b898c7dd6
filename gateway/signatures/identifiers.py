"""AlgorithmIdentifiers as certificates, CRLs and CMS carry them."""

from __future__ import annotations

from functools import cache

from gateway.signatures import der
from gateway.signatures.algorithms import DigestAlgorithm, Family, SignatureAlgorithm


@cache
def signature_identifier(algorithm: SignatureAlgorithm) -> bytes:
    """Return the identifier: RSA with NULL (RFC 4055 §5), the others without parameters."""
    parameters = (der.NULL,) if algorithm.family is Family.RSA else ()
    return der.sequence(der.oid(algorithm.oid), *parameters)


@cache
def digest_identifier(algorithm: DigestAlgorithm) -> bytes:
    """Return the identifier, without parameters (RFC 5754 §2, RFC 9215 §2.1)."""
    return der.sequence(der.oid(algorithm.oid))
