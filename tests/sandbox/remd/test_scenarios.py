"""Every shipped scenario shows its misbehaviour on the wire, and the account keeps the truth."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from gateway.sandbox.remd.opening import SCENARIOS
from gateway.sandbox.scenario import Form, list_scenarios, load_scenario
from tests.sandbox.remd.conftest import CLINIC, Conversation, Talk

RESETS = (aiohttp.ClientError, ConnectionError)


async def wait_until_registered(t: Conversation, number: int = 1) -> None:
    async with asyncio.timeout(20):
        while len(t.sandbox.remd.registry.registrations()) < number:  # noqa: ASYNC110 - no bell
            await asyncio.sleep(0.01)


async def test_slow_answers_and_tells_at_last(talk: Talk) -> None:
    async with talk("slow") as t:
        paper = t.paper("slow")
        answer = await t.bring(paper)
        (told,) = await t.mis.wait_for_told()
        (attempt,) = (await t.sandbox.account()).documents[paper.local_uid].attempts

    assert answer.text("status") == "success"
    assert told.text("status") == "success"
    assert attempt.answered_at is not None
    waited = (attempt.answered_at - attempt.at).total_seconds()
    assert waited >= 20 / 3600


async def test_silent_registers_and_tells_nobody(talk: Talk) -> None:
    async with talk("silent") as t:
        paper = t.paper("registered-silently")
        await t.bring(paper)
        await wait_until_registered(t)
        found = await t.mis.search(CLINIC)
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert found.local_uids() == [paper.local_uid]
    assert (account.callbacks_sent, account.standing) == (0, "registered")


async def test_silent_loses_a_document_until_it_comes_again(talk: Talk) -> None:
    async with talk("silent") as t:
        paper = t.paper("lost")
        await t.bring(paper)
        found = await t.mis.search(CLINIC)
        open_account = await t.sandbox.account()
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()

    assert found.local_uids() == []
    assert open_account.lost([paper.local_uid]) == (paper.local_uid,)
    assert told.text("status") == "success"


@pytest.mark.parametrize(("rule", "registered"), [("taken", 1), ("not-taken", 0)])
async def test_no_sync_answer_holds_the_connection_and_breaks_it(
    talk: Talk, rule: str, registered: int
) -> None:
    async with talk("no-sync-answer") as t:
        paper = t.paper(rule)
        with pytest.raises(RESETS):
            await t.bring(paper)
        if registered:
            await t.mis.wait_for_told()
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert len(account.registrations) == registered
    assert account.attempts[0].answered == "silence"


@pytest.mark.parametrize(
    ("rule", "code"),
    [("timeout-code", "ASYNC_RESPONSE_TIMEOUT"), ("timeout-text", "RUNTIME_ERROR")],
)
async def test_not_in_time_rejects_the_first_attempt_and_registers_the_second(
    talk: Talk, rule: str, code: str
) -> None:
    async with talk("not-in-time") as t:
        paper = t.paper(rule)
        await t.bring(paper)
        await t.mis.wait_for_told()
        await t.bring(paper)
        first, second = await t.mis.wait_for_told(2)
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert first.codes == [code]
    assert second.text("status") == "success"
    assert (account.expected, account.standing) == ("registered", "registered")


async def test_not_in_time_may_hide_a_registration(talk: Talk) -> None:
    async with talk("not-in-time") as t:
        paper = t.paper("registered-after-all")
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()
        found = await t.mis.search(CLINIC)

    assert told.text("message") == "Не удалось зарегистрировать документ за отведенное время"
    assert found.local_uids() == [paper.local_uid]


async def test_early_callback_comes_before_the_synchronous_answer(talk: Talk) -> None:
    async with talk("early-callback") as t:
        answer = await t.bring(t.paper("early"))
        told_before_the_answer = list(t.mis.told)

    assert answer.text("status") == "success"
    assert [told.text("status") for told in told_before_the_answer] == ["success"]


@pytest.mark.parametrize(("rule", "messages"), [("same-message", 1), ("new-message", 2)])
async def test_doubled_tells_the_same_result_twice(talk: Talk, rule: str, messages: int) -> None:
    async with talk("doubled") as t:
        await t.bring(t.paper(rule))
        told = await t.mis.wait_for_told(2)

    assert len({one.header("MessageID") for one in told}) == messages
    assert len({one.text("emdrId") for one in told}) == 1


async def test_reordered_tells_the_later_document_first(talk: Talk) -> None:
    async with talk("reordered") as t:
        held, free = t.paper("held-back", 1), t.paper("as-it-should", 2)
        await t.bring(held)
        await t.bring(free)
        told = await t.mis.wait_for_told(2)

    assert [one.text("localUid") for one in told] == [free.local_uid, held.local_uid]


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [("then-rejected", ["success", "error"]), ("then-registered", ["error", "success"])],
)
async def test_contradicting_tells_both_verdicts_about_one_attempt(
    talk: Talk, rule: str, statuses: list[str]
) -> None:
    async with talk("contradicting") as t:
        await t.bring(t.paper(rule))
        told = await t.mis.wait_for_told(2)

    assert [one.text("status") for one in told] == statuses
    assert len({one.text("relatesToMessage") for one in told}) == 1


async def test_malformed_result_may_be_cut_off(talk: Talk) -> None:
    async with talk("malformed") as t:
        await t.bring(t.paper("broken-xml"))
        (told,) = await t.mis.wait_for_told()

    assert told.root is None
    assert b"registerDocumentResult" in told.raw


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ("no-relates-to", "relatesToMessage"),
        ("no-identifiers", "localUid"),
        ("no-identifiers", "emdrId"),
        ("empty-message", "message"),
    ],
)
async def test_malformed_result_may_leave_out_what_it_is_about(
    talk: Talk, rule: str, missing: str
) -> None:
    async with talk("malformed") as t:
        await t.bring(t.paper(rule))
        (told,) = await t.mis.wait_for_told()

    assert told.text(missing) == ""


async def test_malformed_result_may_relate_to_a_message_nobody_sent(talk: Talk) -> None:
    async with talk("malformed") as t:
        message = "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"
        await t.bring(t.paper("unknown-relates-to"), message_id=message)
        (told,) = await t.mis.wait_for_told()

    assert told.text("relatesToMessage") not in ("", message)


async def test_malformed_result_may_nest_the_kind(talk: Talk) -> None:
    async with talk("malformed") as t:
        await t.bring(t.paper("nested-kind"))
        (told,) = await t.mis.wait_for_told()

    assert told.codes == ["121"]


async def test_malformed_result_may_be_unsigned(talk: Talk) -> None:
    async with talk("malformed") as t:
        await t.bring(t.paper("unsigned"))
        (told,) = await t.mis.wait_for_told()

    assert b"BinarySecurityToken" not in told.raw


async def test_every_form_of_a_callback_is_in_the_malformed_scenario() -> None:
    scenario = load_scenario("malformed", SCENARIOS)

    used = {callback.form for rule in scenario.rules for callback in rule.does.callbacks}

    assert used == set(Form) - {Form.WELL}


async def test_rate_limit_is_a_synchronous_error_of_the_first_attempt(talk: Talk) -> None:
    async with talk("rate-limit") as t:
        paper = t.paper("limited")
        first = await t.bring(paper)
        second = await t.bring(paper)

    assert first.codes() == ["RATE_LIMIT"]
    assert second.text("status") == "success"


@pytest.mark.parametrize(
    ("rule", "marker"),
    [("fault", b"Fault"), ("http-500", b"<html>"), ("fault-but-taken", b"Fault")],
)
async def test_sync_fault_answers_with_http_500(talk: Talk, rule: str, marker: bytes) -> None:
    async with talk("sync-fault") as t:
        answer = await t.bring(t.paper(rule))
        if rule == "fault-but-taken":
            await t.mis.wait_for_told()
        registered = len(t.sandbox.remd.registry.registrations())

    assert answer.status == 500
    assert marker in answer.raw
    assert registered == (rule == "fault-but-taken")


async def test_reset_breaks_the_first_connection_before_the_request_is_read(talk: Talk) -> None:
    async with talk("reset") as t:
        with pytest.raises(RESETS):
            await t.bring(t.paper())
        account = await t.sandbox.account()

    assert account.documents == {}
    assert t.mis.told == []


async def test_reset_breaks_a_connection_after_the_document_was_taken(talk: Talk) -> None:
    async with talk("reset") as t:
        paper = t.paper("reset-but-taken")
        for _ in range(20):  # connections that are reset unread leave no attempt
            with pytest.raises(RESETS):
                await t.bring(paper)
            if paper.local_uid in (await t.sandbox.account()).documents:
                break
        (told,) = await t.mis.wait_for_told()

    assert told.text("status") == "success"


async def test_restart_turns_connections_away_and_comes_back_on_the_same_port(talk: Talk) -> None:
    async with talk("restart", time_scale=120.0) as t:
        for _ in range(5):
            await t.mis.search(CLINIC)
        refused = False
        async with asyncio.timeout(20):
            while not t.sandbox.remd.log.entries(kind="listener_up"):
                try:
                    await t.mis.search(CLINIC)
                except RESETS:
                    refused = True
                await asyncio.sleep(0.001)
        back = await t.mis.search(CLINIC)

    assert refused
    assert back.text("status") == "success"


async def test_no_duplicate_guard_registers_twice_and_the_account_says_so(talk: Talk) -> None:
    async with talk("no-duplicate-guard") as t:
        paper = t.paper()
        await t.bring(paper)
        await t.bring(paper)
        told = await t.mis.wait_for_told(2)
        account = await t.sandbox.account()

    assert len({one.text("emdrId") for one in told}) == 2
    assert account.registered_twice == (paper.local_uid,)


async def test_rejected_names_several_reasons_each_time(talk: Talk) -> None:
    async with talk("rejected") as t:
        paper = t.paper("clinic")
        await t.bring(paper)
        (told,) = await t.mis.wait_for_told()
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert told.codes == ["PERSON_POST_IN_FRMR_MISMATCH", "PATIENT_MPI_MISMATCH"]
    assert (account.expected, account.standing) == ("rejected", "rejected")


async def test_file_unreachable_blames_the_mis_once(talk: Talk) -> None:
    async with talk("file-unreachable") as t:
        paper = t.paper("unreachable")
        await t.bring(paper)
        await t.mis.wait_for_told()
        await t.bring(paper)
        first, second = await t.mis.wait_for_told(2)

    assert first.codes == ["MIS_NOT_AVAILABLE"]
    assert second.text("status") == "success"


async def test_seed_2023_leaves_the_first_search_for_some_without_an_answer(talk: Talk) -> None:
    async with talk("seed-2023") as t:
        paper = t.paper("silent-inquiry")
        await t.bring(paper)
        await wait_until_registered(t)
        with pytest.raises(RESETS):
            await t.mis.search(CLINIC, kind="121", patientSnils=paper.patient["snils"])
        second = await t.mis.search(CLINIC, kind="121", patientSnils=paper.patient["snils"])

    assert second.local_uids() == [paper.local_uid]
    assert t.mis.told == []


async def test_seed_2023_answers_some_first_attempts_only_after_the_resend(talk: Talk) -> None:
    async with talk("seed-2023") as t:
        paper = t.paper("silent-late")
        await t.bring(paper, message_id="6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001")
        before = await t.mis.search(CLINIC)
        await t.bring(paper, message_id="6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0002")
        told = await t.mis.wait_for_told(2)
        account = await t.sandbox.account()

    verdicts = {one.text("relatesToMessage")[-1]: one.text("status") for one in told}
    assert before.local_uids() == []
    assert verdicts == {"1": "success", "2": "error"}
    assert account.registered_twice == ()


@pytest.mark.parametrize(
    ("rule", "status", "text"),
    [
        ("incomplete", 200, b"success"),
        ("fault", 500, b"Fault"),
        ("error", 200, b"INTERNAL_ERROR"),
    ],
)
async def test_search_trouble_gives_two_answers_from_which_nothing_follows(
    talk: Talk, rule: str, status: int, text: bytes
) -> None:
    async with talk("search-trouble") as t:
        paper = t.paper(rule)
        await t.bring(paper)
        await wait_until_registered(t)
        useless = [await t.mis.search(CLINIC) for _ in range(2)]
        useful = await t.mis.search(CLINIC)

    assert [one.status for one in useless] == [status, status]
    assert all(text in one.raw for one in useless)
    assert all(b"hasMore" not in one.raw and b"emdrId" not in one.raw for one in useless)
    assert useful.local_uids() == [paper.local_uid]


def test_every_shipped_scenario_has_a_test_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in list_scenarios(SCENARIOS) if f'talk("{name}"' not in text] == []
