"""A process that writes, tells what was acknowledged, and kills itself at a commit.

Run: python -m tests.store.dying STORE POINT COMMIT CALLERS
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from gateway.exchange import events as e
from gateway.store.sqlite import SqliteLedger
from tests.store import papers

LIFE = (*papers.to_awaiting(), papers.registered(), e.Notified())


class Killer:
    """Kills the process when a point is reached for the given time."""

    def __init__(self, point: str, commit: int) -> None:
        self._point = point
        self._left = commit

    def __call__(self, point: str) -> None:
        self._left -= point == self._point
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def acknowledge(exchange_id: str, revision: int) -> None:
    os.write(1, f"{exchange_id} {revision}\n".encode())


async def live(ledger: SqliteLedger, number: int) -> None:
    while True:
        exchange = await papers.born(ledger, number)
        acknowledge(exchange.id, exchange.revision)
        for event in LIFE:
            exchange = await ledger.save(papers.decided(exchange, event))
            acknowledge(exchange.id, exchange.revision)
        number += 1000


async def main(store: str, point: str, commit: str, callers: str) -> None:
    ledger = SqliteLedger(Path(store), failpoint=Killer(point, int(commit)))
    await ledger.open()
    await asyncio.gather(*(live(ledger, number) for number in range(int(callers))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
