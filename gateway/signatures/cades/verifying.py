"""Verifies detached CAdES-BES strictly: nothing is taken that a careful signer would not write.

Every finding is collected, so that a vendor sees all of them at once; any bytes get a verdict.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError, MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.algorithms import (
    ALLOWED,
    KEY_OIDS,
    SHA_256,
    DigestAlgorithm,
    SignatureAlgorithm,
    digest_by_oid,
    signature_by_oid,
    signature_in_cms,
)
from gateway.signatures.backends.octets import canonical_signature
from gateway.signatures.cades.container import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Attributes,
    Container,
    SignerInfo,
    read_attributes,
    read_container,
)
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.fitness import (
    Purpose,
    judge_algorithm,
    judge_certificate,
    judge_key,
    judge_signing_time,
)
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict

_MOST_SIGNERS: Final = 32
_COVERS: Final = "the whole content"
_NAMES: Final = {
    CONTENT_TYPE: "content-type",
    MESSAGE_DIGEST: "message-digest",
    SIGNING_TIME: "signing-time",
    SIGNING_CERTIFICATE_V2: "signing-certificate-v2",
}


def verify_detached(
    cms: bytes,
    content: bytes,
    *,
    trust: Trust,
    at: datetime,
    signers: int = 1,
    allowed: Collection[SignatureAlgorithm] = ALLOWED,
) -> Verdict:
    """Judge a detached CMS over the content as of a moment; never raises.

    It must hold exactly `signers` signers. RFC 5652, RFC 5035, EN 319 102-1.
    """
    try:
        container = read_container(cms)
    except MalformedMessage as error:
        return Verdict((Reason(Fact.MALFORMED, error.text),), ())
    reasons: list[Reason] = []
    if len(container.signers) != signers:
        reasons.append(Reason(Fact.WRONG_SIGNER_COUNT, f"{len(container.signers)}, not {signers}"))
    if container.attached:
        reasons.append(Reason(Fact.STRUCTURE_FORBIDDEN, "the content is inside"))
    found: list[Signer] = []
    for one in container.signers[:_MOST_SIGNERS]:
        judge = _Judge(one, container, content, trust, at, allowed)
        reasons += judge.reasons()
        found.append(judge.signer())
    return Verdict(tuple(dict.fromkeys(reasons)), tuple(found))


class _Judge:
    """Looks at one signer and collects what speaks against it."""

    def __init__(
        self,
        info: SignerInfo,
        container: Container,
        content: bytes,
        trust: Trust,
        at: datetime,
        allowed: Collection[SignatureAlgorithm],
    ) -> None:
        self._info, self._container, self._content = info, container, content
        self._trust, self._at, self._allowed = trust, at, allowed
        self._algorithm = signature_in_cms(info.algorithm, info.digest)
        self._attributes = read_attributes(info.attributes)
        self._signed_at = _read_signing_time(self._attributes)
        self._certificate = self._choose_certificate()

    def signer(self) -> Signer:
        """Return who this is, as far as the container says."""
        return Signer.of(
            self._certificate,
            algorithm=self._algorithm.name if self._algorithm else self._info.algorithm,
            signed_at=self._signed_at,
            covers=_COVERS,
        )

    def reasons(self) -> list[Reason]:
        """Return everything that was found, the gravest kind first."""
        return [
            *self._judge_content(),
            *self._judge_algorithms(),
            *self._judge_attributes(),
            *self._judge_certificate(),
        ]

    def _judge_content(self) -> Iterator[Reason]:
        """Does the message digest belong to the content, and the signature to the attributes."""
        stated = self._attributes.values.get(MESSAGE_DIGEST)
        algorithm = self._algorithm
        if algorithm is None or algorithm not in self._allowed:
            return
        try:
            if stated is not None and not self._same_digest(algorithm.digest, stated):
                yield Reason(Fact.DIGEST_MISMATCH)
            if self._certificate is not None and self._info.attributes is not None:
                yield from self._judge_signature(algorithm, self._info.attributes)
        except CryptoUnavailable as error:
            yield Reason(Fact.BACKEND_MISSING, error.text)

    def _same_digest(self, algorithm: DigestAlgorithm, stated: asn1.Value) -> bool:
        real = self._trust.backend.digest(algorithm, self._content)
        return stated.tag == asn1.OCTETS and hmac.compare_digest(real, stated.body)

    def _judge_signature(
        self, algorithm: SignatureAlgorithm, attributes: bytes
    ) -> Iterator[Reason]:
        assert self._certificate is not None
        backend = self._trust.backend
        try:
            key = backend.load_public(self._certificate.spki)
        except MalformedMessage as error:
            yield Reason(Fact.MALFORMED, error.text)
            return
        yield from judge_key(key, algorithm)
        octets = canonical_signature(algorithm.family, self._info.signature)
        # RFC 5652 §5.4: what is signed has the tag of a SET.
        if not backend.verify(key, algorithm, octets, b"\x31" + attributes[1:]):
            yield Reason(Fact.SIGNATURE_BROKEN)

    def _judge_algorithms(self) -> Iterator[Reason]:
        if self._algorithm is not None:
            yield from judge_algorithm(self._algorithm, self._allowed, self._at)
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
        attributes = self._attributes
        if not attributes.is_der:
            yield Reason(Fact.STRUCTURE_FORBIDDEN, "the signed attributes are not DER")
        for oid in attributes.repeated:
            yield Reason(Fact.ATTRIBUTE_WRONG, _NAMES.get(oid, oid))
        for oid, name in _NAMES.items():
            if oid not in attributes.values and oid not in attributes.repeated:
                yield Reason(Fact.ATTRIBUTE_MISSING, name)
        stated = attributes.values.get(CONTENT_TYPE)
        if stated is not None and not _is_oid(stated, self._container.content_type):
            yield Reason(Fact.ATTRIBUTE_WRONG, "content-type")
        if SIGNING_TIME in attributes.values and self._signed_at is None:
            yield Reason(Fact.ATTRIBUTE_WRONG, "signing-time")

    def _judge_certificate(self) -> Iterator[Reason]:
        certificate = self._certificate
        if certificate is None:
            yield Reason(Fact.CERTIFICATE_MISSING)
            return
        reference = self._attributes.values.get(SIGNING_CERTIFICATE_V2)
        if reference is not None:
            yield from self._judge_reference(reference, certificate)
        yield from judge_certificate(certificate, Purpose.DOCUMENT)
        if self._signed_at is not None:
            yield from judge_signing_time(certificate, self._signed_at, self._at)
        extra = self._container.certificates
        yield from judge_chain(certificate, extra, self._trust, at=self._at)

    def _judge_reference(self, value: asn1.Value, certificate: Certificate) -> Iterator[Reason]:
        """Compare the first ESSCertIDv2 with the certificate (RFC 5035 §5.4.1.1)."""
        try:
            algorithm, stated = _read_reference(value)
            if algorithm is None or algorithm.refused:
                yield Reason(Fact.ALGORITHM_FORBIDDEN, "the hash in signing-certificate-v2")
                return
            real = self._trust.backend.digest(algorithm, certificate.der)
        except CryptoUnavailable as error:
            yield Reason(Fact.BACKEND_MISSING, error.text)
        except GatewayError:
            yield Reason(Fact.ATTRIBUTE_WRONG, "signing-certificate-v2")
        else:
            if not hmac.compare_digest(real, stated):
                yield Reason(Fact.CERTIFICATE_REFERENCE_MISMATCH)

    def _choose_certificate(self) -> Certificate | None:
        """Return the certificate that the signer's identifier names."""
        return next((one for one in self._container.certificates if self._is_named(one)), None)

    def _is_named(self, certificate: Certificate) -> bool:
        info = self._info
        if info.key_id is not None:
            return certificate.subject_key_id == info.key_id
        return (certificate.issuer_name, certificate.serial) == (info.issuer, info.serial)


def _read_signing_time(attributes: Attributes) -> datetime | None:
    value = attributes.values.get(SIGNING_TIME)
    try:
        return value.time() if value is not None else None
    except MalformedMessage:
        return None


def _read_reference(value: asn1.Value) -> tuple[DigestAlgorithm | None, bytes]:
    """Return hash algorithm and hash of the first ESSCertIDv2."""
    first = value.fields().take(asn1.SEQUENCE).fields().take(asn1.SEQUENCE).fields()
    identifier = first.optional(asn1.SEQUENCE)
    algorithm = digest_by_oid(identifier.fields().take(asn1.OID).oid()) if identifier else SHA_256
    return algorithm, first.take(asn1.OCTETS).body


def _is_oid(value: asn1.Value, expected: str) -> bool:
    try:
        return value.oid() == expected
    except MalformedMessage:
        return False
