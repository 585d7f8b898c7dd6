"""What a key says of itself: its algorithm and its curve (RFC 5958, RFC 5280 §4.1.2.7)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1

_PEM: Final = re.compile(
    rb"-----BEGIN (ENCRYPTED |)PRIVATE KEY-----\s*([A-Za-z0-9+/=\s]+?)-----END \1PRIVATE KEY-----"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """The dotted OIDs of a key; `curve` is empty where the parameters name none."""

    algorithm: str
    curve: str


def unarmour(key: bytes) -> bytes:
    """Return the DER of a PKCS#8 key in PEM, encrypted or not; anything else as it came."""
    armour = _PEM.search(key)
    return base64.b64decode(armour[2]) if armour else key


def private_kind(key: bytes) -> Kind | None:
    """Return what an unencrypted PKCS#8 key (PEM or DER) is; None when it is none."""
    return _read_kind(unarmour(key), first=asn1.INTEGER)


def public_kind(spki: bytes) -> Kind | None:
    """Return what a SubjectPublicKeyInfo is; None when it is none."""
    return _read_kind(spki, first=None)


def _read_kind(structure: bytes, first: int | None) -> Kind | None:
    try:
        fields = asn1.read_der(structure).fields()
        if first is not None:
            fields.take(first)
        identifier = fields.take(asn1.SEQUENCE).fields()
        algorithm, parameters = identifier.take(asn1.OID).oid(), identifier.optional(asn1.SEQUENCE)
        named = identifier.optional(asn1.OID) if parameters is None else _first_oid(parameters)
        return Kind(algorithm, named.oid() if named is not None else "")
    except MalformedMessage:
        return None


def _first_oid(parameters: asn1.Value) -> asn1.Value | None:
    return parameters.fields().optional(asn1.OID)
