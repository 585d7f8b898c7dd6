"""What the sandbox has taken it finishes, also after a stop in the middle; its log proves it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

from gateway.sandbox.scenario import Behaviour, Callback, Rule, Scenario
from tests.sandbox.remd.conftest import CLINIC, Talk

HALF_A_SECOND = timedelta(seconds=1800)  # at the tests' time scale of 3600


def _scenario(behaviour: Behaviour) -> Scenario:
    return Scenario(name="x", title="x", rules=(Rule(name="waits", does=behaviour),))


async def test_document_taken_before_a_stop_is_registered_and_told_after_it(
    talk: Talk, tmp_path: Path
) -> None:
    store = tmp_path / "sandbox.sqlite"
    slow = _scenario(Behaviour(delay=HALF_A_SECOND))
    async with talk(slow, store=store) as t:
        paper, mis = t.paper(), t.mis
        await t.bring(paper)
        before = (await t.sandbox.account()).documents[paper.local_uid].standing
        async with t.reopen(slow, store) as sandbox:
            await mis.wait_for_told()
            after = (await sandbox.account()).documents[paper.local_uid].standing

    assert (before, after) == ("open", "registered")
    assert mis.told[0].text("status") == "success"


async def test_result_owed_before_a_stop_is_told_after_it(talk: Talk, tmp_path: Path) -> None:
    store = tmp_path / "sandbox.sqlite"
    late = _scenario(Behaviour(callbacks=(Callback(), Callback(delay=HALF_A_SECOND))))
    async with talk(late, store=store) as t:
        paper, mis = t.paper(), t.mis
        await t.bring(paper)
        await mis.wait_for_told()
        async with t.reopen(late, store) as sandbox:
            told = await mis.wait_for_told(2)
            account = await sandbox.account()

    assert len({one.text("emdrId") for one in told}) == 1
    assert account.registered_twice == ()


async def test_message_id_used_before_a_stop_is_known_after_it(talk: Talk, tmp_path: Path) -> None:
    store = tmp_path / "sandbox.sqlite"
    message = "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"
    async with talk(store=store) as t:
        await t.bring(t.paper(), message_id=message)
    async with talk(store=store) as t:
        answer = await t.bring(t.paper(), message_id=message.upper())

    assert b"this MessageID was used before" in answer.raw


async def test_log_proves_who_was_told_what_and_when(talk: Talk) -> None:
    async with talk() as t:
        paper = t.paper()
        await t.bring(paper, message_id="6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001")
        await t.mis.wait_for_told()
        await t.mis.search(CLINIC, kind="121", registerDateBegin="2026-01-01T00:00:00Z")
        async with t.mis.session.get(f"{t.sandbox.url}/log") as response:
            lines = (await response.text()).splitlines()
        out = io.StringIO()
        t.sandbox.remd.export(out)

    entries = [json.loads(line) for line in lines]
    by_kind = {entry["kind"]: entry for entry in entries}
    assert out.getvalue().splitlines() == lines
    assert by_kind["attempt"]["message_id"] == "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"
    assert by_kind["answer"]["answered"] == "accepted"
    assert by_kind["registered"]["number"].startswith("121.77.")
    assert by_kind["callback"]["acknowledged"] is True
    assert by_kind["search"]["complete"] is True
    assert by_kind["search"]["begin"].startswith("2026-01-01")
    assert by_kind["search"]["found"] == paper.local_uid


async def test_account_is_given_over_the_wire_as_well(talk: Talk) -> None:
    async with talk() as t:
        paper = t.paper()
        await t.bring(paper)
        await t.mis.wait_for_told()
        async with t.mis.session.get(f"{t.sandbox.url}/account") as response:
            account = json.loads(await response.text())

    document = account["documents"][paper.local_uid]
    assert (document["expected"], document["standing"]) == ("registered", "registered")
    assert document["registrations"][0]["number"].startswith("121.77.")
    assert account["registered_twice"] == []


async def test_log_and_store_hold_no_snils(talk: Talk, tmp_path: Path) -> None:
    store = tmp_path / "sandbox.sqlite"
    async with talk(store=store) as t:
        paper = t.paper()
        await t.bring(paper)
        await t.mis.wait_for_told()
        await t.mis.search(CLINIC, patientSnils=paper.patient["snils"])
        out = io.StringIO()
        t.sandbox.remd.export(out)

    assert paper.patient["snils"] not in out.getvalue()
    assert paper.patient["lastName"] not in out.getvalue()
