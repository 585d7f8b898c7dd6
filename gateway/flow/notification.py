"""Tells the sender: the inbox has the entry already, a webhook follows where one is configured.

A webhook that never answers raises an alarm and does not park the exchange.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import orjson
from standardwebhooks import Webhook

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.ports import Chance, Clock, InboxEntry, Ledger

_WITHIN = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """Where a sender wants its entries, and the secret that signs them."""

    url: str
    secret: str


class Postman(Protocol):
    """Carries one inbox entry to its sender's webhook."""

    async def post(self, entry: InboxEntry) -> str:
        """Return an empty text when it was taken, else why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPostman:
    """Posts entries with Standard Webhooks headers (standardwebhooks.com, v1)."""

    targets: Mapping[str, WebhookTarget]
    session: aiohttp.ClientSession
    clock: Clock

    async def post(self, entry: InboxEntry) -> str:
        """Return an empty text when the webhook answered 2xx, else why not."""
        target = self.targets.get(entry.sender)
        if target is None:
            return ""
        body = orjson.dumps(entry.body)
        message_id = f"msg_{entry.id}"
        # Real time, also in a scaled trial: the receiver checks it against its own clock.
        now = self.clock.now()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(target.secret).sign(message_id, now, body.decode()),
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
        """Post what is due now; return how much was tried."""
        entries = await self.ledger.due_webhooks(now=self.clock.now(), limit=100)
        for entry in entries:
            reason = await self.postman.post(entry)
            await self.ledger.settle_webhook(entry.id, due=self._next(entry) if reason else None)
        return len(entries)

    def _next(self, entry: InboxEntry) -> datetime | None:
        now = self.clock.now()
        if now - entry.at >= self.terms.webhook_within:
            return None
        delay = self.terms.notification.delay(entry.webhook_tries, self.chance.draw())
        return now + max(delay, timedelta(seconds=1))
