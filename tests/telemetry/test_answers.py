"""What an answer meant where it arrived: every kind from the decision that brings it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.exchange import events as e
from gateway.exchange.decision import Decision, decide
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import State
from gateway.telemetry.answers import (
    KINDS,
    RESULTS,
    name_attempt,
    name_kinds,
    name_outcome,
    name_result,
    seconds_to_answer,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = "urn:uuid:1", "urn:uuid:2"
CALLBACK, INQUIRY = e.Source.CALLBACK, e.Source.INQUIRY


def signed() -> Exchange:
    identity = Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid="a",
        sender="mis",
        organization="1.2",
        document_sha256="0" * 64,
    )
    return Exchange(id="x", identity=identity, received_at=NOON, state=State.SIGNED, due=NOON)


def tell(exchange: Exchange, *events: e.Event, minutes: float = 0) -> Decision:
    """Return the decision of the last event; all happen that long after noon."""
    *earlier, last = events
    now = NOON + timedelta(minutes=minutes)
    for event in earlier:
        exchange = decide(exchange, event, now=now).after
    return decide(exchange, last, now=now)


def went(exchange: Exchange, *events: e.Event, minutes: float = 0) -> Exchange:
    return tell(exchange, *events, minutes=minutes).after


def began(message_id: str = FIRST) -> e.DeliveryBegan:
    return e.DeliveryBegan(message_id=message_id, envelope_sha256="1" * 64)


def verdict(
    *,
    registered: bool,
    source: e.Source = CALLBACK,
    message_id: str = "",
    number: str = "",
    already: bool = False,
) -> e.Answered:
    return e.Answered(
        registered=registered,
        source=source,
        message_id=message_id,
        number=number,
        already=already,
    )


YES, NO = verdict(registered=True), verdict(registered=False)


def awaiting() -> Exchange:
    return went(signed(), began(), e.Accepted())


def sent_again() -> Exchange:
    """Sent at noon, not there at two, sent again then."""
    return went(awaiting(), e.NotThere(), began(SECOND), e.Accepted(), minutes=120)


def registered() -> Exchange:
    return went(awaiting(), verdict(registered=True, number="77.1"), minutes=1)


CASES: dict[str, tuple[Decision, tuple[str, ...]]] = {
    "a registration in time": (tell(awaiting(), YES, minutes=1), ("registered",)),
    "a rejection in time": (tell(awaiting(), NO, minutes=1), ("rejected",)),
    "an answer that overtakes the acceptance": (
        tell(signed(), began(), YES),
        ("registered",),
    ),
    "already registered": (
        tell(awaiting(), verdict(registered=True, already=True)),
        ("already_registered",),
    ),
    "already registered, with other bytes": (
        tell(awaiting(), verdict(registered=False, already=True)),
        ("already_registered",),
    ),
    "the recipient gave up in its own time": (
        tell(awaiting(), e.TurnedAway(in_time=False)),
        ("not_registered_in_time",),
    ),
    "no, not now": (tell(awaiting(), e.TurnedAway(codes=("RATE_LIMIT",))), ("unavailable",)),
    "nobody reached to deliver to": (
        tell(signed(), began(), e.NotSent(reason="dns")),
        ("unavailable",),
    ),
    "nobody reached to ask": (
        tell(awaiting(), e.Unavailable(reason="timeout")),
        ("unavailable",),
    ),
    "a part of the house not ready before delivery": (
        tell(signed(), e.Unavailable(reason="no key")),
        (),
    ),
    "a callback after its time": (tell(awaiting(), YES, minutes=61), ("registered", "late")),
    "a callback at the last moment": (tell(awaiting(), YES, minutes=60), ("registered",)),
    "an inquiry is never late": (
        tell(awaiting(), verdict(registered=True, source=INQUIRY), minutes=61),
        ("registered",),
    ),
    "an answer to an attempt that has a successor": (
        tell(sent_again(), verdict(registered=True, message_id=FIRST), minutes=121),
        ("registered", "late"),
    ),
    "an answer before the resend": (
        tell(went(awaiting(), e.NotThere(), minutes=120), YES, minutes=121),
        ("registered", "late"),
    ),
    "an answer to a parked exchange": (
        tell(went(awaiting(), e.GaveUp(reason="age")), NO, minutes=90),
        ("rejected", "late"),
    ),
    "a rejection after a resend": (tell(sent_again(), NO, minutes=121), ("rejected",)),
    "the same rejection again, while it is remembered": (
        tell(went(sent_again(), NO, minutes=121), NO, minutes=122),
        ("doubled",),
    ),
    "the same registration again": (tell(registered(), YES, minutes=2), ("doubled",)),
    "the same registration again, closed": (
        tell(registered(), e.Notified(), verdict(registered=True, number="77.1")),
        ("doubled",),
    ),
    "a registration under another number": (
        tell(registered(), verdict(registered=True, number="77.2")),
        ("contradicting",),
    ),
    "a rejection after the registration": (tell(registered(), NO), ("contradicting",)),
    "a registration after the rejection": (
        tell(went(awaiting(), NO, minutes=1), YES, minutes=2),
        ("registered", "contradicting", "late"),
    ),
    "an answer about a document that never left": (tell(signed(), YES), ("unmatched",)),
    "an answer about a document taken back": (
        tell(signed(), e.Cancelled(by="mis"), NO),
        ("unmatched",),
    ),
    "no answer at all": (tell(signed(), began()), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_an_answer_counts_under_what_it_meant(case: str) -> None:
    decision, kinds = CASES[case]

    assert name_kinds(decision) == kinds
    assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize(
    ("decision", "result"),
    [
        (tell(awaiting(), e.StillPending(), minutes=60), "pending"),
        (tell(awaiting(), e.NotThere(), minutes=60), "not_there"),
        (tell(awaiting(), e.Unavailable(reason="timeout"), minutes=60), "unavailable"),
        (tell(awaiting(), verdict(registered=True, source=INQUIRY)), "registered"),
        (tell(awaiting(), verdict(registered=False, source=INQUIRY)), "rejected"),
        (tell(went(signed(), began()), e.StillPending(), minutes=2), "pending"),
        (tell(signed(), began(), e.StillPending()), None),
        (tell(awaiting(), e.StillPending(source=e.Source.CALLBACK), minutes=60), None),
        (tell(signed(), began(), e.Unavailable(reason="reset")), None),
        (tell(awaiting(), YES), None),
        (tell(signed(), e.Unavailable(reason="no key")), None),
    ],
)
def test_only_an_inquiry_has_a_result(decision: Decision, result: str | None) -> None:
    assert name_result(decision) == result
    assert result is None or result in RESULTS


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (tell(signed(), began()), "first"),
        (tell(signed(), began(), e.NotSent(reason="dns"), began(SECOND)), "retry"),
        (tell(awaiting(), e.NotThere(), began(SECOND), minutes=120), "resend_after_inquiry"),
        (tell(awaiting(), began(SECOND)), None),
        (tell(awaiting(), YES), None),
    ],
)
def test_a_delivery_names_why_it_began(decision: Decision, reason: str | None) -> None:
    assert name_attempt(decision) == reason


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (tell(awaiting(), YES), "registered"),
        (tell(awaiting(), NO), "rejected"),
        (tell(signed(), e.Refused(findings=())), "refused"),
        (tell(signed(), e.Cancelled(by="mis")), "cancelled"),
        (tell(awaiting(), e.GaveUp(reason="age")), "parked"),
        (tell(went(awaiting(), NO), YES), "registered"),
        (tell(registered(), NO), None),
        (tell(registered(), e.Notified()), None),
        (tell(awaiting(), e.StillPending()), None),
    ],
)
def test_an_outcome_counts_when_it_is_reached(decision: Decision, outcome: str | None) -> None:
    assert name_outcome(decision) == outcome


def test_the_time_to_the_answer_runs_from_the_first_delivery_that_may_have_arrived() -> None:
    unsent = went(signed(), began(), e.NotSent(reason="dns"))
    exchange = went(unsent, began(SECOND), e.Accepted(), minutes=10)

    assert seconds_to_answer(tell(exchange, YES, minutes=25)) == 15 * 60


def test_the_time_to_the_answer_is_that_of_the_first_verdict_alone() -> None:
    rejected = went(awaiting(), NO, minutes=1)

    assert seconds_to_answer(tell(rejected, YES, minutes=2)) is None
    assert seconds_to_answer(tell(signed(), e.Refused(findings=()))) is None
    assert seconds_to_answer(tell(replace(awaiting(), attempts=()), YES)) is None
