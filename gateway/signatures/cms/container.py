"""Reads a SignedData (RFC 5652 §5): BER outside, and what was signed keeps its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.certificates import Certificate, read_certificate

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CHUNKED_OCTETS: Final = 0x24
_NULL: Final = 0x05
_LARGEST: Final = 2**20  # bytes beside the content; real containers have some thousands
_LARGEST_CONTENT: Final = 3 * 2**20  # bytes of content inside


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The members of a SignedData as they came, before anybody looks into them."""

    version: asn1.Value
    digests: asn1.Value
    encapsulated: asn1.Value
    certificates: asn1.Value | None
    lists: asn1.Value | None
    signers: tuple[asn1.Value, ...]


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """RFC 5652 §5.3, as it came; `attributes` and `unsigned` are None when there are none."""

    issuer: bytes = field(repr=False)
    serial: int = field(repr=False)
    key_id: bytes | None = field(repr=False)
    digest: str
    algorithm: str
    attributes: bytes | None = field(repr=False)
    signature: bytes = field(repr=False)
    unsigned: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Container:
    """A SignedData; `content` is what it holds itself, None when it is detached.

    `digests` are the OIDs that it announces for its signers.
    """

    content_type: str
    content: bytes | None = field(repr=False)
    digests: frozenset[str]
    certificates: tuple[Certificate, ...] = field(repr=False)
    signers: tuple[SignerInfo, ...]

    @property
    def attached(self) -> bool:
        """Tell whether it holds the content itself."""
        return self.content is not None


def read_container(cms: bytes) -> Container:
    """Read a ContentInfo that holds a SignedData; raise MalformedMessage."""
    skeleton = read_skeleton(cms)
    encapsulated = skeleton.encapsulated.fields()
    content_type = encapsulated.take(asn1.OID).oid()
    content = _read_content(encapsulated.optional(0xA0))
    encapsulated.end()
    if len(cms) - len(content or b"") > _LARGEST:
        raise MalformedMessage(f"more than {_LARGEST} bytes")
    return Container(
        content_type=content_type,
        content=content,
        digests=frozenset(read_identifier(one) for one in skeleton.digests.members()),
        certificates=tuple(_read_certificates(skeleton.certificates)),
        signers=tuple(_read_signer(signer) for signer in skeleton.signers),
    )


def read_skeleton(cms: bytes) -> Skeleton:
    """Take a ContentInfo with a SignedData apart into its members; raise MalformedMessage."""
    if len(cms) > _LARGEST + _LARGEST_CONTENT:
        raise MalformedMessage(f"more than {_LARGEST + _LARGEST_CONTENT} bytes")
    outer = asn1.read_ber(cms).fields()
    if outer.take(asn1.OID).oid() != SIGNED_DATA:
        raise MalformedMessage("this is no SignedData")
    wrapped = outer.take(0xA0).fields()
    outer.end()
    fields = wrapped.take(asn1.SEQUENCE).fields()
    wrapped.end()
    skeleton = Skeleton(
        version=fields.take(asn1.INTEGER),
        digests=fields.take(asn1.SET),
        encapsulated=fields.take(asn1.SEQUENCE),
        certificates=fields.optional(0xA0),
        lists=fields.optional(0xA1),  # only the operator's lists count
        signers=fields.take(asn1.SET).members(),
    )
    fields.end()
    return skeleton


def read_identifier(value: asn1.Value) -> str:
    """Return the OID of an AlgorithmIdentifier whose parameters are absent or NULL."""
    fields = value.fields()
    oid, parameters = fields.take(asn1.OID).oid(), fields.optional(_NULL)
    fields.end()
    if parameters is not None and parameters.body:
        raise MalformedMessage("a NULL has octets")
    return oid


def _read_content(wrapped: asn1.Value | None) -> bytes | None:
    """Return the octets inside; BER may give them in chunks (X.690 §8.7.3)."""
    if wrapped is None:
        return None
    fields = wrapped.fields()
    value = fields.take(asn1.OCTETS, _CHUNKED_OCTETS)
    fields.end()
    if value.tag == asn1.OCTETS:
        return value.body
    chunks = value.members()
    if any(chunk.tag != asn1.OCTETS for chunk in chunks):
        raise MalformedMessage("a chunk of the content is no OCTET STRING")
    return b"".join(chunk.body for chunk in chunks)


def _read_certificates(values: asn1.Value | None) -> Iterator[Certificate]:
    """Yield the certificates; other choices (attribute certificates) are of no use here."""
    for value in values.members() if values is not None else ():
        if value.tag == asn1.SEQUENCE:
            yield read_certificate(value.raw)


def _read_signer(value: asn1.Value) -> SignerInfo:
    fields = value.fields()
    fields.take(asn1.INTEGER)
    identity = fields.take(asn1.SEQUENCE, 0x80)
    digest = read_identifier(fields.take(asn1.SEQUENCE))
    attributes = fields.optional(0xA0)
    algorithm = read_identifier(fields.take(asn1.SEQUENCE))
    signature = fields.take(asn1.OCTETS).body
    unsigned = fields.optional(0xA1)
    fields.end()
    issuer, serial, key_id = _read_identity(identity)
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest=digest,
        algorithm=algorithm,
        attributes=attributes.raw if attributes else None,
        signature=signature,
        unsigned=unsigned.raw if unsigned else None,
    )


def _read_identity(identity: asn1.Value) -> tuple[bytes, int, bytes | None]:
    if identity.tag == 0x80:
        return b"", 0, identity.body
    fields = identity.fields()
    issuer, serial = fields.take(asn1.SEQUENCE).raw, fields.take(asn1.INTEGER).integer()
    fields.end()
    return issuer, serial, None
