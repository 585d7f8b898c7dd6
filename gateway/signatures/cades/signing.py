"""Signs documents the way РЭМД takes them: detached CAdES-BES (ETSI EN 319 122-1 §5, §6.3 B-B).

One signer a container: РЭМД forbids several (`MULTIPLE_SIGNERS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from gateway.signatures import der
from gateway.signatures.algorithms import KEY_OIDS, SHA_256, Family
from gateway.signatures.backends.octets import wire_signature
from gateway.signatures.cades.container import (
    CONTENT_TYPE,
    DATA,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from gateway.signatures.identifiers import digest_identifier, signature_identifier
from gateway.signatures.keys import SigningKey

_KEY_OID_OF: Final = {family: oid for oid, family in KEY_OIDS.items()}


def sign_detached(content: bytes, key: SigningKey, signing_time: datetime) -> bytes:
    """Return a DER CMS over the content, with the signer's certificate inside.

    `signing_time` in UTC, to the second. Raises CryptoUnavailable.
    """
    fixed = _prepare(key)
    attributes = der.set_of(
        fixed.content_type,
        fixed.signing_certificate,
        _attribute(SIGNING_TIME, der.time(signing_time)),
        _attribute(MESSAGE_DIGEST, der.octets(key.backend.digest(key.algorithm.digest, content))),
    )
    signature = wire_signature(key.algorithm.family, key.sign(attributes))
    # RFC 5652 §5.4: signed as a SET, carried under [0].
    signer = der.sequence(
        fixed.signer_head,
        b"\xa0" + attributes[1:],
        fixed.signature_algorithm,
        der.octets(signature),
    )
    signed_data = der.sequence(fixed.head, der.tlv(0x31, signer))
    return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, signed_data))


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What is the same in every signature of one key."""

    content_type: bytes = field(repr=False)
    signing_certificate: bytes = field(repr=False)
    signer_head: bytes = field(repr=False)
    signature_algorithm: bytes = field(repr=False)
    head: bytes = field(repr=False)


@lru_cache(maxsize=64)
def _prepare(key: SigningKey) -> _Fixed:
    certificate, digest = key.certificate, digest_identifier(key.algorithm.digest)
    identity = der.sequence(certificate.issuer_name, der.integer(certificate.serial))
    certificates = (certificate.der, *(one.der for one in key.authorities))
    return _Fixed(
        content_type=_attribute(CONTENT_TYPE, der.oid(DATA)),
        signing_certificate=_attribute(SIGNING_CERTIFICATE_V2, _certificate_reference(key)),
        signer_head=der.integer(1) + identity + digest,
        signature_algorithm=_signature_algorithm(key),
        head=b"".join(
            (
                der.integer(1),
                der.set_of(digest),
                der.sequence(der.oid(DATA)),
                der.explicit(0, *sorted(certificates)),
            )
        ),
    )


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
    """Return the identifier that other programs write: the key's own OID for RSA and GOST."""
    family = key.algorithm.family
    if family is Family.EC:
        return signature_identifier(key.algorithm)
    parameters = (der.NULL,) if family is Family.RSA else ()
    return der.sequence(der.oid(_KEY_OID_OF[family]), *parameters)


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))
