"""A certificate as we read it: whose, what for, until when."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from gateway.signatures import asn1
from gateway.signatures.algorithms import KEY_OIDS, Family, SignatureAlgorithm, signature_by_oid
from gateway.signatures.backends.octets import canonical_signature, spki_algorithm
from gateway.signatures.extensions import (
    Extension,
    read_access,
    read_extensions,
    read_points,
)
from gateway.signatures.subjects import Subject, read_subject

_PEM: Final = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CRL)-----\s*([A-Za-z0-9+/=\s]+?)-----END \1-----"
)
_KEY_USAGES: Final = (
    *("digital_signature", "non_repudiation", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_SUBJECT_KEY, _AUTHORITY_KEY = "2.5.29.14", "2.5.29.35"
_LIST_POINTS, _FRESHEST, _ACCESS = "2.5.29.31", "2.5.29.46", "1.3.6.1.5.5.7.1.1"
_OCSP, _ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"
_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"  # id-pkix-ocsp-nocheck, RFC 6960 §4.2.2.2.1
# What we act upon, and what needs no act: subject alternative names, policies.
_UNDERSTOOD: Final = frozenset(
    {_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE, _SUBJECT_KEY, _AUTHORITY_KEY}
    | {_LIST_POINTS, _NO_CHECK, "2.5.29.17", "2.5.29.32"}
)

_LARGEST_KEPT: Final = 8192  # bytes; a qualified certificate has two to four thousand


@dataclass(frozen=True, slots=True)
class Certificate:
    """What verification needs of an X.509 certificate (RFC 5280).

    `signature` is in the backend's canonical octets; `key_usage` is None when the extension is
    absent, `path_length` when there is no limit. Nothing of the subject shows in `repr`.
    """

    sha256: str
    der: bytes = field(repr=False)
    spki: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    algorithm: SignatureAlgorithm | None
    family: Family | None
    subject: Subject = field(repr=False)
    subject_name: bytes = field(repr=False)
    issuer_name: bytes = field(repr=False)
    serial: int = field(repr=False)
    not_before: datetime
    not_after: datetime
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None
    is_authority: bool
    path_length: int | None
    subject_key_id: bytes | None = field(repr=False)
    authority_key_id: bytes | None = field(repr=False)
    unknown_critical: tuple[str, ...]
    """Critical extensions that we do not understand: such a certificate must be turned away."""
    ocsp_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where its authority answers about it (authorityInfoAccess, RFC 5280 §4.2.2.1)."""
    issuer_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where the authority's own certificate lies; never called on an unknown one's word."""
    list_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where lists lie that it may stand on (cRLDistributionPoints, §4.2.1.13)."""
    delta_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where what has been added to them since lies (freshestCRL, §4.2.1.15)."""
    no_check: bool = False
    """Its authority says that a responder with it need not be asked about (RFC 6960 §4.2.2.2.1)."""

    @property
    def public_key(self) -> bytes:
        """The octets of the subjectPublicKey, as OCSP hashes them (RFC 6960 §4.1.1)."""
        _, key = asn1.read_ber(self.spki).members()
        return key.bits()[0]

    def alive(self, moment: datetime) -> bool:
        """Tell whether the moment lies within the certificate's life, both ends included."""
        return self.not_before <= moment <= self.not_after


def read_certificate(der: bytes) -> Certificate:
    """Read one DER certificate; raise MalformedMessage.

    The same few come again and again and are kept; one of unusual size is not.
    """
    return _read_kept(der) if len(der) <= _LARGEST_KEPT else _read_anew(der)


def _read_anew(der: bytes) -> Certificate:
    outer = asn1.read_der(der).fields()
    tbs, algorithm, signature = (
        outer.take(asn1.SEQUENCE),
        outer.take(asn1.SEQUENCE),
        outer.take(asn1.BITS),
    )
    outer.end()
    return _read(der, tbs, algorithm, signature)


_read_kept: Final = lru_cache(maxsize=2048)(_read_anew)


def split_pem(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each certificate and CRL of a PEM file as (`CERTIFICATE` or `X509 CRL`, DER)."""
    for match in _PEM.finditer(content):
        yield match[1].decode("ascii"), base64.b64decode(match[2])


def write_pem(label: str, der: bytes) -> bytes:
    """Return the DER in PEM armour."""
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    mark = label.encode("ascii")
    return b"-----BEGIN " + mark + b"-----\n" + lines + b"\n-----END " + mark + b"-----\n"


def _read(
    der: bytes, tbs: asn1.Value, identifier: asn1.Value, signature: asn1.Value
) -> Certificate:
    """Read the fields of TBSCertificate (RFC 5280 §4.1)."""
    fields = tbs.fields()
    fields.optional(0xA0)  # version
    serial = fields.take(asn1.INTEGER).integer()
    # §4.1.1.2: the two must agree, or the signature is over another algorithm.
    inner = fields.take(asn1.SEQUENCE)
    algorithm = read_algorithm(identifier) if inner.raw == identifier.raw else None
    issuer, validity = fields.take(asn1.SEQUENCE), fields.take(asn1.SEQUENCE).fields()
    not_before, not_after = (
        validity.take(asn1.UTC_TIME, asn1.GENERALIZED_TIME).time() for _ in range(2)
    )
    subject, spki = fields.take(asn1.SEQUENCE), fields.take(asn1.SEQUENCE)
    fields.optional(0x81), fields.optional(0x82)  # unique ids
    extensions = read_extensions(fields.optional(0xA3))
    fields.end()
    is_authority, path_length = _constraints(extensions.get(_BASIC_CONSTRAINTS))
    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        der=der,
        spki=spki.raw,
        tbs=tbs.raw,
        signature=canonical_signature(algorithm.family if algorithm else None, signature.bits()[0]),
        algorithm=algorithm,
        family=KEY_OIDS.get(spki_algorithm(spki.raw) or ""),
        subject=read_subject(subject),
        subject_name=subject.raw,
        issuer_name=issuer.raw,
        serial=serial,
        not_before=not_before,
        not_after=not_after,
        key_usage=_key_usage(extensions.get(_KEY_USAGE)),
        extended_key_usage=_purposes(extensions.get(_EXTENDED_KEY_USAGE)),
        is_authority=is_authority,
        path_length=path_length,
        subject_key_id=_subject_key(extensions.get(_SUBJECT_KEY)),
        authority_key_id=_authority_key(extensions.get(_AUTHORITY_KEY)),
        unknown_critical=tuple(
            oid for oid, each in extensions.items() if each.critical and oid not in _UNDERSTOOD
        ),
        ocsp_urls=read_access(extensions.get(_ACCESS), _OCSP),
        issuer_urls=read_access(extensions.get(_ACCESS), _ISSUERS),
        list_urls=read_points(extensions.get(_LIST_POINTS)),
        delta_urls=read_points(extensions.get(_FRESHEST)),
        no_check=_NO_CHECK in extensions,
    )


def read_algorithm(identifier: asn1.Value) -> SignatureAlgorithm | None:
    """Return the signature algorithm of an AlgorithmIdentifier, or None if we do not know it."""
    return signature_by_oid(identifier.fields().take(asn1.OID).oid())


def _constraints(extension: Extension | None) -> tuple[bool, int | None]:
    if extension is None:
        return False, None
    fields = extension.value.fields()
    flag, limit = fields.optional(asn1.BOOLEAN), fields.optional(asn1.INTEGER)
    is_authority = flag is not None and flag.body == b"\xff"
    return is_authority, limit.integer() if limit is not None else None


def _key_usage(extension: Extension | None) -> frozenset[str] | None:
    if extension is None:
        return None
    octets, _ = extension.value.bits()
    return frozenset(
        name
        for number, name in enumerate(_KEY_USAGES)
        if number // 8 < len(octets) and octets[number // 8] >> (7 - number % 8) & 1
    )


def _purposes(extension: Extension | None) -> frozenset[str] | None:
    if extension is None:
        return None
    return frozenset(member.oid() for member in extension.value.members())


def _subject_key(extension: Extension | None) -> bytes | None:
    return extension.value.body if extension is not None else None


def _authority_key(extension: Extension | None) -> bytes | None:
    found = extension.value.fields().optional(0x80) if extension is not None else None
    return found.body if found is not None else None
