"""A trial waits shorter, and for nothing as long as a day at work."""

from dataclasses import fields
from datetime import timedelta

from gateway.exchange.schedule import Backoff, Terms


def test_every_wait_of_the_terms_is_shortened() -> None:
    terms, short = Terms(), Terms().shortened(60)

    for one in fields(Terms):
        long, shortened = getattr(terms, one.name), getattr(short, one.name)
        if isinstance(long, timedelta | Backoff):
            assert shortened != long, f"{one.name} is not shortened"
        else:
            assert shortened == long
