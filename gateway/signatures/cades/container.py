"""Reads a SignedData (RFC 5652 §5): BER outside, and what was signed keeps its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.certificates import Certificate, read_certificate

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"  # RFC 5035 §3
_LARGEST: Final = 2**20  # bytes of a detached container; real ones have some thousands


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """RFC 5652 §5.3, as it came; `attributes` is None when there are none."""

    issuer: bytes
    serial: int
    key_id: bytes | None
    digest: str
    algorithm: str
    attributes: bytes | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """A SignedData; `attached` when it holds the content itself."""

    content_type: str
    attached: bool
    certificates: tuple[Certificate, ...]
    signers: tuple[SignerInfo, ...]


@dataclass(frozen=True, slots=True)
class Attributes:
    """The signed attributes, each with its only value."""

    values: dict[str, asn1.Value] = field(default_factory=dict)
    repeated: tuple[str, ...] = ()
    is_der: bool = True


def read_container(cms: bytes) -> Container:
    """Read a ContentInfo that holds a SignedData; raise MalformedMessage."""
    if len(cms) > _LARGEST:
        raise MalformedMessage(f"more than {_LARGEST} bytes")
    outer = asn1.read_ber(cms).fields()
    if outer.take(asn1.OID).oid() != SIGNED_DATA:
        raise MalformedMessage("this is no SignedData")
    wrapped = outer.take(0xA0).fields()
    outer.end()
    fields = wrapped.take(asn1.SEQUENCE).fields()
    wrapped.end()
    fields.take(asn1.INTEGER)
    fields.take(asn1.SET)  # digest algorithms: each signer names its own
    encapsulated = fields.take(asn1.SEQUENCE).fields()
    content_type = encapsulated.take(asn1.OID).oid()
    certificates = fields.optional(0xA0)
    fields.optional(0xA1)  # revocation lists: only the operator's count
    signers = fields.take(asn1.SET).members()
    fields.end()
    return Container(
        content_type=content_type,
        attached=encapsulated.optional(0xA0) is not None,
        certificates=tuple(_read_certificates(certificates)),
        signers=tuple(_read_signer(signer) for signer in signers),
    )


def _read_certificates(values: asn1.Value | None) -> Iterator[Certificate]:
    """Yield the certificates; other choices (attribute certificates) are of no use here."""
    for value in values.members() if values is not None else ():
        if value.tag == asn1.SEQUENCE:
            yield read_certificate(value.raw)


def _read_signer(value: asn1.Value) -> SignerInfo:
    fields = value.fields()
    fields.take(asn1.INTEGER)
    identity = fields.take(asn1.SEQUENCE, 0x80)
    digest = fields.take(asn1.SEQUENCE).fields().take(asn1.OID).oid()
    attributes = fields.optional(0xA0)
    algorithm = fields.take(asn1.SEQUENCE).fields().take(asn1.OID).oid()
    signature = fields.take(asn1.OCTETS).body
    fields.optional(0xA1)  # unsigned attributes: they prove nothing here
    fields.end()
    issuer, serial, key_id = _read_identity(identity)
    return SignerInfo(
        issuer, serial, key_id, digest, algorithm, attributes.raw if attributes else None, signature
    )


def _read_identity(identity: asn1.Value) -> tuple[bytes, int, bytes | None]:
    if identity.tag == 0x80:
        return b"", 0, identity.body
    fields = identity.fields()
    issuer, serial = fields.take(asn1.SEQUENCE).raw, fields.take(asn1.INTEGER).integer()
    fields.end()
    return issuer, serial, None


def read_attributes(raw: bytes | None) -> Attributes:
    """Read the attributes as far as they can be read; a repeated one counts as none."""
    if raw is None:
        return Attributes()
    as_set = b"\x31" + raw[1:]
    try:
        pairs = [_read_attribute(one) for one in asn1.read_ber(as_set).members()]
    except MalformedMessage:
        return Attributes(is_der=False)
    oids = [oid for oid, _ in pairs]
    repeated = {oid for oid, values in pairs if len(values) != 1 or oids.count(oid) > 1}
    return Attributes(
        values={oid: values[0] for oid, values in pairs if oid not in repeated},
        repeated=tuple(sorted(repeated)),
        is_der=asn1.is_der(as_set),
    )


def _read_attribute(value: asn1.Value) -> tuple[str, Sequence[asn1.Value]]:
    fields = value.fields()
    oid, values = fields.take(asn1.OID).oid(), fields.take(asn1.SET).members()
    fields.end()
    return oid, values
