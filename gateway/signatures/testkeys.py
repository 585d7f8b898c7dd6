"""The kinds of key in the test PKI, the weak one included.

RSA and EC keys come from `cryptography`: it makes an RSA key four times as fast as the system's
library, and those keys are most of the time that the test PKI takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.signatures.algorithms import Family
from gateway.signatures.backends import Backend

_CURVES: Final = {256: ec.SECP256R1(), 384: ec.SECP384R1()}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of key: its size in bits, and which kind of authority signs its certificates."""

    name: str
    family: Family
    bits: int
    under: str
    mark: str = ""
    """What an authority of this kind has behind its name."""


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("rsa", Family.RSA, 2048, "rsa", " RSA"),
        Kind("rsa-4096", Family.RSA, 4096, "rsa"),
        Kind("rsa-1024", Family.RSA, 1024, "rsa"),  # too short: must be turned away
        Kind("ec", Family.EC, 256, "ec", " EC"),
        Kind("ec-384", Family.EC, 384, "ec"),
        Kind("gost", Family.GOST_256, 256, "gost", " ГОСТ"),
        Kind("gost-512", Family.GOST_512, 512, "gost-512", " ГОСТ-512"),
        Kind("kz", Family.GOST_512_KZ, 512, "kz"),
    )
}
"""By the names that the declaration uses."""


def named(name: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the name of each file by kind: the first kind has no suffix, `NAME-KIND` the others.

    >>> named("ru-root", ("rsa", "gost"))
    {'rsa': 'ru-root', 'gost': 'ru-root-gost'}
    """
    return {kind: f"{name}-{kind}" if at else name for at, kind in enumerate(keys)}


def make_key(kind: Kind, backend: Backend) -> bytes:
    """Make a private key as unencrypted PKCS#8 DER; raise CryptoUnavailable."""
    if kind.family not in (Family.RSA, Family.EC):
        return backend.generate(kind.family)
    made: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind.family is Family.RSA:
        # 1024 bits are the point of a test; nobody trusts what is signed with it.
        made = rsa.generate_private_key(public_exponent=65537, key_size=kind.bits)
    else:
        made = ec.generate_private_key(_CURVES[kind.bits])
    return made.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
