"""Makes the recipient's form of a document and keeps it beside the original bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.findings import has_errors
from gateway.flow.consignment import read_payload
from gateway.flow.offloop import away
from gateway.ports import Endpoint, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The step that `validated` owes."""

    ledger: Ledger
    endpoints: Mapping[str, Endpoint]

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Describe the document to its recipient; what no rule maps refuses it."""
        endpoint = self.endpoints[exchange.identity.endpoint]
        document = await read_payload(self.ledger, exchange, "document")
        metadata, findings = await away(len(document), endpoint.describe, document)
        if has_errors(findings):
            yield e.Refused(findings=findings)
            return
        content = json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode()
        kept = e.Payload(name="metadata", content=content, content_type="application/json")
        yield e.Mapped(keeps=(kept,))
