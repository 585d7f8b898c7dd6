"""Whose key signs: chosen by organisation, role and moment, loaded once at the start.

Another organisation's key is never an answer. Without one the exchange waits for a signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError, SettingError
from gateway.settings import KeySettings
from gateway.signatures.algorithms import SignatureAlgorithm, signs_with
from gateway.signatures.backends import Backend, PrivateKey
from gateway.signatures.certificates import Certificate
from gateway.signatures.fitness import Purpose, judge_certificate, judge_key
from gateway.signatures.keystores import KeyFiles, Opened, Role, open_store, read_place

__all__ = [
    "KeyFiles",
    "KeyRing",
    "Role",
    "SigningKey",
    "load_key",
    "load_keys",
    "need_fit",
    "read_key_files",
]

_PURPOSES: Final = {Role.ORGANIZATION: Purpose.DOCUMENT, Role.TRANSPORT: Purpose.ENVELOPE}


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key with its certificate; `organization` is an OID, the moments bound its life."""

    key_id: str
    organization: str
    role: Role
    not_before: datetime
    not_after: datetime
    algorithm: SignatureAlgorithm
    certificate: Certificate
    private: PrivateKey = field(repr=False)
    backend: Backend = field(repr=False)
    authorities: tuple[Certificate, ...] = ()
    """Certificates above it that its file brought; they travel with every signature."""
    lives: str = ""
    """Where the private key is, in words."""

    def sign(self, content: bytes) -> bytes:
        """Hash and sign; canonical octets. Raises CryptoUnavailable."""
        return self.backend.sign(self.private, self.algorithm, content)

    def alive(self, moment: datetime) -> bool:
        """Tell whether the key may sign at this moment."""
        return self.not_before <= moment <= self.not_after


class KeyRing:
    """All keys of this gateway."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        # The newest first: while two live, an operator is changing over to it.
        self._keys = tuple(sorted(keys, key=lambda key: key.not_before, reverse=True))

    def __iter__(self) -> Iterator[SigningKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def choose(self, organization: str, role: Role, moment: datetime) -> SigningKey | None:
        """Return this organisation's newest key for the role that lives at the moment, or None."""
        return next(
            (
                key
                for key in self._keys
                if key.organization == organization and key.role is role and key.alive(moment)
            ),
            None,
        )


def read_key_files(settings: Mapping[str, KeySettings]) -> dict[str, KeyFiles]:
    """Return where the keys of `[keys.NAME]` lie, by name; raise SettingError."""
    return {name: read_place(name, key) for name, key in settings.items()}


def load_keys(files: Iterable[KeyFiles], backend: Backend) -> KeyRing:
    """Read every key; raise SettingError naming the setting and the file, or CryptoUnavailable.

    A certificate that may not sign for the key's role stops the start: whoever receives what it
    signs turns it away.
    """
    loaded = []
    for each in files:
        key = load_key(each, backend)
        need_fit(key, each.where)
        loaded.append(key)
    return KeyRing(loaded)


def need_fit(key: SigningKey, where: str) -> None:
    """Raise SettingError when the certificate may not sign what a key of its role signs."""
    public = key.backend.load_public(key.certificate.spki)
    reasons = [
        *judge_certificate(key.certificate, _PURPOSES[key.role]),
        *judge_key(public, key.algorithm),
    ]
    if reasons:
        said = "; ".join(one.text("en") for one in reasons)
        raise SettingError(f"the certificate does not fit the role {key.role}: {said}", where=where)


def load_key(files: KeyFiles, backend: Backend) -> SigningKey:
    """Read one key and prove that it fits its certificate by signing a word with it.

    A token or a service that does not answer now is no reason not to start: what it signs later is
    verified then. Raises SettingError or CryptoUnavailable.
    """
    opened = open_store(files, backend)
    private = opened.private
    algorithm = signs_with(private.family, private.bits)
    certificate = _own_certificate(opened, algorithm, files)
    return SigningKey(
        key_id=certificate.sha256[:16],
        organization=files.organization,
        role=files.role,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        algorithm=algorithm,
        certificate=certificate,
        private=private,
        backend=opened.backend,
        authorities=tuple(one for one in opened.certificates if one is not certificate),
        lives=files.lives,
    )


def _own_certificate(opened: Opened, algorithm: SignatureAlgorithm, files: KeyFiles) -> Certificate:
    """Return the certificate that verifies what the key signs."""
    word = b"does this key fit its certificate"
    try:
        signature = opened.backend.sign(opened.private, algorithm, word)
    except CryptoUnavailable:
        if opened.proven_later:
            return opened.certificates[0]
        raise
    except SettingError as error:
        raise SettingError(error.text, where=files.where) from error
    for certificate in opened.certificates:
        if _verifies(certificate, opened.backend, algorithm, signature, word):
            return certificate
    named = files.certificate or files.key
    raise SettingError(
        f"{files.lives}: is not the key of the certificate {named}", where=files.where
    )


def _verifies(
    certificate: Certificate,
    backend: Backend,
    algorithm: SignatureAlgorithm,
    signature: bytes,
    content: bytes,
) -> bool:
    try:
        public = backend.load_public(certificate.spki)
    except GatewayError:
        return False
    return backend.verify(public, algorithm, signature, content)
