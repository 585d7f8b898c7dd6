"""RSA and EC through `cryptography`, where there is no libcrypto to call."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from gateway.errors import CryptoUnavailable, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    SHA_1,
    SHA_256,
    SHA_384,
    SHA_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.backend import PrivateKey, PublicKey
from gateway.signatures.backends.octets import ecdsa_from_der, ecdsa_to_der

_HASHES: Final[dict[DigestAlgorithm, hashes.HashAlgorithm]] = {
    SHA_1: hashes.SHA1(),  # noqa: S303 - refused by the table; verified where a partner admits it
    SHA_256: hashes.SHA256(),
    SHA_384: hashes.SHA384(),
    SHA_512: hashes.SHA512(),
}
_FAMILIES: Final = (Family.RSA, Family.EC)


class Pyca:
    """The fallback: no GOST."""

    name = "cryptography"

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether the family is RSA or EC and the hash one of SHA."""
        return algorithm.family in _FAMILIES and algorithm.digest in _HASHES

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash with hashlib; raise CryptoUnavailable for Streebog."""
        if algorithm not in _HASHES:
            raise CryptoUnavailable(f"cryptography has no {algorithm.name}")
        return hashlib.new(algorithm.name.replace("-", ""), content).digest()

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a PEM or DER key; raise CryptoUnavailable or SettingError."""
        read = (
            serialization.load_pem_private_key
            if key.lstrip().startswith(b"-----BEGIN")
            else serialization.load_der_private_key
        )
        try:
            handle = read(key, password)
        except UnsupportedAlgorithm as error:
            raise CryptoUnavailable("cryptography cannot use this private key") from error
        except (ValueError, TypeError) as error:
            raise SettingError("this is no private key, or its password is wrong") from error
        family, bits = _measure(handle)
        spki = handle.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return PrivateKey(self.name, family, bits, spki, handle)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; raise CryptoUnavailable or MalformedMessage."""
        try:
            handle = serialization.load_der_public_key(spki)
        except UnsupportedAlgorithm as error:
            raise CryptoUnavailable("cryptography cannot use this public key") from error
        except (ValueError, TypeError) as error:
            raise MalformedMessage("the public key cannot be read") from error
        family, bits = _measure(handle)
        return PublicKey(self.name, family, bits, handle)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash and sign the content; raise CryptoUnavailable for a key of another family."""
        handle, chosen = key.handle, _HASHES.get(algorithm.digest)
        if algorithm.family is key.family and chosen is not None:
            if isinstance(handle, rsa.RSAPrivateKey):
                return handle.sign(content, padding.PKCS1v15(), chosen)
            if isinstance(handle, ec.EllipticCurvePrivateKey):
                return ecdsa_from_der(handle.sign(content, ec.ECDSA(chosen)))
        raise CryptoUnavailable(f"cryptography cannot sign with {algorithm.name}")

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good; False for a key of another family."""
        handle, chosen = key.handle, _HASHES.get(algorithm.digest)
        if algorithm.family is not key.family or chosen is None:
            return False
        try:
            if isinstance(handle, rsa.RSAPublicKey):
                handle.verify(signature, content, padding.PKCS1v15(), chosen)
                return True
            if isinstance(handle, ec.EllipticCurvePublicKey) and len(signature) == key.bits // 4:
                handle.verify(ecdsa_to_der(signature) or b"", content, ec.ECDSA(chosen))  # r‖s
                return True
        except InvalidSignature:
            return False
        return False

    def generate(self, family: Family, bits: int = 0) -> bytes:
        """Make an RSA-2048 or P-256 key, or a larger one; raise CryptoUnavailable for GOST."""
        made: PrivateKeyTypes
        if family is Family.RSA and bits in (0, 4096):
            made = rsa.generate_private_key(public_exponent=65537, key_size=bits or 2048)
        elif family is Family.EC and bits in (0, 384):
            made = ec.generate_private_key(ec.SECP384R1() if bits else ec.SECP256R1())
        else:
            raise CryptoUnavailable(f"cryptography has no {family} of {bits or 'any'} bits")
        return made.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _measure(key: PrivateKeyTypes | PublicKeyTypes) -> tuple[Family, int]:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return Family.RSA, key.key_size
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1
    ):
        return Family.EC, key.curve.key_size
    raise CryptoUnavailable("only RSA, P-256 and P-384 keys are used")
