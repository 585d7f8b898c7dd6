"""Gathers what an endpoint needs to deliver a document or to ask for it."""

from __future__ import annotations

import hashlib
import json

from gateway.errors import HouseError
from gateway.exchange.events import Payload
from gateway.exchange.record import Exchange
from gateway.ports import Consignment, Ledger, SignerCms

ORGANIZATION = "organization"
"""The role of the organisation's own signature; all others are НСИ codes."""


async def gather(ledger: Ledger, exchange: Exchange) -> Consignment:
    """Return the document's bytes, its metadata and every signature kept with it."""
    metadata = await read_payload(ledger, exchange, "metadata")
    return Consignment(
        exchange=exchange,
        document=await read_payload(ledger, exchange, "document"),
        metadata=json.loads(metadata),
        signatures=await read_signatures(ledger, exchange),
    )


async def read_payload(ledger: Ledger, exchange: Exchange, name: str) -> bytes:
    """Return bytes that must be there. Raises HouseError."""
    content = await ledger.payload(exchange.id, name)
    if content is None:
        raise HouseError(f"the ledger keeps no {name} of this exchange", where=exchange.id)
    return content


async def read_signatures(ledger: Ledger, exchange: Exchange) -> tuple[SignerCms, ...]:
    """Return the kept signatures by role, the signers' as they were brought."""
    found = []
    for name in sorted(await ledger.payload_names(exchange.id)):
        kind, _, rest = name.partition(":")
        if kind == "signature":
            content = await read_payload(ledger, exchange, name)
            found.append(SignerCms(role=rest.partition(":")[0], content=content))
    return tuple(found)


def signature_payload(signature: SignerCms) -> Payload:
    """Return a signature as it is kept: under its role and its hash, so that none is lost."""
    digest = hashlib.sha256(signature.content).hexdigest()
    return Payload(
        name=f"signature:{signature.role}:{digest[:16]}",
        content=signature.content,
        content_type="application/pkcs7-signature",
    )
