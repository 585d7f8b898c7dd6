"""Asks the recipient what has become of a document; never sends it blindly again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.flow.answers import weigh
from gateway.flow.consignment import gather
from gateway.ports import Clock, Endpoint, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """The step that `delivering` and `awaiting` owe."""

    ledger: Ledger
    endpoints: Mapping[str, Endpoint]
    clock: Clock

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Ask once; the schedule says when again."""
        endpoint = self.endpoints[exchange.identity.endpoint]
        consignment = await gather(self.ledger, exchange)
        answer = await endpoint.inquire(consignment, now=self.clock.now())
        yield await weigh(self.ledger, exchange, answer)
