"""Signs documents as CAdES-BES (ETSI EN 319 122-1 §5, §6.3 B-B), alone or with others."""

from __future__ import annotations

from datetime import datetime

from gateway.errors import MalformedMessage
from gateway.signatures.algorithms import digest_by_oid
from gateway.signatures.cms.attributes import MESSAGE_DIGEST, read_attributes
from gateway.signatures.cms.container import read_container
from gateway.signatures.cms.judging import Hashes
from gateway.signatures.cms.writing import put_signer, write_container, write_signer
from gateway.signatures.keys import SigningKey


def sign_cms(content: bytes, key: SigningKey, *, at: datetime, detached: bool = True) -> bytes:
    """Return a DER CMS over the content, with the signer's certificate inside.

    `at` is the signing time it will claim, in UTC, to the second; an attached one holds the
    content too. Raises CryptoUnavailable.
    """
    return write_container(content, key, at, detached=detached)


def sign_detached(content: bytes, key: SigningKey, signing_time: datetime) -> bytes:
    """Return a detached CMS the way РЭМД takes it; see `sign_cms`."""
    return write_container(content, key, signing_time, detached=True)


def add_signer(cms: bytes, key: SigningKey, *, at: datetime, content: bytes | None = None) -> bytes:
    """Return the container with one more signer of the same content beside the others.

    `content` is what a detached container belongs to, None for an attached one. The signatures that
    are there are not judged, but must be over this content. Raises MalformedMessage (no container,
    no content, or one that others have not signed) and CryptoUnavailable.
    """
    container = read_container(cms)
    if (container.content is None) == (content is None):
        raise MalformedMessage("the content stands either inside the container or beside it")
    covered = container.content if content is None else content
    assert covered is not None
    hashes = Hashes(key.backend, covered)
    for signer in container.signers:
        algorithm = digest_by_oid(signer.digest)
        stated = read_attributes(signer.attributes).values.get(MESSAGE_DIGEST)
        if algorithm is None or stated is None or stated.body != hashes.of(algorithm):
            raise MalformedMessage("another signer has signed other content")
    return put_signer(cms, write_signer(hashes.of(key.algorithm.digest), key, at), key)
