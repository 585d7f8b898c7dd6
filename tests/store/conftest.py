"""Every promise is kept by the ledger over SQLite and by its twin in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.ports import Ledger
from gateway.store.memory import MemoryLedger

STORES = ("memory",)
WEBHOOKS = frozenset({"hooked"})


@pytest.fixture(params=STORES)
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    opened = MemoryLedger(webhooks=WEBHOOKS)
    await opened.open()
    yield opened
    await opened.close()
