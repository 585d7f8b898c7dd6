"""RSA, EC and GOST through the system's libcrypto, called in process.

GOST comes from `ENGINE gost`, set up for this process alone: openssl.cnf stays as it is. The
provider of the same package is never loaded beside it (the two deadlock; gost-engine#442).
The engine is a reference implementation and no certified means of cryptographic protection.
"""

from __future__ import annotations

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
from gateway.signatures.backends.pkcs8 import Kind, private_kind, public_kind

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
    (Family.RSA, 0): (6, b"rsa_keygen_bits", b"2048"),
    (Family.RSA, 4096): (6, b"rsa_keygen_bits", b"4096"),
    (Family.EC, 0): (408, b"ec_paramgen_curve", b"P-256"),
    (Family.EC, 384): (408, b"ec_paramgen_curve", b"P-384"),
    (Family.GOST_256, 0): (979, b"paramset", b"A"),
    (Family.GOST_512, 0): (980, b"paramset", b"A"),
}
_GOST_OIDS: Final = ("1.2.643.7.1.1.1.1", "1.2.643.7.1.1.1.2")
_CURVES: Final = ("1.2.840.10045.3.1.7", "1.3.132.0.34")  # P-256, P-384
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
        self._families = frozenset(
            family for family, _ in _KEYGEN if gost or family in (Family.RSA, Family.EC)
        )
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
            if _is_gost(private_kind(key)) and not self._has_gost:
                raise CryptoUnavailable("GOST keys need libengine-gost-openssl")
            raise SettingError("this is no private key, or its password is wrong")
        family, bits = self._measure(handle)
        return PrivateKey(self.name, family, bits, self._library.write_public(handle), handle)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; raise CryptoUnavailable or MalformedMessage."""
        handle = self._library.read_public(spki)
        if handle is None:
            if _is_gost(public_kind(spki)) and not self._has_gost:
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
        if key.family is not Family.RSA and len(signature) != key.bits // 4:
            return False
        wire = octets.wire_signature(key.family, signature)
        if not wire:
            return False
        return self._library.verify(key.handle, self._digest(algorithm.digest), wire, content)

    def generate(self, family: Family, bits: int = 0) -> bytes:
        """Make a key (RSA-2048, P-256, GOST CryptoPro-A or TC26-512-A) as PKCS#8 DER."""
        if family not in self._families or (family, bits) not in _KEYGEN:
            raise CryptoUnavailable(f"{self.name} has no {family} of {bits or 'any'} bits")
        return self._library.generate(*_KEYGEN[family, bits])

    def _digest(self, algorithm: DigestAlgorithm) -> int:
        try:
            return self._digests[algorithm]
        except KeyError:
            raise CryptoUnavailable(f"{self.name} has no {algorithm.name}") from None

    def _measure(self, handle: Evp) -> tuple[Family, int]:
        family = _FAMILIES.get(self._library.kind(handle))
        # OpenSSL also takes a curve spelled out; it is named or it is none (CVE-2020-0601).
        if family is Family.EC:
            kind = public_kind(self._library.write_public(handle))
            family = Family.EC if kind is not None and kind.curve in _CURVES else None
        if family is None:
            raise CryptoUnavailable("only RSA, P-256, P-384 and GOST R 34.10-2012 keys are used")
        return family, self._library.bits(handle)


def _is_gost(kind: Kind | None) -> bool:
    return kind is not None and kind.algorithm in _GOST_OIDS
