"""Count what became of all documents: registered, rejected, refused, awaiting, overdue, parked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.source import Place, split_to
from gateway.commands.terminal.tables import align, print_json
from gateway.commands.terminal.words import (
    config_option,
    json_option,
    lang_option,
    span_options,
    token_option,
)

COLUMNS = (
    "registered",
    "rejected",
    "refused",
    "cancelled",
    "open",
    "awaiting",
    "overdue",
    "parked",
)
"""In the order a person reads them; each with its share of the documents."""


@click.command()
@click.option(
    "--by",
    metavar="LIST",
    default="endpoint,document",
    show_default=True,
    help="Any of endpoint, document, organization, separated by commas.",
)
@span_options
@token_option
@config_option
@json_option
@lang_option
def command(
    by: str,
    since: str | None,
    to: tuple[str, ...],
    token_file: Path | None,
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> None:
    """Print the outcome table, from a running gateway or from its store.

    Overdue documents are among those awaiting. The last column counts answers that said
    «Не удалось зарегистрировать документ за отведенное время».

    Example: mse-gateway report --from 2026-01-01 --to 2026-02-01 --by organization
    """
    url, until = split_to(to)
    given = {"by": by, "from": since, "to": until}
    parameters = {name: value for name, value in given.items() if value}
    place = Place(url=url, token_file=token_file, config=config, lang=lang)
    report = place.ask(lambda source: source.report(parameters))
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(draw_report(report)))


def draw_report(report: Mapping[str, Any]) -> Sequence[str]:
    """Return the table with a total below it."""
    by: Sequence[str] = report["by"]
    head = (*by, "documents", *COLUMNS, "not in time")
    rows = [(*(row[name] or "—" for name in by), *_counts(row)) for row in report["rows"]]
    total = (
        *("total" if place == 0 else "" for place, _ in enumerate(by)),
        *_counts(report["total"]),
    )
    right = frozenset(range(len(by), len(head)))
    return align([head, *rows, total], right=right)


def _counts(row: Mapping[str, Any]) -> Sequence[str]:
    shares = row["shares"]
    told = (f"{row[name]} {shares[name]:6.1%}" for name in COLUMNS)
    return (str(row["documents"]), *told, str(row["not_registered_in_time"]))
