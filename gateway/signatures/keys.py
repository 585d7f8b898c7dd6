"""Whose key signs: chosen by organisation, role and moment, loaded once at the start.

Another organisation's key is never an answer. Without one the exchange waits for a signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from gateway.errors import GatewayError, SettingError
from gateway.settings import KeySettings
from gateway.signatures.algorithms import SignatureAlgorithm, signs_with
from gateway.signatures.backends import Backend, PrivateKey
from gateway.signatures.certificates import Certificate, read_certificate, split_pem


class Role(StrEnum):
    """What a key is for."""

    ORGANIZATION = "organization"
    """Signs documents in the organisation's name."""
    TRANSPORT = "transport"
    """Signs envelopes (WS-Security)."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where a key lies: PEM files; the certificate's may bring the authorities above it.

    `where` is the setting that named them, for the error texts.
    """

    organization: str
    role: Role
    key: Path
    certificate: Path
    password_file: Path | None = None
    where: str = "keys"


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
    """Return the files of `[keys.NAME]` by name; raise SettingError for an unknown role."""
    return {name: _read_files(f"keys.{name}", key) for name, key in settings.items()}


def _read_files(where: str, key: KeySettings) -> KeyFiles:
    roles = [role for role in Role if role.value == key.role]
    if not roles:
        known = ", ".join(Role)
        raise SettingError(f"{key.role} is no role; there are: {known}", where=f"{where}.role")
    return KeyFiles(
        key.organization,
        roles[0],
        key.key_file,
        key.certificate_file,
        key.password_file,
        where=where,
    )


def load_keys(files: Iterable[KeyFiles], backend: Backend) -> KeyRing:
    """Read every key; raise SettingError naming the setting and the file, or CryptoUnavailable."""
    return KeyRing(load_key(each, backend) for each in files)


def load_key(files: KeyFiles, backend: Backend) -> SigningKey:
    """Read one key and prove that it fits its certificate by signing a word with it."""
    certificate, *authorities = _load_certificates(files)
    password = _read(files.password_file, files).rstrip(b"\r\n") if files.password_file else None
    try:
        private = backend.load_private(_read(files.key, files), password)
    except SettingError as error:
        raise SettingError(f"{files.key}: {error.text}", where=files.where) from error
    key = SigningKey(
        key_id=certificate.sha256[:16],
        organization=files.organization,
        role=files.role,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        algorithm=signs_with(private.family, private.bits),
        certificate=certificate,
        private=private,
        backend=backend,
        authorities=tuple(authorities),
    )
    if not _fits(key):
        raise SettingError(
            f"{files.key} is not the key of the certificate {files.certificate}", where=files.where
        )
    return key


def _fits(key: SigningKey) -> bool:
    word = b"does this key fit its certificate"
    try:
        public = key.backend.load_public(key.certificate.spki)
    except GatewayError:
        return False
    return key.backend.verify(public, key.algorithm, key.sign(word), word)


def _load_certificates(files: KeyFiles) -> list[Certificate]:
    content = _read(files.certificate, files)
    ders = [der for label, der in split_pem(content) if label == "CERTIFICATE"] or [content]
    try:
        return [read_certificate(der) for der in ders]
    except GatewayError as error:
        raise SettingError(f"{files.certificate}: {error.text}", where=files.where) from error


def _read(path: Path, files: KeyFiles) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}", where=files.where) from error
