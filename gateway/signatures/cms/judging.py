"""Judges one signer of a SignedData strictly: nothing passes that a careful one would not write.

Every finding is collected, so that a vendor sees all of them at once. Whether the certificate is
trusted, and when, is asked above.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from gateway.errors import CryptoUnavailable, GatewayError, MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.algorithms import (
    KEY_OIDS,
    DigestAlgorithm,
    SignatureAlgorithm,
    digest_by_oid,
    signature_by_oid,
    signature_in_cms,
)
from gateway.signatures.backends import Backend
from gateway.signatures.backends.octets import canonical_signature
from gateway.signatures.certificates import Certificate
from gateway.signatures.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    NAMES,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Attributes,
    is_oid,
    read_attributes,
    read_reference,
)
from gateway.signatures.cms.container import Container, SignerInfo
from gateway.signatures.cms.profile import Profile
from gateway.signatures.fitness import judge_algorithm, judge_key
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason


class Hashes:
    """The hashes of one content, each made once however many have signed it."""

    def __init__(self, backend: Backend, content: bytes) -> None:
        self._backend, self._content = backend, content
        self._made: dict[DigestAlgorithm, bytes] = {}

    def of(self, algorithm: DigestAlgorithm) -> bytes:
        """Return the hash; raise CryptoUnavailable."""
        if algorithm not in self._made:
            self._made[algorithm] = self._backend.digest(algorithm, self._content)
        return self._made[algorithm]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found about one signer; `signed_at` is the signer's own claim."""

    info: SignerInfo = field(repr=False)
    certificate: Certificate | None
    algorithm: SignatureAlgorithm | None
    signed_at: datetime | None
    reasons: tuple[Reason, ...]

    @property
    def algorithm_name(self) -> str:
        """The algorithm's name, or the OID of one that we do not know."""
        return self.algorithm.name if self.algorithm is not None else self.info.algorithm


def judge_signer(
    info: SignerInfo,
    container: Container,
    hashes: Hashes | None,
    profile: Profile,
    *,
    backend: Backend,
    at: datetime,
) -> Judged:
    """Judge content, signature value, algorithms, attributes and the certificate's place.

    Without `hashes` the content is not there and its digest is not looked at. Never raises.
    """
    judge = _Judge(info, container, hashes, profile, backend, at)
    return Judged(
        info=info,
        certificate=judge.certificate,
        algorithm=judge.algorithm,
        signed_at=_read_signing_time(judge.attributes),
        reasons=tuple(judge.reasons()),
    )


class _Judge:
    """Looks at one signer and collects what speaks against it."""

    def __init__(
        self,
        info: SignerInfo,
        container: Container,
        hashes: Hashes | None,
        profile: Profile,
        backend: Backend,
        at: datetime,
    ) -> None:
        self._info, self._container, self._hashes = info, container, hashes
        self._profile, self._backend, self._at = profile, backend, at
        self.algorithm = signature_in_cms(info.algorithm, info.digest)
        self.attributes = read_attributes(info.attributes)
        self.certificate = next((one for one in container.certificates if _names(info, one)), None)

    def reasons(self) -> Iterator[Reason]:
        """Yield everything that was found, the gravest kind first."""
        yield from self._judge_content()
        yield from self._judge_algorithms()
        yield from self._judge_attributes()
        yield from self._judge_certificate()

    def _judge_content(self) -> Iterator[Reason]:
        """Does the message digest belong to the content, and the signature to the attributes."""
        stated = self.attributes.values.get(MESSAGE_DIGEST)
        algorithm = self.algorithm
        if algorithm is None or algorithm not in self._profile.allowed:
            return
        try:
            if stated is not None and not self._same_digest(algorithm.digest, stated):
                yield Reason(Fact.DIGEST_MISMATCH)
            if self.certificate is not None and self._info.attributes is not None:
                yield from self._judge_signature(algorithm, self.certificate, self._info.attributes)
        except CryptoUnavailable as error:
            yield Reason(Fact.BACKEND_MISSING, error.text)

    def _same_digest(self, algorithm: DigestAlgorithm, stated: asn1.Value) -> bool:
        if self._hashes is None:
            return True
        real = self._hashes.of(algorithm)
        return stated.tag == asn1.OCTETS and hmac.compare_digest(real, stated.body)

    def _judge_signature(
        self, algorithm: SignatureAlgorithm, certificate: Certificate, attributes: bytes
    ) -> Iterator[Reason]:
        try:
            key = self._backend.load_public(certificate.spki)
        except MalformedMessage as error:
            yield Reason(Fact.MALFORMED, error.text)
            return
        yield from judge_key(key, algorithm)
        octets = canonical_signature(algorithm.family, self._info.signature)
        # RFC 5652 §5.4: what is signed has the tag of a SET.
        if not self._backend.verify(key, algorithm, octets, b"\x31" + attributes[1:]):
            yield Reason(Fact.SIGNATURE_BROKEN)

    def _judge_algorithms(self) -> Iterator[Reason]:
        if self._info.digest not in self._container.digests:
            # RFC 5652 §5.1: the list is there so that a reader may hash in one pass.
            yield Reason(Fact.STRUCTURE_FORBIDDEN, "digestAlgorithms lack the signer's")
        if self.algorithm is not None:
            yield from judge_algorithm(self.algorithm, self._profile.allowed, self._at)
            return
        digest = digest_by_oid(self._info.digest)
        combined = signature_by_oid(self._info.algorithm)
        if digest is not None and digest.refused:
            yield Reason(Fact.ALGORITHM_FORBIDDEN, digest.name)
        elif digest is not None and (combined or self._info.algorithm in KEY_OIDS):
            yield Reason(Fact.ALGORITHMS_MIXED, f"{digest.name} with {self._info.algorithm}")
        else:
            yield Reason(Fact.ALGORITHM_UNKNOWN, f"{self._info.digest}, {self._info.algorithm}")

    def _judge_attributes(self) -> Iterator[Reason]:
        attributes = self.attributes
        if not attributes.is_der:
            yield Reason(Fact.STRUCTURE_FORBIDDEN, "the signed attributes are not DER")
        for oid in attributes.repeated:
            yield Reason(Fact.ATTRIBUTE_WRONG, NAMES.get(oid, oid))
        for oid in self._profile.required:
            if oid not in attributes.values and oid not in attributes.repeated:
                yield Reason(Fact.ATTRIBUTE_MISSING, NAMES[oid])
        for oid in self._profile.remarked:
            if oid not in attributes.values and oid not in attributes.repeated:
                yield Reason(Fact.ATTRIBUTE_ABSENT, NAMES[oid])
        stated = attributes.values.get(CONTENT_TYPE)
        if stated is not None and not is_oid(stated, self._container.content_type):
            yield Reason(Fact.ATTRIBUTE_WRONG, "content-type")
        if SIGNING_TIME in attributes.values and _read_signing_time(attributes) is None:
            yield Reason(Fact.ATTRIBUTE_WRONG, "signing-time")

    def _judge_certificate(self) -> Iterator[Reason]:
        reference = self.attributes.values.get(SIGNING_CERTIFICATE_V2)
        if self.certificate is None:
            yield Reason(Fact.CERTIFICATE_MISSING)
        elif reference is not None:
            yield from self._judge_reference(reference, self.certificate)
        elif self._info.key_id is not None:
            # The same key may be in other certificates, for another role or person.
            yield Reason(Fact.STRUCTURE_FORBIDDEN, "a key alone does not name the certificate")

    def _judge_reference(self, value: asn1.Value, certificate: Certificate) -> Iterator[Reason]:
        """Compare the first ESSCertIDv2 with the certificate (RFC 5035 §5.4.1.1)."""
        try:
            algorithm, stated = read_reference(value)
            if algorithm is None or algorithm.refused:
                yield Reason(Fact.ALGORITHM_FORBIDDEN, "the hash in signing-certificate-v2")
                return
            real = self._backend.digest(algorithm, certificate.der)
        except CryptoUnavailable as error:
            yield Reason(Fact.BACKEND_MISSING, error.text)
        except GatewayError:
            yield Reason(Fact.ATTRIBUTE_WRONG, "signing-certificate-v2")
        else:
            if not hmac.compare_digest(real, stated):
                yield Reason(Fact.CERTIFICATE_REFERENCE_MISMATCH)


def _names(info: SignerInfo, certificate: Certificate) -> bool:
    """Tell whether the signer's identifier names this certificate."""
    if info.key_id is not None:
        return certificate.subject_key_id == info.key_id
    return (certificate.issuer_name, certificate.serial) == (info.issuer, info.serial)


def _read_signing_time(attributes: Attributes) -> datetime | None:
    value = attributes.values.get(SIGNING_TIME)
    try:
        return value.time() if value is not None else None
    except MalformedMessage:
        return None
