"""Reads OCSP answers strictly (RFC 6960 §4.2); who may have given them is judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends.octets import canonical_signature
from gateway.signatures.certificates import Certificate, read_algorithm, read_certificate
from gateway.signatures.extensions import INVALIDITY, Extension, read_extensions, read_moment
from gateway.signatures.ocsp.request import LONGEST_NONCE, NONCE, hash_of

_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_ENUMERATED: Final = 0x0A
_UNDERSTOOD: Final = frozenset({NONCE, _ARCHIVE_CUTOFF, INVALIDITY})
_MOST_CERTIFICATES: Final = 8
_MOST_WORDS: Final = 32
_DECLINED: Final = {  # OCSPResponseStatus, §4.2.1
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}


class Status(Enum):
    """What an authority says of a certificate (§2.2)."""

    GOOD = 0x80
    REVOKED = 0xA1
    UNKNOWN = 0x82


@dataclass(frozen=True, slots=True)
class Word:
    """One SingleResponse; `since` and `reason` (RFC 5280 §5.3.1) speak of a revocation."""

    algorithm: str
    name_hash: bytes = field(repr=False)
    key_hash: bytes = field(repr=False)
    serial: int = field(repr=False)
    status: Status
    this_update: datetime
    next_update: datetime | None
    since: datetime | None = None
    reason: int = 0
    doubted_since: datetime | None = None
    """Since when the key is known or thought to be stolen (invalidityDate, §4.4.5)."""
    keeps_since: datetime | None = None
    """Of whom «good» speaks: certificates that ended then or later (archiveCutoff, §4.4.4)."""

    def is_about(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Tell whether it names this certificate, which this issuer has issued."""
        return (
            self.serial == certificate.serial
            and self.name_hash == hash_of(self.algorithm, issuer.subject_name)
            and self.key_hash == hash_of(self.algorithm, issuer.public_key)
        )


@dataclass(frozen=True, slots=True, eq=False)
class OcspAnswer:
    """A BasicOCSPResponse; the responder is known by its name or by the SHA-1 of its key."""

    responder_name: bytes | None = field(repr=False)
    responder_key: bytes | None = field(repr=False)
    produced_at: datetime
    words: tuple[Word, ...]
    nonce: bytes | None = field(repr=False)
    certificates: tuple[Certificate, ...] = field(repr=False)
    algorithm: SignatureAlgorithm | None
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """The responder says that it does not answer; nobody has signed that."""

    status: str


def read_answer(der: bytes) -> OcspAnswer | Declined:
    """Read one DER OCSPResponse; raise MalformedMessage for what is none, or not understood."""
    outer = asn1.read_der(der).fields()
    status, wrapped = outer.take(_ENUMERATED).integer(), outer.optional(0xA0)
    outer.end()
    if status in _DECLINED and wrapped is None:
        return Declined(_DECLINED[status])
    if status != 0 or wrapped is None:
        raise MalformedMessage("the status of an OCSP answer is none of the known")
    around = wrapped.fields()
    inside = around.take(asn1.SEQUENCE).fields()
    around.end()
    kind, content = inside.take(asn1.OID).oid(), inside.take(asn1.OCTETS).body
    inside.end()
    if kind != _BASIC:
        raise MalformedMessage("an OCSP answer is of an unknown kind")
    return _read_basic(content)


def _read_basic(content: bytes) -> OcspAnswer:
    """Read BasicOCSPResponse (§4.2.1)."""
    outer = asn1.read_der(content).fields()
    tbs, identifier = outer.take(asn1.SEQUENCE), outer.take(asn1.SEQUENCE)
    signature, _ = outer.take(asn1.BITS).bits()
    certificates = _read_certificates(outer.optional(0xA0))
    outer.end()
    fields = tbs.fields()
    fields.optional(0xA0)  # version
    name, key = _read_responder(fields.take(0xA1, 0xA2))
    produced_at = fields.take(asn1.GENERALIZED_TIME).time()
    words = fields.take(asn1.SEQUENCE).members()
    extensions = read_extensions(fields.optional(0xA1))
    fields.end()
    if len(words) > _MOST_WORDS:
        raise MalformedMessage("an OCSP answer speaks of too many certificates")
    _need_understood(extensions)
    algorithm = read_algorithm(identifier)
    return OcspAnswer(
        responder_name=name,
        responder_key=key,
        produced_at=produced_at,
        words=tuple(_read_word(word) for word in words),
        nonce=_read_nonce(extensions.get(NONCE)),
        certificates=certificates,
        algorithm=algorithm,
        tbs=tbs.raw,
        signature=canonical_signature(algorithm.family if algorithm else None, signature),
    )


def _read_certificates(wrapped: asn1.Value | None) -> tuple[Certificate, ...]:
    if wrapped is None:
        return ()
    rows = wrapped.fields()
    members = rows.take(asn1.SEQUENCE).members()
    rows.end()
    if len(members) > _MOST_CERTIFICATES:
        raise MalformedMessage("an OCSP answer carries too many certificates")
    return tuple(read_certificate(member.raw) for member in members)


def _read_responder(identity: asn1.Value) -> tuple[bytes | None, bytes | None]:
    """Return the Name, or the hash of the key, that the responder is known by."""
    fields = identity.fields()
    by_name = identity.tag == 0xA1
    value = fields.take(asn1.SEQUENCE if by_name else asn1.OCTETS)
    fields.end()
    return (value.raw, None) if by_name else (None, value.body)


def _read_word(value: asn1.Value) -> Word:
    """Read SingleResponse (§4.2.1)."""
    fields = value.fields()
    identity, said = (
        fields.take(asn1.SEQUENCE).fields(),
        fields.take(*(one.value for one in Status)),
    )
    this_update = fields.take(asn1.GENERALIZED_TIME).time()
    next_update = _read_time(fields.optional(0xA0))
    extensions = read_extensions(fields.optional(0xA1))
    fields.end()
    _need_understood(extensions)
    algorithm = identity.take(asn1.SEQUENCE).fields().take(asn1.OID).oid()
    name_hash, key_hash = (identity.take(asn1.OCTETS).body for _ in range(2))
    serial = identity.take(asn1.INTEGER).integer()
    identity.end()
    status = Status(said.tag)
    since, reason = _read_revocation(said) if status is Status.REVOKED else (None, 0)
    return Word(
        algorithm=algorithm,
        name_hash=name_hash,
        key_hash=key_hash,
        serial=serial,
        status=status,
        this_update=this_update,
        next_update=next_update,
        since=since,
        reason=reason,
        doubted_since=read_moment(extensions.get(INVALIDITY)),
        keeps_since=read_moment(extensions.get(_ARCHIVE_CUTOFF)),
    )


def _read_revocation(said: asn1.Value) -> tuple[datetime, int]:
    fields = said.fields()
    since, wrapped = fields.take(asn1.GENERALIZED_TIME).time(), fields.optional(0xA0)
    fields.end()
    if wrapped is None:
        return since, 0
    inside = wrapped.fields()
    reason = inside.take(_ENUMERATED).integer()
    inside.end()
    return since, reason


def _read_time(wrapped: asn1.Value | None) -> datetime | None:
    if wrapped is None:
        return None
    inside = wrapped.fields()
    moment = inside.take(asn1.GENERALIZED_TIME).time()
    inside.end()
    return moment


def _read_nonce(extension: Extension | None) -> bytes | None:
    if extension is None:
        return None
    if extension.value.tag != asn1.OCTETS or not 0 < len(extension.value.body) <= LONGEST_NONCE:
        raise MalformedMessage("a nonce has 1 to 32 octets")
    return extension.value.body


def _need_understood(extensions: dict[str, Extension]) -> None:
    """Refuse what is critical and unknown (§4.1.2): it may change what the answer means."""
    if any(each.critical and oid not in _UNDERSTOOD for oid, each in extensions.items()):
        raise MalformedMessage("something critical in an OCSP answer is not understood")
