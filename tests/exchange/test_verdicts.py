"""Answers that disagree, written by hand: every state × verdict × the attempt it answers."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from gateway.exchange import events as e
from gateway.exchange.decision import NoticeKind, decide
from gateway.exchange.machine import advance
from gateway.exchange.record import Exchange
from gateway.exchange.states import Outcome, State
from tests.exchange.standings import BEFORE, NOON, SAMPLES, SENT, answer, find, stand

# What an answer can name: the newest attempt, an older one, none of ours, nothing at all.
NAMES = ("newest", "old", "unknown", "unnamed")
SITUATIONS = ("only", "resent")

# `same`: nothing changes. `ask`: the place is kept, an inquiry is due now. `doubt`: an inquiry
# is due now and the rejection is remembered. Columns as in NAMES.
REGISTERED = {
    ("received", "only"): "same same same same",
    ("validated", "only"): "same same same same",
    ("mapped", "only"): "same same same same",
    ("awaiting_signature", "only"): "same same same same",
    ("signed", "only"): "same same same same",
    ("signed", "resent"): "settle settle settle settle",
    ("delivering", "only"): "settle settle settle settle",
    ("delivering", "resent"): "settle settle settle settle",
    ("awaiting", "only"): "settle settle settle settle",
    ("awaiting", "resent"): "settle settle settle settle",
    ("parked", "only"): "settle settle settle settle",
    ("parked", "resent"): "settle settle settle settle",
    ("answered", "only"): "settle settle settle settle",
    ("answered", "resent"): "settle settle settle settle",
    ("closed", "only"): "settle settle settle settle",
    ("closed", "resent"): "settle settle settle settle",
}
REJECTED = {
    ("received", "only"): "same same same same",
    ("validated", "only"): "same same same same",
    ("mapped", "only"): "same same same same",
    ("awaiting_signature", "only"): "same same same same",
    ("signed", "only"): "same same same same",
    ("signed", "resent"): "same same same same",
    ("delivering", "only"): "settle ask ask settle",
    ("delivering", "resent"): "doubt ask ask doubt",
    ("awaiting", "only"): "settle ask ask settle",
    ("awaiting", "resent"): "doubt ask ask doubt",
    ("parked", "only"): "settle same same settle",
    ("parked", "resent"): "doubt same same doubt",
    ("answered", "only"): "same same same same",
    ("answered", "resent"): "same same same same",
    ("closed", "only"): "same same same same",
    ("closed", "resent"): "same same same same",
}
CASES = [
    (State(state), situation, registered, name, expected)
    for registered, rows in ((True, REGISTERED), (False, REJECTED))
    for (state, situation), line in rows.items()
    for name, expected in zip(NAMES, line.split(), strict=True)
]


def name_attempt(name: str, situation: str) -> str:
    newest, old = ("m1", "m0") if situation == "resent" else ("m0", "unsent0")
    return {"newest": newest, "old": old, "unknown": "stranger", "unnamed": ""}[name]


def later(exchange: Exchange) -> Exchange:
    """Put what is owed off, so that «now» shows."""
    return replace(exchange, due=exchange.due and NOON + timedelta(hours=1), tries=3)


@pytest.mark.parametrize(("state", "situation", "registered", "name", "expected"), CASES)
def test_each_state_takes_each_verdict_as_the_rules_say(
    state: State, situation: str, *, registered: bool, name: str, expected: str
) -> None:
    before = later(stand(state, resent=situation == "resent"))
    event = answer(registered=registered, message_id=name_attempt(name, situation))

    after = advance(before, event, now=NOON)

    assert after.revision == before.revision + 1
    if expected == "same":
        assert after == replace(before, revision=8)
    elif expected == "ask":
        assert after == replace(before, revision=8, due=NOON)
    elif expected == "doubt":
        assert after == replace(
            before,
            revision=8,
            state=State.AWAITING,
            rejection=event,
            due=NOON,
            answer_due=None,
            tries=0,
            parked_from=None,
            parked_because="",
        )
    else:
        assert after == replace(
            before,
            revision=8,
            state=State.ANSWERED,
            outcome=Outcome.REGISTERED if registered else Outcome.REJECTED,
            number="16:2026:1" if registered else "",
            registered_at=NOON if registered else None,
            due=NOON,
            answer_due=None,
            tries=0,
            parked_from=None,
            parked_because="",
        )


def test_the_tables_are_whole() -> None:
    unsent = set(BEFORE) - {State.SIGNED}
    wanted = {
        (state.value, situation)
        for state, situation in product(State, SITUATIONS)
        if not (state in unsent and situation == "resent")
    }

    assert set(REGISTERED) == set(REJECTED) == wanted


@pytest.mark.parametrize("state", [State.ANSWERED, State.CLOSED])
@pytest.mark.parametrize("registered", [True, False])
def test_registered_is_never_taken_back(state: State, *, registered: bool) -> None:
    before = replace(stand(state), outcome=Outcome.REGISTERED, number="16:2026:1")
    event = replace(answer(registered=registered), number="16:2026:2")

    assert advance(before, event, now=NOON) == replace(before, revision=8)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.REFUSED, Outcome.CANCELLED])
def test_a_registration_after_another_verdict_corrects_what_the_sender_was_told(
    outcome: Outcome,
) -> None:
    before = replace(stand(State.CLOSED), outcome=outcome)

    decision = decide(before, answer(registered=True), now=NOON)

    [notice] = decision.notices
    assert (notice.kind, notice.corrects, notice.number) == (
        NoticeKind.REGISTERED,
        True,
        "16:2026:1",
    )


@pytest.mark.parametrize("state", SENT)
@pytest.mark.parametrize("running", [True, False])
def test_a_remembered_rejection_is_final_when_nothing_is_found(
    state: State, *, running: bool
) -> None:
    rejection = replace(answer(registered=False), findings=(find("why"),))
    before = replace(stand(state, resent=True), rejection=rejection)
    if running:
        before = replace(before, answer_due=NOON + timedelta(hours=1))

    decision = decide(before, SAMPLES[e.NotThere], now=NOON)

    after = decision.after
    assert (after.state, after.outcome, after.due) == (State.ANSWERED, Outcome.REJECTED, NOON)
    assert (after.rejection, after.attempt) == (None, 1)
    [notice] = decision.notices
    assert (notice.kind, notice.codes, notice.corrects) == (
        NoticeKind.REJECTED,
        ("VALIDATION_ERROR",),
        False,
    )
    assert [one.rule for one in notice.findings] == ["why"]


def test_a_remembered_rejection_yields_to_a_registration() -> None:
    before = replace(stand(State.AWAITING, resent=True), rejection=answer(registered=False))

    after = advance(before, answer(registered=True), now=NOON)

    assert (after.outcome, after.rejection) == (Outcome.REGISTERED, None)


@pytest.mark.parametrize("state", BEFORE)
@pytest.mark.parametrize("message_id", ["", "stranger"])
def test_nobody_can_have_rejected_what_was_parked_before_it_was_sent(
    state: State, message_id: str
) -> None:
    parked = advance(stand(state), SAMPLES[e.GaveUp], now=NOON)

    after = advance(parked, answer(registered=False, message_id=message_id), now=NOON)

    assert after == replace(parked, revision=9)


@pytest.mark.parametrize("state", [State.SIGNED, State.DELIVERING, State.AWAITING])
def test_a_rejection_that_an_inquiry_brings_is_final_also_after_a_resend(state: State) -> None:
    """The id is registered with other bytes: asking again would hear the same for ever."""
    resent = replace(stand(state), attempt=1)
    found = e.Answered(registered=False, source=e.Source.INQUIRY)

    after = advance(resent, found, now=NOON)

    assert (after.state, after.outcome) == (State.ANSWERED, Outcome.REJECTED)
