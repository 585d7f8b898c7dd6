"""Every promise is kept by the ledger over SQLite and by its twin in memory."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.ports import Ledger
from gateway.signatures.sealing import Seal
from gateway.store.memory import MemoryLedger
from gateway.store.sqlite import SqliteLedger

WEBHOOKS = frozenset({"hooked"})

OpenStore = Callable[..., Awaitable[SqliteLedger]]


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened: Ledger
    if request.param == "memory":
        opened = MemoryLedger(webhooks=WEBHOOKS)
    else:
        seal = Seal([secrets.token_bytes(32)], secrets.token_bytes)
        opened = SqliteLedger(tmp_path / "store.db", webhooks=WEBHOOKS, sealer=seal)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the store of a test lies."""
    return tmp_path / "store.db"


@pytest.fixture
async def open_store(path: Path) -> AsyncIterator[OpenStore]:
    """Return a function that opens the store; what it opened is closed after the test."""
    opened: list[SqliteLedger] = []

    async def open_one(**settings: Any) -> SqliteLedger:
        ledger = SqliteLedger(path, **settings)
        opened.append(ledger)
        await ledger.open()
        return ledger

    yield open_one
    for ledger in opened:
        await ledger.close()
