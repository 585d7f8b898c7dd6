"""Inboxes, the outcome table, and what an operator's tools read."""

import asyncio
from datetime import timedelta
from urllib.parse import quote

import pytest

from gateway.exchange import events as e
from gateway.telemetry.health import Condition, Health, stand
from tests.inbound.office import (
    DELIVERED,
    DUTY,
    FINDING,
    MIS,
    NOON,
    OTHER,
    REGISTERED,
    Client,
    Office,
    OpenClient,
)


async def test_an_inbox_tells_its_sender_alone(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED, REGISTERED)
    await office.keep("x-2", e.Refused(findings=(FINDING,)))

    mine = await (await client.get("/inbox", headers=MIS)).json()
    theirs = await (await client.get("/inbox", headers=OTHER)).json()

    assert [(one["exchange"], one["kind"]) for one in mine["entries"]] == [
        ("x-1", "handed-over"),
        ("x-1", "registered"),
        ("x-2", "refused"),
    ]
    assert mine["entries"][1]["number"] == "77.1"
    assert mine["entries"][2]["findings"][0]["text"] == "СНИЛС не проходит проверку"
    assert theirs["entries"] == []


async def test_an_inbox_is_read_on_from_where_one_stopped(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED, REGISTERED)

    first = await (await client.get("/inbox?limit=1", headers=MIS)).json()
    second = await (await client.get(first["next"], headers=MIS)).json()
    third = await (await client.get(second["next"], headers=MIS)).json()

    kinds = [[one["kind"] for one in page["entries"]] for page in (first, second, third)]
    assert kinds == [["handed-over"], ["registered"], []]
    assert third["next"] == second["next"]


async def test_an_operator_may_read_any_inbox_and_a_sender_only_its_own(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", e.Cancelled(by="mis"))

    operator = await client.get("/inbox?sender=mis", headers=DUTY)
    other = await client.get("/inbox?sender=mis", headers=OTHER)

    assert len((await operator.json())["entries"]) == 1
    assert other.status == 403


async def test_a_long_poll_is_answered_when_something_comes(client: Client, office: Office) -> None:
    exchange = await office.keep("x-1")

    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(client.get("/inbox?wait=60", headers=MIS))
        await asyncio.sleep(0.05)
        await office.desk.write(exchange, e.Cancelled(by="mis"))

    body = await poll.result().json()
    assert [one["kind"] for one in body["entries"]] == ["cancelled"]


async def test_a_report_counts_what_became_of_all(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED, REGISTERED)
    await office.keep("x-2", *DELIVERED, e.TurnedAway(in_time=False))
    await office.keep("x-3", e.Refused(findings=(FINDING,)), sender="other")
    await office.keep("x-4", *DELIVERED, e.GaveUp(reason="age"))
    office.clock.moment += timedelta(hours=2)

    body = await (await client.get("/report?by=endpoint,document", headers=DUTY)).json()

    (row,) = body["rows"]
    assert (row["endpoint"], row["document"]) == ("remd", "ru-088u")
    counts = ("documents", "registered", "refused", "awaiting", "parked", "not_registered_in_time")
    assert {name: row[name] for name in counts} == {
        "documents": 4,
        "registered": 1,
        "refused": 1,
        "awaiting": 1,
        "parked": 1,
        "not_registered_in_time": 1,
    }
    assert row["shares"]["registered"] == 0.25
    assert body["total"]["documents"] == 4


async def test_a_senders_report_is_about_its_own(client: Client, office: Office) -> None:
    await office.keep("x-1")
    await office.keep("x-2", sender="other")

    body = await (await client.get("/report?by=organization", headers=OTHER)).json()

    assert body["total"]["documents"] == 1
    assert [row["organization"] for row in body["rows"]] == ["1.2.643.5.1"]


async def test_a_report_is_of_a_span(client: Client, office: Office) -> None:
    await office.keep("x-1")
    after = quote((NOON + timedelta(seconds=1)).isoformat())

    later = await (await client.get(f"/report?from={after}", headers=DUTY)).json()
    earlier = await (await client.get(f"/report?to={after}", headers=DUTY)).json()

    assert (later["rows"], later["total"]["documents"]) == ([], 0)
    assert earlier["total"]["documents"] == 1


@pytest.mark.parametrize("query", ["by=patient", "by=endpoint,x", "state=parked", "from=x"])
async def test_a_slip_in_a_report_is_named(client: Client, query: str) -> None:
    answer = await client.get(f"/report?{query}", headers=DUTY)

    assert answer.status == 400


async def test_the_metrics_follow_the_ledger_at_each_scrape(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED)
    office.clock.moment += timedelta(minutes=5)

    text = await (await client.get("/metrics")).text()

    assert 'mse_gateway_exchanges_open{endpoint="remd",state="awaiting"} 1.0' in text
    assert 'mse_gateway_oldest_awaiting_seconds{endpoint="remd"} 300.0' in text
    assert 'mse_gateway_attempts_total{endpoint="remd",reason="first"} 1.0' in text


async def test_it_lives_while_it_answers(client: Client) -> None:
    answer = await client.get("/health/live")

    assert (answer.status, await answer.json()) == (200, {"live": True})


async def test_it_is_not_ready_while_something_vital_is_missing(
    office: Office, aiohttp_client: OpenClient
) -> None:
    office.health = Health({"signatures": stand(Condition(ready=False, text="no GOST backend"))})
    office.__post_init__()
    client = await aiohttp_client(office.build())

    answer = await client.get("/health/ready")

    assert answer.status == 503
    assert (await answer.json())["conditions"]["signatures"]["text"] == "no GOST backend"
