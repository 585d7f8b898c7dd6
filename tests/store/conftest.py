"""Every promise is kept by the ledger over SQLite and by its twin in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.ports import Ledger
from gateway.store.memory import MemoryLedger
from gateway.store.sqlite import SqliteLedger

WEBHOOKS = frozenset({"hooked"})


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened: Ledger = (
        MemoryLedger(webhooks=WEBHOOKS)
        if request.param == "memory"
        else SqliteLedger(tmp_path / "store.db", webhooks=WEBHOOKS)
    )
    await opened.open()
    yield opened
    await opened.close()
