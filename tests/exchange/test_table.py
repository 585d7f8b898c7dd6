"""The order of steps, written by hand from the rules of the house: every state × every event."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from gateway.exchange import events as e
from gateway.exchange.machine import TABLE, advance
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Repeat, Terms
from gateway.exchange.states import DUTIES, Duty, Outcome, State
from gateway.findings import Tier
from tests.exchange.standings import BEFORE, BEGAN, NOON, SAMPLES, SENT, attempted, find, stand

S, O = State, Outcome  # noqa: E741 - one letter keeps the table readable
NEVER = None
DELIVERY_WITHIN, ANSWER_WITHIN, HOUR = 120, 3600, 3600
EVENTS = [
    one
    for one in vars(e).values()
    if isinstance(one, type) and issubclass(one, e.Event) and one is not e.Event
]

# state, event, next state, due in seconds at an even chance, outcome. What is not here changes
# nothing. `Answered` has a table of its own in test_verdicts.py.
ROWS: tuple[tuple[State, type[e.Event], State, float | None, Outcome | None], ...] = (
    (S.RECEIVED, e.Validated, S.VALIDATED, 0, None),
    (S.VALIDATED, e.Mapped, S.MAPPED, 0, None),
    (S.MAPPED, e.Signed, S.SIGNED, 0, None),
    (S.SIGNED, e.DeliveryBegan, S.DELIVERING, DELIVERY_WITHIN, None),
    (S.ANSWERED, e.Notified, S.CLOSED, NEVER, O.REJECTED),
    (S.MAPPED, e.SignaturesMissing, S.AWAITING_SIGNATURE, HOUR, None),
    (S.AWAITING_SIGNATURE, e.SignaturesMissing, S.AWAITING_SIGNATURE, HOUR, None),
    (S.AWAITING_SIGNATURE, e.SignaturesGiven, S.MAPPED, 0, None),
    # We will not carry it, or it is taken back in time.
    (S.RECEIVED, e.Refused, S.ANSWERED, 0, O.REFUSED),
    (S.VALIDATED, e.Refused, S.ANSWERED, 0, O.REFUSED),
    (S.MAPPED, e.Refused, S.ANSWERED, 0, O.REFUSED),
    (S.AWAITING_SIGNATURE, e.Refused, S.ANSWERED, 0, O.REFUSED),
    (S.SIGNED, e.Refused, S.ANSWERED, 0, O.REFUSED),
    (S.RECEIVED, e.Cancelled, S.ANSWERED, 0, O.CANCELLED),
    (S.VALIDATED, e.Cancelled, S.ANSWERED, 0, O.CANCELLED),
    (S.MAPPED, e.Cancelled, S.ANSWERED, 0, O.CANCELLED),
    (S.AWAITING_SIGNATURE, e.Cancelled, S.ANSWERED, 0, O.CANCELLED),
    (S.SIGNED, e.Cancelled, S.ANSWERED, 0, O.CANCELLED),
    # The recipient's words, short of a verdict. The attempt's own time is over by a second.
    (S.DELIVERING, e.NotSent, S.SIGNED, 30, None),  # the second of attempt 0 that did not leave
    (S.DELIVERING, e.Accepted, S.AWAITING, -1, None),
    (S.DELIVERING, e.StillPending, S.AWAITING, -1, None),
    (S.DELIVERING, e.TurnedAway, S.AWAITING, 150, None),
    (S.DELIVERING, e.NotThere, S.SIGNED, 30, None),
    (S.AWAITING, e.StillPending, S.AWAITING, 150, None),
    (S.AWAITING, e.TurnedAway, S.AWAITING, 150, None),
    (S.AWAITING, e.NotThere, S.SIGNED, 30, None),
    # A person is needed, or has looked. A verdict already given is never parked.
    (S.RECEIVED, e.GaveUp, S.PARKED, NEVER, None),
    (S.VALIDATED, e.GaveUp, S.PARKED, NEVER, None),
    (S.MAPPED, e.GaveUp, S.PARKED, NEVER, None),
    (S.AWAITING_SIGNATURE, e.GaveUp, S.PARKED, NEVER, None),
    (S.SIGNED, e.GaveUp, S.PARKED, NEVER, None),
    (S.DELIVERING, e.GaveUp, S.PARKED, NEVER, None),
    (S.AWAITING, e.GaveUp, S.PARKED, NEVER, None),
    (S.PARKED, e.Resumed, S.AWAITING, 0, None),
    # Nothing could be done now: the place is kept, by the back-off of its duty.
    (S.RECEIVED, e.Unavailable, S.RECEIVED, 2.5, None),
    (S.VALIDATED, e.Unavailable, S.VALIDATED, 2.5, None),
    (S.MAPPED, e.Unavailable, S.MAPPED, 2.5, None),
    (S.AWAITING_SIGNATURE, e.Unavailable, S.AWAITING_SIGNATURE, 2.5, None),
    (S.SIGNED, e.Unavailable, S.SIGNED, 15, None),
    (S.DELIVERING, e.Unavailable, S.DELIVERING, 150, None),
    (S.AWAITING, e.Unavailable, S.AWAITING, 150, None),
    (S.ANSWERED, e.Unavailable, S.ANSWERED, 5, O.REJECTED),
)
# Held and Released change no state; InquiryWanted leaves an inquiry that is overdue where it is.
SAME_PLACE: set[type[e.Event]] = {e.Held, e.Released}
KEYS = {(state, event): (after, due, outcome) for state, event, after, due, outcome in ROWS}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        pair
        for pair in product(State, EVENTS)
        if pair[1] is not e.Answered and pair[1] not in SAME_PLACE
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else one,
)
def test_each_state_does_with_each_event_what_the_rules_say(
    state: State, event: type[e.Event]
) -> None:
    before = stand(state)

    after = advance(before, SAMPLES[event], now=NOON)

    assert after.revision == before.revision + 1
    if (state, event) not in KEYS:
        assert replace(after, revision=before.revision) == before
        return
    expected, seconds, outcome = KEYS[state, event]
    due = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert (after.state, after.due, after.outcome) == (expected, due, outcome)
    assert after.attempt == (1 if event is e.NotThere else 0)


def test_every_kind_of_event_has_a_sample_so_that_the_table_is_whole() -> None:
    assert set(SAMPLES) == set(EVENTS)


def test_no_row_of_the_machine_is_unknown_to_the_hand_written_table() -> None:
    known = set(KEYS) | {(state, e.InquiryWanted) for state in SENT}
    known.add((S.SIGNED, e.StillPending))  # after a resend only: the test below

    assert {key for key in TABLE if key[1] is not e.Answered} <= known


def test_work_at_the_recipient_spares_a_resend_and_nothing_else() -> None:
    first = stand(State.SIGNED)
    resend = replace(first, attempt=1)

    after = advance(resend, e.StillPending(), now=NOON)

    assert (after.state, after.attempt) == (State.AWAITING, 1)
    assert after.due == after.answer_due == NOON + timedelta(seconds=ANSWER_WITHIN)
    assert advance(first, e.StillPending(), now=NOON).state is State.SIGNED


@pytest.mark.parametrize("state", State)
def test_holding_and_releasing_change_no_state(state: State) -> None:
    before = stand(state)

    held = advance(before, SAMPLES[e.Held], now=NOON)
    released = advance(held, SAMPLES[e.Released], now=NOON)

    assert held == replace(before, revision=8, held_by="earlier")
    assert released == replace(before, revision=9)


@pytest.mark.parametrize("state", State)
def test_a_reason_to_ask_brings_an_inquiry_forward_and_nothing_else(state: State) -> None:
    before = stand(state)
    asleep = replace(before, due=NOON + timedelta(hours=1)) if before.due else before

    after = advance(asleep, SAMPLES[e.InquiryWanted], now=NOON)

    due = NOON if state in SENT else asleep.due
    assert after == replace(asleep, revision=8, due=due)


def test_the_duties_are_those_of_the_rules() -> None:
    assert dict(DUTIES) == {
        S.RECEIVED: Duty.VALIDATE,
        S.VALIDATED: Duty.MAP,
        S.MAPPED: Duty.SIGN,
        S.AWAITING_SIGNATURE: Duty.SIGN,
        S.SIGNED: Duty.DELIVER,
        S.DELIVERING: Duty.INQUIRE,
        S.AWAITING: Duty.INQUIRE,
        S.ANSWERED: Duty.NOTIFY,
        S.CLOSED: None,
        S.PARKED: None,
    }


def begun(before: Exchange, now: datetime = NOON) -> Exchange:
    return advance(before, BEGAN, now=now)


def test_an_attempt_is_known_before_its_first_byte_leaves() -> None:
    before = stand(S.SIGNED, resent=True)

    after = begun(before)

    assert after.newest is not None
    assert (after.newest.number, after.newest.message_id) == (1, "new")
    assert (after.newest.envelope_sha256, after.newest.began_at) == ("ef" * 32, NOON)
    assert after.attempts[:-1] == before.attempts
    assert after.answer_due == NOON + timedelta(seconds=ANSWER_WITHIN)


def test_an_attempt_that_did_not_leave_is_kept_and_is_not_the_newest() -> None:
    after = advance(begun(stand(S.SIGNED)), SAMPLES[e.NotSent], now=NOON)

    assert [one.not_sent for one in after.attempts] == [True]
    assert (after.newest, after.first_sent_at, after.answer_due) == (None, None, None)


def test_the_back_off_of_deliveries_that_do_not_leave_grows() -> None:
    exchange, waits = stand(S.SIGNED), []

    for _ in range(9):
        exchange = advance(begun(exchange), SAMPLES[e.NotSent], now=NOON, chance=0.5)
        assert exchange.due is not None
        waits.append((exchange.due - NOON).total_seconds())

    assert waits == [15, 30, 60, 120, 240, 480, 960, 1800, 1800]


def test_deliveries_of_an_earlier_attempt_do_not_slow_the_resend() -> None:
    before = replace(
        stand(S.SIGNED, resent=True), attempts=(attempted(0, not_sent=True), attempted(0))
    )

    after = advance(begun(before), SAMPLES[e.NotSent], now=NOON, chance=0.5)

    assert (after.due, after.tries) == (NOON + timedelta(seconds=15), 1)


def test_an_accepted_document_is_asked_after_when_its_time_is_over() -> None:
    for event in (SAMPLES[e.Accepted], SAMPLES[e.StillPending]):
        after = advance(begun(stand(S.SIGNED)), event, now=NOON + timedelta(minutes=1))

        assert after.state is S.AWAITING
        assert after.due == after.answer_due == NOON + timedelta(hours=1)


def test_an_accepted_document_without_a_time_gets_one() -> None:
    before = replace(stand(S.DELIVERING), answer_due=None)

    after = advance(before, SAMPLES[e.Accepted], now=NOON)

    assert after.due == after.answer_due == NOON + timedelta(hours=1)


def test_not_found_proves_nothing_while_the_attempt_has_time() -> None:
    for state in SENT:
        before = replace(stand(state), answer_due=NOON + timedelta(seconds=1))

        after = advance(before, SAMPLES[e.NotThere], now=NOON)

        assert after == replace(before, revision=8, due=before.answer_due)


def test_not_found_at_the_very_end_of_the_time_counts() -> None:
    before = replace(stand(S.AWAITING), answer_due=NOON)

    after = advance(before, SAMPLES[e.NotThere], now=NOON)

    assert (after.state, after.attempt, after.answer_due) == (S.SIGNED, 1, None)


def test_a_pending_document_is_not_asked_after_before_its_time() -> None:
    before = replace(stand(S.AWAITING), answer_due=NOON + timedelta(hours=1))

    after = advance(before, SAMPLES[e.StillPending], now=NOON)

    assert (after.due, after.tries) == (NOON + timedelta(hours=1), 1)


def test_a_pending_document_whose_time_was_ended_is_asked_after_by_back_off() -> None:
    before = replace(stand(S.AWAITING), answer_due=None, tries=2)

    after = advance(before, SAMPLES[e.StillPending], now=NOON)

    assert (after.due, after.tries) == (NOON + timedelta(minutes=10), 3)


@pytest.mark.parametrize("state", SENT)
def test_a_retryable_no_ends_the_time_of_its_attempt(state: State) -> None:
    before = replace(stand(state), answer_due=NOON + timedelta(hours=1), tries=4)

    after = advance(before, e.TurnedAway(message_id="m0"), now=NOON)

    assert (after.state, after.answer_due, after.tries) == (S.AWAITING, None, 0)


def test_a_retryable_no_is_asked_after_when_the_recipient_says() -> None:
    event = e.TurnedAway(retry_after=timedelta(minutes=7))

    after = advance(stand(S.DELIVERING), event, now=NOON)

    assert after.due == NOON + timedelta(minutes=7)


@pytest.mark.parametrize("state", SENT)
def test_a_retryable_no_to_an_older_attempt_only_asks_now(state: State) -> None:
    before = replace(stand(state, resent=True), due=NOON + timedelta(hours=1))

    after = advance(before, e.TurnedAway(message_id="m0"), now=NOON)

    assert after == replace(before, revision=8, due=NOON)


@pytest.mark.parametrize("state", SENT)
def test_where_a_repeat_is_forbidden_not_found_parks(state: State) -> None:
    before = stand(state)

    after = advance(before, SAMPLES[e.NotThere], now=NOON, terms=Terms(repeat=Repeat.FORBIDDEN))

    assert (after.state, after.parked_from, after.due) == (S.PARKED, state, None)
    assert (after.attempt, after.attempts) == (0, before.attempts)
    assert "forbidden" in after.parked_because


@pytest.mark.parametrize("state", [*BEFORE, *SENT])
def test_a_parked_exchange_goes_on_from_where_it_stood(state: State) -> None:
    before = replace(stand(state), tries=5)

    parked = advance(before, SAMPLES[e.GaveUp], now=NOON)
    resumed = advance(parked, SAMPLES[e.Resumed], now=NOON)

    assert (parked.parked_from, parked.parked_because) == (state, "age")
    assert resumed == replace(before, revision=9, due=NOON, tries=0)


@pytest.mark.parametrize("event", [e.Refused, e.Cancelled])
def test_a_document_that_may_have_left_is_neither_refused_nor_taken_back(
    event: type[e.Event],
) -> None:
    resent = stand(S.SIGNED, resent=True)
    doubtful = replace(stand(S.SIGNED), attempts=(attempted(0),))

    for before in (resent, doubtful, replace(resent, attempts=())):
        assert advance(before, SAMPLES[event], now=NOON) == replace(before, revision=8)


def test_a_document_whose_attempts_never_left_can_be_taken_back() -> None:
    before = advance(begun(stand(S.SIGNED)), SAMPLES[e.NotSent], now=NOON)

    after = advance(before, SAMPLES[e.Cancelled], now=NOON)

    assert (after.outcome, after.due, after.tries) == (Outcome.CANCELLED, NOON, 0)


def test_warnings_stay_with_the_exchange() -> None:
    before = replace(stand(S.RECEIVED), findings=(find("first"),))

    after = advance(before, e.Validated(findings=(find("second"),)), now=NOON)

    assert [one.rule for one in after.findings] == ["first", "second"]


def test_missing_signatures_are_told_once_and_forgotten_when_given() -> None:
    warned = replace(stand(S.MAPPED), findings=(find("warning"),))
    missing = e.SignaturesMissing(findings=(find("doctor", Tier.SIGNATURE),))

    once = advance(warned, missing, now=NOON)
    twice = advance(once, missing, now=NOON)
    given = advance(twice, SAMPLES[e.SignaturesGiven], now=NOON)

    assert [one.rule for one in twice.findings] == ["warning", "doctor"]
    assert [one.rule for one in given.findings] == ["warning"]


def test_a_refusal_says_why() -> None:
    after = advance(stand(S.VALIDATED), e.Refused(findings=(find("why"),)), now=NOON)

    assert [one.rule for one in after.findings] == ["why"]


@pytest.mark.parametrize(
    ("state", "event"),
    [(state, event) for state, event, after, _, _ in ROWS if after is not state],
    ids=lambda one: one.__name__ if isinstance(one, type) else one,
)
def test_fruitless_tries_are_forgotten_where_the_duty_changes(
    state: State, event: type[e.Event]
) -> None:
    before = replace(stand(state), tries=9)

    after = advance(before, SAMPLES[event], now=NOON)

    assert after.tries == (2 if event is e.NotSent else 0)


def test_the_recipient_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() -> None:
    longer = e.Unavailable(reason="busy", retry_after=timedelta(hours=2))
    shorter = e.Unavailable(reason="busy", retry_after=timedelta(seconds=1))
    before = stand(S.AWAITING)

    waits = [advance(before, event, now=NOON).due for event in (longer, shorter)]

    assert waits == [NOON + timedelta(hours=2), NOON + timedelta(seconds=150)]


def test_the_back_off_of_one_duty_grows_with_its_fruitless_tries() -> None:
    before = replace(stand(S.AWAITING), tries=3)

    after = advance(before, SAMPLES[e.Unavailable], now=NOON)

    assert (after.due, after.tries) == (NOON + timedelta(minutes=20), 4)


def test_a_missing_signature_is_asked_after_hourly_however_often() -> None:
    before = replace(stand(S.AWAITING_SIGNATURE), tries=9)

    after = advance(before, SAMPLES[e.SignaturesMissing], now=NOON)

    assert (after.due, after.tries) == (NOON + timedelta(hours=1), 0)


@pytest.mark.parametrize(
    ("state", "event"),
    [(S.RECEIVED, e.Validated), (S.VALIDATED, e.Mapped)],
)
def test_going_on_forgets_no_finding(state: State, event: type[e.Event]) -> None:
    found = (find("warning"), find("doctor", Tier.SIGNATURE))

    after = advance(replace(stand(state), findings=found), SAMPLES[event], now=NOON)

    assert after.findings == found


def test_what_a_signature_waited_for_is_forgotten_when_it_holds() -> None:
    waiting = replace(stand(S.MAPPED), findings=(find("warning"), find("ocsp", Tier.SIGNATURE)))
    remark = find("remark", Tier.SIGNATURE)

    after = advance(waiting, e.Signed(findings=(remark,)), now=NOON)

    assert [one.rule for one in after.findings] == ["warning", "remark"]


def test_waiting_tells_what_it_waits_for_and_tells_it_once() -> None:
    waiting = replace(stand(S.MAPPED), findings=(find("warning"), find("ocsp", Tier.SIGNATURE)))
    doubt = e.Unavailable(reason="no answer", findings=(find("ocsp", Tier.SIGNATURE),))

    told = advance(waiting, doubt, now=NOON)
    untold = advance(waiting, e.Unavailable(reason="no answer"), now=NOON)

    assert [one.rule for one in told.findings] == ["warning", "ocsp"]
    assert [one.rule for one in untold.findings] == ["warning", "ocsp"]
    assert (told.state, told.tries) == (S.MAPPED, 1)
