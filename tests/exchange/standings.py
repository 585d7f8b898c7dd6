"""Exchanges to begin a test with; nothing here is taken from the machine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.exchange import events as e
from gateway.exchange.record import Attempt, Exchange, Identity
from gateway.exchange.states import Outcome, State
from gateway.findings import Finding, Mender, Severity, Tier

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
OVERDUE = NOON - timedelta(minutes=1)

IDENTITY = Identity(
    endpoint="remd",
    profile="ru-088u",
    kind="121",
    local_uid="3f0c6c0e-6a51-4ab5-9f0c-5a3c1a0f0001",
    sender="hospital",
    organization="1.2.643.5.1.13.13.12.2.16.1",
    document_sha256="ab" * 32,
)

SENT = (State.DELIVERING, State.AWAITING)
BEFORE = (
    State.RECEIVED,
    State.VALIDATED,
    State.MAPPED,
    State.AWAITING_SIGNATURE,
    State.SIGNED,
)


def find(rule: str, tier: Tier = Tier.RULES) -> Finding:
    return Finding(
        rule=rule,
        code="value",
        severity=Severity.WARNING,
        where="/ClinicalDocument",
        texts={"en": rule},
        mender=Mender.SENDER,
        tier=tier,
    )


def attempted(number: int, *, not_sent: bool = False) -> Attempt:
    return Attempt(
        number=number,
        message_id=f"m{number}" if not not_sent else f"unsent{number}",
        envelope_sha256="cd" * 32,
        began_at=NOON - timedelta(hours=3 - number),
        not_sent=not_sent,
    )


def stand(state: State, *, resent: bool = False) -> Exchange:
    """Return an exchange as it stands there, its duty overdue by a minute.

    The time of its newest attempt is over; with `resent` one attempt went before it.
    """
    exchange = Exchange(
        id="x", identity=IDENTITY, received_at=NOON - timedelta(days=1), state=state, revision=7
    )
    if state is State.CLOSED:
        return replace(_sent(exchange, resent=resent), outcome=Outcome.REJECTED)
    if state is State.PARKED:
        parked = replace(_sent(exchange, resent=resent), parked_because="no answer")
        return replace(parked, parked_from=State.AWAITING)
    due = replace(exchange, due=OVERDUE)
    if state is State.ANSWERED:
        return replace(_sent(due, resent=resent), outcome=Outcome.REJECTED)
    if state in SENT:
        return replace(_sent(due, resent=resent), answer_due=NOON - timedelta(seconds=1))
    if resent:
        return replace(due, attempt=1, attempts=(attempted(0),))
    return due


def _sent(exchange: Exchange, *, resent: bool) -> Exchange:
    if resent:
        return replace(exchange, attempt=1, attempts=(attempted(0), attempted(1)))
    return replace(exchange, attempts=(attempted(0, not_sent=True), attempted(0)))


def answer(*, registered: bool, message_id: str = "") -> e.Answered:
    return e.Answered(
        registered=registered,
        source=e.Source.CALLBACK,
        message_id=message_id,
        number="16:2026:1" if registered else "",
        registered_at=NOON if registered else None,
        codes=() if registered else ("VALIDATION_ERROR",),
    )


BEGAN = e.DeliveryBegan(message_id="new", envelope_sha256="ef" * 32)

SAMPLES: dict[type[e.Event], e.Event] = {
    e.Received: e.Received(),
    e.Validated: e.Validated(),
    e.Mapped: e.Mapped(),
    e.SignaturesMissing: e.SignaturesMissing(findings=()),
    e.SignaturesGiven: e.SignaturesGiven(),
    e.Signed: e.Signed(),
    e.DeliveryBegan: BEGAN,
    e.NotSent: e.NotSent(reason="connect refused"),
    e.Accepted: e.Accepted(),
    e.TurnedAway: e.TurnedAway(codes=("RATE_LIMIT",)),
    e.StillPending: e.StillPending(),
    e.NotThere: e.NotThere(),
    e.Refused: e.Refused(findings=()),
    e.Cancelled: e.Cancelled(by="hospital"),
    e.Unavailable: e.Unavailable(reason="timeout"),
    e.InquiryWanted: e.InquiryWanted(reason="unverified callback"),
    e.GaveUp: e.GaveUp(reason="age"),
    e.Resumed: e.Resumed(by="operator"),
    e.Held: e.Held(by_exchange="earlier"),
    e.Released: e.Released(by="earlier"),
    e.Notified: e.Notified(),
    e.Answered: answer(registered=True),
}
"""One of every kind."""
