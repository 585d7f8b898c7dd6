"""What a person may do to an exchange: cancel, resume, release, give a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import Overtaken, SenderError
from gateway.exchange import events as e
from gateway.exchange.decision import Decision, decide
from gateway.exchange.record import Exchange
from gateway.exchange.states import Outcome, State
from gateway.flow.consignment import signature_payload
from gateway.flow.runner import Desk
from gateway.ports import SignerCms

_TRIES = 5


class NotFound(SenderError):  # noqa: N818 - a standing, not a fault
    """There is no such exchange."""

    code = "not-found"


class NotPossible(SenderError):  # noqa: N818 - a standing, not a fault
    """The exchange stands where this act means nothing."""

    code = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Acts of senders and operators; each is an event with its author in the journal."""

    desk: Desk

    async def cancel(self, exchange_id: str, by: str) -> Exchange:
        """Take a document back before its first delivery. Raises NotFound, NotPossible."""
        return await self._act(
            exchange_id,
            e.Cancelled(by=by),
            done=lambda one: one.outcome is Outcome.CANCELLED,
            refusal="it has been delivered or is settled already; only its recipient can undo it",
        )

    async def resume(self, exchange_id: str, by: str) -> Exchange:
        """Let a parked exchange go on from where it stood. Raises NotFound, NotPossible."""
        return await self._act(
            exchange_id,
            e.Resumed(by=by),
            done=lambda one: one.state is not State.PARKED,
            refusal="it is not parked",
            only_in=frozenset({State.PARKED}),
        )

    async def release(self, exchange_id: str, by: str) -> Exchange:
        """Let a held version overtake the earlier one. Raises NotFound, NotPossible."""
        return await self._act(
            exchange_id,
            e.Released(by=by),
            done=lambda one: not one.held_by,
            refusal="no earlier version holds it",
            needs=lambda one: bool(one.held_by),
        )

    async def give_signature(self, exchange_id: str, signature: SignerCms) -> Exchange:
        """Add a signer's signature to an exchange that waits for it. Raises as above."""
        return await self._act(
            exchange_id,
            e.SignaturesGiven(keeps=(signature_payload(signature),)),
            done=lambda one: one.state is not State.AWAITING_SIGNATURE,
            refusal="it does not wait for a signature",
            only_in=frozenset({State.AWAITING_SIGNATURE}),
        )

    async def _act(
        self,
        exchange_id: str,
        event: e.Event,
        *,
        done: Callable[[Exchange], bool],
        refusal: str,
        only_in: frozenset[State] = frozenset(State),
        needs: Callable[[Exchange], bool] = bool,
    ) -> Exchange:
        """Write the event if it means something where the exchange stands."""
        for _ in range(_TRIES):
            exchange = await self.desk.ledger.get(exchange_id)
            if exchange is None:
                raise NotFound("there is no such exchange", where=exchange_id)
            if exchange.state not in only_in or not needs(exchange):
                raise NotPossible(refusal, where=exchange_id)
            if not done(self._foresee(exchange, event).after):
                raise NotPossible(refusal, where=exchange_id)
            try:
                return await self.desk.write(exchange, event)
            except Overtaken:
                continue  # the exchange moved: look again whether the act still means something
        raise Overtaken("the exchange moves too fast; try again", where=exchange_id)

    def _foresee(self, exchange: Exchange, event: e.Event) -> Decision:
        now = self.desk.clock.now()
        return decide(exchange, event, now=now, terms=self.desk.terms_of(exchange))
