"""How exchanges are counted: the outcome table, and who is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.errors import SenderError
from gateway.exchange.record import Exchange
from gateway.exchange.states import Outcome, State

DIMENSIONS = ("endpoint", "document", "organization")
"""By what the outcome table can be asked for."""


def check_dimensions(by: Sequence[str]) -> None:
    """Let only known dimensions through. Raises SenderError with the unknown one."""
    unknown = [name for name in by if name not in DIMENSIONS]
    if unknown:
        raise SenderError(
            f"no report by {unknown[0]}; there is {', '.join(DIMENSIONS)}", where="by"
        )


def column_of(exchange: Exchange, *, now: datetime) -> tuple[str, ...]:
    """Return the columns of the outcome table that an exchange counts in.

    Every document counts in exactly one of the outcomes, `open`, `awaiting` and `parked`.
    """
    if exchange.outcome is not None:
        return (exchange.outcome.value,)
    if exchange.state is State.PARKED:
        return ("parked",)
    if exchange.first_sent_at is None:
        return ("open",)
    late = exchange.answer_due is not None and exchange.answer_due < now
    return ("awaiting", "overdue") if late else ("awaiting",)


def is_unanswered(exchange: Exchange) -> bool:
    """Tell whether the exchange was sent and is still waited for."""
    return "awaiting" in column_of(exchange, now=exchange.received_at)


COLUMNS = (
    *(outcome.value for outcome in Outcome),
    "open",
    "awaiting",
    "overdue",
    "parked",
)
"""The columns that one exchange can count in."""
