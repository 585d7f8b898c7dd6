"""The one seam: what was written becomes figures and log lines here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.exchange import events as e
from gateway.exchange.decision import Decision
from gateway.exchange.record import Exchange
from gateway.exchange.states import State
from gateway.ports import Log, Observer
from gateway.telemetry.answers import (
    name_attempt,
    name_kinds,
    name_outcome,
    name_result,
    seconds_to_answer,
)
from gateway.telemetry.metrics import Metrics

_IN_FLIGHT = frozenset({State.DELIVERING, State.AWAITING})


class Chorus:
    """Tells several observers the same."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def advanced(self, decision: Decision) -> None:
        """Tell all of an event of an exchange."""
        for one in self._observers:
            one.advanced(decision)

    def answered(self, endpoint: str, kind: str) -> None:
        """Tell all of an answer that belongs to no event."""
        for one in self._observers:
            one.answered(endpoint, kind)


class Counting:
    """Turns decisions into metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._postponed: set[tuple[str, int]] = set()
        """Attempts whose next look was moved past their own time while it was running."""

    def advanced(self, decision: Decision) -> None:
        """Count what an event of an exchange meant."""
        metrics, identity = self._metrics, decision.after.identity
        endpoint = identity.endpoint
        if outcome := name_outcome(decision):
            metrics.exchanges.of(endpoint, identity.profile, outcome).inc()
        for kind in name_kinds(decision):
            metrics.answers.of(endpoint, kind).inc()
        if reason := name_attempt(decision):
            metrics.attempts.of(endpoint, reason).inc()
        if result := name_result(decision):
            metrics.inquiries.of(endpoint, result).inc()
        if (seconds := seconds_to_answer(decision)) is not None:
            metrics.registration_seconds.of(endpoint).observe(seconds)
        if self._turns_overdue(decision):
            metrics.answers_overdue.of(endpoint).inc()

    def answered(self, endpoint: str, kind: str) -> None:
        """Count an answer that belongs to no event."""
        self._metrics.answers.of(endpoint, kind).inc()

    def _turns_overdue(self, decision: Decision) -> bool:
        """Tell whether this is the first event after the attempt's own time.

        Until then the next look is due at that time at the latest, and afterwards later; only an
        unreachable recipient moves it past that time before it has come.
        """
        before = decision.before
        key = (before.id, len(before.attempts))
        if before.state not in _IN_FLIGHT or before.answer_due is None:
            self._postponed.discard(key)
            return False
        if decision.at < before.answer_due:
            self._postpone(decision, key)
            return False
        looked_for = before.due is None or before.due <= before.answer_due
        turns = looked_for or key in self._postponed
        self._postponed.discard(key)
        return turns

    def _postpone(self, decision: Decision, key: tuple[str, int]) -> None:
        after = decision.after
        if after.state not in _IN_FLIGHT or after.answer_due is None:
            self._postponed.discard(key)
        elif after.due is not None and after.due > after.answer_due:
            self._postponed.add(key)


class Telling:
    """Turns decisions into log lines: states and codes, never what a document says."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def advanced(self, decision: Decision) -> None:
        """Write one line for an event of an exchange."""
        before, after, event = decision.before, decision.after, decision.event
        tell = self._log.warning if after.state is State.PARKED else self._log.info
        tell(
            type(event).__name__,
            exchange=after.id,
            endpoint=after.identity.endpoint,
            state=after.state.value,
            before=before.state.value,
            changed=decision.changed,
            **_describe(event, after),
        )

    def answered(self, endpoint: str, kind: str) -> None:
        """Write one line for an answer that belongs to no event."""
        self._log.warning("Answer", endpoint=endpoint, kind=kind)


def _own_words(event: e.Event) -> str | None:
    """Return what only we can have written: an unplanned fault's place, an alarm's note."""
    if isinstance(event, e.Notified):
        return event.note or None
    if isinstance(event, e.Unavailable) and event.reason.startswith(e.UNPLANNED):
        return event.reason
    return None


def _describe(event: e.Event, after: Exchange) -> dict[str, object]:
    """Return the facts that are codes and counts of ours, not anybody's words."""
    facts: dict[str, object] = {
        "duty": after.duty.value if after.duty else None,
        "due": after.due.isoformat() if after.due else None,
        "attempt": after.attempt,
        "outcome": after.outcome.value if after.outcome else None,
        "codes": list(getattr(event, "codes", ())),
        "fault": _own_words(event),
        "rules": sorted({one.rule for one in getattr(event, "findings", ())}),
    }
    return {key: value for key, value in facts.items() if value not in (None, [])}
