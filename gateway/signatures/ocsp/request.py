"""Writes an OCSP request about one certificate (RFC 6960 §4.1)."""

from __future__ import annotations

import hashlib
from typing import Final

from gateway.signatures import der
from gateway.signatures.algorithms import SHA_1, SHA_256, DigestAlgorithm, Family
from gateway.signatures.certificates import Certificate

NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
LONGEST_NONCE: Final = 32
"""Octets (RFC 8954 §2.1)."""


def ask(certificate: Certificate, issuer: Certificate, *, nonce: bytes) -> bytes:
    """Return a DER OCSPRequest about the certificate, without a signature.

    `nonce`: 1 to 32 octets by chance; an answer must repeat it or have none.
    """
    extension = der.sequence(der.oid(NONCE), der.octets(der.octets(nonce)))
    return der.sequence(
        der.sequence(
            der.sequence(der.sequence(_certificate_id(certificate, issuer))),
            der.explicit(2, der.sequence(extension)),
        )
    )


def hash_of(algorithm: str, content: bytes) -> bytes | None:
    """Return the hash by its OID; None for one that names no certificate here.

    SHA-1 only finds a name among others here: nothing is believed because of it.
    """
    if algorithm == SHA_256.oid:
        return hashlib.sha256(content).digest()
    if algorithm == SHA_1.oid:
        return hashlib.sha1(content, usedforsecurity=False).digest()
    return None


def _certificate_id(certificate: Certificate, issuer: Certificate) -> bytes:
    algorithm = _algorithm_for(issuer)
    name, key = (
        hash_of(algorithm.oid, content) for content in (issuer.subject_name, issuer.public_key)
    )
    assert name is not None
    assert key is not None
    return der.sequence(
        der.sequence(der.oid(algorithm.oid), der.NULL),
        der.octets(name),
        der.octets(key),
        _serial(certificate.serial),
    )


def _algorithm_for(issuer: Certificate) -> DigestAlgorithm:
    """Return SHA-256 for НУЦ РК, which uses it; every other responder knows SHA-1 (RFC 5019)."""
    return SHA_256 if issuer.family is Family.GOST_512_KZ else SHA_1


def _serial(number: int) -> bytes:
    """Return the INTEGER; authorities are not to issue negative ones, and some have."""
    size = number.bit_length() // 8 + 1
    return der.tlv(0x02, number.to_bytes(size, "big", signed=True))
