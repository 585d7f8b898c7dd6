"""RSA, EC and GOST through the system's libcrypto, called in process.

GOST comes from `ENGINE gost`, set up for this process alone: openssl.cnf stays as it is. The
provider of the same package is never loaded beside it (the two deadlock; gost-engine#442).
The engine is a reference implementation and no certified means of cryptographic protection.
"""

from __future__ import annotations

import base64
from typing import Final

from gateway.errors import CryptoUnavailable, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    SHA_1,
    SHA_256,
    SHA_384,
    SHA_512,
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import octets
from gateway.signatures.backends.backend import PrivateKey, PublicKey
from gateway.signatures.backends.openssl import Evp, Libcrypto

_DIGEST_NAMES: Final = {
    SHA_1: b"SHA1",
    SHA_256: b"SHA256",
    SHA_384: b"SHA384",
    SHA_512: b"SHA512",
    STREEBOG_256: b"md_gost12_256",
    STREEBOG_512: b"md_gost12_512",
}
_FAMILIES: Final = {6: Family.RSA, 408: Family.EC, 979: Family.GOST_256, 980: Family.GOST_512}
_KEYGEN: Final = {
    Family.RSA: (6, b"rsa_keygen_bits", b"2048"),
    Family.EC: (408, b"ec_paramgen_curve", b"P-256"),
    Family.GOST_256: (979, b"paramset", b"A"),
    Family.GOST_512: (980, b"paramset", b"A"),
}
_GOST_OIDS: Final = ("1.2.643.7.1.1.1.1", "1.2.643.7.1.1.1.2")
_GOST_OID_DER: Final = bytes.fromhex("2a850307010101")  # what both begin with
_P256: Final = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
_GOST_OCTETS: Final = {Family.GOST_256: 64, Family.GOST_512: 128}
_LONGEST_SIGNATURE: Final = 2048  # bytes: RSA-16384, the largest key OpenSSL verifies with


class LibcryptoBackend:
    """The primitives of libcrypto.so.3, with GOST when the engine is there."""

    def __init__(self, library: Libcrypto) -> None:
        self._library = library
        self._digests = {
            row: handle for row, name in _DIGEST_NAMES.items() if (handle := library.digest(name))
        }
        gost = library.has_gost and {STREEBOG_256, STREEBOG_512} <= self._digests.keys()
        self._has_gost = gost
        self._families = frozenset(_KEYGEN) if gost else frozenset((Family.RSA, Family.EC))
        self.name = "libcrypto-gost" if gost else "libcrypto"

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether the library has the hash and, for GOST, the engine."""
        return algorithm.family in self._families and algorithm.digest in self._digests

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable when the engine is missing."""
        return self._library.hash(self._digest(algorithm), content, algorithm.size)

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a PEM or DER key; raise CryptoUnavailable or SettingError."""
        handle = self._library.read_private(key, password)
        if handle is None:
            if _mentions_gost(key) and not self._has_gost:
                raise CryptoUnavailable("GOST keys need libengine-gost-openssl")
            raise SettingError("this is no private key, or its password is wrong")
        family, bits = self._measure(handle)
        return PrivateKey(self.name, family, bits, self._library.write_public(handle), handle)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; raise CryptoUnavailable or MalformedMessage."""
        handle = self._library.read_public(spki)
        if handle is None:
            if octets.spki_algorithm(spki) in _GOST_OIDS and not self._has_gost:
                raise CryptoUnavailable("GOST keys need libengine-gost-openssl")
            raise MalformedMessage("the public key cannot be read")
        family, bits = self._measure(handle)
        return PublicKey(self.name, family, bits, handle)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash and sign the content; raise CryptoUnavailable for a key of another family."""
        if key.family is not algorithm.family or not isinstance(key.handle, Evp):
            raise CryptoUnavailable(f"this key cannot sign with {algorithm.name}")
        made = self._library.sign(
            key.handle, self._digest(algorithm.digest), content, _LONGEST_SIGNATURE
        )
        return octets.ecdsa_from_der(made) if key.family is Family.EC else made

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good; False for a key of another family."""
        if key.family is not algorithm.family or not isinstance(key.handle, Evp):
            return False
        # The engine reads the octets it needs and overlooks what follows.
        if key.family in _GOST_OCTETS and len(signature) != _GOST_OCTETS[key.family]:
            return False
        wire = octets.wire_signature(key.family, signature)
        if not wire:
            return False
        return self._library.verify(key.handle, self._digest(algorithm.digest), wire, content)

    def generate(self, family: Family) -> bytes:
        """Make a key (RSA-2048, P-256, GOST CryptoPro-A or TC26-512-A) as PKCS#8 DER."""
        if family not in self._families:
            raise CryptoUnavailable(f"{self.name} has no {family}")
        return self._library.generate(*_KEYGEN[family])

    def _digest(self, algorithm: DigestAlgorithm) -> int:
        try:
            return self._digests[algorithm]
        except KeyError:
            raise CryptoUnavailable(f"{self.name} has no {algorithm.name}") from None

    def _measure(self, handle: Evp) -> tuple[Family, int]:
        family = _FAMILIES.get(self._library.kind(handle))
        # OpenSSL also takes P-256 spelled out; a curve is named or it is none (CVE-2020-0601).
        if family is Family.EC and _P256 not in self._library.write_public(handle):
            family = None
        if family is None:
            raise CryptoUnavailable("only RSA, P-256 and GOST R 34.10-2012 keys are used")
        return family, self._library.bits(handle)


def _mentions_gost(key: bytes) -> bool:
    """Tell whether an unencrypted private key names a GOST algorithm."""
    if key.lstrip().startswith(b"-----BEGIN"):
        lines = [line for line in key.splitlines() if b"-" not in line and b":" not in line]
        key = base64.b64decode(b"".join(lines))
    return _GOST_OID_DER in key
