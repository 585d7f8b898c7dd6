"""Keys that never come here: a token or a service signs, a backend of this machine does the rest.

Only the digest travels, never the document. What comes back is verified before it is used: a
signature by another key, or in another order of octets, is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.errors import CryptoUnavailable
from gateway.signatures.algorithms import DigestAlgorithm, Family, SignatureAlgorithm
from gateway.signatures.backends.backend import Backend, PrivateKey, PublicKey


class Remote(Protocol):
    """Whoever holds one private key."""

    @property
    def name(self) -> str:
        """What errors call it; no secret."""

    def sign(self, algorithm: SignatureAlgorithm, digest: bytes) -> Iterable[bytes]:
        """Return the signature of a digest in canonical octets (see `Backend`).

        More than one where the order of its octets is not known yet: the first that verifies
        counts. Raises CryptoUnavailable when nobody answers, or not in time.
        """


class Elsewhere:
    """A backend whose one private key lies elsewhere; all else does the backend below."""

    def __init__(self, below: Backend, remote: Remote, spki: bytes) -> None:
        """`spki` is the public key of the certificate; raise CryptoUnavailable for its family."""
        self._below = below
        self._remote = remote
        self._public = below.load_public(spki)
        self.name = remote.name
        self.private = PrivateKey(
            self.name, self._public.family, self._public.bits, spki, handle=remote
        )

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether the backend below can verify it."""
        return self._below.supports(algorithm)

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash here; raise CryptoUnavailable."""
        return self._below.digest(algorithm, content)

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a key of this machine; raise CryptoUnavailable or SettingError."""
        return self._below.load_private(key, password)

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a public key; raise CryptoUnavailable or MalformedMessage."""
        return self._below.load_public(spki)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Hash here, sign there, verify here; raise CryptoUnavailable."""
        if key is not self.private or algorithm.family is not key.family:
            raise CryptoUnavailable(f"this key cannot sign with {algorithm.name}")
        digest = self._below.digest(algorithm.digest, content)
        for made in self._remote.sign(algorithm, digest):
            if self._below.verify(self._public, algorithm, made, content):
                return made
        raise CryptoUnavailable(f"{self.name} has signed with another key than the certificate's")

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Tell whether the signature is good."""
        return self._below.verify(key, algorithm, signature, content)

    def generate(self, family: Family, bits: int = 0) -> bytes:
        """Make a key on this machine."""
        return self._below.generate(family, bits)


BREATH: Final = 5.0
"""Seconds for which whoever did not answer is not asked again: each call costs a thread."""


class Patience:
    """Remembers that nobody answered, so that not every exchange waits for the same silence."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name = name
        self._clock = clock
        self._until = float("-inf")

    def need(self) -> None:
        """Raise CryptoUnavailable while it is too early to ask again."""
        if self._clock() < self._until:
            raise CryptoUnavailable(f"{self._name} did not answer a moment ago")

    def lose(self, reason: str) -> CryptoUnavailable:
        """Remember the silence and return what to raise."""
        self._until = self._clock() + BREATH
        return CryptoUnavailable(f"{self._name}: {reason}")
