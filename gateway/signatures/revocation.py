"""Reads revocation lists, and answers whether a certificate stands on one (RFC 5280 §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError
from gateway.signatures import asn1
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends import Backend
from gateway.signatures.backends.octets import canonical_signature
from gateway.signatures.certificates import Certificate, read_algorithm, read_extensions
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason

_REASON_CODE: Final = "2.5.29.21"
_UNDERSTOOD: Final = frozenset({"2.5.29.20", "2.5.29.35"})  # number, authority key
_REMOVED: Final = 8  # removeFromCRL
_REASONS: Final = {
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}


@dataclass(frozen=True, slots=True)
class Line:
    """Since when a certificate is revoked, and the reason's code (§5.3.1)."""

    since: datetime
    reason: int


@dataclass(frozen=True, slots=True, eq=False)
class RevocationList:
    """One CRL; `complete` is false for what we do not understand (delta lists, partitions)."""

    issuer_name: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    lines: Mapping[int, Line] = field(repr=False)
    complete: bool
    algorithm: SignatureAlgorithm | None
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)


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
    return RevocationList(
        issuer_name=issuer.raw,
        this_update=this_update,
        next_update=next_update.time() if next_update is not None else None,
        lines=dict(_read_line(line) for line in lines.members()) if lines is not None else {},
        complete=not any(
            each.critical and oid not in _UNDERSTOOD for oid, each in extensions.items()
        ),
        algorithm=algorithm,
        tbs=tbs.raw,
        signature=canonical_signature(algorithm.family if algorithm else None, signature),
    )


def _read_line(value: asn1.Value) -> tuple[int, Line]:
    fields = value.fields()
    serial = fields.take(asn1.INTEGER).integer()
    since = fields.take(asn1.UTC_TIME, asn1.GENERALIZED_TIME).time()
    reason = read_extensions(_wrap(fields.optional(asn1.SEQUENCE))).get(_REASON_CODE)
    return serial, Line(since, reason.value.integer() if reason is not None else 0)


def _wrap(extensions: asn1.Value | None) -> asn1.Value | None:
    """Give the extensions of a line the wrapping that those of a certificate have."""
    if extensions is None:
        return None
    return asn1.Value(0xA0, extensions.raw, extensions.raw)


def judge_revocation(
    certificate: Certificate,
    issuer: Certificate,
    lists: Iterable[RevocationList],
    *,
    at: datetime,
    backend: Backend,
) -> Reason | None:
    """Say what the issuer's newest list has against the certificate; None when nothing.

    Raises CryptoUnavailable when the list's signature cannot be checked here.
    """
    usable = [each for each in lists if _speaks_for(each, issuer, backend)]
    if not usable:
        return Reason(Fact.REVOCATION_UNKNOWN, "no list of this authority")
    newest = max(usable, key=lambda each: each.this_update)
    line = newest.lines.get(certificate.serial)
    if line is not None and line.reason != _REMOVED and line.since <= at:
        return Reason(Fact.REVOKED, _REASONS.get(line.reason, "unspecified"))
    if newest.next_update is None or newest.next_update < at:
        return Reason(Fact.REVOCATION_UNKNOWN, "the list is past its nextUpdate")
    return None


def _speaks_for(crl: RevocationList, issuer: Certificate, backend: Backend) -> bool:
    may_sign = issuer.key_usage is None or "crl_sign" in issuer.key_usage
    return (
        crl.complete
        and may_sign
        and crl.issuer_name == issuer.subject_name
        and verify_list(crl, issuer, backend)
    )


@lru_cache(maxsize=256)
def verify_list(crl: RevocationList, issuer: Certificate, backend: Backend) -> bool:
    """Tell whether the issuer signed the list; raise CryptoUnavailable."""
    if crl.algorithm is None or crl.algorithm.refused:
        return False
    try:
        public = backend.load_public(issuer.spki)
    except CryptoUnavailable:
        raise
    except GatewayError:
        return False
    return backend.verify(public, crl.algorithm, crl.signature, crl.tbs)
