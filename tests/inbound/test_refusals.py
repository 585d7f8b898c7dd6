"""Whatever goes wrong: a reason, a mender, and no word of what a document says."""

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from gateway.findings import Finding, Mender, Severity, Tier
from gateway.inbound import outcomes
from gateway.inbound.senders import read_directory
from gateway.settings import Settings
from tests.inbound.office import MIS, SECRET, Client, Office, OpenClient

XML = {**MIS, "Content-Type": "application/xml"}


async def test_an_unexpected_exception_is_answered_with_an_id_and_tells_nothing(
    client: Client, office: Office
) -> None:
    answer = await client.post("/exchanges", data=b"<broken/>", headers=XML)

    assert answer.status == 500
    text = await answer.text()
    OperationOutcome.model_validate_json(text)
    (line,) = [one for one in office.log_lines() if one["event"] == "Broke"]
    assert line["id"] in text
    assert line["error"] == ["builtins.RuntimeError"]
    assert "office.py" in line["places"][-1]
    for word in SECRET.split()[:3]:
        assert word not in text
        assert word not in office.lines.getvalue()


async def test_what_the_operator_must_mend_is_not_told_to_senders(
    client: Client, office: Office
) -> None:
    answer = await client.post("/exchanges", data=b"<house/>", headers=XML)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    (issue,) = (await answer.json())["issue"]
    assert issue["extension"][0]["valueCode"] == "operator"
    assert "/secret/path" not in await answer.text()
    assert [one["id"] for one in office.log_lines() if one["event"] == "House"] == [
        issue["diagnostics"]
    ]


async def test_the_operator_is_told_what_to_mend(
    office: Office, aiohttp_client: OpenClient
) -> None:
    office.directory = read_directory(Settings())
    office.__post_init__()
    client = await aiohttp_client(office.build())

    answer = await client.post(
        "/exchanges", data=b"<house/>", headers={"Content-Type": "application/xml"}
    )

    (issue,) = (await answer.json())["issue"]
    assert issue["location"] == ["keys.one"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/exchanges", 405), ("POST", "/metrics", 405)],
)
async def test_what_is_no_path_of_ours_is_told_in_the_same_form(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers=MIS)

    assert answer.status == status
    OperationOutcome.model_validate_json(await answer.read())
    assert ("Allow" in answer.headers) == (status == 405)


async def test_a_request_is_one_line_without_its_parameters(client: Client, office: Office) -> None:
    await office.keep("x-1")

    await client.get("/exchanges/x-1?number=SECRET", headers=MIS)
    await client.get("/health/live")

    (line,) = [one for one in office.log_lines() if one["event"] == "Request"]
    shown = ("method", "route", "exchange", "status", "sender", "address")
    assert tuple(line[name] for name in shown) == (
        "GET",
        "/exchanges/{id}",
        "x-1",
        200,
        "mis",
        "127.0.0.1",
    )
    assert "SECRET" not in office.lines.getvalue()


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("code", ["value", "F016"])
def test_every_finding_becomes_a_valid_issue(severity: Severity, code: str) -> None:
    finding = Finding(
        rule="r",
        code=code,
        severity=severity,
        where="",
        texts={"ru": "текст"},
        mender=Mender.VENDOR,
        tier=Tier.STRUCTURE,
    )

    outcome = outcomes.tell_findings((finding,), "kk")

    OperationOutcome.model_validate(outcome)
    assert outcome["issue"][0]["details"]["text"] == "текст"
    assert outcome["issue"][0]["code"] in outcomes.ISSUE_TYPES


def test_no_finding_is_a_valid_outcome_too() -> None:
    OperationOutcome.model_validate(outcomes.tell_findings((), "ru"))
