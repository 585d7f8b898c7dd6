"""How fast the ledger on disk is: whole lives a second, and commits for each.

Run: python -m tests.bench.ledger --callers 64 --exchanges 4000
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.store.sqlite import SqliteLedger
from tests.store import papers

_BODY = papers.DOCUMENT * 200
_LIFE: tuple[e.Event, ...] = (
    *papers.to_signed(),
    papers.delivery(),
    e.Accepted(),
    papers.registered(),
    e.Notified(),
)


async def _live(ledger: SqliteLedger, number: int) -> None:
    kept = e.Payload(name="document", content=_BODY)
    birth = replace(papers.birth(number), received=e.Received(keeps=(kept,)))
    exchange = await ledger.create(birth)
    for event in _LIFE:
        happened = event
        if isinstance(event, e.DeliveryBegan):
            happened = replace(event, message_id=f"message-{number}")
        exchange = await ledger.save(decide(exchange, happened, now=papers.NOON))


async def _work(ledger: SqliteLedger, numbers: Iterator[int]) -> None:
    for number in numbers:
        await _live(ledger, number)


async def _measure(folder: Path, callers: int, exchanges: int) -> None:
    ledger = SqliteLedger(folder / "store.db")
    await ledger.open()
    numbers = iter(range(exchanges))
    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in itertools.repeat(None, callers):
            group.create_task(_work(ledger, numbers))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    commits = ledger.commits
    await ledger.close()
    saves = exchanges * (len(_LIFE) + 1)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"callers {callers}: {exchanges / wall:.0f} exchanges/s, {saves / wall:.0f} writes/s, "
        f"{commits / exchanges:.3f} commits and {cpu / exchanges * 1000:.2f} ms CPU an exchange, "
        f"{memory} MiB\n"
    )


def main() -> None:
    """Measure on a temporary file in the given folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--exchanges", type=int, default=2000)
    parser.add_argument("--folder", default=None, help="where the disk to be measured is")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        asyncio.run(_measure(Path(folder), asked.callers, asked.exchanges))


if __name__ == "__main__":
    main()
