"""Invented documents, and what happens to them, for the tests of both ledgers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.exchange import events as e
from gateway.exchange.decision import Decision, Opening, decide
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.schedule import Terms
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.ports import Birth, Idempotency, Ledger, StoredCallback, Stray

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DOCUMENT = b"<ClinicalDocument>invented</ClinicalDocument>"

MISSPELT = Finding(
    rule="ru-088u.12",
    code="value",
    severity=Severity.ERROR,
    where="/ClinicalDocument/component[1]",
    texts={"ru": "Нет кода раздела", "en": "The section has no code"},
    mender=Mender.VENDOR,
    tier=Tier.RULES,
    line=12,
    official="У1-3",
)


def identity(number: int = 1, **changes: object) -> Identity:
    plain = Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid=f"00000000-0000-4000-8000-{number:012d}",
        sender="clinic",
        organization="1.2.643.5.1.13.13.12.2.77.7799",
        document_sha256="ab" * 32,
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # the tests name real fields


def exchange(number: int = 1, **changes: object) -> Exchange:
    """Return a new exchange; what is no field of it belongs to its identity."""
    own = {name: changes.pop(name) for name in list(changes) if name in Exchange.__slots__}
    plain = Exchange(
        id=f"01900000-0000-7000-8000-{number:012d}",
        identity=identity(number, **changes),
        received_at=NOON,
        due=NOON,
    )
    return replace(plain, **own)  # type: ignore[arg-type] # the tests name real fields


def birth(number: int = 1, *, idempotency: Idempotency | None = None, **changes: object) -> Birth:
    return Birth(
        idempotency=idempotency,
        exchange=exchange(number, **changes),
        received=e.Received(
            keeps=(e.Payload(name="document", content=DOCUMENT, content_type="text/xml"),)
        ),
    )


async def born(ledger: Ledger, number: int = 1, **changes: object) -> Exchange:
    return await ledger.create(birth(number, idempotency=None, **changes))


def decided(
    before: Exchange,
    event: e.Event,
    *,
    at: datetime = NOON,
    openings: tuple[Opening, ...] = (),
) -> Decision:
    return decide(before, event, now=at, terms=Terms(), openings=openings)


async def led(ledger: Ledger, before: Exchange, *events: e.Event, at: datetime = NOON) -> Exchange:
    """Return the exchange after the events, each saved."""
    for event in events:
        before = await ledger.save(decided(before, event, at=at))
    return before


def to_signed() -> tuple[e.Event, ...]:
    return (
        e.Validated(),
        e.Mapped(keeps=(e.Payload(name="metadata", content=b"{}"),)),
        e.Signed(keeps=(e.Payload(name="signature:organization", content=b"cms"),)),
    )


def delivery(number: int = 1) -> e.DeliveryBegan:
    return e.DeliveryBegan(
        message_id=f"message-{number}",
        envelope_sha256="cd" * 32,
        wire=(
            e.Wire(
                direction="out",
                name="registerDocument",
                body=b"<Envelope>Ivanov</Envelope>",
                message_id=f"message-{number}",
            ),
        ),
    )


def to_awaiting(number: int = 1) -> tuple[e.Event, ...]:
    return (*to_signed(), delivery(number), e.Accepted())


def registered(number: str = "77.26.1") -> e.Answered:
    return e.Answered(
        registered=True,
        source=e.Source.CALLBACK,
        number=number,
        registered_at=NOON + MINUTE,
        wire=(e.Wire(direction="in", name="sendRegisterDocumentResult", body=b"<ok/>"),),
    )


def rejected() -> e.Answered:
    return e.Answered(
        registered=False,
        source=e.Source.INQUIRY,
        codes=("VALIDATION_ERROR",),
        findings=(MISSPELT,),
    )


def callback(message_id: str = "call-1", **changes: object) -> StoredCallback:
    plain = StoredCallback(
        endpoint="remd",
        partner="ips",
        message_id=message_id,
        received_at=NOON,
        name="sendRegisterDocumentResult",
        body=b"<Envelope/>",
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # the tests name real fields


def stray(head: bytes = b"<hello>") -> Stray:
    return Stray(
        endpoint="remd",
        received_at=NOON,
        source="192.0.2.1",
        reason="no signature",
        size=7,
        sha256="ef" * 32,
        head=head,
    )


def idempotency(key: str = "key-1", body: bytes = b"{}") -> Idempotency:
    return Idempotency(
        sender="clinic", key=key, request_sha256="12" * 32, status=202, location="/x", body=body
    )


def noise(seed: int, size: int = 20_000) -> bytes:
    """Return bytes that do not compress, always the same for a seed."""
    return hashlib.shake_256(str(seed).encode()).digest(size)
