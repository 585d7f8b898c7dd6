"""The options and exit codes that every command has alike."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.settings import environment

F = TypeVar("F", bound=Callable[..., Any])
LANGUAGES = ("ru", "en", "kk")
DEFAULT_URL = "http://127.0.0.1:8080"


class Exit(IntEnum):
    """What the exit code says (contract: command line)."""

    DONE = 0
    DOCUMENTS_AT_FAULT = 1
    USAGE = 2
    GATEWAY_AT_FAULT = 3


def local_language() -> str:
    """Return the language of the locale where findings have it, else English."""
    environ = environment()
    name = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return name[:2] if name[:2] in LANGUAGES else "en"


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")(
        function
    )


def lang_option(function: F) -> F:
    """Add `--lang`."""
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default=local_language,
        help="Language of findings; by default that of the locale.",
    )(function)


def gateway_options(function: F) -> F:
    """Add `--to` and `--token-file`: which gateway is spoken to, and as whom."""
    function = click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File that holds the bearer token.",
    )(function)
    return click.option("--to", "url", metavar="URL", help="A running gateway.")(function)


def config_option(function: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The gateway's configuration.",
    )(function)
