"""The waits and the promise that РЭМД is met with."""

from __future__ import annotations

from datetime import timedelta

from gateway.endpoints.discovery import discover
from gateway.exchange.schedule import Repeat


def test_second_registration_is_harmless_and_fifteen_days_are_waited() -> None:
    terms = discover()["remd"].terms({})

    assert terms.repeat is Repeat.HARMLESS
    assert terms.answer_within == timedelta(hours=1)
    assert terms.maximum_age == timedelta(days=15)
