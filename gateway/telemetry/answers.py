"""What an answer meant where it arrived: the kinds of `answers_total`, and results of inquiries.

| kind | counted when |
|---|---|
| `registered` | a verdict «registered» told us something new |
| `rejected` | a verdict «rejected» told us something new, a remembered one included |
| `already_registered` | the recipient said so of our document; instead of the two above |
| `not_registered_in_time` | the recipient gave up «за отведённое время» |
| `unavailable` | a retryable «no», or nobody could be reached to deliver to or to ask |
| `doubled` | a verdict that was known already, and with the same number; nothing else counts |
| `contradicting` | a verdict against the one known; beside its own kind when it changes ours |
| `late` | a callback after its attempt's own time, or about an attempt that has a successor; \
beside its own kind |
| `unmatched` | a verdict about a document that is not on its way there |
| `unverified` | a call that nobody's signature stands for; told by the callbacks' edge |

`late` and `contradicting` are remarks upon an answer that is counted under its own kind as well,
so the sum over kinds is not the number of answers.
"""

from __future__ import annotations

from datetime import datetime

from gateway.exchange import events as e
from gateway.exchange.decision import Decision
from gateway.exchange.record import Exchange
from gateway.exchange.states import Outcome, State

KINDS = (
    "registered",
    "rejected",
    "already_registered",
    "not_registered_in_time",
    "unavailable",
    "doubled",
    "contradicting",
    "late",
    "unmatched",
    "unverified",
)
"""Every value of the label."""

RESULTS = ("registered", "rejected", "pending", "not_there", "unavailable")
"""Every result an inquiry can have."""

_IN_FLIGHT = frozenset({State.DELIVERING, State.AWAITING})
_SETTLED = frozenset({State.ANSWERED, State.CLOSED})


def name_kinds(decision: Decision) -> tuple[str, ...]:
    """Return the kinds that the event counts under; none when it is no answer."""
    event, before = decision.event, decision.before
    if isinstance(event, e.Answered):
        return _name_verdict(decision, event)
    if isinstance(event, e.TurnedAway):
        return ("unavailable" if event.in_time else "not_registered_in_time",)
    if isinstance(event, e.NotSent):
        return ("unavailable",)
    if isinstance(event, e.Unavailable) and before.state in _IN_FLIGHT:
        return ("unavailable",)
    return ()


def name_result(decision: Decision) -> str | None:
    """Return what an inquiry found; None when the event is no inquiry's.

    A delivery and an inquiry may both end in `StillPending` or `Unavailable`. While it is
    `delivering`, an exchange is asked after only once its due time has come.
    """
    event, before = decision.event, decision.before
    if isinstance(event, e.Answered) and event.source is e.Source.INQUIRY:
        return "registered" if event.registered else "rejected"
    if isinstance(event, e.NotThere):
        return "not_there"
    asked = before.state is State.AWAITING or (
        before.state is State.DELIVERING and _is_past(before.due, decision.at)
    )
    if asked and isinstance(event, e.StillPending) and event.source is e.Source.INQUIRY:
        return "pending"
    if asked and isinstance(event, e.Unavailable):
        return "unavailable"
    return None


def name_attempt(decision: Decision) -> str | None:
    """Return why a delivery began: `first`, `retry` (nothing had left) or after an inquiry."""
    if not isinstance(decision.event, e.DeliveryBegan) or not decision.changed:
        return None
    earlier = decision.before.attempts
    if not earlier:
        return "first"
    return "retry" if earlier[-1].not_sent else "resend_after_inquiry"


def name_outcome(decision: Decision) -> str | None:
    """Return the outcome the event brought, or `parked`; None when it brought none.

    A correction brings its own, so a document that was rejected and then registered counts twice.
    """
    before, after = decision.before, decision.after
    if after.outcome is not None and after.outcome is not before.outcome:
        return after.outcome.value
    if after.state is State.PARKED and before.state is not State.PARKED:
        return "parked"
    return None


def seconds_to_answer(decision: Decision) -> float | None:
    """Return how long the first verdict took, from the first delivery; None when this is none."""
    before, after = decision.before, decision.after
    sent = after.first_sent_at
    verdict = after.outcome in {Outcome.REGISTERED, Outcome.REJECTED}
    if not verdict or before.outcome is not None or sent is None:
        return None
    return (decision.at - sent).total_seconds()


def _name_verdict(decision: Decision, event: e.Answered) -> tuple[str, ...]:
    before, after = decision.before, decision.after
    if before.newest is None and after.outcome is before.outcome:
        return ("unmatched",)
    if before.state in _SETTLED and before.outcome is not None:
        return _compare(decision, event)
    if not event.registered and before.rejection is not None:
        return ("doubled",)
    own = _name_own(event)
    return (own, "late") if _is_late(before, event, decision.at) else (own,)


def _compare(decision: Decision, event: e.Answered) -> tuple[str, ...]:
    """Return the kinds of a verdict that comes to one already known."""
    before, after = decision.before, decision.after
    if after.outcome is not before.outcome:
        remarks = ("late",) if event.source is e.Source.CALLBACK else ()
        return (_name_own(event), "contradicting", *remarks)
    known = Outcome.REGISTERED if event.registered else Outcome.REJECTED
    other_number = bool(event.number and before.number and event.number != before.number)
    return ("contradicting",) if known is not before.outcome or other_number else ("doubled",)


def _name_own(event: e.Answered) -> str:
    if event.already:
        return "already_registered"
    return "registered" if event.registered else "rejected"


def _is_late(before: Exchange, event: e.Answered, at: datetime) -> bool:
    if event.source is not e.Source.CALLBACK:
        return False
    newest = before.newest
    superseded = bool(event.message_id and newest and newest.message_id != event.message_id)
    return superseded or before.answer_due is None or at > before.answer_due


def _is_past(due: datetime | None, at: datetime) -> bool:
    return due is not None and at >= due
