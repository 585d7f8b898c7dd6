"""Delivers a document once; what the attempt is known by is on disk before its first byte.

Before a resend the recipient is asked again: between the inquiry that found nothing and the due
time of the resend the document may have been registered, and nobody told.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
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
        """Wrap, write down, send; a resend asks once more and has the same signatures."""
        endpoint = self.endpoints[exchange.identity.endpoint]
        consignment = await gather(self.ledger, exchange)
        inquire = partial(endpoint.inquire, consignment, now=self.clock.now())
        asked: tuple[e.Wire, ...] = ()
        if exchange.attempt > 0:
            answer = await weigh(self.ledger, exchange, await inquire())
            if not isinstance(answer, e.NotThere):
                yield answer
                return
            asked = answer.wire
        envelope = await endpoint.wrap(consignment, now=self.clock.now())
        began = envelope.began(hashlib.sha256(envelope.body).hexdigest())
        yield replace(began, wire=(*asked, *began.wire))
        reply = await endpoint.deliver(envelope)
        yield await weigh(self.ledger, exchange, await with_number(reply, inquire))
