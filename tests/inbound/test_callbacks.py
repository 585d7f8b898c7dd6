"""Where state systems call us."""

from collections.abc import AsyncIterator

import pytest

from tests.inbound.office import DELIVERED, Client, Office


async def test_a_signed_answer_settles_the_exchange_and_is_answered_as_the_door_says(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", *DELIVERED)

    answer = await client.post("/soap/remd", data=b"<signed/>", headers={"X-Local-Uid": "x-1"})

    assert (answer.status, await answer.read()) == (200, b"<ok/>")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    exchange = await office.ledger.get("x-1")
    assert exchange is not None
    assert exchange.outcome == "registered"
    value = office.metrics.registry.get_sample_value
    assert value("mse_gateway_answers_total", {"endpoint": "remd", "kind": "registered"}) == 1


async def test_an_unsigned_call_settles_nothing_and_is_counted(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", *DELIVERED)

    answer = await client.post("/soap/remd", data=b"<forged/>", headers={"X-Local-Uid": "x-1"})

    assert (answer.status, answer.content_type) == (500, "application/soap+xml")
    exchange = await office.ledger.get("x-1")
    assert exchange is not None
    assert exchange.outcome is None
    value = office.metrics.registry.get_sample_value
    assert value("mse_gateway_answers_total", {"endpoint": "remd", "kind": "unverified"}) == 1


@pytest.mark.parametrize("query", ["?wsdl", "?WSDL", "?wsdl=1"])
async def test_the_description_is_served(client: Client, query: str) -> None:
    answer = await client.get(f"/soap/remd{query}")

    assert (answer.status, answer.content_type) == (200, "text/xml")
    assert await answer.read() == b"<definitions/>"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/soap/remd", 400),
        ("GET", "/soap/nobody?wsdl", 404),
        ("POST", "/soap/nobody", 404),
        ("PUT", "/soap/remd", 405),
    ],
)
async def test_other_calls_are_told_what_is_wrong(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, data=b"<signed/>")

    assert answer.status == status
    assert answer.content_type == "application/fhir+json"


@pytest.mark.parametrize("in_chunks", [None, "in chunks"])
async def test_a_call_over_the_doors_limit_is_refused_and_counted_as_unverified(
    client: Client, office: Office, in_chunks: str | None
) -> None:
    large = b"<signed/>" + b" " * 1024

    answer = await client.post("/soap/remd", data=_in_chunks(large) if in_chunks else large)

    assert answer.status == 413
    value = office.metrics.registry.get_sample_value
    assert value("mse_gateway_answers_total", {"endpoint": "remd", "kind": "unverified"}) == 1


async def _in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100):
        yield content[start : start + 100]
