from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.schedule import Backoff, Terms, exhaustion, resend_at, retry_at
from gateway.exchange.states import State
from tests.exchange.standings import NOON, attempted, stand

CHANCES = st.floats(0, 1, exclude_max=True)
TRIES = st.integers(0, 10_000)
WAITS = st.timedeltas(timedelta(milliseconds=1), timedelta(days=1))


@given(base=WAITS, cap=WAITS, tries=TRIES, chance=CHANCES)
def test_full_jitter_lies_between_nothing_and_the_doubled_base_or_the_cap(
    base: timedelta, cap: timedelta, tries: int, chance: float
) -> None:
    delay = Backoff(base=base, cap=cap).delay(tries, chance)

    assert timedelta(0) <= delay <= cap
    assert tries > 20 or delay <= base * 2**tries


@given(base=WAITS, cap=WAITS, tries=TRIES, chance=CHANCES)
def test_no_wait_is_shorter_after_one_more_try(
    base: timedelta, cap: timedelta, tries: int, chance: float
) -> None:
    backoff = Backoff(base=base, cap=cap)

    assert backoff.delay(tries, chance) <= backoff.delay(tries + 1, chance)


@pytest.mark.parametrize(
    ("tries", "chance", "seconds"),
    [
        (10_000, 0.5, 1800),
        (0, 0.0, 0),
        (0, 0.5, 15),
        (0, 0.9, 27),
        (3, 0.5, 120),
        (6, 0.5, 960),
        (7, 0.5, 1800),
    ],
)
def test_the_wait_doubles_up_to_the_cap(tries: int, chance: float, seconds: float) -> None:
    backoff = Backoff(base=timedelta(seconds=30), cap=timedelta(hours=1))

    assert backoff.delay(tries, chance) == timedelta(seconds=seconds)


def test_a_base_of_a_microsecond_still_reaches_the_cap() -> None:
    backoff = Backoff(base=timedelta(microseconds=1), cap=timedelta(seconds=16))

    assert backoff.delay(24, 0.5) == timedelta(seconds=8)
    assert backoff.delay(23, 0.5) < timedelta(seconds=8)


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (State.RECEIVED, 5),
        (State.VALIDATED, 5),
        (State.MAPPED, 5),
        (State.AWAITING_SIGNATURE, 5),
        (State.SIGNED, 30),
        (State.DELIVERING, 300),
        (State.AWAITING, 300),
        (State.ANSWERED, 10),
        (State.PARKED, 300),
    ],
)
def test_each_duty_has_a_back_off_of_its_own(state: State, seconds: float) -> None:
    exchange = replace(stand(state), tries=1)

    due = retry_at(exchange, Terms(), NOON, 0.5)

    assert due == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(("attempt", "minutes"), [(0, 0.5), (1, 1), (3, 4), (9, 180), (11, 180)])
def test_each_resend_waits_longer_than_the_one_before(attempt: int, minutes: float) -> None:
    exchange = replace(stand(State.AWAITING), attempt=attempt, tries=9)

    due = resend_at(exchange, Terms(), NOON, 0.5)

    assert due == NOON + timedelta(minutes=minutes)


def test_there_is_hope_until_the_maximum_age_of_the_first_delivery() -> None:
    exchange = replace(stand(State.AWAITING), received_at=NOON - timedelta(days=99))
    sent = exchange.first_sent_at
    assert sent is not None

    last = exhaustion(exchange, Terms(), sent + timedelta(days=15) - timedelta(microseconds=1))
    over = exhaustion(exchange, Terms(), sent + timedelta(days=15))

    assert last is None
    assert over is not None
    assert "15 days" in over


def test_what_never_left_ages_from_its_receipt() -> None:
    exchange = replace(stand(State.SIGNED), attempts=(attempted(0, not_sent=True),))
    since = exchange.received_at

    assert exhaustion(exchange, Terms(), since + timedelta(days=14)) is None
    assert exhaustion(exchange, Terms(), since + timedelta(days=15)) is not None


def test_the_budget_of_deliveries_ends_with_its_last() -> None:
    exchange = stand(State.SIGNED)

    assert exhaustion(replace(exchange, attempt=11), Terms(), NOON) is None
    assert exhaustion(replace(exchange, attempt=12), Terms(), NOON) == (
        "12 deliveries without an answer"
    )


def test_the_age_is_told_before_the_budget() -> None:
    exchange = replace(stand(State.AWAITING), attempt=99)

    reason = exhaustion(exchange, Terms(), NOON + timedelta(days=30))

    assert reason is not None
    assert "first delivery" in reason


def test_a_trial_shortens_every_wait_and_nothing_else() -> None:
    terms, short = Terms(), Terms().shortened(60)

    for field in fields(Terms):
        before, after = getattr(terms, field.name), getattr(short, field.name)
        if isinstance(before, Backoff):
            assert (after.base, after.cap) == (before.base / 60, before.cap / 60)
        elif isinstance(before, timedelta):
            assert after == before / 60
        else:
            assert after == before
