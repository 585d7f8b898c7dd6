"""Makes CAdES-T of CAdES-BES: a time-stamp over each signature value (EN 319 122-1 §5.3)."""

from __future__ import annotations

from typing import Protocol

from gateway.signatures.algorithms import SHA_256, DigestAlgorithm, digest_by_oid
from gateway.signatures.cms.attributes import read_tokens
from gateway.signatures.cms.container import SignerInfo, read_container
from gateway.signatures.cms.writing import put_tokens


class Stamper(Protocol):
    """Has time-stamps made (`gateway.transports.timestamps.Tsa`)."""

    async def stamp(self, stamped: bytes, digest: DigestAlgorithm) -> bytes:
        """Return a good token over these octets, hashed so where nothing else is set."""
        ...


async def stamp(cms: bytes, tsa: Stamper) -> bytes:
    """Return the container with a good token beside each signature that has none yet.

    What was signed keeps its octets. Raises MalformedMessage, and what the stamper raises.
    """
    container = read_container(cms)
    tokens = {
        number: await tsa.stamp(signer.signature, _digest_of(signer))
        for number, signer in enumerate(container.signers)
        if not read_tokens(signer.unsigned)
    }
    return put_tokens(cms, tokens)


def _digest_of(signer: SignerInfo) -> DigestAlgorithm:
    """Return the hash that the signer trusts, or SHA-256 where that one must not be used."""
    own = digest_by_oid(signer.digest)
    return own if own is not None and not own.refused else SHA_256
