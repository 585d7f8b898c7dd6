"""When a message has been here before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signatures.replay import Window, normalise_message_id

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAIN = "0f8fad5bd9cb469fa16570867728950e"


@pytest.mark.parametrize(
    "written",
    [
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "urn:uuid:0F8FAD5B-D9CB-469F-A165-70867728950E",
        " uuid:0f8fad5bd9cb469fa16570867728950e\n",
        "{0F8FAD5B-d9cb-469f-a165-70867728950e}",
    ],
)
def test_one_uuid_written_in_many_ways_is_one_id(written: str) -> None:
    assert normalise_message_id(written) == PLAIN


def test_id_that_is_no_uuid_keeps_its_letters() -> None:
    assert normalise_message_id(" Msg-0042 ") == "Msg-0042"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_message_id(text)

    assert normalise_message_id(once) == once


@pytest.mark.parametrize(
    ("minutes", "admitted"), [(-6, False), (-5, True), (15, True), (16, False)]
)
def test_message_is_fresh_for_its_life_and_the_skew(minutes: int, admitted: bool) -> None:  # noqa: FBT001
    assert Window().admits(NOON, NOON + minutes * MINUTE) is admitted


@given(st.integers(-40, 40), st.integers(0, 80))
def test_no_id_is_forgotten_while_its_message_could_come_again(created: int, later: int) -> None:
    window, made = Window(), NOON + created * MINUTE
    again = NOON + later * MINUTE
    taken_twice = window.admits(made, NOON) and window.admits(made, again)

    assert not taken_twice or window.forget_before(again) <= NOON
