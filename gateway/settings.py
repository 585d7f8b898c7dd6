"""What the operator decides: one TOML file, overridden by the environment, read once at start.

Each setting stands beside its meaning. An unknown key is refused with the nearest known name;
secrets are named by `*_file` and never stand in the configuration itself.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.errors import SettingError

T = TypeVar("T")
PREFIX = "MSE_GATEWAY__"
DEFAULT_FILE = "mse-gateway.toml"
_NAME = re.compile(r'"([^"]*)"|([^."]+)')
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


class SignaturesComing(StrEnum):
    """When a sender's signatures come."""

    WITH_DOCUMENT = "with-document"
    """A missing one refuses the document."""
    LATER = "later"
    """The exchange waits for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """`[server]`: where the gateway listens."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback wants `[senders]`."""
    port: int = 8080
    max_body_mib: int = 64
    """Largest body that is read, in MiB."""
    operations_allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that may read `/metrics` and `/health`."""
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    client_ca_file: Path | None = None
    """Certificates that clients may identify themselves with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """`[store]`: where exchanges are kept."""

    path: Path = Path("mse-gateway.sqlite")
    key_file: Path | None = None
    """32 bytes, base64: bodies are sealed with AES-256-GCM. Without it they are only compressed."""
    index_key_file: Path | None = None
    """32 bytes, base64: patients are found by HMAC-SHA-256 under it. Made beside `path` else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSettings:
    """`[time]`: for trials in the sandbox's company only."""

    scale: float = 1.0
    """How many times shorter every wait is; refused unless every endpoint is on loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritySettings:
    """`[trust.authorities.NAME]`: where an authority is asked instead of where it says itself."""

    certificate_sha256: str
    """SHA-256 of the authority's own certificate (DER), in hex."""
    ocsp: tuple[str, ...] = ()
    """URLs that answer about its certificates, asked one after the other."""
    lists: tuple[str, ...] = ()
    """URLs of its revocation lists."""
    deltas: tuple[str, ...] = ()
    """URLs of the delta lists to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSettings:
    """`[trust]`: whose certificates count, and how it is learnt that they are not revoked."""

    directory: Path | None = None
    """Roots, intermediates and CRLs (PEM or DER) that signers' certificates must chain to."""
    reload_every: timedelta = timedelta(minutes=1)
    """How often the directory is looked at for changes; no restart is needed."""
    revocation_required: bool = True
    """Without a fresh word of the authority a signature could not be checked, and waits."""
    fetch: bool = True
    """Ask authorities over HTTP; else only the lists in the directory count."""
    allow_hosts: tuple[str, ...] = ()
    """Hosts that certificates may name though they lie at private addresses."""
    fetch_within: timedelta = timedelta(seconds=10)
    """How long an authority's answer may take."""
    largest_answer_kib: int = 64
    """Largest OCSP answer that is read."""
    largest_list_mib: int = 32
    """Largest revocation list that is read."""
    answer_age: timedelta = timedelta(hours=1)
    """How long an OCSP answer without nextUpdate is believed."""
    ask_again: timedelta = timedelta(minutes=5)
    """How long an answer about one certificate is used before it is asked for anew."""
    lists_again: timedelta = timedelta(hours=1)
    """The same for a revocation list."""
    pause: timedelta = timedelta(seconds=30)
    """How long an authority that did not answer is left alone."""
    authorities: Mapping[str, AuthoritySettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationSettings:
    """`[validation]`: how deep and how long documents are checked."""

    workers: int = 1
    """Processes that run authority packs."""
    seconds_per_document: float = 60.0
    """A pack run that takes longer is stopped and its worker replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """`[senders.NAME]`: a МИС that hands documents over; sees only its own exchanges."""

    token_sha256: str = ""
    """SHA-256 of its bearer token, in hex."""
    token_file: Path | None = None
    """A file that holds the bearer token itself."""
    certificate_sha256: str = ""
    """SHA-256 of its client certificate (DER), in hex."""
    organizations: tuple[str, ...] = ()
    """OIDs of the organisations it may send for; empty: any."""
    signatures: SignaturesComing = SignaturesComing.WITH_DOCUMENT
    webhook: str = ""
    """URL that its inbox entries are posted to."""
    webhook_secret_file: Path | None = None
    """Standard Webhooks secret (`whsec_…`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """`[operators.NAME]`: a person who may see, resume, release and report everything."""

    token_sha256: str = ""
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """`[keys.NAME.token]`: the key lies in a token or an HSM (PKCS#11)."""

    module: Path
    """The PKCS#11 library of its maker."""
    label: str
    """Of the token."""
    key: str
    """Label of the private key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """`[keys.NAME.service]`: a service signs over HTTP (see gateway/signatures/README.md)."""

    url: str
    """https, or http on loopback."""
    key: str
    """What the service calls the key."""
    token_file: Path | None = None
    """The bearer token it asks for."""
    authorities_file: Path | None = None
    """PEM of the certificates its TLS certificate must chain to; else those of the system."""
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """`[keys.NAME]`: a signing key; chosen by organisation, role and moment."""

    organization: str
    """OID of the organisation it signs for."""
    role: str
    """`organization` signs documents, `transport` signs envelopes."""
    key_file: Path | None = None
    """PKCS#8 in PEM or DER, or PKCS#12. Instead of it: `token` or `service`."""
    certificate_file: Path | None = None
    """PEM or DER, with the authorities above it; PKCS#12 may bring its own."""
    password_file: Path | None = None
    """The password of the key or of the container, the PIN of the token."""
    token: TokenSettings | None = None
    service: ServiceSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration."""

    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    packs: tuple[Path, ...] = ()
    """Folders searched, with what is below them, for authority packs and dictionaries."""
    senders: Mapping[str, SenderSettings] = field(default_factory=dict)
    operators: Mapping[str, OperatorSettings] = field(default_factory=dict)
    keys: Mapping[str, KeySettings] = field(default_factory=dict)
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """`[endpoints.NAME]`: read by the endpoint's own settings class."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each value that is not a default came from."""

    settings: Settings
    sources: Mapping[str, str]
    """Full key to `mse-gateway.toml` or `environment`; a key that is absent has its default."""


def environment() -> Mapping[str, str]:
    """Return the process's environment; the only place that reads it."""
    return os.environ  # noqa: TID251 - this is the door


def load(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the file (default `mse-gateway.toml` in the working folder, if there) and environment.

    Raises SettingError with the full key of what is unknown, missing or of a wrong form.
    """
    environ = environment() if environ is None else environ
    table, sources = _read_file(file)
    _override(table, sources, environ)
    if packs := environ.get("MSE_GATEWAY_PACKS"):
        table["packs"] = packs.split(os.pathsep)
        sources["packs"] = "environment"
    return Loaded(settings=read(Settings, table), sources=sources)


def read(kind: type[T], table: Mapping[str, Any], where: str = "") -> T:
    """Return a settings object from a table. Raises SettingError."""
    known = get_type_hints(kind)
    for key in table:
        if key not in known:
            raise _unknown(join_key(where, key), key, known)
    values = {key: _convert(known[key], table[key], join_key(where, key)) for key in table}
    for one in fields(kind):  # type: ignore[arg-type] # every kind here is a dataclass
        if one.name not in values and one.default is MISSING and one.default_factory is MISSING:
            raise SettingError(f"{one.name} is missing", where=join_key(where, one.name))
    return kind(**values)


def parse_duration(text: str, where: str = "") -> timedelta:
    """Read `15d`, `1h30m`, `0.5s`. Raises SettingError."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise SettingError(f"{text!r} is no duration (like 15d, 1h30m, 0.5s)", where=where)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def read_secret(file: Path, where: str = "") -> str:
    """Return the text of a secret file without the line end. Raises SettingError."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"the file cannot be read: {error}", where=where) from error


def _read_file(file: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    path = file or Path(DEFAULT_FILE)
    if file is None and not path.is_file():
        return {}, {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"the configuration cannot be read: {error}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the configuration is no TOML: {error}", where=str(path)) from error
    sources = dict.fromkeys(_leaves(table), path.name)
    return table, sources


def _leaves(table: Mapping[str, Any], where: str = "") -> list[str]:
    keys: list[str] = []
    for key, value in table.items():
        full = join_key(where, key)
        keys += _leaves(value, full) if isinstance(value, dict) else [full]
    return keys


def _override(table: dict[str, Any], sources: dict[str, str], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        place = table
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
        sources[".".join((*sections, key))] = "environment"


def join_key(where: str, key: str) -> str:
    """Return the full key as TOML writes it: a name with a dot in it, like an OID, is quoted."""
    name = f'"{key}"' if "." in key else key
    return f"{where}.{name}" if where else name


def split_key(key: str) -> list[str]:
    """Return the names of a full key, without their quotes."""
    return [quoted or plain for quoted, plain in _NAME.findall(key)]


def _unknown(where: str, key: str, known: Mapping[str, object]) -> SettingError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
    return SettingError(f"unknown setting {key}{hint}", where=where)


def _convert(kind: Any, value: Any, where: str) -> Any:  # a TOML value has any type
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return _convert(next(one for one in arguments if one is not NoneType), value, where)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            raise SettingError("a list is wanted", where=where)
        return tuple(_convert(arguments[0], item, where) for item in items)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _convert_table(arguments[1], value, where)
    return _convert_plain(kind, value, where)


def _convert_table(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise SettingError("a table is wanted", where=where)
    if not is_dataclass(kind):
        return value
    return {
        key: read(kind, _table(item, join_key(where, key)), join_key(where, key))  # type: ignore[arg-type] # a dataclass, as tested
        for key, item in value.items()
    }


def _convert_plain(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return read(kind, _table(value, where), where)  # type: ignore[arg-type] # as above
    if kind is timedelta:
        return parse_duration(str(value), where)
    if kind is bool and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    try:
        converted = kind(value) if kind is not bool else value
    except (TypeError, ValueError):
        raise _wrong_form(kind, value, where) from None
    if isinstance(value, bool) is not (kind is bool):
        raise _wrong_form(kind, value, where)
    return converted


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingError("a table is wanted", where=where)
    return value


def _wrong_form(kind: Any, value: object, where: str) -> SettingError:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return SettingError(
            f"one of {', '.join(str(one.value) for one in kind)} is wanted", where=where
        )
    return SettingError(f"{kind.__name__} is wanted, not {type(value).__name__}", where=where)
