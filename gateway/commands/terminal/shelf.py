"""Reads the store of a gateway directly, also beside a running one; writes nothing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from multidict import MultiDict

from gateway.commands.terminal.remote import Parameters
from gateway.commands.terminal.words import Complaint, Exit
from gateway.doors import SystemClock
from gateway.errors import GatewayError, SenderError
from gateway.exchange.record import Exchange
from gateway.inbound import queries, views
from gateway.ports import Ledger, Sealer
from gateway.settings import Settings, load
from gateway.signatures.sealing import load_seal
from gateway.store.sqlite import SqliteLedger


@dataclass(frozen=True, slots=True)
class Shelf:
    """The store, in the form that a running gateway would answer."""

    ledger: Ledger
    lang: str
    now: datetime

    async def exchange(self, exchange_id: str) -> dict[str, Any]:
        """Return one exchange. Raises Complaint."""
        return views.view_exchange(await self._find(exchange_id), self.lang)

    async def timeline(self, exchange_id: str) -> dict[str, Any]:
        """Return its timeline. Raises Complaint."""
        exchange = await self._find(exchange_id)
        return views.view_timeline(exchange.id, await self.ledger.timeline(exchange.id))

    async def search(self, parameters: Parameters, *, most: int) -> list[dict[str, Any]]:
        """Return exchanges, newest first, page by page up to `most`."""
        found: list[dict[str, Any]] = []
        after = ""
        while len(found) < most:
            limit = min(most - len(found), queries.LARGEST_PAGE)
            asked = MultiDict({**parameters, "after": after, "limit": str(limit)})
            page = await self.ledger.search(queries.read_search(asked, tenant=""))
            found += [views.view_exchange(one, self.lang) for one in page]
            if len(page) < limit:
                break
            after = page[-1].id
        return found

    async def report(self, parameters: Parameters) -> dict[str, Any]:
        """Return the outcome table."""
        asked = MultiDict(parameters)
        by = queries.read_dimensions(asked)
        query = queries.read_search(asked, tenant="", extra=frozenset({"by"}))
        rows = await self.ledger.report(query, by=by, now=self.now)
        return views.view_report(rows, by=by)

    async def _find(self, exchange_id: str) -> Exchange:
        exchange = await self.ledger.get(exchange_id)
        if exchange is None:
            raise Complaint("there is no such exchange", Exit.USAGE)
        return exchange


@asynccontextmanager
async def open_shelf(config: Path, lang: str) -> AsyncIterator[Shelf]:
    """Open the store that a configuration names. Raises Complaint."""
    try:
        settings = load(config).settings
        ledger = SqliteLedger(settings.store.path, sealer=_sealer(settings), read_only=True)
        await ledger.open()
    except GatewayError as error:
        raise Complaint(str(error), Exit.USAGE) from error
    try:
        yield Shelf(ledger, lang, SystemClock().now())
    except SenderError as error:
        raise Complaint(str(error), Exit.USAGE) from error
    except GatewayError as error:
        raise Complaint(str(error), Exit.GATEWAY_AT_FAULT) from error
    finally:
        await ledger.close()


def _sealer(settings: Settings) -> Sealer | None:
    file = settings.store.key_file
    return load_seal([file], secrets.token_bytes) if file is not None else None
