"""Who is served first: the urgent, then the longest due, and no sender eats a whole round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.exchange.record import Exchange
from gateway.exchange.states import State


class Waiting(NamedTuple):
    """What is asked of an exchange before its turn is known."""

    id: str
    sender: str
    priority: int
    due: int
    """Microseconds, as `codec.micros` counts them."""

    @property
    def urgency(self) -> tuple[int, int, str]:
        """The key by which the round is ordered."""
        return (-self.priority, self.due, self.id)


def is_claimable(exchange: Exchange) -> bool:
    """Tell whether something is owed that may be done; a held exchange stops before delivery."""
    held = exchange.state is State.SIGNED and exchange.held_by != ""
    return exchange.due is not None and not held


def choose(waiting: Iterable[Waiting], limit: int) -> list[str]:
    """Return the ids of at most `limit` of the due exchanges, most urgent first.

    Each sender that waits has an even share of the round, at least one place; places that no
    share claims go to whoever is most urgent.
    """
    ordered = sorted(waiting, key=lambda one: one.urgency)
    senders = len({one.sender for one in ordered})
    share = max(1, limit // max(1, senders))
    taken: dict[str, int] = {}
    within: list[Waiting] = []
    beyond: list[Waiting] = []
    for one in ordered:
        place = taken[one.sender] = taken.get(one.sender, 0) + 1
        (within if place <= share else beyond).append(one)
    chosen = sorted((within + beyond)[:limit], key=lambda one: one.urgency)
    return [one.id for one in chosen]
