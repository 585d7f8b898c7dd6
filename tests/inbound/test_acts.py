"""What a person may do to an exchange, and who may."""

import asyncio
import io

import pytest

from gateway.exchange import events as e
from gateway.inbound.uploads import LARGEST_SIGNATURE
from tests.inbound.office import DELIVERED, DUTY, MIS, MISSING, OTHER, Client, Office

PARKED = (*DELIVERED, e.GaveUp(reason="age"))
ROLE = {"X-Role": "14", "Content-Type": "application/pkcs7-signature"}


async def test_a_document_can_be_taken_back_before_its_delivery(
    client: Client, office: Office
) -> None:
    await office.keep("x-1")

    answer = await client.post("/exchanges/x-1/cancel", headers=MIS)

    assert answer.status == 200
    assert (await answer.json())["outcome"] == "cancelled"
    entries = await office.ledger.timeline("x-1")
    assert entries[-1].facts["by"] == "mis"


async def test_after_the_delivery_it_is_too_late(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED)

    answer = await client.post("/exchanges/x-1/cancel", headers=MIS)

    assert answer.status == 409
    assert (await answer.json())["issue"][0]["code"] == "conflict"


async def test_an_operator_resumes_what_is_parked(client: Client, office: Office) -> None:
    await office.keep("x-1", *PARKED)

    answer = await client.post("/exchanges/x-1/resume", headers=DUTY)

    assert (answer.status, (await answer.json())["state"]) == (200, "awaiting")


async def test_an_operator_releases_what_is_held(client: Client, office: Office) -> None:
    await office.keep("x-1", e.Held(by_exchange="x-0"))

    answer = await client.post("/exchanges/x-1/release", headers=DUTY)

    assert (answer.status, (await answer.json())["held_by"]) == (200, "")


@pytest.mark.parametrize("act", ["resume", "release"])
async def test_an_act_that_means_nothing_here_is_a_conflict(
    client: Client, office: Office, act: str
) -> None:
    await office.keep("x-1")

    answer = await client.post(f"/exchanges/x-1/{act}", headers=DUTY)

    assert answer.status == 409


@pytest.mark.parametrize("act", ["resume", "release"])
async def test_an_operators_act_is_not_a_senders(client: Client, office: Office, act: str) -> None:
    await office.keep("x-1", *PARKED)

    own = await client.post(f"/exchanges/x-1/{act}", headers=MIS)
    foreign = await client.post(f"/exchanges/x-1/{act}", headers=OTHER)

    assert (own.status, foreign.status) == (403, 404)


@pytest.mark.parametrize("act", ["cancel", "signatures"])
async def test_nobody_acts_on_anothers_document(client: Client, office: Office, act: str) -> None:
    await office.keep("x-1", e.Validated(), e.Mapped(), MISSING)

    answer = await client.post(f"/exchanges/x-1/{act}", data=b"cms", headers={**OTHER, **ROLE})

    assert answer.status == 404
    exchange = await office.ledger.get("x-1")
    assert exchange is not None
    assert exchange.state == "awaiting_signature"


async def test_a_signature_that_is_waited_for_is_kept_under_its_role(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", e.Validated(), e.Mapped(), MISSING)

    answer = await client.post("/exchanges/x-1/signatures", data=b"cms", headers={**MIS, **ROLE})

    assert (answer.status, (await answer.json())["state"]) == (200, "mapped")
    (name,) = [
        one for one in await office.ledger.payload_names("x-1") if one.startswith("signature:14:")
    ]
    assert await office.ledger.payload("x-1", name) == b"cms"


@pytest.mark.parametrize(
    ("content", "role", "status"),
    [
        (b"", "14", 400),
        (b"cms", "", 400),
        (b"cms", "doctor", 400),
        (b"cms", "14:..", 400),
        (b"x" * (LARGEST_SIGNATURE + 1), "14", 413),
    ],
)
async def test_a_signature_of_another_form_is_refused(
    client: Client, office: Office, content: bytes, role: str, status: int
) -> None:
    await office.keep("x-1", e.Validated(), e.Mapped(), MISSING)

    answer = await client.post(
        "/exchanges/x-1/signatures",
        data=io.BytesIO(content),
        headers={**MIS, **ROLE, "X-Role": role},
    )

    assert answer.status == status


async def test_a_retry_with_its_key_is_answered_as_the_first_time(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", *PARKED)
    headers = {**DUTY, "Idempotency-Key": "k-1"}

    first = await client.post("/exchanges/x-1/resume", headers=headers)
    second = await client.post("/exchanges/x-1/resume", headers=headers)

    assert (first.status, second.status) == (200, 200)
    assert await first.read() == await second.read()
    events = [one.event for one in await office.ledger.timeline("x-1")]
    assert events.count("Resumed") == 1


async def test_two_at_once_with_one_key_act_once(client: Client, office: Office) -> None:
    await office.keep("x-1", *PARKED)
    headers = {**DUTY, "Idempotency-Key": "k-1"}

    answers = await asyncio.gather(
        *(client.post("/exchanges/x-1/resume", headers=headers) for _ in range(5))
    )

    assert {one.status for one in answers} == {200}


async def test_a_key_is_for_one_request_of_one_sender(client: Client, office: Office) -> None:
    await office.keep("x-1", *PARKED)
    await office.keep("x-2")
    headers = {"Idempotency-Key": "k-1"}

    await client.post("/exchanges/x-1/resume", headers={**DUTY, **headers})
    same_sender = await client.post("/exchanges/x-1/cancel", headers={**DUTY, **headers})
    other_sender = await client.post("/exchanges/x-2/cancel", headers={**MIS, **headers})

    assert (same_sender.status, other_sender.status) == (422, 200)


async def test_what_failed_under_a_key_may_be_tried_again(client: Client, office: Office) -> None:
    exchange = await office.keep("x-1", *DELIVERED)
    headers = {**DUTY, "Idempotency-Key": "k-1"}

    first = await client.post("/exchanges/x-1/resume", headers=headers)
    await office.desk.write(exchange, e.GaveUp(reason="age"))
    second = await client.post("/exchanges/x-1/resume", headers=headers)

    assert (first.status, second.status) == (409, 200)


async def test_a_key_of_a_document_is_for_no_act(client: Client, office: Office) -> None:
    headers = {**MIS, "Idempotency-Key": "k-1", "Content-Type": "application/xml"}
    taken = await client.post("/exchanges", data=b"<d/>", headers=headers)

    answer = await client.post(f"{taken.headers['Location']}/cancel", headers=headers)

    assert answer.status == 422
