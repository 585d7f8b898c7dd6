"""Names a certificate by its issuer and serial number, as X509IssuerSerial does.

The name is text (RFC 4514), and programs write it in many ways: in either order, with their own
short names or OIDs. It only selects among certificates that are known already, so the values are
compared and not their labels; the signature must then fit the key.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1
from gateway.signatures.certificates import Certificate

# RFC 4514 §3, and the names that Java and НУЦ РК write.
_LABELS: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SURNAME",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.42": "GIVENNAME",
}
_SPECIAL: Final = re.compile(r'(^[ #]|[,+"\\<>;=]| $)')
_NEXT: Final = re.compile(r'\s*[^=,+]+=\s*("(?:[^"\\]|\\.)*"|(?:[^,+;\\]|\\.)*)\s*(?:[,+;]|$)')
_ESCAPED: Final = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")
_LONGEST: Final = 2000


def write_issuer(certificate: Certificate) -> str:
    """Return the issuer's name as RFC 4514 writes it, the last part first."""
    return ",".join(_write_part(*part) for part in reversed(_read_name(certificate.issuer_name)))


def _write_part(oid: str, value: asn1.Value) -> str:
    """Return one attribute; a value without a short name is written by its octets (§2.4)."""
    if oid in _LABELS:
        return f"{_LABELS[oid]}={_SPECIAL.sub(_escape, value.text())}"
    return f"{oid}=#{value.raw.hex()}"


def names_issuer(text: str, certificate: Certificate) -> bool:
    """Tell whether the text names the certificate's issuer; False for what is no name."""
    real = Counter(_fold(value.text()) for _, value in _read_name(certificate.issuer_name))
    return _read_text(text) == real


def _read_name(name: bytes) -> list[tuple[str, asn1.Value]]:
    """Return OID and value of each attribute of a DER Name, in its order."""
    found = []
    for relative in asn1.read_der(name).members():
        for attribute in relative.members():
            oid, value = attribute.members()
            found.append((oid.oid(), value))
    return found


def _read_text(text: str) -> Counter[str]:
    values: Counter[str] = Counter()
    at = 0
    while at < len(text[:_LONGEST]):
        match = _NEXT.match(text, at)
        if match is None or match.end() == at:
            return Counter()
        values[_fold(_unescape(match[1]))] += 1
        at = match.end()
    return values


def _unescape(value: str) -> str:
    """Return what a written value means; `#` begins the octets of a DER string."""
    if value.startswith("#"):
        try:
            return asn1.read_der(bytes.fromhex(value[1:])).text()
        except (MalformedMessage, ValueError):
            return value
    if value.startswith('"'):
        value = value[1:-1]
    return _ESCAPED.sub(_meant, value)


def _meant(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1].replace("\\", "")).decode(errors="replace")
    return match[2]


def _escape(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _fold(value: str) -> str:
    return " ".join(value.split()).casefold()
