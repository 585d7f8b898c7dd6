"""GOST through the system's libgnutls, where the engine of libcrypto is not there.

It has four curves (RFC 9215 §4.2, RFC 7836 §A): CryptoPro-A, which is TC26-256-B under another
name, CryptoPro-XchA and TC26-512-A. A key on any other cannot be used here, and says so.
No certified means of cryptographic protection either.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import CryptoUnavailable, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    GOST_256,
    GOST_512,
    KEY_OIDS,
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.backend import PrivateKey, PublicKey
from gateway.signatures.backends.libgnutls import Held, Libgnutls
from gateway.signatures.backends.pkcs8 import Kind, private_kind, public_kind

_DIGESTS: Final = {STREEBOG_256: 16, STREEBOG_512: 17}  # gnutls_digest_algorithm_t
_ALGORITHMS: Final = {GOST_256: 44, GOST_512: 45}  # gnutls_sign_algorithm_t
_KEYGEN: Final = {Family.GOST_256: (9, 8), Family.GOST_512: (10, 13)}  # CryptoPro-A, TC26-512-A
_BITS: Final = {Family.GOST_256: 256, Family.GOST_512: 512}
_CURVES: Final = frozenset(
    {
        "1.2.643.2.2.35.1",  # id-GostR3410-2001-CryptoPro-A-ParamSet
        "1.2.643.2.2.36.0",  # id-GostR3410-2001-CryptoPro-XchA-ParamSet
        "1.2.643.7.1.2.1.1.2",  # id-tc26-gost-3410-2012-256-paramSetB
        "1.2.643.7.1.2.1.2.1",  # id-tc26-gost-3410-12-512-paramSetA
    }
)


class GnutlsBackend:
    """GOST R 34.10-2012 and 34.11-2012 of libgnutls.so.30, and nothing else."""

    name = "gnutls"

    def __init__(self, library: Libgnutls) -> None:
        self._library = library
        self._digests = frozenset(
            row for row, number in _DIGESTS.items() if library.hash(number, b"", row.size)
        )

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether it is GOST and the library was built with it."""
        return algorithm in _ALGORITHMS and algorithm.digest in self._digests

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable for anything but Streebog."""
        made = None
        if algorithm in self._digests:
            made = self._library.hash(_DIGESTS[algorithm], content, algorithm.size)
        if made is None:
            raise CryptoUnavailable(f"gnutls has no {algorithm.name}")
        return made

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a PKCS#8 key in PEM or DER; raise CryptoUnavailable or SettingError."""
        kind = private_kind(key)
        if kind is not None:
            _need_curve(kind)
        handle = self._library.read_private(key, password)
        if handle is None:
            raise SettingError("this is no private key, or its password is wrong")
        spki = self._library.write_public(handle)
        family = _need_curve(public_kind(spki))
        return PrivateKey(self.name, family, _BITS[family], spki, handle)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; raise CryptoUnavailable or MalformedMessage."""
        kind = public_kind(spki)
        if kind is None:
            raise MalformedMessage("the public key cannot be read")
        family = _need_curve(kind)
        handle = self._library.read_public(spki)
        if handle is None:
            raise MalformedMessage("the public key cannot be read")
        return PublicKey(self.name, family, _BITS[family], handle)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash and sign the content; raise CryptoUnavailable for a key of another family."""
        if key.family is not algorithm.family or not isinstance(key.handle, Held):
            raise CryptoUnavailable(f"this key cannot sign with {algorithm.name}")
        return self._library.sign(key.handle, _ALGORITHMS[algorithm], content)

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good; False for a key of another family."""
        if key.family is not algorithm.family or not isinstance(key.handle, Held):
            return False
        if len(signature) != key.bits // 4:  # s‖r
            return False
        return self._library.verify(key.handle, _ALGORITHMS[algorithm], signature, content)

    def generate(self, family: Family, bits: int = 0) -> bytes:  # noqa: ARG002 - one size a family
        """Make a key on CryptoPro-A or TC26-512-A as PKCS#8 DER; raise CryptoUnavailable."""
        if family not in _KEYGEN:
            raise CryptoUnavailable(f"gnutls has no {family}")
        return self._library.generate(*_KEYGEN[family])


def _need_curve(kind: Kind | None) -> Family:
    """Return the key's family; raise CryptoUnavailable when it or the curve is not had here."""
    family = KEY_OIDS.get(kind.algorithm) if kind is not None else None
    if kind is None or family not in _KEYGEN:
        raise CryptoUnavailable("gnutls uses GOST R 34.10-2012 keys only")
    if kind.curve not in _CURVES:
        raise CryptoUnavailable(f"gnutls has no curve {kind.curve}; the GOST engine has")
    return family
