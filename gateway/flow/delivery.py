"""Delivers a document once; what the attempt is known by is on disk before its first byte."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.flow.answers import weigh, with_number
from gateway.flow.consignment import gather
from gateway.ports import Clock, Endpoint, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The step that `signed` owes."""

    ledger: Ledger
    endpoints: Mapping[str, Endpoint]
    clock: Clock

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Wrap, write down, send; a resend has the same document and signatures."""
        endpoint = self.endpoints[exchange.identity.endpoint]
        consignment = await gather(self.ledger, exchange)
        envelope = await endpoint.wrap(consignment, now=self.clock.now())
        yield envelope.began(hashlib.sha256(envelope.body).hexdigest())
        answer = await endpoint.deliver(envelope)
        inquire = partial(endpoint.inquire, consignment, now=self.clock.now())
        yield await weigh(self.ledger, exchange, await with_number(answer, inquire))
