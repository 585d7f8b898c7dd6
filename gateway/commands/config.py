"""Show what the gateway would run with, and where each setting comes from."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.tables import align, complain, print_json
from gateway.commands.terminal.words import Exit, json_option
from gateway.errors import SettingError
from gateway.settings import Loaded, join_key, load, split_key

MASK = "(hidden)"
_SECRET_WORDS = ("token", "secret", "password")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@click.group()
def command() -> None:
    """Look at the configuration.

    Example: mse-gateway config check --config mse-gateway.toml
    """


@command.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configuration; by default mse-gateway.toml in the working folder, if there.",
)
@json_option
def check(config: Path | None, *, as_json: bool) -> None:
    """Print the effective settings as a tree, each with its source.

    Secrets are masked; a file that holds one is named, not opened.

    Example: mse-gateway config check --config mse-gateway.toml
    """
    try:
        loaded = load(config)
    except SettingError as error:
        complain(f"{error.where}: {error.text}")
        sys.exit(Exit.USAGE)
    rows = list(list_settings(loaded))
    if as_json:
        print_json({key: {"value": value, "source": source} for key, value, source in rows})
    else:
        click.echo("\n".join(draw_tree(rows)))


def list_settings(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Yield each setting as full key, value as text, and source; secrets masked."""
    for key, value in _leaves(loaded.settings):
        yield key, _mask(key, value), loaded.sources.get(key, "default")


def draw_tree(rows: list[tuple[str, str, str]]) -> list[str]:
    """Return the lines: a section once, its settings indented below it."""
    drawn: list[tuple[str, str]] = []
    above: list[str] = []
    for key, value, source in rows:
        *sections, name = split_key(key)
        for depth, section in enumerate(sections):
            if above[: depth + 1] != sections[: depth + 1]:
                drawn.append(("  " * depth + section, ""))
                above = sections[: depth + 1]
        above = sections
        drawn.append((f"{'  ' * len(sections)}{name} = {value}", source))
    return align(drawn)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        for one in fields(value):
            yield from _leaves(getattr(value, one.name), join_key(key, one.name))
    elif isinstance(value, Mapping):
        for name in value:
            yield from _leaves(value[name], join_key(key, name))
    else:
        yield key, value


def _mask(key: str, value: Any) -> str:
    name = key.rpartition(".")[2]
    secret = any(word in name for word in _SECRET_WORDS) and not name.endswith("_file")
    return MASK if secret and value else _write(value)


def _write(value: Any) -> str:
    if value is None or value in ("", ()):
        return "—"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple | list):
        return ", ".join(_write(one) for one in value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    return _USERINFO.sub(MASK, str(value))
