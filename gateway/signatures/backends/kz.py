"""ГОСТ 34.10-2015 of НУЦ РК: the GOST-512 of the backend below, under the names of Kazakhstan.

Curve, hash and key are those of RFC 9215 (id-tc26-gost-3410-12-512-paramSetA, Streebog-512); only
the OIDs differ, and the order of the signature's octets, which `octets` turns.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import CryptoUnavailable, MalformedMessage, SettingError
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import (
    GOST_512,
    GOST_512_KZ,
    STREEBOG_512,
    STREEBOG_512_KZ,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.backend import Backend, PrivateKey, PublicKey
from gateway.signatures.backends.pkcs8 import private_kind, unarmour

_KEY: Final = "1.2.398.3.10.1.1.2.2"
_KZ: Final = der.sequence(
    der.oid(_KEY), der.sequence(der.oid("1.2.398.3.10.1.1.2.2.1"), der.oid(STREEBOG_512_KZ.oid))
)
_RU: Final = der.sequence(  # RFC 9215 §4
    der.oid("1.2.643.7.1.1.1.2"),
    der.sequence(der.oid("1.2.643.7.1.2.1.2.1"), der.oid(STREEBOG_512.oid)),
)


class KzBackend:
    """Signs and verifies GOST-512 for Kazakhstan with a backend that can do it for Russia."""

    def __init__(self, below: Backend) -> None:
        self._below = below
        self.name = f"kz over {below.name}"

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether it is Kazakhstan's, and the backend below can do Russia's."""
        return algorithm is GOST_512_KZ and self._below.supports(GOST_512)

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable for any other hash."""
        if algorithm is not STREEBOG_512_KZ:
            raise CryptoUnavailable(f"{self.name} has no {algorithm.name}")
        return self._below.digest(STREEBOG_512, content)

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read an unencrypted PKCS#8 key; raise CryptoUnavailable for one of another kind,
        SettingError for what is none.
        """  # noqa: D205
        if private_kind(key) is None:
            raise SettingError("this is no private key, or its password is wrong")
        relabelled = _relabel(unarmour(key), _KZ, _RU, where=1)
        if relabelled is None:
            raise CryptoUnavailable("this is no key of НУЦ РК")
        below = self._below.load_private(relabelled, password)
        spki = _relabel(below.spki, _RU, _KZ, where=0)
        assert spki is not None
        return PrivateKey(self.name, Family.GOST_512_KZ, below.bits, spki, below)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo of НУЦ РК; raise CryptoUnavailable for any other."""
        relabelled = _relabel(spki, _KZ, _RU, where=0)
        if relabelled is None:
            raise CryptoUnavailable("this is no key of НУЦ РК")
        below = self._below.load_public(relabelled)
        return PublicKey(self.name, Family.GOST_512_KZ, below.bits, below)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash and sign the content; raise CryptoUnavailable for a key of another family."""
        if algorithm is not GOST_512_KZ or not isinstance(key.handle, PrivateKey):
            raise CryptoUnavailable(f"this key cannot sign with {algorithm.name}")
        return self._below.sign(key.handle, GOST_512, content)

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good; False for a key of another family."""
        if algorithm is not GOST_512_KZ or not isinstance(key.handle, PublicKey):
            return False
        return self._below.verify(key.handle, GOST_512, signature, content)

    def generate(self, family: Family, bits: int = 0) -> bytes:  # noqa: ARG002 - one size
        """Make a key as PKCS#8 DER; raise CryptoUnavailable for any other family."""
        if family is not Family.GOST_512_KZ:
            raise CryptoUnavailable(f"{self.name} has no {family}")
        made = _relabel(self._below.generate(Family.GOST_512), _RU, _KZ, where=1)
        assert made is not None
        return made


def _relabel(structure: bytes, old: bytes, new: bytes, *, where: int) -> bytes | None:
    """Return the structure with another AlgorithmIdentifier as its member number `where`.

    None when the old one does not stand there.
    """
    try:
        members = [member.raw for member in asn1.read_der(structure).members()]
    except MalformedMessage:
        return None
    if len(members) <= where or members[where] != old:
        return None
    members[where] = new
    return der.sequence(*members)
