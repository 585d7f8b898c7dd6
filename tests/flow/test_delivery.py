"""A document is delivered once; before a resend its recipient is asked once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty, Outcome, State
from gateway.findings import Finding
from gateway.flow.delivery import Delivery
from gateway.flow.inquiry import Inquiry
from gateway.ports import (
    Birth,
    Consignment,
    DeliveryEvent,
    Envelope,
    InquiryEvent,
    VerifiedSigner,
)
from tests.flow.conftest import World, exchange, says

SILENCE = e.Unavailable(reason="not in this test")
FOUND = e.Answered(registered=True, source=e.Source.INQUIRY, number="119")


@dataclass
class Recipient:
    """A recipient that answers inquiries by a script and takes every delivery."""

    answers: list[InquiryEvent]
    name: str = "remd"
    terms: Terms = field(default_factory=Terms)
    documents: frozenset[str] = frozenset({"ru-088u"})
    delivered: list[Envelope] = field(default_factory=list)

    def describe(self, document: bytes) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
        return {}, ()

    def wanted_roles(self, metadata: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def judge_signers(
        self, metadata: Mapping[str, Any], signers: Sequence[VerifiedSigner], *, now: datetime
    ) -> tuple[Finding, ...]:
        return ()

    async def wrap(self, consignment: Consignment, *, now: datetime) -> Envelope:
        return Envelope(
            message_id=f"m{len(self.delivered)}",
            body=consignment.document,
            wire_name="registerDocument",
            url="",
            headers={},
        )

    async def deliver(self, envelope: Envelope) -> DeliveryEvent:
        self.delivered.append(envelope)
        return e.Accepted()

    async def inquire(self, consignment: Consignment, *, now: datetime) -> InquiryEvent:
        return self.answers.pop(0)


async def after_nothing_was_found(world: World, recipient: Recipient) -> Exchange:
    """Return an exchange whose first delivery was taken and not found, with its resend due."""
    payloads = (
        e.Payload(name="document", content=b"<ClinicalDocument/>"),
        e.Payload(name="metadata", content=b"{}"),
    )
    birth = Birth(exchange=exchange(), received=e.Received(keeps=payloads))
    one = await world.ledger.create(birth)
    for event in (e.Validated(), e.Mapped(), e.Signed()):
        one = await world.desk.write(one, event)
    one = await walk(world, recipient, one)
    world.clock.pass_(Terms().answer_within)
    one = await walk(world, recipient, one)
    assert (one.state, one.attempt) == (State.SIGNED, 1)
    world.clock.pass_(timedelta(hours=1))
    return one


async def walk(world: World, recipient: Recipient, one: Exchange) -> Exchange:
    ledger, clock, endpoints = world.ledger, world.clock, {"remd": recipient}
    deliver = Delivery(ledger=ledger, endpoints=endpoints, clock=clock)
    inquire = Inquiry(ledger=ledger, endpoints=endpoints, clock=clock)
    return await world.walk(
        one, {Duty.DELIVER: deliver, Duty.INQUIRE: inquire, Duty.NOTIFY: says(SILENCE)}
    )


async def test_a_resend_goes_out_when_the_recipient_still_has_nothing(world: World) -> None:
    recipient = Recipient([e.NotThere(), e.NotThere()])
    one = await after_nothing_was_found(world, recipient)

    after = await walk(world, recipient, one)

    assert after.state is State.AWAITING
    assert len(recipient.delivered) == 2
    assert recipient.delivered[0].body == recipient.delivered[1].body


async def test_what_was_registered_in_the_meantime_is_not_sent_again(world: World) -> None:
    recipient = Recipient([e.NotThere(), FOUND])
    one = await after_nothing_was_found(world, recipient)

    after = await walk(world, recipient, one)

    assert (after.outcome, after.number) == (Outcome.REGISTERED, "119")
    assert len(recipient.delivered) == 1


@pytest.mark.parametrize("silence", [e.Unavailable(reason="503"), e.Unavailable(reason="half")])
async def test_without_a_complete_answer_nothing_is_sent_again(
    world: World, silence: e.Unavailable
) -> None:
    recipient = Recipient([e.NotThere(), replace(silence)])
    one = await after_nothing_was_found(world, recipient)

    after = await walk(world, recipient, one)

    assert (after.state, after.tries) == (State.SIGNED, 1)
    assert len(recipient.delivered) == 1
