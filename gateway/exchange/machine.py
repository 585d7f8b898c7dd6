"""The order of steps: one table, one `advance()`, which decides and does no IO.

The picture in the README is drawn from `TABLE`. Where answers disagree: registered outranks
rejected, rejected outranks none; what a state does not expect changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from gateway.exchange import events as e
from gateway.exchange.record import Attempt, Exchange
from gateway.exchange.schedule import Repeat, Terms, resend_at, retry_at
from gateway.exchange.states import Outcome, State
from gateway.findings import Finding, Severity, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What `advance` may know of the world."""

    now: datetime
    terms: Terms
    chance: float


Arrow = Callable[[Exchange, e.Event, Moment], Exchange]

S = State


def advance(
    exchange: Exchange,
    event: e.Event,
    *,
    now: datetime,
    terms: Terms | None = None,
    chance: float = 0.5,
) -> Exchange:
    """Return the exchange after the event; only its revision grows when it means nothing here.

    `chance` within [0, 1) spreads the due times (full jitter).
    """
    arrow = TABLE.get((exchange.state, type(event))) or ANYWHERE.get(type(event), _stay)
    after = arrow(exchange, event, Moment(now=now, terms=terms or Terms(), chance=chance))
    return replace(after, revision=exchange.revision + 1)


def _stay(exchange: Exchange, _event: e.Event, _moment: Moment) -> Exchange:
    return exchange


def _step(state: State) -> Arrow:
    """Return the arrow that only goes on: the next duty is due at once."""

    def arrow(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
        return replace(exchange, state=state, due=moment.now, tries=0)

    return arrow


def _note_findings(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.Validated)
    after = _step(S.VALIDATED)(exchange, event, moment)
    return replace(after, findings=(*exchange.findings, *event.findings))


def _await_signatures(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.SignaturesMissing)
    return replace(
        exchange,
        state=S.AWAITING_SIGNATURE,
        findings=(*_without_signatures(exchange), *event.findings),
        due=moment.now + moment.terms.signature_every,
        tries=0,
    )


def _take_signatures(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    after = _step(S.MAPPED)(exchange, event, moment)
    return replace(after, findings=_without_signatures(exchange))


def _note_signatures(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.Signed)
    after = _step(S.SIGNED)(exchange, event, moment)
    return replace(after, findings=(*_without_signatures(exchange), *event.findings))


def _without_signatures(exchange: Exchange) -> tuple[Finding, ...]:
    return tuple(one for one in exchange.findings if one.tier is not Tier.SIGNATURE)


def _begin_delivery(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.DeliveryBegan)
    attempt = Attempt(
        number=exchange.attempt,
        message_id=event.message_id,
        envelope_sha256=event.envelope_sha256,
        began_at=moment.now,
    )
    return replace(
        exchange,
        state=S.DELIVERING,
        attempts=(*exchange.attempts, attempt),
        due=moment.now + moment.terms.delivery_within,
        answer_due=moment.now + moment.terms.answer_within,
        tries=0,
    )


def _take_back_delivery(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    """No byte left: the attempt keeps its number, the next one is due by back-off.

    Each delivery begins with no fruitless tries, so how many came to nothing is read off the
    attempts: else the back-off would never grow.
    """
    *earlier, last = exchange.attempts
    attempts = (*earlier, replace(last, not_sent=True))
    tries = sum(one.not_sent and one.number == exchange.attempt for one in attempts)
    before = replace(exchange, state=S.SIGNED, attempts=attempts, answer_due=None, tries=tries - 1)
    due = retry_at(before, moment.terms, moment.now, moment.chance)
    return replace(before, due=due, tries=tries)


def _await_answer(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    due = exchange.answer_due or moment.now + moment.terms.answer_within
    return replace(exchange, state=S.AWAITING, due=due, answer_due=due, tries=0)


def _wait_longer(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    """The recipient has it in work: it is asked again by back-off, not before its time."""
    asked = retry_at(exchange, moment.terms, moment.now, moment.chance)
    due = max(asked, exchange.answer_due) if exchange.answer_due else asked
    return replace(exchange, due=due, tries=exchange.tries + 1)


def _ask_after_no(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    """A retryable «no» ends the attempt's own time: ask, then send again."""
    assert isinstance(event, e.TurnedAway)
    if event.message_id and not _is_newest(exchange, event.message_id):
        return _ask_now(exchange, event, moment)
    due = moment.now + (event.retry_after or moment.terms.inquiry.delay(0, moment.chance))
    return replace(exchange, state=S.AWAITING, due=due, answer_due=None, tries=0)


def _ask_now(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    """Bring the inquiry forward; one that is overdue keeps its place in the queue."""
    return replace(exchange, due=min(exchange.due or moment.now, moment.now))


def _not_there(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    """A remembered rejection becomes final; else the document is sent again where it may be.

    While the newest attempt's own time is running, «not found» proves nothing: the recipient
    searches registered documents, not those in work.
    """
    if exchange.rejection is not None:
        return _settle(exchange, exchange.rejection, moment)
    if exchange.answer_due is not None and moment.now < exchange.answer_due:
        return replace(exchange, due=exchange.answer_due)
    if moment.terms.repeat is Repeat.FORBIDDEN:
        return _park(exchange, e.GaveUp(reason="not there, and a repeat is forbidden"), moment)
    after = replace(exchange, state=S.SIGNED, attempt=exchange.attempt + 1, answer_due=None)
    due = resend_at(exchange, moment.terms, moment.now, moment.chance)
    return replace(after, due=due, tries=0)


def _hear(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    """Take an answer while the exchange is open: see the precedence in the sign above."""
    assert isinstance(event, e.Answered)
    if event.registered or event.source is e.Source.INQUIRY:
        # What the recipient's own register says, another inquiry would hear again.
        return _settle(exchange, event, moment)
    if event.message_id and not _is_newest(exchange, event.message_id):
        return exchange if exchange.state is S.PARKED else _ask_now(exchange, event, moment)
    if exchange.newest is None:
        # Parked before anything was sent: nobody can have rejected it.
        return exchange
    if exchange.attempt == 0:
        return _settle(exchange, event, moment)
    # After a resend an earlier attempt may have been registered: only an inquiry can tell.
    return replace(
        _unpark(exchange),
        state=S.AWAITING,
        rejection=event,
        due=moment.now,
        answer_due=None,
        tries=0,
    )


def _hear_registration(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    """Take a registration where a rejection would change nothing."""
    assert isinstance(event, e.Answered)
    if not event.registered:
        return exchange
    if exchange.outcome is Outcome.REGISTERED:
        return exchange if exchange.number else replace(exchange, number=event.number)
    return _settle(exchange, event, moment)


def _hear_before_resend(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    """Take what an inquiry says right before a resend, and any registration."""
    assert isinstance(event, e.Answered)
    if exchange.attempt == 0:
        return exchange
    heard = event.registered or event.source is e.Source.INQUIRY
    return _settle(exchange, event, moment) if heard else exchange


def _remarks(exchange: Exchange) -> tuple[Finding, ...]:
    """Return the findings that a verdict does not overtake: remarks of our own checks."""
    return tuple(one for one in exchange.findings if one.severity is not Severity.ERROR)


def _spare_resend(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    """The recipient has it in work after all: the resend would be a second one."""
    if exchange.attempt == 0:
        return exchange
    due = moment.now + moment.terms.answer_within
    return replace(exchange, state=S.AWAITING, due=due, answer_due=due, tries=0)


def _settle(exchange: Exchange, event: e.Answered, moment: Moment) -> Exchange:
    return replace(
        _unpark(exchange),
        state=S.ANSWERED,
        outcome=Outcome.REGISTERED if event.registered else Outcome.REJECTED,
        number=event.number,
        registered_at=event.registered_at,
        rejection=None,
        findings=(*_remarks(exchange), *event.findings),
        due=moment.now,
        answer_due=None,
        tries=0,
    )


def _refuse(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.Refused)
    return replace(
        exchange,
        state=S.ANSWERED,
        outcome=Outcome.REFUSED,
        findings=event.findings,
        due=moment.now,
        tries=0,
    )


def _cancel(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    return replace(exchange, state=S.ANSWERED, outcome=Outcome.CANCELLED, due=moment.now, tries=0)


def _before_delivery(arrow: Arrow) -> Arrow:
    """Return the arrow that is open only while nothing can have reached the recipient."""

    def guarded(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
        untouched = exchange.attempt == 0 and exchange.newest is None
        return arrow(exchange, event, moment) if untouched else exchange

    return guarded


def _close(exchange: Exchange, _event: e.Event, _moment: Moment) -> Exchange:
    return replace(exchange, state=S.CLOSED, due=None, tries=0)


def _keep_place(exchange: Exchange, event: e.Event, moment: Moment) -> Exchange:
    assert isinstance(event, e.Unavailable)
    if exchange.duty is None:
        return exchange
    due = retry_at(exchange, moment.terms, moment.now, moment.chance)
    if event.retry_after is not None:
        due = max(due, moment.now + event.retry_after)
    findings = exchange.findings
    if event.findings:
        findings = (*_without_signatures(exchange), *event.findings)
    return replace(exchange, due=due, tries=exchange.tries + 1, findings=findings)


def _park(exchange: Exchange, event: e.Event, _moment: Moment) -> Exchange:
    assert isinstance(event, e.GaveUp)
    if exchange.state in {S.ANSWERED, S.CLOSED, S.PARKED}:
        return exchange
    return replace(
        exchange,
        state=S.PARKED,
        parked_from=exchange.state,
        parked_because=event.reason,
        due=None,
        tries=0,
    )


def _resume(exchange: Exchange, _event: e.Event, moment: Moment) -> Exchange:
    assert exchange.parked_from is not None
    return replace(_unpark(exchange), state=exchange.parked_from, due=moment.now, tries=0)


def _unpark(exchange: Exchange) -> Exchange:
    return replace(exchange, parked_from=None, parked_because="")


def _hold(exchange: Exchange, event: e.Event, _moment: Moment) -> Exchange:
    assert isinstance(event, e.Held)
    return replace(exchange, held_by=event.by_exchange)


def _release(exchange: Exchange, _event: e.Event, _moment: Moment) -> Exchange:
    return replace(exchange, held_by="")


def _is_newest(exchange: Exchange, message_id: str) -> bool:
    newest = exchange.newest
    return newest is not None and newest.message_id == message_id


TABLE: Mapping[tuple[State, type[e.Event]], Arrow] = MappingProxyType(
    {
        (S.RECEIVED, e.Validated): _note_findings,
        (S.VALIDATED, e.Mapped): _step(S.MAPPED),
        (S.MAPPED, e.Signed): _note_signatures,
        (S.MAPPED, e.SignaturesMissing): _await_signatures,
        (S.AWAITING_SIGNATURE, e.SignaturesMissing): _await_signatures,
        (S.AWAITING_SIGNATURE, e.SignaturesGiven): _take_signatures,
        (S.SIGNED, e.DeliveryBegan): _begin_delivery,
        (S.SIGNED, e.Answered): _hear_before_resend,
        (S.SIGNED, e.StillPending): _spare_resend,
        (S.DELIVERING, e.NotSent): _take_back_delivery,
        (S.DELIVERING, e.Accepted): _await_answer,
        (S.DELIVERING, e.StillPending): _await_answer,
        (S.DELIVERING, e.TurnedAway): _ask_after_no,
        (S.DELIVERING, e.NotThere): _not_there,
        (S.DELIVERING, e.Answered): _hear,
        (S.DELIVERING, e.InquiryWanted): _ask_now,
        (S.AWAITING, e.StillPending): _wait_longer,
        (S.AWAITING, e.TurnedAway): _ask_after_no,
        (S.AWAITING, e.NotThere): _not_there,
        (S.AWAITING, e.Answered): _hear,
        (S.AWAITING, e.InquiryWanted): _ask_now,
        (S.PARKED, e.Answered): _hear,
        (S.PARKED, e.Resumed): _resume,
        (S.ANSWERED, e.Answered): _hear_registration,
        (S.ANSWERED, e.Notified): _close,
        (S.CLOSED, e.Answered): _hear_registration,
        **{
            (state, event): _before_delivery(arrow)
            for state in (S.RECEIVED, S.VALIDATED, S.MAPPED, S.AWAITING_SIGNATURE, S.SIGNED)
            for event, arrow in ((e.Refused, _refuse), (e.Cancelled, _cancel))
        },
    }
)
"""What each state does with each event; what is not here changes nothing."""

ANYWHERE: Mapping[type[e.Event], Arrow] = MappingProxyType(
    {
        e.Unavailable: _keep_place,
        e.GaveUp: _park,
        e.Held: _hold,
        e.Released: _release,
    }
)
"""What every state does alike."""
