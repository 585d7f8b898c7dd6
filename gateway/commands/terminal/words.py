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


class Complaint(Exception):  # noqa: N818 - the program's last word
    """Why the command ends here, and with which exit code."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.exit = code


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


def token_option(function: F) -> F:
    """Add `--token-file`: as whom a gateway is spoken to."""
    return click.option(
        "--token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File that holds the bearer token.",
    )(function)


def to_option(function: F) -> F:
    """Add `--to`: which gateway is spoken to."""
    return click.option(
        "--to", "url", metavar="URL", help=f"A running gateway; by default {DEFAULT_URL}."
    )(function)


def span_options(function: F) -> F:
    """Add `--from` and `--to`, which is a moment or an address: the contract uses it for both."""
    function = click.option(
        "--to",
        "to",
        multiple=True,
        metavar="MOMENT|URL",
        help=f"Received before; or a running gateway (http://…), by default {DEFAULT_URL}.",
    )(function)
    return click.option(
        "--from", "since", metavar="MOMENT", help="Received then or later: 2026-01-31[T10:00:00Z]."
    )(function)


def config_option(function: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The gateway's configuration; its store is read directly.",
    )(function)
