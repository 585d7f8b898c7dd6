"""Where an authority's packs lie, and which documents each is for.

A pack is a Schematron (`*.sch`) with the XSD of its documents beside it or below it. Nothing of
a pack is part of the gateway: the operator installs what the authority publishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import HouseError

_SCHEMATRON: Final = "{http://purl.oclc.org/dsdl/schematron}"
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_QUOTED_OID: Final = re.compile(r"""['"]([0-2](?:\.(?:0|[1-9][0-9]*)){3,})['"]""")
_TEMPLATE_STEP: Final = re.compile(r"(?:^|/)templateId(?:\[[^\]]*\])?$")


@dataclass(frozen=True, slots=True)
class Pack:
    """One authority's pack; `templates` are the templateIds that its documents carry."""

    name: str
    schematron: Path
    schema: Path | None
    templates: frozenset[str]


def find_packs(folders: Iterable[Path]) -> tuple[Pack, ...]:
    """Return the packs below these folders, in the order of their paths.

    A Schematron that names no templateId is not for CDA documents and is left out. Raises
    `HouseError` for a folder that is not there, a Schematron that cannot be read, and two
    packs for the same templateId.
    """
    packs = tuple(_read_packs(folders))
    owners: dict[str, Pack] = {}
    for pack in packs:
        for template in pack.templates:
            if template in owners:
                raise HouseError(
                    f"two packs check documents of {template}: "
                    f"{owners[template].schematron} and {pack.schematron}",
                    where="packs",
                )
            owners[template] = pack
    return packs


def _read_packs(folders: Iterable[Path]) -> Iterator[Pack]:
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise HouseError(f"{folder} is not a folder", where="packs")
        for path in sorted(folder.resolve().rglob("*.sch")):
            if path not in seen:
                seen.add(path)
                templates = templates_of(path)
                if templates:
                    yield Pack(path.stem, path, _schema_of(path.parent), templates)


def templates_of(path: Path) -> frozenset[str]:
    """Return the templateIds that a Schematron demands of its documents.

    They stand in the tests of the rules whose context is the element `templateId`.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        schema = etree.fromstring(path.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        raise HouseError(f"{path} is not well-formed XML: {error}", where="packs") from error
    return frozenset(
        oid
        for rule in schema.iter(f"{_SCHEMATRON}rule")
        if _TEMPLATE_STEP.search(rule.get("context", "").strip())
        for check in rule.iter(f"{_SCHEMATRON}assert")
        for oid in _QUOTED_OID.findall(check.get("test", ""))
    )


def _schema_of(folder: Path) -> Path | None:
    """Return the XSD that no other XSD beside or below `folder` includes: the one to start from."""
    found = {path.resolve(): _included(path) for path in sorted(folder.rglob("*.xsd"))}
    parts = {part for included in found.values() for part in included}
    roots = [path for path in found if path not in parts]
    if len(roots) > 1:
        named = ", ".join(str(path.relative_to(folder)) for path in roots)
        raise HouseError(f"{folder} holds more than one XSD to start from: {named}", where="packs")
    return roots[0] if roots else None


def _included(path: Path) -> frozenset[Path]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        raise HouseError(f"{path} is not well-formed XML: {error}", where="packs") from error
    names = [
        str(part.get("schemaLocation"))
        for part in root.iterchildren(f"{_XSD}include", f"{_XSD}import", f"{_XSD}redefine")
        if part.get("schemaLocation")
    ]
    return frozenset((path.parent / name).resolve() for name in names)
