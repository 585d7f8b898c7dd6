"""When to try again, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.exchange.record import Exchange
from gateway.exchange.states import Duty

_LONGEST_DOUBLING = 24


class Repeat(StrEnum):
    """What a second delivery of the same document does at the recipient."""

    HARMLESS = "harmless"
    """It refuses a second registration of one id."""
    FORBIDDEN = "forbidden"
    """It would take it as another document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential back-off with full jitter (AWS Architecture Blog, 2015)."""

    base: timedelta
    cap: timedelta

    def delay(self, tries: int, chance: float) -> timedelta:
        """Return a wait between nothing and the doubled base; `chance` is within [0, 1)."""
        doublings: int = 1 << min(tries, _LONGEST_DOUBLING)
        return min(self.cap, self.base * doublings) * chance

    def shortened(self, scale: float) -> Backoff:
        """Return the same back-off, `scale` times as fast."""
        return Backoff(base=self.base / scale, cap=self.cap / scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long an endpoint may take, how often it is asked, and what a repeat does there."""

    repeat: Repeat = Repeat.HARMLESS
    delivery_within: timedelta = timedelta(minutes=2)
    """How long one delivery may be on its way before it is asked after."""
    answer_within: timedelta = timedelta(hours=1)
    """How long an accepted document is waited for before it is asked after."""
    inquiry: Backoff = Backoff(base=timedelta(minutes=5), cap=timedelta(hours=6))
    delivery: Backoff = Backoff(base=timedelta(seconds=30), cap=timedelta(hours=1))
    resend: Backoff = Backoff(base=timedelta(minutes=1), cap=timedelta(hours=6))
    preparation: Backoff = Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
    """Validation, mapping and signing, when a part of the house was not ready."""
    notification: Backoff = Backoff(base=timedelta(seconds=10), cap=timedelta(hours=1))
    signature_every: timedelta = timedelta(hours=1)
    signature_within: timedelta = timedelta(days=15)
    """After this a document whose signatures have not come is refused."""
    maximum_age: timedelta = timedelta(days=15)
    """Counted from the first delivery; after it the exchange parks."""
    maximum_attempts: int = 12
    """The budget of deliveries; after it the exchange parks."""
    webhook_within: timedelta = timedelta(days=3)
    """How long a webhook is tried; the inbox keeps the entry all the same."""

    def shortened(self, scale: float) -> Terms:
        """Return the same terms with every wait `scale` times shorter: for trials only."""
        return replace(
            self,
            delivery_within=self.delivery_within / scale,
            answer_within=self.answer_within / scale,
            inquiry=self.inquiry.shortened(scale),
            delivery=self.delivery.shortened(scale),
            resend=self.resend.shortened(scale),
            preparation=self.preparation.shortened(scale),
            notification=self.notification.shortened(scale),
            signature_every=self.signature_every / scale,
            signature_within=self.signature_within / scale,
            maximum_age=self.maximum_age / scale,
            webhook_within=self.webhook_within / scale,
        )


def retry_at(exchange: Exchange, terms: Terms, now: datetime, chance: float) -> datetime:
    """Return when the present duty is tried again after a fruitless try."""
    backoffs = {
        Duty.DELIVER: terms.delivery,
        Duty.INQUIRE: terms.inquiry,
        Duty.NOTIFY: terms.notification,
    }
    backoff = backoffs.get(exchange.duty or Duty.INQUIRE, terms.preparation)
    return now + backoff.delay(exchange.tries, chance)


def resend_at(exchange: Exchange, terms: Terms, now: datetime, chance: float) -> datetime:
    """Return when a document that was not found is delivered again."""
    return now + terms.resend.delay(exchange.attempt, chance)


def exhaustion(exchange: Exchange, terms: Terms, now: datetime) -> str | None:
    """Return why the exchange should be given up, or None while there is hope.

    The age is asked before the budget: a person who reads the reason needs the clock first.
    """
    since = exchange.first_sent_at or exchange.received_at
    if now - since >= terms.maximum_age:
        return f"no answer within {terms.maximum_age} of the first delivery"
    if exchange.attempt >= terms.maximum_attempts:
        return f"{exchange.attempt} deliveries without an answer"
    return None
