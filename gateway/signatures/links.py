"""The one question below every trust: did this key sign that."""

from __future__ import annotations

from functools import lru_cache

from gateway.errors import CryptoUnavailable, GatewayError
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate


def signed_by(
    signer: Certificate,
    algorithm: SignatureAlgorithm | None,
    signature: bytes,
    content: bytes,
    backend: Backend,
) -> bool:
    """Tell whether the certificate's key signed; a refused algorithm never has.

    `signature` in canonical octets. Raises CryptoUnavailable when nobody here can tell.
    """
    if algorithm is None or algorithm.refused:
        return False
    try:
        public = backend.load_public(signer.spki)
    except CryptoUnavailable:
        raise
    except GatewayError:
        return False
    return backend.verify(public, algorithm, signature, content)


@lru_cache(maxsize=4096)
def verify_link(certificate: Certificate, issuer: Certificate, backend: Backend) -> bool:
    """Tell whether the issuer's key signed the certificate; raise CryptoUnavailable."""
    return signed_by(issuer, certificate.algorithm, certificate.signature, certificate.tbs, backend)
