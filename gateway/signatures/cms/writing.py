"""Writes a SignedData as DER, and puts more into one that is there.

What is the same in every signature of one key is written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from gateway.signatures import asn1, der
from gateway.signatures.algorithms import KEY_OIDS, SHA_256, Family
from gateway.signatures.backends.octets import wire_signature
from gateway.signatures.certificates import Certificate
from gateway.signatures.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    TIMESTAMP_TOKEN,
)
from gateway.signatures.cms.container import DATA, SIGNED_DATA, read_skeleton
from gateway.signatures.identifiers import digest_identifier, signature_identifier
from gateway.signatures.keys import SigningKey

_KEY_OID_OF: Final = {family: oid for oid, family in KEY_OIDS.items()}
_COMBINED: Final = (Family.EC, Family.GOST_512_KZ)


def write_container(content: bytes, key: SigningKey, at: datetime, *, detached: bool) -> bytes:
    """Return a DER ContentInfo with one signer; `at` in UTC. Raises CryptoUnavailable."""
    fixed = _prepare(key)
    inside = () if detached else (der.explicit(0, der.octets(content)),)
    encapsulated = der.sequence(der.oid(DATA), *inside)
    signer = write_signer(key.backend.digest(key.algorithm.digest, content), key, at)
    return _wrap(fixed.head, encapsulated, fixed.certificates, der.tlv(0x31, signer))


def write_signer(digest: bytes, key: SigningKey, at: datetime) -> bytes:
    """Return a SignerInfo over content with this digest; raise CryptoUnavailable."""
    fixed = _prepare(key)
    attributes = der.set_of(
        fixed.content_type,
        fixed.signing_certificate,
        _attribute(SIGNING_TIME, der.time(at)),
        _attribute(MESSAGE_DIGEST, der.octets(digest)),
    )
    # RFC 5652 §5.4: signed as a SET, carried under [0].
    return der.sequence(
        fixed.signer_head,
        b"\xa0" + attributes[1:],
        fixed.signature_algorithm,
        der.octets(wire_signature(key.algorithm.family, key.sign(attributes))),
    )


def put_signer(cms: bytes, signer: bytes, key: SigningKey) -> bytes:
    """Return the container with one more signer, its digest algorithm and its certificates.

    What others have signed keeps its octets. Raises MalformedMessage.
    """
    old = read_skeleton(cms)
    digests = {one.raw for one in old.digests.members()} | {digest_identifier(key.algorithm.digest)}
    known = old.certificates.members() if old.certificates is not None else ()
    certificates = {one.raw for one in known} | {one.der for one in _certificates_of(key)}
    return _wrap(
        old.version.raw + der.set_of(*_one_an_oid(digests)),
        old.encapsulated.raw,
        der.explicit(0, *sorted(certificates)) + (old.lists.raw if old.lists is not None else b""),
        der.set_of(*(one.raw for one in old.signers), signer),
    )


def put_tokens(cms: bytes, tokens: Mapping[int, bytes]) -> bytes:
    """Return the container with a time-stamp token beside the signers of these numbers, from 0.

    Unsigned attributes that are there stay. Raises MalformedMessage.
    """
    old = read_skeleton(cms)
    signers = [
        _with_token(signer, tokens[number]) if number in tokens else signer.raw
        for number, signer in enumerate(old.signers)
    ]
    return _wrap(
        old.version.raw + old.digests.raw,
        old.encapsulated.raw,
        b"".join(part.raw for part in (old.certificates, old.lists) if part is not None),
        der.set_of(*signers),
    )


def _with_token(signer: asn1.Value, token: bytes) -> bytes:
    members = signer.members()
    unsigned = [one for one in members if one.tag == 0xA1]
    kept = [one.raw for one in members if one.tag != 0xA1]
    attributes = [one.raw for each in unsigned for one in each.members()]
    attributes.append(_attribute(TIMESTAMP_TOKEN, token))
    return der.sequence(*kept, der.explicit(1, *sorted(attributes)))


def _one_an_oid(identifiers: Iterable[bytes]) -> list[bytes]:
    """Leave out what differs in its parameters only: NULL or none."""
    by_oid = {asn1.read_ber(one).members()[0].raw: one for one in sorted(identifiers)}
    return list(by_oid.values())


def _wrap(head: bytes, encapsulated: bytes, certificates: bytes, signers: bytes) -> bytes:
    signed_data = der.sequence(head, encapsulated, certificates, signers)
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, signed_data))


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What is the same in every signature of one key."""

    content_type: bytes = field(repr=False)
    signing_certificate: bytes = field(repr=False)
    signer_head: bytes = field(repr=False)
    signature_algorithm: bytes = field(repr=False)
    head: bytes = field(repr=False)
    certificates: bytes = field(repr=False)


@lru_cache(maxsize=64)
def _prepare(key: SigningKey) -> _Fixed:
    certificate, digest = key.certificate, digest_identifier(key.algorithm.digest)
    identity = der.sequence(certificate.issuer_name, der.integer(certificate.serial))
    return _Fixed(
        content_type=_attribute(CONTENT_TYPE, der.oid(DATA)),
        signing_certificate=_attribute(SIGNING_CERTIFICATE_V2, _certificate_reference(key)),
        signer_head=der.integer(1) + identity + digest,
        signature_algorithm=_signature_algorithm(key),
        head=der.integer(1) + der.set_of(digest),
        certificates=der.explicit(0, *sorted(one.der for one in _certificates_of(key))),
    )


def _certificates_of(key: SigningKey) -> Sequence[Certificate]:
    return (key.certificate, *key.authorities)


def _certificate_reference(key: SigningKey) -> bytes:
    """Return SigningCertificateV2 with the hash of the signature's own family."""
    certificate, algorithm = key.certificate, key.algorithm.digest
    fingerprint = der.octets(key.backend.digest(algorithm, certificate.der))
    issuer = der.sequence(
        der.sequence(der.explicit(4, certificate.issuer_name)), der.integer(certificate.serial)
    )
    # SHA-256 is the DEFAULT, which DER leaves out.
    named = () if algorithm is SHA_256 else (digest_identifier(algorithm),)
    return der.sequence(der.sequence(der.sequence(*named, fingerprint, issuer)))


def _signature_algorithm(key: SigningKey) -> bytes:
    """Return the identifier that other programs write.

    The key's own OID for RSA and GOST; the combined one for EC (RFC 5753 §2.1.1) and, as Kalkan
    does, for Kazakhstan.
    """
    family = key.algorithm.family
    if family in _COMBINED:
        return signature_identifier(key.algorithm)
    parameters = (der.NULL,) if family is Family.RSA else ()
    return der.sequence(der.oid(_KEY_OID_OF[family]), *parameters)


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))
