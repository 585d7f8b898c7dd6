"""Writes time-stamp queries (RFC 3161 §2.4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.signatures import der
from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.backends import Backend
from gateway.signatures.identifiers import digest_identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an authority is asked: to stamp these octets.

    `policy` is an OID that the token must then name, empty for any.
    """

    stamped: bytes = field(repr=False)
    digest: DigestAlgorithm
    nonce: int = field(repr=False)
    policy: str = ""

    def write(self, backend: Backend) -> bytes:
        """Return the TimeStampReq; raise CryptoUnavailable when its hash cannot be made here."""
        imprint = backend.digest(self.digest, self.stamped)
        return write_query(imprint, self.digest, nonce=self.nonce, policy=self.policy)


def write_query(imprint: bytes, digest: DigestAlgorithm, *, nonce: int, policy: str = "") -> bytes:
    """Return a TimeStampReq that asks for the authority's certificate too."""
    return der.sequence(
        der.integer(1),
        der.sequence(digest_identifier(digest), der.octets(imprint)),
        *([der.oid(policy)] if policy else []),
        der.integer(nonce),
        der.TRUE,  # certReq: whoever verifies later has the certificate at hand
    )
