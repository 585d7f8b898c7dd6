"""НСИ dictionaries: which code a version knows, and under which name.

Small ones ship with the gateway as `OID_VERSION.csv`; larger ones come from the operator's packs
as the Ministry's JSON. `dictionaries.csv` tells for each which column is the code and which the
name, because the dictionaries do not agree on that.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from lxml import etree

from gateway.errors import SettingError

INDEX: Final = "dictionaries.csv"
_PART: Final = re.compile(r"([0-9.]+)_([0-9.]+)_part\d+\.json")
_SHIPPED: Final = re.compile(r"([0-9.]+)_([0-9.]+)\.csv")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """One version of one dictionary; `names` by code, None when only its title is known."""

    oid: str
    version: str
    titles: frozenset[str]
    names: Mapping[str, frozenset[str]] | None
    retired: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """How to read one dictionary: its titles, code column and name columns."""

    titles: Mapping[str, frozenset[str]]
    code: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """Every dictionary version that is there, found by OID and version."""

    versions: Mapping[tuple[str, str], Dictionary]

    @classmethod
    def load(cls, terminology: Path, packs: Iterable[Path] = ()) -> Dictionaries:
        """Read the shipped facts and what lies in or below the pack folders.

        Raises `SettingError` for a file that does not read, naming it.
        """
        columns = _read_index(terminology / INDEX)
        found = {
            (oid, version): Dictionary(oid, version, titles, None, frozenset())
            for oid, one in columns.items()
            for version, titles in one.titles.items()
        }
        for path in sorted(terminology.glob("*_*.csv")):
            if (name := _SHIPPED.fullmatch(path.name)) is not None:
                _add(found, name[1], name[2], _read_csv(path))
        for folder in packs:
            for path in sorted(folder.rglob("*_part*.json")):
                if (name := _PART.fullmatch(path.name)) is not None:
                    _add(found, name[1], name[2], _read_json(path, columns.get(name[1])))
        return cls(found)

    def find(self, oid: str, version: str) -> Dictionary | None:
        """Return that version of that dictionary, or None when it is not there."""
        return self.versions.get((oid, version))


Entry = tuple[str, frozenset[str], bool]
"""A code, its names, and whether it is still to be used."""


def _add(
    found: dict[tuple[str, str], Dictionary], oid: str, version: str, entries: Iterable[Entry]
) -> None:
    known = found.get((oid, version))
    names = dict(known.names) if known is not None and known.names else {}
    retired = set(known.retired) if known is not None else set()
    for code, called, current in entries:
        names[code] = called
        if not current:
            retired.add(code)
    titles = known.titles if known is not None else frozenset[str]()
    found[oid, version] = Dictionary(oid, version, titles, names, frozenset(retired))


def _read_index(path: Path) -> dict[str, _Columns]:
    found: dict[str, _Columns] = {}
    for row in _rows(path):
        titles = frozenset(row["titles"].split("|")) - {""}
        known = found.get(row["oid"])
        versions = {**(known.titles if known else {}), row["version"]: titles}
        names = tuple(row["name_columns"].split("|"))
        found[row["oid"]] = _Columns(versions, row["code_column"], names)
    return found


def _read_csv(path: Path) -> Iterator[Entry]:
    for row in _rows(path):
        names = [row["name"], *row["also"].split("|")]
        yield row["code"], frozenset(name for name in names if name), row["retired"] != "yes"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            yield from csv.DictReader(line for line in lines if not line.startswith("#"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError("a dictionary does not read", where=str(path)) from error


def _read_json(path: Path, columns: _Columns | None) -> Iterator[Entry]:
    try:
        listed: list[list[dict[str, Any]]] = orjson.loads(path.read_bytes())["list"]
        rows = [{one["column"]: one["value"] for one in row} for row in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError("a dictionary does not read", where=str(path)) from error
    for row in rows:
        code = row.get(columns.code) if columns else row.get("ID", row.get("CODE"))
        wanted = columns.names if columns else ("NAME",)
        names = {str(row[name]).strip() for name in wanted if row.get(name)}
        current = str(row.get("ACTUAL", row.get("Actual", "true"))).lower() not in {"false", "0"}
        if code is not None:
            yield str(code), frozenset(names), current


@dataclass(frozen=True, slots=True)
class Coded:
    """What rules may ask of coded elements (`codeSystem`, `codeSystemVersion`, `code` …).

    Each question takes a node-set and returns those of it that fail: one call a document, for
    there are hundreds. Where the dictionary is not there, only `unknown` says so.
    """

    dictionaries: Dictionaries

    def unknown(self, nodes: object) -> list[etree._Element]:
        """Return the elements whose dictionary is not here with its rows."""
        return [
            element
            for element, found in self._stated(nodes)
            if found is None or found.names is None
        ]

    def unlisted(self, nodes: object) -> list[etree._Element]:
        """Return the elements whose code the dictionary does not have."""
        return [
            element
            for element, found in self._stated(nodes)
            if found is not None
            and found.names is not None
            and element.get("code") not in found.names
        ]

    def misnamed(self, nodes: object) -> list[etree._Element]:
        """Return the elements whose display name is none of the code's."""
        wrong = []
        for element, found in self._stated(nodes):
            if found is None or found.names is None:
                continue
            names = found.names.get(element.get("code", ""))
            if names and element.get("displayName", "").strip() not in names:
                wrong.append(element)
        return wrong

    def retired(self, nodes: object) -> list[etree._Element]:
        """Return the elements whose code is no longer to be used."""
        return [
            element
            for element, found in self._stated(nodes)
            if found is not None and element.get("code") in found.retired
        ]

    def mistitled(self, nodes: object) -> list[etree._Element]:
        """Return the elements that call the dictionary by another title."""
        return [
            element
            for element, found in self._stated(nodes)
            if found is not None
            and found.titles
            and element.get("codeSystemName", "").strip() not in found.titles
        ]

    def functions(self) -> dict[str, Callable[..., object]]:
        """Return the questions by the name rules call them."""
        return {
            "unknown": self.unknown,
            "unlisted": self.unlisted,
            "misnamed": self.misnamed,
            "retired": self.retired,
            "mistitled": self.mistitled,
        }

    def _stated(self, nodes: object) -> Iterator[tuple[etree._Element, Dictionary | None]]:
        versions = self.dictionaries.versions
        for element in nodes if isinstance(nodes, list) else []:
            key = (element.get("codeSystem", ""), element.get("codeSystemVersion", ""))
            yield element, versions.get(key)
