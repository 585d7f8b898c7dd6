"""Handing over a document, and asking what became of it."""

import asyncio
import hashlib
import io

import pytest
from aiohttp import MultipartWriter
from fhir.resources.R4B.operationoutcome import OperationOutcome

from gateway.exchange import events as e
from gateway.ports import SignerCms
from gateway.settings import ServerSettings
from tests.inbound.office import (
    DELIVERED,
    DUTY,
    MIS,
    OTHER,
    REGISTERED,
    Client,
    Office,
    OpenClient,
)

FORM_PART = b"--b\r\nContent-Disposition: form-data; name=document\r\n"
XML = {**MIS, "Content-Type": "application/xml"}


def multipart(*parts: tuple[str, bytes, dict[str, str]]) -> MultipartWriter:
    writer = MultipartWriter("form-data")
    for name, content, headers in parts:
        part = writer.append(io.BytesIO(content), headers)
        part.set_content_disposition("form-data", name=name, filename="f")
    return writer


DOCUMENT = ("document", b"<d/>", {"Content-Type": "application/xml; charset=utf-8"})


def signature(role: str, content: bytes = b"cms") -> tuple[str, bytes, dict[str, str]]:
    return ("signature", content, {"Content-Type": "application/pkcs7-signature", "X-Role": role})


async def test_a_document_is_taken_and_its_place_named(client: Client, office: Office) -> None:
    answer = await client.post("/exchanges", data=b"<d/>", headers=XML)

    assert answer.status == 202
    body = await answer.json()
    assert answer.headers["Location"] == f"/exchanges/{body['id']}"
    assert (body["state"], body["outcome"], body["sender"]) == ("received", None, "mis")
    assert office.clerk.seen[0].content == b"<d/>"


async def test_the_same_document_again_has_the_same_place(client: Client) -> None:
    first = await client.post("/exchanges", data=b"<d/>", headers=XML)
    second = await client.post("/exchanges", data=b"<d/>", headers=XML)

    assert second.status == 202
    assert second.headers["Location"] == first.headers["Location"]


async def test_a_faulty_document_gets_every_problem_and_its_refused_exchange(
    client: Client,
) -> None:
    headers = {**XML, "Accept-Language": "de, en;q=0.5, ru;q=0.1"}

    answer = await client.post("/exchanges", data=b"<refuse/>", headers=headers)

    assert answer.status == 422
    OperationOutcome.model_validate_json(await answer.read())
    (issue,) = (await answer.json())["issue"]
    assert issue["details"]["text"] == "the СНИЛС fails its check"
    assert issue["location"] == ["/ClinicalDocument/recordTarget"]
    assert [one["code"] for one in issue["details"]["coding"]] == ["ru-088u.snils", "У1-3"]
    assert issue["extension"] == [
        {"url": "urn:mse-gateway:mender", "valueCode": "sender"},
        {"url": "urn:mse-gateway:tier", "valueCode": "rules"},
        {"url": "urn:mse-gateway:line", "valuePositiveInt": 12},
    ]
    refused = await client.get(answer.headers["Location"], headers=MIS)
    assert (await refused.json())["outcome"] == "refused"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"no xml", "application/xml", 400),
        (b"", "application/xml", 400),
        (b"<d/>", "text/plain", 415),
        (b"<d/>", "application/octet-stream", 415),
        (b"<not-yours/>", "application/xml", 403),
        (b"<weather/>", "application/xml", 503),
    ],
)
async def test_what_cannot_be_taken_is_answered_with_its_reason(
    client: Client, content: bytes, content_type: str, status: int
) -> None:
    headers = {**MIS, "Content-Type": content_type}

    answer = await client.post("/exchanges", data=content, headers=headers)

    assert answer.status == status
    assert answer.content_type == "application/fhir+json"
    OperationOutcome.model_validate_json(await answer.read())
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_a_form_brings_the_document_and_one_part_a_signer(
    client: Client, office: Office
) -> None:
    data = multipart(signature("14", b"one"), DOCUMENT, signature("organization", b"two"))

    answer = await client.post("/exchanges", data=data, headers=MIS)

    assert answer.status == 202
    (submission,) = office.clerk.seen
    assert (submission.content, submission.content_type) == (b"<d/>", "application/xml")
    assert submission.signatures == (
        SignerCms(role="14", content=b"one"),
        SignerCms(role="organization", content=b"two"),
    )


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (signature("14"),),
        (DOCUMENT, DOCUMENT),
        (DOCUMENT, signature("")),
        (DOCUMENT, signature("doctor")),
        (DOCUMENT, signature("14", b"")),
        (DOCUMENT, ("other", b"x", {})),
        (("document", b"", {}),),
    ],
)
async def test_a_form_of_other_parts_is_malformed(
    client: Client, office: Office, parts: tuple[tuple[str, bytes, dict[str, str]], ...]
) -> None:
    answer = await client.post("/exchanges", data=multipart(*parts), headers=MIS)

    assert answer.status == 400
    assert not office.clerk.seen


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=document\r\n\r\n<d/>", "; boundary=b"),
        (b"garbage", "; boundary=b"),
        (b"--b\r\nno header at all\r\n\r\n<d/>\r\n--b--", "; boundary=b"),
        (b"--b\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n<d/>\r\n--b--", "; boundary=b"),
        (b"--b\r\n\r\n<d/>\r\n--b--", ""),
        (b"", "; boundary=b"),
        (
            FORM_PART + b"Content-Transfer-Encoding: base64\r\n\r\nPGQvPg==\r\n--b--\r\n",
            "; boundary=b",
        ),
        (FORM_PART + b"Content-Length: many\r\n\r\n<d/>\r\n--b--\r\n", "; boundary=b"),
        (FORM_PART + b"Content-Length: 9999\r\n\r\n<d/>\r\n--b--\r\n", "; boundary=b"),
        (
            b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--",
            "; boundary=b",
        ),
    ],
)
async def test_a_broken_form_is_the_senders_fault(
    client: Client, body: bytes, boundary: str
) -> None:
    headers = {**MIS, "Content-Type": f"multipart/form-data{boundary}"}

    answer = await client.post("/exchanges", data=body, headers=headers)

    assert answer.status in {400, 415}
    OperationOutcome.model_validate_json(await answer.read())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("as_form", [False, True])
async def test_a_body_over_the_limit_is_refused_unread(
    office: Office, aiohttp_client: OpenClient, *, chunked: bool, as_form: bool
) -> None:
    office.server = ServerSettings(max_body_mib=1)
    office.__post_init__()
    client = await aiohttp_client(office.build())
    content = b"<d>" + b"x" * (1 << 20) + b"</d>"
    data = multipart(("document", content, DOCUMENT[2])) if as_form else io.BytesIO(content)

    answer = await client.post(
        "/exchanges", data=data, headers=MIS if as_form else XML, chunked=chunked or None
    )

    assert answer.status == 413
    assert not office.clerk.seen


async def test_a_taken_identity_names_the_exchange_and_both_hashes(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", local_uid="taken")

    answer = await client.post("/exchanges", data=b"<taken/>", headers=XML)

    assert answer.status == 409
    assert answer.headers["Location"] == "/exchanges/x-1"
    text = await answer.text()
    assert hashlib.sha256(b"<taken/>").hexdigest() in text
    assert "0" * 64 in text


async def test_a_taken_identity_of_another_sender_tells_nothing_of_it(
    client: Client, office: Office
) -> None:
    await office.keep("x-1", local_uid="taken", sender="other")

    answer = await client.post("/exchanges", data=b"<taken/>", headers=XML)

    assert answer.status == 409
    assert "Location" not in answer.headers
    text = await answer.text()
    assert "x-1" not in text
    assert "f" * 64 not in text


async def test_the_same_key_with_another_body_is_refused(client: Client) -> None:
    headers = {**XML, "Idempotency-Key": "k-1"}
    first = await client.post("/exchanges", data=b"<d/>", headers=headers)

    again = await client.post("/exchanges", data=b"<d/>", headers=headers)
    other = await client.post("/exchanges", data=b"<e/>", headers=headers)

    assert again.headers["Location"] == first.headers["Location"]
    assert other.status == 422


@pytest.mark.parametrize(
    ("path", "headers", "where"),
    [
        ("/exchanges?confirm=yes", {}, "confirm"),
        ("/exchanges?prepare", {}, "prepare"),
        ("/exchanges", {"Idempotency-Key": "with space"}, "Idempotency-Key"),
    ],
)
async def test_a_slip_in_the_request_is_named(
    client: Client, office: Office, path: str, headers: dict[str, str], where: str
) -> None:
    answer = await client.post(path, data=b"<d/>", headers={**XML, **headers})

    assert answer.status == 400
    assert (await answer.json())["issue"][0]["location"] == [where]
    assert not office.clerk.seen


async def test_the_sender_may_say_that_it_is_no_double(client: Client, office: Office) -> None:
    await client.post("/exchanges?confirm=new-document", data=b"<d/>", headers=XML)
    await client.post("/exchanges", data=b"<e/>", headers=XML)

    assert [one.confirm_new for one in office.clerk.seen] == [True, False]


async def test_an_operator_hands_over_nothing(client: Client, office: Office) -> None:
    headers = {**DUTY, "Content-Type": "application/xml"}

    answer = await client.post("/exchanges", data=b"<d/>", headers=headers)

    assert answer.status == 403
    assert not office.clerk.seen


async def test_whoever_waits_is_answered_when_the_outcome_is_known(
    client: Client, office: Office
) -> None:
    async def settle() -> None:
        await office.ledger.wait_for_bell()
        (exchange,) = await office.ledger.find_document(hashlib.sha256(b"<d/>").hexdigest())
        for event in (*DELIVERED, REGISTERED):
            exchange = await office.desk.write(exchange, event)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(settle())
        headers = {**XML, "Prefer": "respond-async; foo=1, wait=60"}
        answer = await client.post("/exchanges", data=b"<d/>", headers=headers)

    assert answer.status == 200
    body = await answer.json()
    assert (body["outcome"], body["number"]) == ("registered", "77.1")
    assert answer.headers["Preference-Applied"] == "wait=60"


async def test_whoever_waits_in_vain_is_told_where_to_ask(client: Client) -> None:
    answer = await client.post("/exchanges", data=b"<d/>", headers={**XML, "Prefer": "wait=0"})

    assert answer.status == 202
    assert answer.headers["Location"]


async def test_an_exchange_shows_how_it_stands(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED)

    body = await (await client.get("/exchanges/x-1", headers=MIS)).json()

    shown = ("state", "duty", "due", "endpoint", "document", "attempt", "first_sent_at")
    assert {name: body[name] for name in shown} == {
        "state": "awaiting",
        "duty": "inquire",
        "due": "2026-11-25T13:00:00+00:00",
        "endpoint": "remd",
        "document": "ru-088u",
        "attempt": 0,
        "first_sent_at": "2026-11-25T12:00:00+00:00",
    }


async def test_the_timeline_shows_every_event_and_message(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED)

    body = await (await client.get("/exchanges/x-1/timeline", headers=MIS)).json()

    events = [one["event"] for one in body["events"]]
    assert events == ["Received", *(type(one).__name__ for one in DELIVERED)]
    (message,) = body["events"][4]["messages"]
    assert message == {
        "direction": "out",
        "name": "registerDocument",
        "message_id": "urn:uuid:1",
        "relates_to": "",
        "sha256": hashlib.sha256(b"<soap/>").hexdigest(),
        "size": 7,
        "note": "",
        "body": f"/exchanges/x-1/timeline/{body['events'][4]['sequence']}/0",
    }
    travelled = await client.get(message["body"], headers=MIS)
    assert await travelled.read() == b"<soap/>"
    assert travelled.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("place", ["1/0", "5/1", "99/0", "0/0"])
async def test_a_message_that_is_not_there_is_not_found(
    client: Client, office: Office, place: str
) -> None:
    await office.keep("x-1", *DELIVERED)

    answer = await client.get(f"/exchanges/x-1/timeline/{place}", headers=MIS)

    assert answer.status == 404


async def test_the_document_comes_back_byte_for_byte(client: Client, office: Office) -> None:
    await office.keep("x-1")

    document = await client.get("/exchanges/x-1/document", headers=MIS)
    payload = await client.get("/exchanges/x-1/payload", headers=MIS)

    assert await document.read() == await payload.read() == b"<d id='x-1'/>"
    assert document.content_type == "application/xml"


async def test_the_mapped_form_is_what_is_to_be_signed(client: Client, office: Office) -> None:
    mapped = e.Mapped(keeps=(e.Payload(name="payload", content=b'{"a": 1}'),))
    await office.keep("x-1", e.Validated(), mapped)

    payload = await client.get("/exchanges/x-1/payload", headers=MIS)

    assert await payload.read() == b'{"a": 1}'
    assert payload.content_type == "application/json"


PATHS = ("", "/timeline", "/timeline/5/0", "/document", "/payload")


@pytest.mark.parametrize("path", PATHS)
async def test_another_senders_exchange_is_not_there(
    client: Client, office: Office, path: str
) -> None:
    await office.keep("x-1", *DELIVERED)

    theirs = await client.get(f"/exchanges/x-1{path}", headers=OTHER)
    nobodys = await client.get(f"/exchanges/x-2{path}", headers=OTHER)
    operators = await client.get(f"/exchanges/x-1{path}", headers=DUTY)

    assert (theirs.status, nobodys.status, operators.status) == (404, 404, 200)
    assert await theirs.read() == await nobodys.read()


@pytest.mark.parametrize("path", ["/exchanges/x%00", "/exchanges/..%2f..", "/exchanges/%D0%B9"])
async def test_what_is_no_id_is_not_found(client: Client, path: str) -> None:
    answer = await client.get(path, headers=MIS)

    assert answer.status == 404


async def test_a_search_shows_ones_own_newest_first(client: Client, office: Office) -> None:
    await office.keep("x-1", *DELIVERED)
    await office.keep("x-2", sender="other")
    await office.keep("x-3")

    mine = await (await client.get("/exchanges", headers=MIS)).json()
    all_ = await (await client.get("/exchanges", headers=DUTY)).json()
    asked = await (await client.get("/exchanges?sender=other", headers=MIS)).json()

    assert [one["id"] for one in mine["exchanges"]] == ["x-3", "x-1"]
    assert [one["id"] for one in all_["exchanges"]] == ["x-3", "x-2", "x-1"]
    assert [one["id"] for one in asked["exchanges"]] == ["x-3", "x-1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=awaiting", ["x-1"]),
        ("state=awaiting,received", ["x-2", "x-1"]),
        ("state=awaiting&state=received", ["x-2", "x-1"]),
        ("outcome=registered", []),
        ("endpoint=eaviias", []),
        ("local_uid=X-2", ["x-2"]),
        ("due_before=2026-11-25T12:30:00Z", ["x-2"]),
        ("due_before=2026-11-25T15:30:00%2B03:00", ["x-2"]),
        ("due_before=2026-11-25T15:30:00+03:00", ["x-2"]),
        ("from=2026-11-26", []),
        ("to=2026-11-26", ["x-2", "x-1"]),
    ],
)
async def test_a_search_filters(
    client: Client, office: Office, query: str, found: list[str]
) -> None:
    await office.keep("x-1", *DELIVERED)
    await office.keep("x-2")

    body = await (await client.get(f"/exchanges?{query}", headers=MIS)).json()

    assert [one["id"] for one in body["exchanges"]] == found


async def test_pages_follow_each_other_to_the_last(client: Client, office: Office) -> None:
    for number in range(5):
        await office.keep(f"x-{number}")
    seen: list[str] = []
    path: str | None = "/exchanges?state=received&limit=2"

    while path:
        page = await (await client.get(path, headers=MIS)).json()
        seen += [one["id"] for one in page["exchanges"]]
        path = page.get("next")

    assert seen == ["x-4", "x-3", "x-2", "x-1", "x-0"]


async def test_a_page_that_ends_with_the_last_one_has_no_next(
    client: Client, office: Office
) -> None:
    await office.keep("x-1")

    page = await (await client.get("/exchanges?limit=1", headers=MIS)).json()

    assert "next" not in page


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("state=lost", "state"),
        ("outcome=", None),
        ("outcome=lost", "outcome"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=٣", "limit"),
        ("due_before=yesterday", "due_before"),
        ("due_before=2026-11-25T12:00:00", "due_before"),
        ("due_before=0001-01-01T00:00:00%2B23:00", "due_before"),
        ("endpoint=a%00b", "endpoint"),
        ("endpoint=" + "a" * 257, "endpoint"),
        ("patient=11223344595", "patient"),
    ],
)
async def test_a_slip_in_a_search_is_named(client: Client, query: str, where: str | None) -> None:
    answer = await client.get(f"/exchanges?{query}", headers=MIS)

    if where is None:
        assert answer.status == 200
    else:
        assert answer.status == 400
        assert (await answer.json())["issue"][0]["location"] == [where]


async def test_intake_is_timed(client: Client, office: Office) -> None:
    await client.post("/exchanges", data=b"<d/>", headers=XML)

    assert office.metrics.registry.get_sample_value("mse_gateway_intake_seconds_count") == 1
