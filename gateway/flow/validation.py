"""Tier 3: the authority's own pack, where the operator has installed one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.findings import has_errors
from gateway.flow.consignment import read_payload
from gateway.flow.offloop import away
from gateway.formats.cda import read_cda
from gateway.ports import Ledger
from gateway.validation.packs import GAVE_UP, PackReport


class PackCheck(Protocol):
    """Runs an authority's pack."""

    async def check(self, document: bytes, template_id: str) -> PackReport:
        """Return what the pack finds; with no pack for the template, nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The step that `received` owes."""

    ledger: Ledger
    packs: PackCheck

    async def __call__(self, exchange: Exchange) -> AsyncIterator[e.Event]:
        """Run the pack; without one the document is valid at once."""
        document = await read_payload(self.ledger, exchange, "document")
        cda = await away(len(document), read_cda, document)
        template = next(iter(cda.header.templates), "")
        report = await self.packs.check(document, template)
        if report.ran == GAVE_UP:
            yield e.Unavailable(reason="the authority's pack did not finish")
        elif has_errors(report.findings):
            yield e.Refused(findings=report.findings)
        else:
            yield e.Validated(findings=report.findings)
