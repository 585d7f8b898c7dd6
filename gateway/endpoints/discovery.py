"""Finds the state systems by their `endpoint.toml`; nothing else knows their names."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp

from gateway.errors import SettingError
from gateway.exchange.schedule import Terms
from gateway.ports import CallbackDoor, Clock, Endpoint, Ids
from gateway.settings import read
from gateway.signatures.chain import Trust
from gateway.signatures.keys import KeyRing
from gateway.signatures.verdict import CheckHeard

_FOLDER: Final = Path(__file__).parent
_FILE: Final = "endpoint.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every endpoint is given to be built with."""

    session: aiohttp.ClientSession
    """Calls go out through it; whoever opened it closes it."""
    keys: KeyRing = field(repr=False)
    clock: Clock
    ids: Ids
    load_trust: Callable[[Path], Trust]
    """Reads a folder of authorities. Raises SettingError."""
    heard: CheckHeard = field(repr=False)
    """Told of every signature that is checked on what comes in."""
    scale: float = 1.0
    """How many times shorter every wait is; for trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An endpoint ready to speak, and where it calls us, if it does."""

    endpoint: Endpoint
    door: CallbackDoor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """`endpoint.toml`."""

    title: str
    transport: str
    documents: tuple[str, ...]
    kinds: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointKind:
    """A state system that this program can speak to."""

    name: str
    title: str
    transport: str
    documents: frozenset[str]
    """Ids of the profiles whose documents it takes."""
    kinds: Mapping[str, str]
    """By profile: what the state system calls such a document."""
    default_terms: Mapping[str, Any]

    def terms(self, overrides: Mapping[str, Any], *, scale: float = 1.0) -> Terms:
        """Return its terms with the operator's changes. Raises SettingError."""
        merged = {**self.default_terms, **overrides}
        terms = read(Terms, merged, where=f"endpoints.{self.name}.terms")
        return terms.shortened(scale) if scale != 1.0 else terms

    def build(self, table: Mapping[str, Any], context: Context) -> Built:
        """Return the endpoint as `[endpoints.NAME]` wants it. Raises SettingError."""
        adapter = importlib.import_module(f"{__package__}.{self.name}.adapter")
        build: Builder = adapter.build
        return build(self, table, context)


class Builder(Protocol):
    """What each `adapter.py` has: `build`."""

    def __call__(self, kind: EndpointKind, table: Mapping[str, Any], context: Context) -> Built:
        """Read the table with the endpoint's own settings class and build it."""
        ...


def discover(folder: Path = _FOLDER) -> dict[str, EndpointKind]:
    """Return every endpoint whose folder is here, by name. Raises SettingError."""
    files = sorted(folder.glob(f"*/{_FILE}"))
    return {file.parent.name: _read(file) for file in files}


def _read(file: Path) -> EndpointKind:
    name = file.parent.name
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"the endpoint cannot be read: {error}", where=str(file)) from error
    told = read(_Told, table, where=f"{name}/{_FILE}")
    return EndpointKind(
        name=name,
        title=told.title,
        transport=told.transport,
        documents=frozenset(told.documents),
        kinds={profile: str(kind) for profile, kind in told.kinds.items()},
        default_terms=told.terms,
    )
