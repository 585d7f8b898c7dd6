"""When a message has been here before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signatures.replay import normalise_message_id

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
