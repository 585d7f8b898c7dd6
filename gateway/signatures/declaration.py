"""Reads `certs/pki.toml`: the invented authorities, organisations and people.

The one source for names and numbers: samples, sandbox and tests take them from here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gateway.errors import SettingError
from gateway.resources import CERTS
from gateway.signatures.testkeys import KINDS

DEFAULT: Final = CERTS / "pki.toml"
_LISTS: Final = ("keys", "key_usage", "extended_key_usage")


@dataclass(frozen=True, slots=True)
class Person:
    """An invented member of staff: with СНИЛС and ИНН in Russia, with ИИН in Kazakhstan.

    `role` is a code of НСИ 1.2.643.5.1.13.13.99.2.368, 0 for none.
    """

    surname: str
    given_name: str
    patronymic: str
    snils: str = ""
    inn: str = ""
    position: str = ""
    role: int = 0
    iin: str = ""

    @property
    def full_name(self) -> str:
        """Фамилия Имя Отчество."""
        return f"{self.surname} {self.given_name} {self.patronymic}"


@dataclass(frozen=True, slots=True)
class Organization:
    """An invented medical organisation, or a state system; with БИН in Kazakhstan."""

    name: str
    city: str
    oid: str = ""
    ogrn: str = ""
    inn: str = ""
    region: str = ""
    street: str = ""
    country: str = "RU"
    bin: str = ""
    system_uid: str = ""
    """UID of its information system at НУЦ РК."""
    people: Mapping[str, Person] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """An invented certification authority; without `issuer` it signs itself."""

    name: str
    issuer: str = ""
    trusted: bool = False
    country: str = "RU"
    keys: tuple[str, ...] = ()
    """Kinds of key (`testkeys.KINDS`): one twin each, the first without a suffix."""
    policy: str = ""
    """OID of the policy its certificates are issued under."""
    responder: str = ""
    """Certificate that answers OCSP for it; empty: it answers itself."""
    never_issued: str = "unknown"
    """What OCSP says of a number it never gave: `unknown`, or `revoked` (RFC 6960 §2.2)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One certificate: whose, what for, and what is wrong with it. Days count from the making."""

    organization: str
    person: str = ""
    usage: str = "document"
    issuer: str = "ru-issuing"
    keys: tuple[str, ...] = ()
    not_before_days: int | None = None
    not_after_days: int | None = None
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    revoked_days: float | None = None
    released_days: float | None = None
    """Since when a hold is over."""
    revocation_reason: str = "unspecified"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The whole test PKI."""

    lifetime_days: int
    backdate_days: int
    crl_days: int
    gost: bool
    authorities: Mapping[str, Authority]
    organizations: Mapping[str, Organization]
    certificates: Mapping[str, Wanted]

    def only(self, *names: str) -> Declaration:
        """Return the same declaration with these certificates alone; raise KeyError."""
        return replace(self, certificates={name: self.certificates[name] for name in names})


def read_declaration(path: Path = DEFAULT) -> Declaration:
    """Read the declaration; raise SettingError naming the entry that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be read: {error}") from error
    try:
        return _read(content)
    except (KeyError, TypeError) as error:
        raise SettingError(f"{path}: {error}") from error


def _read(content: dict[str, Any]) -> Declaration:
    defaults = content["defaults"]
    usual = tuple(defaults.pop("keys"))
    authorities = {
        name: Authority(**_with_keys(row, usual)) for name, row in content["authorities"].items()
    }
    organizations = {name: _organization(row) for name, row in content["organizations"].items()}
    certificates = {
        name: Wanted(**_with_keys(row, usual)) for name, row in content["certificates"].items()
    }
    for name, wanted in certificates.items():
        _check(name, wanted, authorities, organizations)
    return Declaration(
        **defaults,
        authorities=authorities,
        organizations=organizations,
        certificates=certificates,
    )


def _check(
    name: str,
    wanted: Wanted,
    authorities: Mapping[str, Authority],
    organizations: Mapping[str, Organization],
) -> None:
    if wanted.issuer not in authorities:
        raise KeyError(f"certificates.{name}.issuer")
    if wanted.person and wanted.person not in organizations[wanted.organization].people:
        raise KeyError(f"certificates.{name}.person")
    known = authorities[wanted.issuer].keys
    if any(kind not in KINDS or KINDS[kind].under not in known for kind in wanted.keys):
        raise KeyError(f"certificates.{name}.keys")


def _organization(row: dict[str, Any]) -> Organization:
    people = {name: Person(**person) for name, person in row.pop("people", {}).items()}
    return Organization(**row, people=people)


def _with_keys(row: dict[str, Any], usual: tuple[str, ...]) -> dict[str, Any]:
    """Return the row with its lists as tuples, and the usual kinds of key where it names none."""
    lists: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS if name in row}
    return {"keys": usual, **row, **lists}
