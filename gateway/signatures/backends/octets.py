"""Between the octets a signature has on the wire and the form OpenSSL gives it."""

from __future__ import annotations

from gateway.signatures.algorithms import OCTETS, Family, Octets
from gateway.signatures.asn1 import read_oid

CURVE_BYTES = (32, 48)
"""How wide r and s are on P-256 and P-384."""


def canonical_signature(family: Family | None, signature: bytes) -> bytes:
    """Return the canonical octets of a signature in a certificate, a CRL or a CMS.

    A malformed one becomes empty and so never verifies.
    """
    return (
        ecdsa_from_der(signature) if _lies(family) is Octets.NUMBERS else _turn(family, signature)
    )


def wire_signature(family: Family, signature: bytes) -> bytes:
    """Return a canonical signature in the form that certificates, CRLs and CMS carry."""
    if _lies(family) is Octets.NUMBERS:
        return ecdsa_to_der(signature) or b""
    return _turn(family, signature)


def canonical_in_xml(family: Family | None, value: bytes) -> bytes:
    """Return the canonical octets of an XML SignatureValue (XML-DSig §4.2, RFC 4050 §3.3)."""
    return _turn(family, value)


def value_in_xml(family: Family, signature: bytes) -> bytes:
    """Return a canonical signature as an XML SignatureValue carries it, before base64."""
    return _turn(family, signature)


def _lies(family: Family | None) -> Octets:
    return OCTETS.get(family, Octets.PLAIN) if family is not None else Octets.PLAIN


def _turn(family: Family | None, signature: bytes) -> bytes:
    return signature[::-1] if _lies(family) is Octets.REVERSED else signature


def spki_algorithm(spki: bytes) -> str | None:
    """Return the dotted OID that a DER SubjectPublicKeyInfo begins with, or None."""
    body = _enter(_enter(spki))
    if body is None or len(body) < 2 or body[0] != 0x06 or body[1] > 0x7F:
        return None
    return read_oid(body[2 : 2 + body[1]])


def _enter(octets: bytes | None) -> bytes | None:
    """Return what follows a SEQUENCE's header."""
    if octets is None or len(octets) < 2 or octets[0] != 0x30:
        return None
    return octets[2 + (octets[1] & 0x7F if octets[1] & 0x80 else 0) :]


def ecdsa_to_der(signature: bytes) -> bytes | None:
    """Turn r‖s into SEQUENCE { r, s } (RFC 3279 §2.2.3); None when not of 64 or 96 octets."""
    width = len(signature) // 2
    if width not in CURVE_BYTES or len(signature) != 2 * width:
        return None
    body = _integer(signature[:width]) + _integer(signature[width:])
    return bytes((0x30, len(body))) + body


def ecdsa_from_der(der: bytes) -> bytes:
    """Turn SEQUENCE { r, s } into r‖s; empty when it is not the one DER form of two numbers.

    64 octets where both numbers fit P-256, else 96: one of P-384 that is so small is never made.
    """
    if len(der) < 8 or der[0] != 0x30 or der[2] != 0x02:
        return b""
    r_end = 4 + der[3]
    r, s = der[4:r_end], der[r_end + 2 :]
    numbers = [part.lstrip(b"\0") for part in (r, s)]
    width = CURVE_BYTES[max(map(len, numbers)) > CURVE_BYTES[0]]
    octets = b"".join(number.rjust(width, b"\0") for number in numbers)
    return octets if ecdsa_to_der(octets) == der else b""


def _integer(magnitude: bytes) -> bytes:
    body = magnitude.lstrip(b"\0") or b"\0"
    if body[0] & 0x80:
        body = b"\0" + body
    return bytes((0x02, len(body))) + body
