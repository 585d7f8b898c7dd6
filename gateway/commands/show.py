"""Show one exchange: how it stands, why, and every message on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.source import Place, Source
from gateway.commands.terminal.tables import (
    align,
    describe_finding,
    local_time,
    paint,
    print_json,
)
from gateway.commands.terminal.words import (
    config_option,
    json_option,
    lang_option,
    to_option,
    token_option,
)

Fields = Mapping[str, Any]
_ARROWS = {"out": "→", "in": "←"}
_TOLD = ("reason", "codes", "by", "by_exchange", "number", "note")
"""Facts of an event that a person wants beside its name, in this order."""


@click.command()
@click.argument("exchange_id", metavar="ID")
@to_option
@token_option
@config_option
@json_option
@lang_option
def command(
    exchange_id: str,
    url: str | None,
    token_file: Path | None,
    config: Path | None,
    *,
    as_json: bool,
    lang: str,
) -> None:
    """Show one exchange with its timeline, from a running gateway or from its store.

    Example: mse-gateway show 0199d2a4-7e3b-7c11-9a54-2f1f1c1d0e01
    """

    async def question(source: Source) -> tuple[Fields, Fields]:
        return await source.exchange(exchange_id), await source.timeline(exchange_id)

    place = Place(url=url, token_file=token_file, config=config, lang=lang)
    exchange, timeline = place.ask(question)
    if as_json:
        print_json({**exchange, "timeline": timeline["events"]})
    else:
        click.echo("\n".join(draw_exchange(exchange, timeline["events"])))


def draw_exchange(exchange: Fields, events: Sequence[Fields]) -> Iterator[str]:
    """Yield the lines a person reads."""
    yield from align(list(_rows(exchange)))
    if exchange["findings"]:
        yield "\nfindings"
        yield from (f"  {describe_finding(one)}" for one in exchange["findings"])
    yield "\ntimeline"
    yield from _draw_events(events)


def _rows(exchange: Fields) -> Iterator[tuple[str, str]]:
    """Yield what is known, a name and its value a row; what is empty is left out."""
    values = {
        "exchange": exchange["id"],
        "document": f"{exchange['document']} (kind {exchange['kind']})",
        "local id": exchange["local_uid"],
        "endpoint": exchange["endpoint"],
        "sender": exchange["sender"],
        "organization": exchange["organization"],
        "state": paint(exchange["state"]),
        "outcome": paint(exchange["outcome"] or "not known yet"),
        "number": exchange["number"],
        "registered": local_time(exchange["registered_at"]),
        "received": local_time(exchange["received_at"]),
        "first sent": local_time(exchange["first_sent_at"]),
        "answer due": local_time(exchange["answer_due"]),
        "owed next": _owed(exchange),
        "attempt": str(exchange["attempt"]),
        "parked": exchange["parked_because"],
        "held by": exchange["held_by"],
        "replaces": exchange["replaces"],
        "part of": exchange["part_of"],
    }
    yield from ((name, value) for name, value in values.items() if value)


def _owed(exchange: Fields) -> str:
    if exchange["duty"] is None:
        return ""
    due = local_time(exchange["due"])
    return f"{exchange['duty']}, {due}" if due else exchange["duty"]


def _draw_events(events: Sequence[Fields]) -> Iterator[str]:
    heads = align((local_time(one["at"]), one["event"], one["state"]) for one in events)
    for head, event in zip(heads, events, strict=True):
        told = "  ".join(_tell_facts(event["facts"]))
        yield f"  {head}  {told}".rstrip()
        for message in event["messages"]:
            yield f"    {_ARROWS[message['direction']]} {_tell_message(message)}"


def _tell_facts(facts: Fields) -> Iterator[str]:
    for name in _TOLD:
        value = facts.get(name)
        if value:
            yield ", ".join(value) if isinstance(value, list) else str(value)


def _tell_message(message: Fields) -> str:
    about = f" about {message['relates_to']}" if message["relates_to"] else ""
    note = f" ({message['note']})" if message["note"] else ""
    identity = f" {message['message_id']}" if message["message_id"] else ""
    size = f"{message['size']} bytes, sha256 {message['sha256'][:16]}…"
    return f"{message['name']}{identity}{about}, {size}{note}"
