"""Aligned tables, local times and colour, for a person at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import orjson

COLOURS: Mapping[str, str] = {
    "registered": "green",
    "rejected": "red",
    "refused": "red",
    "parked": "magenta",
    "cancelled": "yellow",
    "error": "red",
    "warning": "yellow",
}
"""What a person should see first."""


def align(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Return lines whose columns stand under each other; columns in `right` are right-aligned."""
    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(_width(row[column]) for row in table) for column in range(len(table[0]))]
    return [
        "  ".join(
            _pad(cell, width, right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def _width(cell: str) -> int:
    return len(click.unstyle(cell))


def _pad(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if right else cell + blank


def local_time(text: str | None) -> str:
    """Return an ISO 8601 moment in the zone of this machine, to the second; empty for none."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def paint(word: str) -> str:
    """Return a word in its colour; click takes the colour off where no terminal is."""
    colour = COLOURS.get(word)
    return click.style(word, fg=colour) if colour else word


def print_json(answer: Any) -> None:
    """Write an answer for a program: UTF-8, indented, on stdout."""
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())


def describe_finding(finding: Mapping[str, Any]) -> str:
    """Return one finding as a line: how bad, which rule, what, where, and who mends it."""
    where = f" at {finding['where']}" if finding.get("where") else ""
    return (
        f"{paint(finding['severity'])} {finding['rule']}: {finding['text']}{where}"
        f" (mended by: {finding['mender']})"
    )


def complain(text: str) -> None:
    """Write a sentence to stderr."""
    click.echo(text, file=sys.stderr)
