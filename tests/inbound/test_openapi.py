"""The description of the API is complete and honest: the running server is held to it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.doors import SystemIds
from gateway.exchange import events as e
from gateway.inbound.openapi import describe_api
from gateway.inbound.server import ROUTES
from tests.inbound.office import (
    DELIVERED,
    DUTY,
    MIS,
    MISSING,
    REGISTERED,
    Client,
    Office,
    serve_in_thread,
)

API = describe_api(("remd",))
SCHEMA = schemathesis.openapi.from_dict(API)
OPERATIONS = {
    one.ok().label: one.ok() for one in SCHEMA.get_all_operations() if isinstance(one, Ok)
}
schemathesis.serializer.alias("application/pkcs7-signature", "application/octet-stream")
EXCEPT: dict[str, list[CheckFunction]] = {
    # A document has a form that no JSON Schema tells.
    "POST /exchanges": [positive_data_acceptance],
    # SOAP 1.1 §6.2: a Fault comes with 500; here nobody's call is signed.
    "POST /soap/{name}": [not_a_server_error, positive_data_acceptance],
}
"""What cannot be held against an operation."""
KEPT = ("x-1", "x-2", "x-3", "x-4")


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {f"{one.method} {re.sub(r':[^{}]*(?:{[0-9,]+})?}', '}', one.path)}" for one in ROUTES}

    described = {
        f"{method.upper()} {path}" for path, methods in API["paths"].items() for method in methods
    }

    assert described == routes


def test_without_callback_doors_there_is_no_soap() -> None:
    assert not [path for path in describe_api(())["paths"] if path.startswith("/soap")]


async def test_the_description_is_served_to_everybody(client: Client) -> None:
    answer = await client.get("/openapi.json")

    assert (answer.status, await answer.json()) == (200, API)


async def _fill(office: Office) -> None:
    await office.keep("x-1", *DELIVERED, REGISTERED)
    await office.keep("x-2", e.Validated(), e.Mapped(), MISSING)
    await office.keep("x-3", *DELIVERED, e.GaveUp(reason="age"))
    await office.keep("x-4", e.Held(by_exchange="x-3"), sender="other")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run a server in a thread of its own: schemathesis calls it as anybody would."""
    with serve_in_thread(Office(), _fill) as address:
        yield address


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_the_running_server_keeps_to_the_description(url: str, label: str) -> None:
    operation = OPERATIONS[label]

    @settings(
        max_examples=20,
        deadline=None,
        database=None,
        derandomize=True,  # a judge that throws dice would stop unrelated work
        suppress_health_check=[*HealthCheck],
    )
    @given(
        case=operation.as_strategy(),
        kept=st.sampled_from(("", *KEPT)),
        headers=st.sampled_from((MIS, DUTY)),
    )
    def hold(case: Case[Any], kept: str, headers: dict[str, str]) -> None:
        if kept and "id" in case.path_parameters:
            case.path_parameters["id"] = kept
        case.query.pop("wait", None)
        if "Idempotency-Key" in case.headers:
            # One key for two requests is a fault that other tests show.
            case.headers["Idempotency-Key"] = SystemIds().new()

        case.call_and_validate(base_url=url, headers=headers, excluded_checks=EXCEPT.get(label))

    hold()
