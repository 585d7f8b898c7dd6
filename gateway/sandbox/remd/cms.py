"""Detached CMS signatures of a document: one signer, the certificate inside (RFC 5652, RFC 5035).

What can be judged without the file is judged when the container is read; `covers` asks the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asn1crypto import cms, core, parser, tsp, x509

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.trust import (
    Certificate,
    Standing,
    Trust,
    as_octets,
    pieces,
    read_certificate,
    split,
)
from gateway.sandbox.scenario import ErrorItem
from gateway.signatures.algorithms import (
    MINIMUM_RSA_BITS,
    SHA_256,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
    digest_by_oid,
    signature_in_cms,
)
from gateway.signatures.backends import Backend

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
SIGNED_DATA = "1.2.840.113549.1.7.2"
PLAIN_DATA = "1.2.840.113549.1.7.1"
_SEQUENCE, _INDEFINITE = 0x30, 0x80


class SignatureFault(Exception):  # noqa: N818 - a finding that ends the reading
    """What РЭМД says of this container."""

    def __init__(self, item: ErrorItem) -> None:
        super().__init__(item.code)
        self.item = item


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachedSignature:
    """A container whose signature value holds over its signed attributes."""

    certificate: Certificate
    digest: DigestAlgorithm
    message_digest: bytes = field(repr=False)
    """What the file must hash to."""
    signed_at: datetime
    """As the signer claims."""

    def covers(self, file: bytes, backend: Backend) -> bool:
        """Tell whether it was made over these bytes."""
        return backend.digest(self.digest, file) == self.message_digest


def read_signature(
    container: bytes, trust: Trust, backend: Backend, *, now: datetime, created: datetime
) -> DetachedSignature:
    """Read and verify a container; `created` is when the document was. Raises SignatureFault."""
    try:
        signed = _open(container)
        signer = _only_signer(signed)
        certificate = _find_certificate(signed, signer)
        attributes = _read_attributes(signer)
        algorithm = _read_algorithm(signer)
        digest = _attribute(attributes, MESSAGE_DIGEST).native
        signed_at = _attribute(attributes, SIGNING_TIME).native
        _check_content_type(attributes)
        _check_signing_certificate(attributes, certificate, backend)
        _check_value(signer, certificate, algorithm, backend)
    except (ValueError, TypeError, KeyError, MalformedMessage) as error:
        raise SignatureFault(say("SIGNATURE_DECODING_ERROR")) from error
    except CryptoUnavailable as error:
        raise SignatureFault(say("UNKNOWN_ALGORITHM")) from error
    if signed_at > now + timedelta(minutes=5):
        raise SignatureFault(say("SIGNATURE_VERIFICATION_ERROR", "время подписания не наступило"))
    _check_certificate(certificate, trust, now=now, created=created)
    return DetachedSignature(
        certificate=certificate,
        digest=algorithm.digest,
        message_digest=digest,
        signed_at=signed_at,
    )


def _open(container: bytes) -> cms.SignedData:
    outside = cms.ContentInfo.load(container, strict=True)
    if outside["content_type"].dotted != SIGNED_DATA:
        raise SignatureFault(say("WRONG_SIGNATURE_FORMAT", "не SignedData"))
    signed = outside["content"]
    inside = signed["encap_content_info"]
    if inside["content_type"].dotted != PLAIN_DATA or inside["content"].native is not None:
        raise SignatureFault(say("WRONG_SIGNATURE_FORMAT", "подпись не откреплённая"))
    return signed


def _only_signer(signed: cms.SignedData) -> cms.SignerInfo:
    signers = signed["signer_infos"]
    if len(signers) > 1:
        raise SignatureFault(say("MULTIPLE_SIGNERS"))
    if len(signers) < 1:
        raise SignatureFault(say("SIGNATURE_DECODING_ERROR", "нет подписанта"))
    return signers[0]


def _find_certificate(signed: cms.SignedData, signer: cms.SignerInfo) -> Certificate:
    """Find the signer's among the certificates, cut from the bytes as they were written."""
    sid = signer["sid"]
    for der in pieces(signed["certificates"].contents or b""):
        if der[0] != _SEQUENCE:  # attribute certificates and such
            continue
        found = read_certificate(der)
        if sid.name == "issuer_and_serial_number":
            issuer = pieces(sid.chosen.contents)[0]
            if (found.issuer, found.serial) == (issuer, int(sid.chosen["serial_number"].native)):
                return found
        elif x509.Certificate.load(der).key_identifier == sid.chosen.native:
            return found
    raise SignatureFault(say("NO_END_ENTITY_CERTIFICATE"))


def _read_attributes(signer: cms.SignerInfo) -> dict[str, core.Asn1Value]:
    """Return the signed attributes by OID; RFC 5652 §5.3: strict DER, each once."""
    if isinstance(signer["signed_attrs"], core.Void):
        raise SignatureFault(say("WRONG_SIGNATURE_FORMAT", "нет подписанных атрибутов"))
    octets = attribute_octets(signer)
    read = cms.CMSAttributes.load(octets, strict=True)
    parts = split(octets)
    if parts != sorted(parts) or not _is_der(octets):
        raise SignatureFault(say("SIGNATURE_DECODING_ERROR", "атрибуты не в DER"))
    attributes = {}
    for one in read:
        if one["type"].dotted in attributes or len(one["values"]) != 1:
            raise SignatureFault(say("SIGNATURE_DECODING_ERROR", "атрибут повторяется"))
        attributes[one["type"].dotted] = one["values"][0]
    return attributes


def _is_der(octets: bytes) -> bool:
    """Tell whether every length is written in its one shortest form (X.690 §10.1)."""
    _, constructed, _, header, contents, trailer = parser.parse(octets, strict=True)
    length = header[1:]
    if len(length) > 1 and (length[1] == 0 or len(contents) < 128):
        return False
    if trailer or length[0] == _INDEFINITE:
        return False
    return not constructed or all(_is_der(part) for part in pieces(contents))


def attribute_octets(signer: cms.SignerInfo) -> bytes:
    """Return what is signed: the attributes as a SET OF instead of [0] (RFC 5652 §5.4)."""
    octets: bytes = signer["signed_attrs"].dump()
    return b"\x31" + octets[1:]


def _attribute(attributes: dict[str, core.Asn1Value], oid: str) -> core.Asn1Value:
    if oid not in attributes:
        missing = {SIGNING_TIME: "В подписи отсутствует атрибут „Дата и время создания“"}
        raise SignatureFault(say("WRONG_SIGNATURE_FORMAT", missing.get(oid, f"нет атрибута {oid}")))
    return attributes[oid]


def _read_algorithm(signer: cms.SignerInfo) -> SignatureAlgorithm:
    algorithm = signature_in_cms(
        signer["signature_algorithm"]["algorithm"].dotted,
        signer["digest_algorithm"]["algorithm"].dotted,
    )
    if algorithm is None or algorithm.refused:
        raise SignatureFault(say("UNKNOWN_ALGORITHM"))
    return algorithm


def _check_content_type(attributes: dict[str, core.Asn1Value]) -> None:
    if _attribute(attributes, CONTENT_TYPE).dotted != PLAIN_DATA:
        raise SignatureFault(say("WRONG_SIGNATURE_FORMAT", "content-type"))


def _check_signing_certificate(
    attributes: dict[str, core.Asn1Value], certificate: Certificate, backend: Backend
) -> None:
    """Check ESS signing-certificate-v2 (RFC 5035 §3), which CAdES-BES demands."""
    value = _attribute(attributes, SIGNING_CERTIFICATE_V2)
    first = tsp.SigningCertificateV2.load(value.dump())["certs"][0]
    oid = first["hash_algorithm"]["algorithm"].dotted
    algorithm = digest_by_oid(oid) or SHA_256
    if algorithm.refused or backend.digest(algorithm, certificate.der) != first["cert_hash"].native:
        raise SignatureFault(say("SIGNATURE_VERIFICATION_ERROR", "signing-certificate-v2"))


def _check_value(
    signer: cms.SignerInfo,
    certificate: Certificate,
    algorithm: SignatureAlgorithm,
    backend: Backend,
) -> None:
    octets = as_octets(algorithm, signer["signature"].native)
    key = backend.load_public(certificate.spki)
    if key.family is Family.RSA and key.bits < MINIMUM_RSA_BITS:
        raise SignatureFault(say("UNKNOWN_ALGORITHM", "короткий ключ"))
    if octets is None or not backend.verify(key, algorithm, octets, attribute_octets(signer)):
        raise SignatureFault(say("SIGNATURE_VERIFICATION_ERROR"))


_ON_CHECK = {
    Standing.STRANGER: "CANT_BUILD_CERT_CHAIN_TO_ACCREDITED_CA_CERT",
    Standing.NOT_YET_VALID: "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT",
    Standing.EXPIRED: "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT",
    Standing.REVOKED: "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT",
    Standing.UNKNOWN: "CA_INACCESSIBILITY",
}


def _check_certificate(
    certificate: Certificate, trust: Trust, *, now: datetime, created: datetime
) -> None:
    if not certificate.may_sign:
        raise SignatureFault(say("INVALID_CERT_KEY_USAGE"))
    standing = trust.judge(certificate, now)
    if standing is not Standing.GOOD:
        raise SignatureFault(say(_ON_CHECK[standing]))
    if not certificate.not_before <= created <= certificate.not_after:
        raise SignatureFault(say("PERSONAL_SIG_CERT_NOT_ACTUAL_ON_DOC_CREATION_DT"))
