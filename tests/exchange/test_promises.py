"""What the house promises of every exchange, tried on histories nobody has thought of."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import events as e
from gateway.exchange.decision import Decision, NoticeKind, Opening, decide
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Repeat, Terms
from gateway.exchange.states import Duty, Outcome, State
from tests.exchange.standings import IDENTITY, NOON, SAMPLES, answer

History = list[Decision]

OPEN = set(State) - {State.CLOSED, State.PARKED}
CHILDREN = tuple(Opening(purpose=one, identity=IDENTITY) for one in ("lookup", "notice"))

# Written from the rules: what a state waits for. Everything else is a stray event there.
EXPECTED: dict[State, tuple[type[e.Event], ...]] = {
    State.RECEIVED: (e.Validated, e.Refused, e.Cancelled),
    State.VALIDATED: (e.Mapped, e.Refused, e.Cancelled),
    State.MAPPED: (e.Signed, e.SignaturesMissing, e.Refused, e.Cancelled),
    State.AWAITING_SIGNATURE: (
        e.SignaturesMissing,
        e.SignaturesGiven,
        e.Refused,
        e.Cancelled,
    ),
    State.SIGNED: (e.DeliveryBegan, e.StillPending, e.Answered, e.Refused, e.Cancelled),
    State.DELIVERING: (
        e.NotSent,
        e.Accepted,
        e.StillPending,
        e.TurnedAway,
        e.NotThere,
        e.Answered,
        e.InquiryWanted,
    ),
    State.AWAITING: (e.StillPending, e.TurnedAway, e.NotThere, e.Answered, e.InquiryWanted),
    State.PARKED: (e.Answered, e.Resumed),
    State.ANSWERED: (e.Answered, e.Notified),
    State.CLOSED: (e.Answered,),
}
EVERYWHERE = (e.Unavailable, e.GaveUp, e.Held, e.Released)
ONWARD: dict[State, tuple[type[e.Event], ...]] = {
    State.RECEIVED: (e.Validated,),
    State.VALIDATED: (e.Mapped,),
    State.MAPPED: (e.Signed,),
    State.SIGNED: (e.DeliveryBegan,),
    State.AWAITING_SIGNATURE: (e.SignaturesGiven,),
    State.DELIVERING: (e.NotThere, e.NotSent, e.Accepted, e.NotThere),
    State.AWAITING: (e.NotThere, e.TurnedAway, e.NotThere, e.Answered),
}
"""What leads far into a life: rare turns are met there."""


WAITS = (timedelta(hours=2), timedelta(minutes=5), timedelta(0))
CHANCES = (0.0, 0.5, 0.99)
ANYTHING = tuple(SAMPLES)
# One number chooses an event, one what it names, one how long it takes to come.
STEPS = st.lists(
    st.tuples(st.integers(0, 2639), st.integers(0, 99), st.integers(0, 8)), min_size=8, max_size=40
)


def choose_event(exchange: Exchange, choice: int, naming: int) -> e.Event:
    """Return what the state waits for more often than not, else anything at all."""
    onward = ONWARD.get(exchange.state, EXPECTED[exchange.state])
    choice, way = divmod(choice, 4)
    kinds = (onward, onward, EXPECTED[exchange.state], ANYTHING)[way]
    kind = kinds[choice % len(kinds)]
    ids = [one.message_id for one in exchange.attempts]
    naming, registered = divmod(naming, 2)
    names = ["", *reversed(ids), "stranger"]
    name = names[naming % len(names)]
    if kind is e.DeliveryBegan:
        return e.DeliveryBegan(message_id=f"m{len(ids)}", envelope_sha256="ef" * 32)
    if kind is e.Answered:
        return answer(registered=bool(registered), message_id=name)
    return e.TurnedAway(message_id=name) if kind is e.TurnedAway else SAMPLES[kind]


def live(steps: list[tuple[int, int, int]], start: State, repeat: Repeat) -> History:
    """Return what an exchange lives through from its birth on, or from its first signatures."""
    terms = Terms(repeat=repeat)
    exchange = Exchange(id="x", identity=IDENTITY, received_at=NOON, due=NOON, state=start)
    now, history = NOON, []
    for choice, naming, pace in steps:
        now += WAITS[pace % 3]
        event = choose_event(exchange, choice, naming)
        chance = CHANCES[pace // 3]
        decision = decide(exchange, event, now=now, terms=terms, chance=chance, openings=CHILDREN)
        history.append(decision)
        exchange = decision.after
    return history


def histories(*repeats: Repeat) -> st.SearchStrategy[History]:
    starts = st.sampled_from([State.SIGNED, State.RECEIVED])
    return st.builds(live, STEPS, starts, st.sampled_from(repeats or tuple(Repeat)))


def began(decision: Decision) -> bool:
    return len(decision.after.attempts) > len(decision.before.attempts)


@given(histories())
def test_nothing_is_sent_twice_without_an_inquiry_or_proof_that_no_byte_left(
    history: History,
) -> None:
    deliveries = [n for n, decision in enumerate(history) if began(decision)]

    for first, second in pairwise(deliveries):
        between = history[first + 1 : second]
        assert any(
            isinstance(one.event, e.NotSent | e.NotThere) and one.after.state is State.SIGNED
            for one in between
        )


@given(histories(Repeat.FORBIDDEN))
def test_where_a_repeat_is_forbidden_at_most_one_attempt_may_have_left(history: History) -> None:
    assert sum(not one.not_sent for one in history[-1].after.attempts) <= 1


@given(histories())
def test_an_attempt_is_added_before_delivering_and_never_lost(history: History) -> None:
    for one in history:
        kept = [attempt.message_id for attempt in one.before.attempts]
        assert [attempt.message_id for attempt in one.after.attempts][: len(kept)] == kept
        assert began(one) == (
            one.before.state is State.SIGNED and one.after.state is State.DELIVERING
        )


@given(histories())
def test_the_newest_verdict_was_told_and_each_only_once(history: History) -> None:
    told = [
        notice
        for one in history
        for notice in one.notices
        if notice.kind is not NoticeKind.HANDED_OVER
    ]
    verdicts = [
        one.after.outcome
        for one in history
        if one.after.outcome is not None and one.after.outcome is not one.before.outcome
    ]

    assert [notice.kind.value for notice in told] == [verdict.value for verdict in verdicts]
    assert [notice.corrects for notice in told] == [n > 0 for n in range(len(told))]
    if history[-1].after.state is State.CLOSED:
        assert told[-1].kind.value == history[-1].after.outcome


@given(histories())
def test_a_verdict_stands_exactly_where_there_is_an_answer(history: History) -> None:
    for one in history:
        settled = one.after.state in {State.ANSWERED, State.CLOSED}
        assert settled == (one.after.outcome is not None)


@given(histories())
def test_only_the_closed_and_the_parked_owe_nothing(history: History) -> None:
    for one in history:
        owing = one.after.state in OPEN
        assert owing == (one.after.due is not None) == (one.after.duty is not None)


@given(histories())
def test_a_stray_event_changes_nothing(history: History) -> None:
    for one in history:
        assert one.after.revision == one.before.revision + 1
        if type(one.event) in (*EXPECTED[one.before.state], *EVERYWHERE):
            continue
        assert replace(one.after, revision=one.before.revision) == one.before
        assert (one.notices, one.children) == ((), ())


@given(histories())
def test_registered_is_never_taken_back(history: History) -> None:
    for one in history:
        if one.before.outcome is Outcome.REGISTERED:
            assert one.after.outcome is Outcome.REGISTERED
            assert one.after.registered_at == one.before.registered_at
            # A number that nobody named may still be learnt; one that is known stays.
            assert one.after.number == one.before.number or not one.before.number


@given(histories())
def test_after_a_resend_only_an_inquiry_makes_a_rejection_final(history: History) -> None:
    for one in history:
        newly = one.before.outcome is None and one.after.outcome is Outcome.REJECTED
        if newly and one.before.attempt > 0:
            assert isinstance(one.event, e.NotThere)


@given(histories())
def test_nobody_rejects_or_takes_back_what_the_other_side_decides(history: History) -> None:
    for one in history:
        if one.before.outcome is None and one.after.outcome is Outcome.REJECTED:
            assert one.after.newest is not None
        if one.before.outcome is None and one.after.outcome in {
            Outcome.REFUSED,
            Outcome.CANCELLED,
        }:
            assert one.after.newest is None


@given(histories())
def test_no_child_is_without_a_parent_and_none_is_there_twice(history: History) -> None:
    children = [child for one in history for child in one.children]

    assert len({child.id for child in children}) == len(children)
    assert all(child.part_of == "x" and child.duty and child.due for child in children)
    assert all(bool(one.children) == one.changed for one in history)


@given(histories())
def test_a_hold_is_put_on_and_taken_off_by_nothing_else(history: History) -> None:
    for one in history:
        if isinstance(one.event, e.Held | e.Released):
            held = one.event.by_exchange if isinstance(one.event, e.Held) else ""
            assert one.after == replace(one.before, revision=one.after.revision, held_by=held)
        else:
            assert one.after.held_by == one.before.held_by


@given(histories())
def test_a_parked_exchange_knows_from_where_and_why(history: History) -> None:
    for one in history:
        parked = one.after.state is State.PARKED
        assert parked == (one.after.parked_from is not None) == bool(one.after.parked_because)


@given(histories())
def test_the_attempt_counts_the_resends(history: History) -> None:
    resends = sum(
        isinstance(one.event, e.NotThere) and one.after.state is State.SIGNED
        for one in history
        if one.changed
    )

    assert history[-1].after.attempt == resends


@given(histories())
def test_a_reason_to_ask_puts_no_inquiry_off(history: History) -> None:
    for one in history:
        if isinstance(one.event, e.InquiryWanted) and one.before.due and one.after.due:
            assert one.after.due <= one.before.due


@given(histories())
def test_from_anywhere_willing_people_and_systems_bring_it_to_its_end(history: History) -> None:
    willing: dict[Duty | None, e.Event] = {
        Duty.VALIDATE: e.Validated(),
        Duty.MAP: e.Mapped(),
        Duty.SIGN: e.Signed(),
        Duty.DELIVER: e.DeliveryBegan(message_id="last", envelope_sha256="ef" * 32),
        Duty.INQUIRE: answer(registered=True),
        Duty.NOTIFY: e.Notified(),
        None: e.Resumed(by="operator"),
    }
    exchange = history[-1].after

    for _ in range(8):
        event = willing[exchange.duty]
        if exchange.state is State.AWAITING_SIGNATURE:
            event = e.SignaturesGiven()
        exchange = decide(exchange, event, now=NOON + timedelta(days=20)).after

    assert exchange.state is State.CLOSED
