"""What a backend can do: hash, sign and verify, and nothing about certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from gateway.signatures.algorithms import DigestAlgorithm, Family, SignatureAlgorithm


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """A loaded public key; `handle` means something to the backend named here only."""

    backend: str
    family: Family
    bits: int
    handle: object = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKey:
    """A loaded private key; `spki` is the DER of its public half."""

    backend: str
    family: Family
    bits: int
    spki: bytes = field(repr=False)
    handle: object = field(repr=False)


class Backend(Protocol):
    """The primitives.

    Signatures are canonical octets: RSA as it is, EC r‖s, GOST s‖r, all big-endian (RFC 9215 §2.2).
    A key goes back to the backend that loaded it.
    """

    def __hash__(self) -> int:
        """Each backend is itself: what it has verified may be remembered."""

    @property
    def name(self) -> str:
        """What health and metrics call it."""

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether it can sign and verify with this algorithm here and now."""

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable when it cannot."""

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a PEM or DER key; raise CryptoUnavailable for a family it has not,
        SettingError for bytes that are no key or a wrong password.
        """  # noqa: D205

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a DER SubjectPublicKeyInfo; raise CryptoUnavailable or MalformedMessage."""

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash and sign the content; raise CryptoUnavailable when it cannot."""

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good; never raises for a bad one."""

    def generate(self, family: Family, bits: int = 0) -> bytes:
        """Make a new private key and return it as unencrypted PKCS#8 DER.

        `bits` picks RSA-4096 or P-384; the smallest that is used when it is 0.
        """
