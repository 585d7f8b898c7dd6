"""Who is served first: the urgent, then the longest due, and no sender eats a whole round."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from gateway.exchange.record import Exchange
from gateway.exchange.states import State

_NEVER = datetime.max.replace(tzinfo=UTC)


def is_claimable(exchange: Exchange) -> bool:
    """Tell whether something is owed that may be done; a held exchange stops before delivery."""
    held = exchange.state is State.SIGNED and exchange.held_by != ""
    return exchange.due is not None and not held


def choose(waiting: Iterable[Exchange], limit: int) -> list[Exchange]:
    """Return at most `limit` of the due exchanges, most urgent first.

    Each sender that waits has an even share of the round, at least one place; places that no
    share claims go to whoever is most urgent.
    """
    ordered = sorted(waiting, key=urgency)
    senders = len({one.identity.sender for one in ordered})
    share = max(1, limit // max(1, senders))
    taken: dict[str, int] = {}
    within: list[Exchange] = []
    beyond: list[Exchange] = []
    for one in ordered:
        place = taken[one.identity.sender] = taken.get(one.identity.sender, 0) + 1
        (within if place <= share else beyond).append(one)
    return sorted((within + beyond)[:limit], key=urgency)


def urgency(exchange: Exchange) -> tuple[int, datetime, str]:
    """Return the sort key of the claim."""
    return (-exchange.priority, exchange.due or _NEVER, exchange.id)
