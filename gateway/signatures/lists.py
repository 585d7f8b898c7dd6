"""Reads revocation lists, whole ones and what was added to them since (RFC 5280 §5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from gateway.signatures import asn1
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends import Backend
from gateway.signatures.backends.octets import canonical_signature
from gateway.signatures.certificates import Certificate, read_algorithm
from gateway.signatures.extensions import (
    INVALIDITY,
    Extension,
    read_extensions,
    read_moment,
    read_points,
    urls_of,
)
from gateway.signatures.links import signed_by

_REASON_CODE: Final = "2.5.29.21"
_NUMBER, _DELTA, _POINT, _FRESHEST = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.46"
_KEEPS_ENDED: Final = "2.5.29.60"  # expiredCertsOnCRL, X.509 §8.5.2.12
_UNDERSTOOD: Final = frozenset({_NUMBER, "2.5.29.35", _DELTA, _POINT, _KEEPS_ENDED})


@dataclass(frozen=True, slots=True)
class Line:
    """Since when a certificate is revoked, and the reason's code (§5.3.1).

    `doubted_since`: since when its key is known or thought to be stolen (invalidityDate, §5.3.2).
    """

    since: datetime
    reason: int
    doubted_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which certificates of its authority a list speaks of (issuingDistributionPoint, §5.2.5)."""

    users: bool = True
    authorities: bool = True
    points: frozenset[str] = frozenset()
    """URLs of the point that it belongs to; empty: of them all."""


_EVERYBODY: Final = Scope()
_NOBODY: Final = Scope(users=False, authorities=False)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class RevocationList:
    """One CRL; `complete` is false where something critical in it is not understood.

    `base` is the number of the whole list that a delta list adds to; None for a whole list.
    """

    issuer_name: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    lines: Mapping[int, Line] = field(repr=False)
    complete: bool
    algorithm: SignatureAlgorithm | None
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    number: int | None = None
    base: int | None = None
    scope: Scope = _EVERYBODY
    delta_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where the delta list to this one lies (freshestCRL, §5.2.6)."""
    keeps_since: datetime | None = None
    """Of whom its silence speaks: certificates that ended then or later (expiredCertsOnCRL)."""

    def covers(self, certificate: Certificate) -> bool:
        """Tell whether it speaks of this certificate, if it is one of its authority's."""
        scope = self.scope
        if scope.points and not scope.points & set(certificate.list_urls):
            return False
        return scope.authorities if certificate.is_authority else scope.users


def read_list(der: bytes) -> RevocationList:
    """Read one DER CRL; raise MalformedMessage."""
    outer = asn1.read_der(der).fields()
    tbs, identifier = outer.take(asn1.SEQUENCE), outer.take(asn1.SEQUENCE)
    signature, _ = outer.take(asn1.BITS).bits()
    outer.end()
    fields = tbs.fields()
    fields.optional(asn1.INTEGER)
    inner, issuer = fields.take(asn1.SEQUENCE), fields.take(asn1.SEQUENCE)
    this_update = fields.take(asn1.UTC_TIME, asn1.GENERALIZED_TIME).time()
    next_update = fields.optional(asn1.UTC_TIME, asn1.GENERALIZED_TIME)
    lines, extensions = fields.optional(asn1.SEQUENCE), read_extensions(fields.optional(0xA0))
    fields.end()
    algorithm = read_algorithm(identifier) if inner.raw == identifier.raw else None
    rows = [_read_line(line) for line in lines.members()] if lines is not None else []
    return RevocationList(
        issuer_name=issuer.raw,
        this_update=this_update,
        next_update=next_update.time() if next_update is not None else None,
        lines={serial: line for serial, line, _ in rows},
        complete=_is_understood(extensions) and all(understood for _, _, understood in rows),
        algorithm=algorithm,
        tbs=tbs.raw,
        signature=canonical_signature(algorithm.family if algorithm else None, signature),
        number=_integer(extensions.get(_NUMBER)),
        base=_integer(extensions.get(_DELTA)),
        scope=_read_scope(extensions.get(_POINT)),
        delta_urls=read_points(extensions.get(_FRESHEST)),
        keeps_since=read_moment(extensions.get(_KEEPS_ENDED)),
    )


def _is_understood(extensions: Mapping[str, Extension]) -> bool:
    return not any(each.critical and oid not in _UNDERSTOOD for oid, each in extensions.items())


def _integer(extension: Extension | None) -> int | None:
    return extension.value.integer() if extension is not None else None


def _read_scope(extension: Extension | None) -> Scope:
    """Read an issuingDistributionPoint (§5.2.5).

    A list for some reasons only, for attribute certificates, or with lines of other authorities
    speaks of nobody here.
    """
    if extension is None:
        return _EVERYBODY
    fields = extension.value.fields()
    name = fields.optional(0xA0)
    users, authorities = fields.optional(0x81), fields.optional(0x82)
    partial = [fields.optional(tag) for tag in (0x83, 0x84, 0x85)]
    fields.end()
    points = frozenset(urls_of(name)) if name is not None else frozenset()
    if any(one is not None for one in partial) or (name is not None and not points):
        return _NOBODY
    return Scope(users=authorities is None, authorities=users is None, points=points)


def _read_line(value: asn1.Value) -> tuple[int, Line, bool]:
    """Return serial number, line, and whether nothing critical in it is unknown."""
    fields = value.fields()
    serial = fields.take(asn1.INTEGER).integer()
    since = fields.take(asn1.UTC_TIME, asn1.GENERALIZED_TIME).time()
    wrapped = fields.optional(asn1.SEQUENCE)
    fields.end()
    if wrapped is None:
        return serial, Line(since, 0), True
    extensions = read_extensions(asn1.Value(0xA0, wrapped.raw, wrapped.raw))
    # §5.3.3: certificateIssuer is critical and says that the line is of another authority.
    understood = not any(
        each.critical and oid not in {_REASON_CODE, INVALIDITY} for oid, each in extensions.items()
    )
    reason = _integer(extensions.get(_REASON_CODE)) or 0
    return serial, Line(since, reason, read_moment(extensions.get(INVALIDITY))), understood


_FINGERPRINTS: Final[WeakKeyDictionary[RevocationList, bytes]] = WeakKeyDictionary()
"""A list of megabytes is hashed once, and forgotten with its last user."""


def verify_list(crl: RevocationList, issuer: Certificate, backend: Backend) -> bool:
    """Tell whether the issuer signed the list; raise CryptoUnavailable."""
    fingerprint = _FINGERPRINTS.get(crl)
    if fingerprint is None:
        fingerprint = _FINGERPRINTS[crl] = hashlib.sha256(crl.tbs).digest()
    return signed_by(
        issuer, crl.algorithm, crl.signature, crl.tbs, backend, fingerprint=fingerprint
    )
