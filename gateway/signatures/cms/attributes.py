"""The attributes of a signer, signed and unsigned (RFC 5652 §11, RFC 5035, RFC 3161)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.algorithms import SHA_256, DigestAlgorithm, digest_by_oid

CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"  # RFC 5035 §3
TIMESTAMP_TOKEN: Final = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 - an OID, RFC 3161 appendix A
NAMES: Final = {
    CONTENT_TYPE: "content-type",
    MESSAGE_DIGEST: "message-digest",
    SIGNING_TIME: "signing-time",
    SIGNING_CERTIFICATE_V2: "signing-certificate-v2",
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """The signed attributes, each with its only value."""

    values: dict[str, asn1.Value] = field(default_factory=dict)
    repeated: tuple[str, ...] = ()
    is_der: bool = True


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


def read_tokens(unsigned: bytes | None) -> tuple[bytes, ...]:
    """Return the time-stamp tokens among unsigned attributes (EN 319 122-1 §5.3).

    Raises MalformedMessage when the attributes cannot be read.
    """
    if unsigned is None:
        return ()
    pairs = [_read_attribute(one) for one in asn1.read_ber(unsigned).members()]
    return tuple(one.raw for oid, values in pairs if oid == TIMESTAMP_TOKEN for one in values)


def read_reference(value: asn1.Value) -> tuple[DigestAlgorithm | None, bytes]:
    """Return hash algorithm and hash of the first ESSCertIDv2; raise MalformedMessage."""
    first = value.fields().take(asn1.SEQUENCE).fields().take(asn1.SEQUENCE).fields()
    identifier = first.optional(asn1.SEQUENCE)
    algorithm = digest_by_oid(identifier.fields().take(asn1.OID).oid()) if identifier else SHA_256
    return algorithm, first.take(asn1.OCTETS).body


def is_oid(value: asn1.Value, expected: str) -> bool:
    """Tell whether the value is this OBJECT IDENTIFIER."""
    try:
        return value.oid() == expected
    except MalformedMessage:
        return False


def _read_attribute(value: asn1.Value) -> tuple[str, Sequence[asn1.Value]]:
    fields = value.fields()
    oid, values = fields.take(asn1.OID).oid(), fields.take(asn1.SET).members()
    fields.end()
    return oid, values
