"""What the one writer promises its many callers."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import HouseError
from gateway.exchange import events as e
from gateway.exchange.states import State
from gateway.store.sqlite import SqliteLedger
from tests.store import papers
from tests.store.conftest import OpenStore
from tests.store.papers import born, decided, exchange


async def test_hundreds_of_callers_share_few_commits(open_store: OpenStore) -> None:
    ledger = await open_store()
    made = await asyncio.gather(*(born(ledger, number) for number in range(1, 401)))
    after_births = ledger.commits

    saved = await asyncio.gather(*(ledger.save(decided(one, e.Validated())) for one in made))

    assert {one.state for one in saved} == {State.VALIDATED}
    assert after_births <= 40
    assert ledger.commits - after_births <= 40


async def test_the_number_of_statements_does_not_grow_with_the_batch(
    open_store: OpenStore,
) -> None:
    ledger = await open_store()
    writer = ledger._writer
    assert writer is not None
    statements: list[str] = []
    writer._connection.set_trace_callback(statements.append)

    await asyncio.gather(*(born(ledger, number) for number in range(1, 201)))

    assert len(statements) <= 12 * ledger.commits


async def test_no_commit_returns_before_it_is_on_disk(open_store: OpenStore) -> None:
    ledger = await open_store()
    writer = ledger._writer
    assert writer is not None

    (synchronous,) = writer._connection.execute("PRAGMA synchronous").fetchone()
    (mode,) = writer._connection.execute("PRAGMA journal_mode").fetchone()

    assert (synchronous, mode) == (2, "wal")


async def test_a_caller_who_stops_waiting_does_not_stop_the_write(open_store: OpenStore) -> None:
    gate = threading.Event()
    ledger = await open_store(failpoint=lambda _: gate.wait(30))
    waiting = asyncio.ensure_future(born(ledger))
    await asyncio.sleep(0)

    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    gate.set()

    await born(ledger, 2)
    assert await ledger.get(exchange().id) is not None


async def test_the_event_loop_runs_while_a_commit_is_slow(open_store: OpenStore) -> None:
    gate = threading.Event()
    ledger = await open_store(failpoint=lambda _: gate.wait(30))

    waiting = asyncio.ensure_future(born(ledger))
    await ledger.get("somebody else")
    assert not waiting.done()
    gate.set()

    assert (await waiting).revision == 1


async def test_closing_writes_what_is_queued(open_store: OpenStore) -> None:
    ledger = await open_store()
    births = [asyncio.ensure_future(born(ledger, number)) for number in range(1, 51)]
    await asyncio.sleep(0)

    await ledger.close()

    assert len(await asyncio.gather(*births)) == 50
    again = await open_store()
    assert await again.get(exchange(50).id) is not None


async def test_a_closed_store_takes_nothing(open_store: OpenStore) -> None:
    ledger = await open_store()
    await ledger.close()

    with pytest.raises(HouseError, match="not open"):
        await born(ledger)
    with pytest.raises(HouseError, match="not open"):
        await ledger.get("x")


async def test_the_interpreter_is_left_as_it_was(open_store: OpenStore) -> None:
    before = sys.getswitchinterval()
    ledger = await open_store()
    assert sys.getswitchinterval() < before

    await ledger.close()

    assert sys.getswitchinterval() == before


@pytest.mark.parametrize(
    "poison",
    [{"priority": 2**70}, {"parked_because": "\ud800"}, {"replaces": object()}],
    ids=["a number too large", "a lone surrogate", "no text at all"],
)
async def test_a_write_that_cannot_be_written_harms_nobody_else(
    open_store: OpenStore, poison: dict[str, object]
) -> None:
    ledger = await open_store()
    bad = replace(papers.birth(50), exchange=exchange(50, **poison))

    *good, refused = await asyncio.gather(
        *(born(ledger, number) for number in range(1, 21)),
        ledger.create(bad),
        return_exceptions=True,
    )

    assert isinstance(refused, HouseError)
    assert "surrogate" not in str(refused)
    assert [await ledger.get(exchange(number).id) for number in range(1, 21)] == good
    assert (await ledger.verify_journal()).reason == ""


async def test_what_survives_a_restart_is_what_was_written(open_store: OpenStore) -> None:
    ledger = await open_store()
    made = await papers.led(ledger, await born(ledger), *papers.to_awaiting())
    await ledger.claim(now=papers.NOON + 999 * papers.MINUTE, limit=9)
    await ledger.close()

    again = await open_store()

    assert await again.get(made.id) == made
    assert [one.id for one in await again.claim(now=made.due or papers.NOON, limit=9)] == [made.id]


_FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from gateway.errors import HouseError
from gateway.exchange import events as e
from gateway.store.sqlite import SqliteLedger
from tests.store import papers

async def fill() -> None:
    ledger = SqliteLedger(Path(sys.argv[1]))
    await ledger.open()
    exchange = await papers.born(ledger)
    # From here on no file grows beyond this: what a full disk looks like to SQLite.
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    for number in range(200):
        kept = e.Payload(name=f"noise-{number}", content=papers.noise(number))
        try:
            held = e.Held(by_exchange="x", keeps=(kept,))
            exchange = await ledger.save(papers.decided(exchange, held))
        except HouseError as error:
            print(exchange.revision, error)
            return

asyncio.run(fill())
"""


def fill_the_disk(path: Path) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, path], capture_output=True, text=True, check=False
    )
    assert answer.stdout, answer.stderr
    return answer.stdout


async def test_a_full_disk_is_told_and_loses_nothing(path: Path, open_store: OpenStore) -> None:
    acknowledged, _, reason = fill_the_disk(path).partition(" ")

    assert "the store could not be written" in reason
    ledger: SqliteLedger = await open_store()
    kept = await ledger.get(exchange().id)
    assert kept is not None
    assert kept.revision == int(acknowledged)
    assert (await ledger.verify_journal()).reason == ""
