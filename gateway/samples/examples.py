"""Which documents are bundled, whose each is, and who signs it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from gateway.errors import SettingError
from gateway.resources import PROFILES
from gateway.samples.template import Template
from gateway.signatures.declaration import Organization, read_declaration

CORRIDOR: Final = "ru-088u"
FOLDER: Final = PROFILES / CORRIDOR / "examples"


@dataclass(frozen=True, slots=True)
class Signing:
    """One signature that a document needs.

    `role` is a code of НСИ 1.2.643.5.1.13.13.99.2.368 or `organization`; `certificate` a name in
    `certs/pki.toml`.
    """

    role: str
    certificate: str


@dataclass(frozen=True)
class Example:
    """One bundled document; `patient` and `guardian` are male, female or empty."""

    name: str
    title: str
    organization: str
    patient: str
    expected: str
    signatures: tuple[Signing, ...]
    words: Mapping[str, str] = field(repr=False)
    """What does not change from copy to copy: the organisation and its people."""
    guardian: str = ""
    folder: Path = FOLDER

    @property
    def file(self) -> Path:
        """Where the template lies."""
        return self.folder / f"{self.name}.xml"

    @cached_property
    def template(self) -> Template:
        """Return the template, cut."""
        return Template(self.file.read_text(encoding="utf-8"), name=self.name)


def read_examples(folder: Path = FOLDER) -> dict[str, Example]:
    """Return the bundled documents by name, in the order of `signers.toml`.

    Raises `SettingError` naming the entry that is wrong.
    """
    path = folder / "signers.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        people = read_declaration().organizations
        rows = content["organizations"]
        words = {name: dict(_words(people[name], row)) for name, row in rows.items()}
        return {
            name: _example(name, row, content, words, folder)
            for name, row in content["examples"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{path}: {error}", where="samples") from error


def _example(
    name: str,
    row: dict[str, Any],
    content: dict[str, Any],
    words: dict[str, dict[str, str]],
    folder: Path,
) -> Example:
    organization = row["organization"]
    signatures = row.pop("signatures", content["organizations"][organization]["signatures"])
    return Example(
        name=name,
        signatures=tuple(Signing(**signature) for signature in signatures),
        words=words[organization],
        folder=folder,
        **row,
    )


def _words(organization: Organization, row: dict[str, Any]) -> dict[str, str]:
    """Return what a template may ask about an organisation and its people."""
    words = {
        "organization.oid": organization.oid,
        "organization.ogrn": organization.ogrn,
        "organization.name": organization.name,
        "organization.region.code": row["region"]["code"],
        "organization.region.name": row["region"]["name"],
    }
    for plain in ("phone", "postal", "address", "aoguid", "houseguid", "licence"):
        words[f"organization.{plain}"] = row[plain]
    words["organization.licence.by"] = row["licence_by"]
    for part, person in organization.people.items():
        position = row["positions"][part]
        words |= {
            f"{part}.family": person.surname,
            f"{part}.given": person.given_name,
            f"{part}.patronymic": person.patronymic,
            f"{part}.snils": written(person.snils),
            f"{part}.id": f"{organization.oid.rsplit('.', 1)[1]}-{part}",
            f"{part}.position.code": position["code"],
            f"{part}.position.name": position["name"],
        }
    return words


def written(snils: str) -> str:
    """Return an insurance number as it is written in documents."""
    return f"{snils[:3]}-{snils[3:6]}-{snils[6:9]} {snils[9:]}"
