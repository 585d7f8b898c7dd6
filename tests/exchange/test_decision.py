from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.exchange import events as e
from gateway.exchange.decision import NoticeKind, Opening, decide
from gateway.exchange.states import State
from tests.exchange.standings import IDENTITY, NOON, SAMPLES, answer, find, stand

CHILDREN = (
    Opening(purpose="lookup-gbdfl", identity=IDENTITY),
    Opening(purpose="notice-epgu", identity=IDENTITY),
)


def test_the_sender_is_told_that_the_document_is_on_its_way_once() -> None:
    first = decide(stand(State.DELIVERING), SAMPLES[e.Accepted], now=NOON)
    resent = decide(stand(State.DELIVERING, resent=True), SAMPLES[e.Accepted], now=NOON)
    again = decide(first.after, SAMPLES[e.Accepted], now=NOON)

    assert [one.kind for one in first.notices] == [NoticeKind.HANDED_OVER]
    assert resent.notices == again.notices == ()


def test_a_document_that_is_fetched_before_it_is_accepted_is_handed_over_once() -> None:
    fetched = decide(stand(State.DELIVERING), SAMPLES[e.StillPending], now=NOON)
    accepted = decide(fetched.after, SAMPLES[e.Accepted], now=NOON)

    assert [one.kind for one in fetched.notices] == [NoticeKind.HANDED_OVER]
    assert accepted.notices == ()


def test_a_resend_is_no_news() -> None:
    again = replace(stand(State.DELIVERING), attempt=1)

    assert decide(again, SAMPLES[e.Accepted], now=NOON).notices == ()


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (answer(registered=True), NoticeKind.REGISTERED),
        (answer(registered=False), NoticeKind.REJECTED),
    ],
)
def test_a_verdict_is_told_with_its_number_and_codes(event: e.Answered, kind: NoticeKind) -> None:
    told = replace(event, findings=(find("why"),))

    [notice] = decide(stand(State.AWAITING), told, now=NOON).notices

    assert (notice.exchange, notice.kind, notice.at) == ("x", kind, NOON)
    assert (notice.number, notice.codes) == (event.number, event.codes)
    assert [one.rule for one in notice.findings] == ["why"]
    assert not notice.corrects


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (e.Refused(findings=(find("why"),)), NoticeKind.REFUSED),
        (e.Cancelled(by="hospital"), NoticeKind.CANCELLED),
    ],
)
def test_a_document_that_is_not_carried_is_told_too(event: e.Event, kind: NoticeKind) -> None:
    [notice] = decide(stand(State.RECEIVED), event, now=NOON).notices

    assert (notice.kind, notice.codes, notice.corrects) == (kind, (), False)


def test_an_event_opens_children_of_its_own() -> None:
    parent = replace(stand(State.RECEIVED), priority=5)

    decision = decide(parent, e.Validated(), now=NOON, openings=CHILDREN)

    assert [one.id for one in decision.children] == ["x.8.lookup-gbdfl", "x.8.notice-epgu"]
    for child in decision.children:
        assert (child.state, child.due, child.received_at) == (State.RECEIVED, NOON, NOON)
        assert (child.part_of, child.priority, child.identity) == ("x", 5, IDENTITY)


def test_an_event_that_means_nothing_opens_nothing_and_tells_nobody() -> None:
    decision = decide(stand(State.CLOSED), SAMPLES[e.Accepted], now=NOON, openings=CHILDREN)

    assert not decision.changed
    assert (decision.notices, decision.children) == ((), ())
    assert decision.after.revision == 8


def test_terms_and_chance_reach_the_machine() -> None:
    early = decide(stand(State.AWAITING), SAMPLES[e.Unavailable], now=NOON, chance=0.0)
    late = decide(stand(State.AWAITING), SAMPLES[e.Unavailable], now=NOON, chance=0.9)

    assert (early.after.due, late.after.due) == (NOON, NOON + timedelta(seconds=270))
