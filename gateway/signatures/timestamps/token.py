"""What a time-stamp token says (TSTInfo, RFC 3161 §2.4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der
from gateway.signatures.cms.container import read_identifier
from gateway.signatures.extensions import read_extensions

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_MOMENT: Final = re.compile(rb"([0-9]{14})(?:\.([0-9]*[1-9]))?Z")
_DIRECTORY_NAME: Final = 0xA4
COARSEST: Final = timedelta(minutes=1)
"""Whoever may be off by more proves no moment."""
_DAY: Final = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class TstInfo:
    """The signed statement: `imprint` by the hash `digest` (an OID) was there at `moment`.

    `moment` may be off by `accuracy` either way. `tsa` is the DER Name that the authority gives
    itself, None where it gives none or another kind of name.
    """

    policy: str
    digest: str
    imprint: bytes = field(repr=False)
    moment: datetime
    accuracy: timedelta
    nonce: int | None
    tsa: bytes | None = field(repr=False)
    unknown_critical: tuple[str, ...]

    @property
    def latest(self) -> datetime:
        """The moment at which it was there for certain."""
        return self.moment + self.accuracy


def read_tst_info(content: bytes) -> TstInfo:
    """Read the content of a token, which must be DER; raise MalformedMessage."""
    fields = asn1.read_der(content).fields()
    if fields.take(asn1.INTEGER).integer() != 1:
        raise MalformedMessage("a TSTInfo of another version")
    policy = fields.take(asn1.OID).oid()
    imprint = fields.take(asn1.SEQUENCE).fields()
    digest, hashed = read_identifier(imprint.take(asn1.SEQUENCE)), imprint.take(asn1.OCTETS)
    imprint.end()
    fields.take(asn1.INTEGER)  # serialNumber
    moment = _read_moment(fields.take(asn1.GENERALIZED_TIME))
    accuracy = _read_accuracy(fields.optional(asn1.SEQUENCE))
    fields.optional(asn1.BOOLEAN)  # ordering
    nonce, tsa, extensions = (
        fields.optional(asn1.INTEGER),
        fields.optional(0xA0),
        fields.optional(0xA1),
    )
    fields.end()
    return TstInfo(
        policy=policy,
        digest=digest,
        imprint=hashed.body,
        moment=moment,
        accuracy=accuracy,
        nonce=nonce.integer() if nonce is not None else None,
        tsa=_read_name(tsa),
        unknown_critical=_read_critical(extensions),
    )


def _read_moment(value: asn1.Value) -> datetime:
    """Read a GeneralizedTime that may have a fraction of a second without trailing zeros."""
    match = _MOMENT.fullmatch(value.body)
    if match is None:
        raise MalformedMessage("genTime is not YYYYMMDDhhmmss[.s…]Z")
    whole = asn1.Value(asn1.GENERALIZED_TIME, match[1] + b"Z", b"").time()
    return whole.replace(microsecond=int((match[2] or b"").ljust(6, b"0")[:6]))


def _read_accuracy(value: asn1.Value | None) -> timedelta:
    """Read the Accuracy; none given counts as none, for nobody has promised any other."""
    if value is None:
        return timedelta()
    fields = value.fields()
    parts = [fields.optional(tag) for tag in (asn1.INTEGER, 0x80, 0x81)]
    fields.end()
    seconds, millis, micros = (part.integer() if part is not None else 0 for part in parts)
    if not (0 <= seconds <= _DAY and 0 <= millis < 1000 and 0 <= micros < 1000):
        raise MalformedMessage("an accuracy is out of its bounds")
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _read_name(tsa: asn1.Value | None) -> bytes | None:
    if tsa is None:
        return None
    fields = tsa.fields()
    name = fields.optional(_DIRECTORY_NAME)
    return name.body if name is not None else None


def _read_critical(extensions: asn1.Value | None) -> tuple[str, ...]:
    """Return the critical extensions: we understand none."""
    if extensions is None:
        return ()
    rows = der.sequence(extensions.body)
    found = read_extensions(asn1.Value(0xA0, rows, rows))
    return tuple(oid for oid, each in found.items() if each.critical)
