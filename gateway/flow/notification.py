"""Tells the sender: the inbox has the entry already, a webhook follows where one is configured.

A webhook that never answers raises an alarm and does not park the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import orjson
from standardwebhooks import Webhook

from gateway.errors import SettingError
from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.ports import Chance, Clock, InboxEntry, Ledger

_WITHIN = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """Where a sender wants its entries, and what signs them."""

    url: str
    signer: Webhook


def open_target(url: str, secret: str) -> WebhookTarget:
    """Return a target. Raises SettingError for a secret that signs nothing."""
    try:
        return WebhookTarget(url=url, signer=Webhook(secret))
    except Exception as error:  # the library has no error of its own for this
        raise SettingError("the webhook secret is no whsec_ and base64") from error


class Postman(Protocol):
    """Carries one inbox entry to its sender's webhook."""

    async def post(self, entry: InboxEntry) -> str:
        """Return an empty text when it was taken, else why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPostman:
    """Posts entries with Standard Webhooks headers (standardwebhooks.com, v1).

    A webhook that has just failed is left alone for a while: whoever waits for it would keep
    others from being told.
    """

    targets: Mapping[str, WebhookTarget]
    session: aiohttp.ClientSession
    clock: Clock
    pause: timedelta
    """How long a webhook that failed is left alone."""
    failed: dict[str, datetime] = field(default_factory=dict)
    """By sender: when its webhook failed last."""

    async def post(self, entry: InboxEntry) -> str:
        """Return an empty text when the webhook answered 2xx, else why not."""
        target, now = self.targets.get(entry.sender), self.clock.now()
        if target is None:
            return ""
        if entry.sender in self.failed and now - self.failed[entry.sender] < self.pause:
            return "the webhook failed a moment ago"
        reason = await self._send(target, entry, now)
        if reason:
            self.failed[entry.sender] = now
        else:
            self.failed.pop(entry.sender, None)
        return reason

    async def _send(self, target: WebhookTarget, entry: InboxEntry, now: datetime) -> str:
        body = orjson.dumps(entry.body)
        message_id = f"msg_{entry.id}"
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": target.signer.sign(message_id, now, body.decode()),
        }
        try:
            async with self.session.post(
                target.url, data=body, headers=headers, timeout=_WITHIN, allow_redirects=False
            ) as answer:
                return "" if answer.ok else f"the webhook answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"the webhook could not be reached: {type(error).__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The step that `answered` owes."""

    ledger: Ledger
    postman: Postman
    clock: Clock
    terms: Mapping[str, Terms]

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Post what is owed, oldest first; without a webhook there is nothing to post."""
        for entry in await self.ledger.owed_webhooks(exchange.id):
            if reason := await self.postman.post(entry):
                yield await self._try_later(exchange, entry, reason)
                return
            await self.ledger.settle_webhook(entry.id, due=None)
        yield e.Notified()

    async def _try_later(self, exchange: Exchange, entry: InboxEntry, reason: str) -> e.Event:
        terms = self.terms.get(exchange.identity.endpoint) or Terms()
        if self.clock.now() - entry.at < terms.webhook_within:
            return e.Unavailable(reason=reason)
        for owed in await self.ledger.owed_webhooks(exchange.id):
            await self.ledger.settle_webhook(owed.id, due=None)
        return e.Notified(note=f"in the inbox only: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Posts the entries of exchanges that are still under way: `handed-over`."""

    ledger: Ledger
    postman: Postman
    clock: Clock
    chance: Chance
    terms: Terms

    async def round(self) -> int:
        """Post what is due now, each sender's in order and senders beside each other.

        Return how much was tried.
        """
        entries = await self.ledger.due_webhooks(now=self.clock.now(), limit=100)
        bags: dict[str, list[InboxEntry]] = {}
        for entry in entries:
            bags.setdefault(entry.sender, []).append(entry)
        async with asyncio.TaskGroup() as ways:
            for bag in bags.values():
                ways.create_task(self._carry(bag))
        return len(entries)

    async def _carry(self, bag: Sequence[InboxEntry]) -> None:
        for entry in bag:
            reason = await self.postman.post(entry)
            await self.ledger.settle_webhook(entry.id, due=self._next(entry) if reason else None)

    def _next(self, entry: InboxEntry) -> datetime | None:
        now = self.clock.now()
        if now - entry.at >= self.terms.webhook_within:
            return None
        delay = self.terms.notification.delay(entry.webhook_tries, self.chance.draw())
        return now + max(delay, timedelta(seconds=1))
