"""Opens and runs the whole gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.app.builder import Builder, Doors, Gateway
from gateway.settings import Loaded

__all__ = ["Doors", "Gateway", "open_gateway"]


@asynccontextmanager
async def open_gateway(loaded: Loaded, doors: Doors | None = None) -> AsyncIterator[Gateway]:
    """Build and run the gateway; it is closed in order when the context ends.

    Raises SettingError for what the operator has to mend, HouseError for a store that is taken.
    """
    async with AsyncExitStack() as stack:
        builder = Builder(loaded.settings, doors or Doors(), stack)
        yield await builder.build()
