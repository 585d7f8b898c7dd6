"""The order of steps as a text picture: every arrow of the table, walked and not retold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.exchange import events as e
from gateway.exchange.machine import TABLE, advance
from gateway.exchange.record import Attempt, Exchange, Identity
from gateway.exchange.schedule import Repeat, Terms
from gateway.exchange.states import DUTIES, Outcome, State

BEGIN, END = "<!-- picture: begin -->", "<!-- picture: end -->"

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_REJECTED = e.Answered(registered=False, source=e.Source.CALLBACK)
_WORDS: dict[str, e.Event] = {
    "Validated": e.Validated(),
    "Mapped": e.Mapped(),
    "SignaturesMissing": e.SignaturesMissing(findings=()),
    "SignaturesGiven": e.SignaturesGiven(),
    "Signed": e.Signed(),
    "DeliveryBegan": e.DeliveryBegan(message_id="1", envelope_sha256=""),
    "NotSent": e.NotSent(reason=""),
    "Accepted": e.Accepted(),
    "StillPending": e.StillPending(),
    "TurnedAway": e.TurnedAway(),
    "NotThere": e.NotThere(),
    "InquiryWanted": e.InquiryWanted(reason=""),
    "Answered(registered)": replace(_REJECTED, registered=True),
    "Answered(rejected)": _REJECTED,
    "Answered(rejected by an inquiry)": replace(_REJECTED, source=e.Source.INQUIRY),
    "Refused": e.Refused(findings=()),
    "Cancelled": e.Cancelled(by=""),
    "Resumed": e.Resumed(by=""),
    "Notified": e.Notified(),
}
_ANYWHERE_WORDS: dict[str, e.Event] = {
    "Unavailable": e.Unavailable(reason=""),
    "GaveUp": e.GaveUp(reason=""),
    "Held": e.Held(by_exchange="0"),
    "Released": e.Released(by=""),
}
_STAYS = "nothing changes"
_UNSENT = (State.RECEIVED, State.VALIDATED, State.MAPPED, State.AWAITING_SIGNATURE)
_NOBODY = Identity(
    endpoint="",
    profile="",
    kind="",
    local_uid="",
    sender="",
    organization="",
    document_sha256="",
)


def draw() -> str:
    """Return a line for each state and target, with what is owed there and what leads on."""
    return "\n".join((*(line for state in State for line in _paragraph(state)), *_anywhere()))


def redraw(readme: str) -> str:
    """Return the text with a fresh picture between its markers.

    Raises `ValueError` when the markers are not there.
    """
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n```text\n{draw()}\n```\n{END}{after}"


def _paragraph(state: State) -> Iterator[str]:
    duty = DUTIES[state]
    yield f"{state.value}: owes {duty.value if duty else 'nothing'}"
    targets: dict[str, list[str]] = {}
    for word, event in _WORDS.items():
        if (state, type(event)) in TABLE:
            targets.setdefault(_targets(state, event), []).append(word)
    for target, words in targets.items():
        if target != _STAYS:
            yield f"  ─{' | '.join(words)}→ {target}"


def _targets(state: State, event: e.Event) -> str:
    """Return where the event leads, and where else in which circumstance."""
    where: dict[str, str] = {}
    for when, exchange, terms in _circumstances(state):
        where.setdefault(_walk(exchange, event, terms), when)
    usual, *others = where.items()
    return "".join((usual[0], *(f"\n      {when}: {target}" for target, when in others)))


def _walk(exchange: Exchange, event: e.Event, terms: Terms) -> str:
    after = advance(exchange, event, now=_NOON, terms=terms)
    if replace(after, revision=exchange.revision) == exchange:
        return _STAYS
    if after.state is exchange.state:
        return "itself"
    return "where it stood" if after.state is exchange.parked_from else after.state.value


def _anywhere() -> Iterator[str]:
    yield "in every state:"
    for word, event in _ANYWHERE_WORDS.items():
        where: dict[str, list[str]] = {}
        for state in State:
            exchange = replace(_stand(state), held_by="earlier")
            where.setdefault(_walk(exchange, event, Terms()), []).append(state.value)
        usual, *others = where.items()
        yield f"  ─{word}→ {usual[0]}"
        yield from (f"      {', '.join(states)}: {target}" for target, states in others)


def _circumstances(state: State) -> Iterator[tuple[str, Exchange, Terms]]:
    """Yield the standings that arrows tell apart, the usual one first."""
    once, terms = _stand(state), Terms()
    yield "", once, terms
    if state in _UNSENT:
        return
    resent = _send(replace(once, attempt=1))
    yield "after a resend", resent, terms
    if state in {State.DELIVERING, State.AWAITING}:
        yield "with a rejection remembered", replace(resent, rejection=_REJECTED), terms
        yield "where a repeat is forbidden", once, Terms(repeat=Repeat.FORBIDDEN)
        yield (
            "before its answer is due",
            replace(once, answer_due=_NOON + timedelta(hours=1)),
            terms,
        )
    if state in {State.ANSWERED, State.CLOSED}:
        yield "once registered", replace(once, outcome=Outcome.REGISTERED), terms


def _stand(state: State) -> Exchange:
    due = None if DUTIES[state] is None else _NOON + timedelta(1)
    exchange = Exchange(id="", identity=_NOBODY, received_at=_NOON, state=state, due=due)
    if state is State.PARKED:
        exchange = replace(exchange, parked_from=State.DELIVERING)
    if state in {State.ANSWERED, State.CLOSED}:
        exchange = replace(exchange, outcome=Outcome.REJECTED)
    return exchange if state in {*_UNSENT, State.SIGNED} else _send(exchange)


def _send(exchange: Exchange) -> Exchange:
    number = exchange.attempt
    attempt = Attempt(number=number, message_id="0", envelope_sha256="", began_at=_NOON)
    return replace(exchange, attempts=(*exchange.attempts, attempt))
