"""List exchanges by where they stand, what became of them, whose and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.source import Place, split_to
from gateway.commands.terminal.tables import align, local_time, paint, print_json
from gateway.commands.terminal.words import (
    config_option,
    json_option,
    lang_option,
    span_options,
    token_option,
)
from gateway.exchange.states import Outcome, State

_HEAD = ("id", "state", "outcome", "number", "document", "organization", "received", "due")


@click.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice([one.value for one in State]))
@click.option(
    "--outcome", "outcomes", multiple=True, type=click.Choice([one.value for one in Outcome])
)
@click.option("--endpoint", help="The state system.")
@click.option("--sender", help="Whose; operators only, others see their own.")
@click.option("--organization", help="OID of the medical organisation.")
@click.option("--local-uid", help="The document's own id.")
@click.option("--set-id", help="The document set.")
@click.option("--number", help="Registration number.")
@click.option("--due-before", metavar="MOMENT", help="Owed something before this moment.")
@span_options
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@token_option
@config_option
@json_option
@lang_option
def command(  # noqa: PLR0913 - one a filter
    states: tuple[str, ...],
    outcomes: tuple[str, ...],
    since: str | None,
    to: tuple[str, ...],
    limit: int,
    token_file: Path | None,
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
    **filters: str | None,
) -> None:
    """List exchanges, newest first, from a running gateway or from its store.

    Example: mse-gateway list --state parked --due-before 2026-12-01
    """
    url, until = split_to(to)
    given = {"state": ",".join(states), "outcome": ",".join(outcomes), "from": since, "to": until}
    parameters = {name: value for name, value in {**given, **filters}.items() if value}
    place = Place(url=url, token_file=token_file, config=config, lang=lang)
    found = place.ask(lambda source: source.search(parameters, most=limit))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(draw_list(found)))


def draw_list(found: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Return an aligned table, or a sentence where there is nothing to show."""
    if not found:
        return ["no exchange is like that"]
    return align([_HEAD, *(_row(one) for one in found)])


def _row(one: Mapping[str, Any]) -> Sequence[str]:
    return (
        one["id"],
        paint(one["state"]),
        paint(one["outcome"] or "—"),
        one["number"] or "—",
        one["document"],
        one["organization"],
        local_time(one["received_at"]),
        local_time(one["due"]) or "—",
    )
