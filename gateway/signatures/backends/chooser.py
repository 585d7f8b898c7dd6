"""Which backend does what: the first that can, in order of preference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from gateway.errors import CryptoUnavailable, HouseError
from gateway.signatures.algorithms import (
    DEFAULTS,
    KEY_OIDS,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.backend import Backend, PrivateKey, PublicKey
from gateway.signatures.backends.kz import KzBackend
from gateway.signatures.backends.libcrypto import LibcryptoBackend
from gateway.signatures.backends.octets import spki_algorithm
from gateway.signatures.backends.openssl import open_libcrypto
from gateway.signatures.backends.pyca import Pyca


class Chooser:
    """Several backends as one: keys remember who loaded them, public keys are loaded once."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = tuple(backends)
        self._by_name = {backend.name: backend for backend in self._backends}
        self.name = "+".join(name for name in self._by_name if name != KzBackend.name)
        self._load_public = lru_cache(maxsize=1024)(self._load_public_once)

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether any backend can."""
        return any(backend.supports(algorithm) for backend in self._backends)

    def doing(self, algorithm: SignatureAlgorithm) -> str:
        """Return the name of the backend that does this algorithm, empty when none does."""
        return next((each.name for each in self._backends if each.supports(algorithm)), "")

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable when no backend can."""
        refusal = CryptoUnavailable(f"no backend has {algorithm.name}")
        for backend in self._backends:
            try:
                return backend.digest(algorithm, content)
            except CryptoUnavailable as error:
                refusal = error
        raise refusal

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a key with the first backend that can; raise CryptoUnavailable or SettingError."""
        refusal = CryptoUnavailable("no backend can use this private key")
        for backend in self._backends:
            try:
                return backend.load_private(key, password)
            except CryptoUnavailable as error:
                refusal = error
        raise refusal

    def load_public(self, spki: bytes) -> PublicKey:
        """Read a key with the first backend that can; raise CryptoUnavailable or MalformedMessage.

        Keys are kept: the same few certificates come again and again.
        """
        return self._load_public(spki)

    def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """Sign with the backend that loaded the key."""
        return self._owner(key.backend).sign(key, algorithm, content)

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        """Verify with the backend that loaded the key."""
        return self._owner(key.backend).verify(key, algorithm, signature, content)

    def generate(self, family: Family) -> bytes:
        """Make a key with the first backend that can; raise CryptoUnavailable."""
        for backend in self._backends:
            if backend.supports(DEFAULTS[family]):
                return backend.generate(family)
        raise CryptoUnavailable(f"no backend has {family}")

    def _load_public_once(self, spki: bytes) -> PublicKey:
        family = KEY_OIDS.get(spki_algorithm(spki) or "")
        refusal = CryptoUnavailable(f"no backend here can use a public key of {family or 'any'}")
        for backend in self._able(family):
            try:
                return backend.load_public(spki)
            except CryptoUnavailable as error:
                refusal = error
        raise refusal

    def _able(self, family: Family | None) -> tuple[Backend, ...]:
        """Return whom a key may be shown to: whoever has its family, all when it says none."""
        if family not in DEFAULTS:
            return self._backends
        return tuple(one for one in self._backends if one.supports(DEFAULTS[family]))

    def _owner(self, name: str) -> Backend:
        try:
            return self._by_name[name]
        except KeyError:
            raise HouseError(f"the key belongs to the backend {name}, which is not open") from None


@cache
def open_backend() -> Chooser:
    """Open what this machine has: libcrypto (with GOST when the engine is installed), else RSA
    and EC by `cryptography`. Opened once a process.
    """  # noqa: D205
    library = open_libcrypto()
    if library is None:
        return Chooser([Pyca()])
    libcrypto = LibcryptoBackend(library)
    return Chooser([KzBackend(libcrypto), libcrypto])
