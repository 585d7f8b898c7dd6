"""What a power cut leaves behind: exactly what was acknowledged, and at most what was in flight."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.ports import Query
from gateway.store.sqlite import SqliteLedger
from tests.store.conftest import OpenStore


def die(path: Path, point: str, commit: int, callers: int) -> dict[str, int]:
    """Return the newest acknowledged revision of each exchange of a process that was killed."""
    command = [
        sys.executable,
        "-m",
        "tests.store.dying",
        str(path),
        point,
        str(commit),
        str(callers),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == -signal.SIGKILL, answer.stderr
    told = (line.split() for line in answer.stdout.splitlines())
    return {exchange_id: int(revision) for exchange_id, revision in told}


async def revisions(ledger: SqliteLedger) -> dict[str, int]:
    found = await ledger.search(Query(limit=10_000))
    return {one.id: one.revision for one in found}


@pytest.mark.parametrize("commit", [1, 2, 6, 9, 10])
async def test_killed_before_a_commit_the_store_has_what_was_acknowledged(
    path: Path, open_store: OpenStore, commit: int
) -> None:
    acknowledged = die(path, "before-commit", commit, 1)

    ledger = await open_store()

    assert await revisions(ledger) == acknowledged
    assert sum(acknowledged.values()) == commit - 1
    assert (await ledger.verify_journal()).reason == ""


@pytest.mark.parametrize("commit", [1, 6, 9])
async def test_killed_after_a_commit_the_store_has_it(
    path: Path, open_store: OpenStore, commit: int
) -> None:
    acknowledged = die(path, "after-commit", commit, 1)

    ledger = await open_store()

    written = await revisions(ledger)
    assert sum(written.values()) == commit == sum(acknowledged.values()) + 1
    assert (await ledger.verify_journal()).reason == ""


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
async def test_killed_under_load_nothing_acknowledged_is_lost(
    path: Path, open_store: OpenStore, point: str
) -> None:
    callers = 32
    acknowledged = die(path, point, 60, callers)

    ledger = await open_store()

    written = await revisions(ledger)
    ahead = {one: written[one] - acknowledged.get(one, 0) for one in written}
    assert set(acknowledged) <= set(written)
    assert set(ahead.values()) <= {0, 1}
    assert sum(ahead.values()) <= callers
    assert sum(acknowledged.values()) > callers
    assert (await ledger.verify_journal()).reason == ""
