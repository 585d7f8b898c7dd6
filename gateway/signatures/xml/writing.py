"""Writes a ds:Signature as text, SignedInfo at once in its exclusive canonical form.

The prefix is literally `ds:`: some receivers look for it. Tests let xmlsec1 and our own verifier
canonicalise again what was written.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache

from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.backends.octets import value_in_xml
from gateway.signatures.certificates import Certificate
from gateway.signatures.keys import SigningKey
from gateway.signatures.xml.names import DS, EXCLUSIVE


def write_reference(
    digest: DigestAlgorithm, value: bytes, *, uri: str | None, chain: Iterable[str]
) -> str:
    """Return a ds:Reference; `uri` is None for content that the receiver knows."""
    target = "" if uri is None else f' URI="{uri}"'
    steps = "".join(f'<ds:Transform Algorithm="{step}"></ds:Transform>' for step in chain)
    transforms = f"<ds:Transforms>{steps}</ds:Transforms>" if steps else ""
    return (
        f"<ds:Reference{target}>{transforms}"
        f'<ds:DigestMethod Algorithm="{digest.uri}"></ds:DigestMethod>'
        f"<ds:DigestValue>{base64.b64encode(value).decode()}</ds:DigestValue></ds:Reference>"
    )


def write_signed_info(key: SigningKey, references: str, method: str = EXCLUSIVE) -> str:
    """Return SignedInfo in exclusive canonical form: no line ends, no empty tags."""
    return (
        f'<ds:SignedInfo xmlns:ds="{DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{method}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{key.algorithm.uri}"></ds:SignatureMethod>'
        f"{references}</ds:SignedInfo>"
    )


def write_signature(key: SigningKey, signed_info: str, octets: bytes, key_info: str) -> str:
    """Sign the canonical octets of SignedInfo, return ds:Signature; raise CryptoUnavailable."""
    value = base64.b64encode(value_in_xml(key.algorithm.family, key.sign(octets))).decode()
    return (
        f'<ds:Signature xmlns:ds="{DS}">{signed_info}'
        f"<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"<ds:KeyInfo>{key_info}</ds:KeyInfo></ds:Signature>"
    )


def write_x509_data(key: SigningKey) -> str:
    """Return the signer's certificate as X509Data, and those above it that its file brought."""
    certificates = "".join(
        f"<ds:X509Certificate>{base64_of(one)}</ds:X509Certificate>"
        for one in (key.certificate, *key.authorities)
    )
    return f"<ds:X509Data>{certificates}</ds:X509Data>"


def base64_of(certificate: Certificate) -> str:
    """Return a certificate's octets in base64."""
    return _write_base64(certificate.der)


@lru_cache(maxsize=256)
def _write_base64(der: bytes) -> str:
    """Our own few certificates are written again and again."""
    return base64.b64encode(der).decode()
