"""What an answer is worth: «already registered» counts only for these very bytes (decision 19)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.ports import InquiryEvent, Ledger


async def weigh(ledger: Ledger, exchange: Exchange, event: e.Event) -> e.Event:
    """Return the event as it may be believed.

    A registration that is not the direct answer to one of our attempts says only that something
    is registered under this id. It is ours if every attempt ever made under the id carried these
    bytes; else it is a rejection with the finding `registered-with-other-bytes`.
    """
    if not isinstance(event, e.Answered) or not event.registered:
        return event
    if not event.already and event.message_id in {one.message_id for one in exchange.attempts}:
        return event
    if await _only_these_bytes(ledger, exchange):
        return event
    finding = _other_bytes()
    return replace(event, registered=False, already=False, findings=(*event.findings, finding))


async def _only_these_bytes(ledger: Ledger, exchange: Exchange) -> bool:
    return all(
        other.identity.document_sha256 == exchange.identity.document_sha256
        for other in await ledger.find_document(exchange.identity.local_uid)
        if other.newest is not None
    )


async def with_number(event: e.Event, inquire: Callable[[], Awaitable[InquiryEvent]]) -> e.Event:
    """Return an «already registered» with its number, asked for where the text has none."""
    if not isinstance(event, e.Answered) or not event.already or event.number:
        return event
    asked = await inquire()
    if isinstance(asked, e.Answered):
        wire = (*event.wire, *asked.wire)
        return replace(event, number=asked.number, registered_at=asked.registered_at, wire=wire)
    if isinstance(asked, e.NotThere):
        return replace(event, findings=(*event.findings, _no_number()))
    # Nobody could say: take it as a «no» that is asked after again.
    return e.TurnedAway(
        codes=event.codes, message_id=event.message_id, wire=(*event.wire, *asked.wire)
    )


def _other_bytes() -> Finding:
    return Finding(
        rule="registered-with-other-bytes",
        code="conflict",
        severity=Severity.ERROR,
        where="/ClinicalDocument/id",
        texts={
            "ru": "Под этим идентификатором зарегистрирован документ с другим содержимым.",
            "en": "A document of other content is registered under this id.",
        },
        mender=Mender.SENDER,
        tier=Tier.EXCHANGE,
    )


def _no_number() -> Finding:
    return Finding(
        rule="registered-without-number",
        code="informational",
        severity=Severity.WARNING,
        where="",
        texts={
            "ru": "Документ уже зарегистрирован, номер получатель не назвал.",
            "en": "The document is already registered; the recipient named no number.",
        },
        mender=Mender.RECIPIENT,
        tier=Tier.EXCHANGE,
    )
