"""Where a private key lies: in a file, in a container, in a token, at a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gateway.errors import CryptoUnavailable, GatewayError, SettingError
from gateway.settings import KeySettings, ServiceSettings, TokenSettings, read_secret
from gateway.signatures.backends import Backend, PrivateKey
from gateway.signatures.backends.containers import is_container, open_container
from gateway.signatures.backends.elsewhere import Elsewhere, Remote
from gateway.signatures.backends.remote import RemoteKey, Service
from gateway.signatures.backends.token import TokenKey, open_token
from gateway.signatures.certificates import Certificate, read_certificate, split_pem


class Role(StrEnum):
    """What a key is for."""

    ORGANIZATION = "organization"
    """Signs documents in the organisation's name."""
    TRANSPORT = "transport"
    """Signs envelopes (WS-Security)."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where a key lies, and its certificate, whose file may bring the authorities above it.

    Exactly one of `key`, `token` and `service`. `where` is the setting that named them, for the
    error texts.
    """

    organization: str
    role: Role
    key: Path | None = None
    certificate: Path | None = None
    password_file: Path | None = None
    where: str = "keys"
    token: TokenSettings | None = None
    service: ServiceSettings | None = None

    @property
    def lives(self) -> str:
        """The place in words; no secret."""
        if self.token is not None:
            return f"token {self.token.label}, key {self.token.key}"
        if self.service is not None:
            return f"service {self.service.url}, key {self.service.key}"
        return f"file {self.key}"


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A key that can be asked to sign, and the certificates that came with it.

    The first certificate is the key's own where a file says so; a container says nothing of order.
    """

    private: PrivateKey = field(repr=False)
    backend: Backend = field(repr=False)
    certificates: tuple[Certificate, ...]
    proven_later: bool = False
    """It lies elsewhere: each signature is verified when it comes."""


def read_place(name: str, key: KeySettings) -> KeyFiles:
    """Return where the key of `[keys.NAME]` lies; raise SettingError for an unknown role, or when
    the settings name no place or several.
    """  # noqa: D205
    where = f"keys.{name}"
    roles = [role for role in Role if role.value == key.role]
    if not roles:
        known = ", ".join(Role)
        raise SettingError(f"{key.role} is no role; there are: {known}", where=f"{where}.role")
    places = [one for one in (key.key_file, key.token, key.service) if one is not None]
    if len(places) != 1:
        raise SettingError(
            "one of key_file, token and service says where the key lies", where=where
        )
    return KeyFiles(
        key.organization,
        roles[0],
        key.key_file,
        key.certificate_file,
        key.password_file,
        where=where,
        token=key.token,
        service=key.service,
    )


def open_store(files: KeyFiles, backend: Backend) -> Opened:
    """Open where the key lies; raise SettingError naming the setting and the file, or
    CryptoUnavailable when nothing here can use such a key.
    """  # noqa: D205
    try:
        if files.token is not None or files.service is not None:
            return _open_elsewhere(files, backend)
        return _open_file(files, backend)
    except (SettingError, CryptoUnavailable) as error:
        raise type(error)(error.text, where=error.where or files.where) from error


def _open_file(files: KeyFiles, backend: Backend) -> Opened:
    if files.key is None:
        raise SettingError("no key_file is named")
    content, password = _read(files.key), _password(files)
    certificates = _load_certificates(files)
    if is_container(content):
        return _open_container(files.key, content, password or b"", certificates, backend)
    if not certificates:
        raise SettingError(f"{files.key} brings no certificate: certificate_file is wanted")
    return Opened(_load_private(files.key, content, password, backend), backend, certificates)


def _open_container(
    path: Path,
    content: bytes,
    password: bytes,
    certificates: tuple[Certificate, ...],
    backend: Backend,
) -> Opened:
    try:
        container = open_container(content, password)
    except SettingError as error:
        raise SettingError(f"{path}: {error.text}") from error
    if len(container.keys) != 1:
        raise SettingError(f"{path} holds {len(container.keys)} keys that can be read, not one")
    brought = certificates or tuple(_parse(path, der) for der in container.certificates)
    if not brought:
        raise SettingError(f"{path} brings no certificate: certificate_file is wanted")
    return Opened(_load_private(path, container.keys[0], None, backend), backend, brought)


def _open_elsewhere(files: KeyFiles, backend: Backend) -> Opened:
    certificates = _load_certificates(files)
    if not certificates:
        raise SettingError("certificate_file is wanted: the key itself lies elsewhere")
    remote = _remote(files)
    elsewhere = Elsewhere(backend, remote, certificates[0].spki)
    return Opened(elsewhere.private, elsewhere, certificates, proven_later=True)


def _remote(files: KeyFiles) -> Remote:
    if files.token is not None:
        pin = (_password(files) or b"").decode("utf-8", "replace")
        token = open_token(files.token.module, files.token.label, pin)
        return TokenKey(token, files.token.key)
    assert files.service is not None
    asked = files.service
    where = f"{files.where}.service"
    secret = read_secret(asked.token_file, f"{where}.token_file") if asked.token_file else ""
    return RemoteKey(
        Service(asked.url, asked.key, secret, asked.authorities_file, asked.timeout.total_seconds())
    )


def _load_private(
    path: Path, content: bytes, password: bytes | None, backend: Backend
) -> PrivateKey:
    try:
        return backend.load_private(content, password)
    except SettingError as error:
        raise SettingError(f"{path}: {error.text}") from error


def _load_certificates(files: KeyFiles) -> tuple[Certificate, ...]:
    if files.certificate is None:
        return ()
    content = _read(files.certificate)
    ders = [der for label, der in split_pem(content) if label == "CERTIFICATE"] or [content]
    return tuple(_parse(files.certificate, der) for der in ders)


def _parse(path: Path, der: bytes) -> Certificate:
    try:
        return read_certificate(der)
    except GatewayError as error:
        raise SettingError(f"{path}: {error.text}") from error


def _password(files: KeyFiles) -> bytes | None:
    return _read(files.password_file).rstrip(b"\r\n") if files.password_file else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from error
