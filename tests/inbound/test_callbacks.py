"""Where state systems call us."""

import pytest

from gateway.settings import ServerSettings
from tests.inbound.office import DELIVERED, Client, Office, OpenClient


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


async def test_a_call_over_the_limit_is_refused(office: Office, aiohttp_client: OpenClient) -> None:
    office.server = ServerSettings(max_body_mib=0)
    office.__post_init__()
    client = await aiohttp_client(office.build())

    answer = await client.post("/soap/remd", data=b"<signed/>")

    assert answer.status == 413
