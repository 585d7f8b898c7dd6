"""Which backend does what: the first that can, in order of preference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from gateway.errors import CryptoUnavailable, GatewayError, HouseError, SettingError
from gateway.signatures.algorithms import (
    DEFAULTS,
    GOST_512,
    KEY_OIDS,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.backend import Backend, PrivateKey, PublicKey
from gateway.signatures.backends.gnutls import GnutlsBackend
from gateway.signatures.backends.kz import KzBackend
from gateway.signatures.backends.libcrypto import LibcryptoBackend
from gateway.signatures.backends.libgnutls import Libgnutls, open_libgnutls
from gateway.signatures.backends.octets import spki_algorithm
from gateway.signatures.backends.openssl import Libcrypto, open_libcrypto
from gateway.signatures.backends.pyca import Pyca

Unlock = Callable[[bytes, bytes], bytes | None]
"""Takes the password off a PKCS#8 key; None when the key has none or it is another."""


def _lock(key: bytes, password: bytes) -> bytes | None:  # noqa: ARG001 - leaves it to the backends
    return None


class Chooser:
    """Several backends as one: keys remember who loaded them, public keys are loaded once.

    Who has made a hash makes it from then on.
    """

    def __init__(self, backends: Sequence[Backend], unlock: Unlock = _lock) -> None:
        self._unlock = unlock
        self._backends = tuple(backends)
        self._by_name = {backend.name: backend for backend in self._backends}
        self.name = "+".join(
            each.name for each in self._backends if not isinstance(each, KzBackend)
        )
        self._hashing: dict[str, Backend] = {}
        self._load_public = lru_cache(maxsize=1024)(self._load_public_once)

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        """Tell whether any backend can."""
        return any(backend.supports(algorithm) for backend in self._backends)

    def doing(self, algorithm: SignatureAlgorithm) -> str:
        """Return the name of the backend that does this algorithm, empty when none does."""
        return next((each.name for each in self._backends if each.supports(algorithm)), "")

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        """Hash the content; raise CryptoUnavailable when no backend can."""
        known = self._hashing.get(algorithm.name)
        if known is not None:
            return known.digest(algorithm, content)
        refusal = CryptoUnavailable(f"no backend has {algorithm.name}")
        for backend in self._backends:
            try:
                made = backend.digest(algorithm, content)
            except CryptoUnavailable as error:
                refusal = error
            else:
                self._hashing[algorithm.name] = backend
                return made
        raise refusal

    def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a key with the first backend that can; raise CryptoUnavailable or SettingError."""
        plain = self._unlock(key, password) if password is not None else None
        refusal: GatewayError = SettingError("no backend can read this private key")
        for backend in self._backends:
            try:
                return backend.load_private(plain or key, None if plain else password)
            except SettingError as error:
                # What another could read, and only cannot use, is a key.
                refusal = refusal if isinstance(refusal, CryptoUnavailable) else error
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

    def generate(self, family: Family, bits: int = 0) -> bytes:
        """Make a key with the first backend that can; raise CryptoUnavailable."""
        for backend in self._backends:
            if backend.supports(DEFAULTS[family]):
                return backend.generate(family, bits)
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
    """Open what this machine has. Opened once a process."""
    return assemble(open_libcrypto(), open_libgnutls())


def assemble(libcrypto: Libcrypto | None, libgnutls: Libgnutls | None) -> Chooser:
    """Put the libraries in order: libcrypto (with GOST when the engine is installed), GOST by
    GnuTLS where the engine is not, RSA and EC by `cryptography` where there is no libcrypto.
    """  # noqa: D205
    if libcrypto is None:
        backends: list[Backend] = [Pyca()]
    else:
        backends = [LibcryptoBackend(libcrypto)]
    if libgnutls is not None and not backends[0].supports(GOST_512):
        backends.append(GnutlsBackend(libgnutls))
    gost = next((each for each in backends if each.supports(GOST_512)), None)
    if gost is not None:
        backends.insert(0, KzBackend(gost))
    return Chooser(backends, unlock=libcrypto.unlock if libcrypto is not None else _lock)
