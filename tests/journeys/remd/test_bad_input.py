"""What bad input gets: a finding with its place and its mender, and never a lost exchange."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from gateway.cli import main
from gateway.doors import SystemClock, SystemIds
from gateway.samples.broken import read_twins
from gateway.samples.maker import Maker
from tests.journeys.house import XML, House, Reply, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 2**20
WHOLE = Maker().make(900_001, now=SystemClock().now(), ids=SystemIds()).content
"""A good document, to be spoiled."""
DOCTYPE = b"""<?xml version="1.0"?>
<!DOCTYPE ClinicalDocument [%s]>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&z;</title></ClinicalDocument>"""
BOMB = b'<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("{"))
)


def cut(mark: bytes) -> bytes:
    return WHOLE[: WHOLE.index(mark) + len(mark)]


def flooded(*, elements: int, each: int) -> bytes:
    names = b" ".join(b'xmlns:n%d="urn:n:%d"' % (one, one) for one in range(each))
    body = b"".join(b"<e%d %s/>" % (one, names) for one in range(elements))
    return b"<ClinicalDocument xmlns='urn:hl7-org:v3'>%s</ClinicalDocument>" % body


def nested(depth: int) -> bytes:
    inside = b"<a>" * depth + b"</a>" * depth
    return b"<ClinicalDocument xmlns='urn:hl7-org:v3'>%s</ClinicalDocument>" % inside


UNREADABLE = {
    "cut-off": (cut(b"</patientRole>"), 400),
    "end-tag-of-another": (WHOLE.replace(b"</patientRole>", b"</patientRoles>"), 400),
    "control-character": (WHOLE.replace(b"</title>", b"\x01</title>"), 400),
    "unbound-prefix": (WHOLE.replace(b"<patientRole>", b"<patientRole><q:a/>"), 400),
    "attribute-twice": (WHOLE.replace(b"<patientRole>", b'<patientRole a="1" a="2">'), 400),
    "not-xml": (b'{"resourceType": "Bundle"}', 400),
    "zeros": (bytes(64), 400),
    "another-root": (b"<Envelope/>", 400),
    "entity-bomb": (DOCTYPE % BOMB, 400),
    "quadratic-entity": (DOCTYPE % (b'<!ENTITY z "%s">' % (b"z" * 100_000)), 400),
    "file-entity": (DOCTYPE % b'<!ENTITY z SYSTEM "file:///etc/passwd">', 400),
    "network-entity": (DOCTYPE % b'<!ENTITY z SYSTEM "http://127.0.0.1:1/z">', 400),
    "cp1251-that-says-utf-8": (WHOLE.decode().encode("cp1251", "replace"), 400),
    "utf-16-that-says-utf-8": (WHOLE.decode().encode("utf-16"), 400),
    "utf-16-without-a-mark": (WHOLE.decode().encode("utf-16-le"), 400),
    "unknown-encoding": (b'<?xml version="1.0" encoding="koi8-r"?><a/>', 400),
    "overlong-utf-8": (WHOLE.replace(b"</title>", b"\xc0\xaf</title>"), 400),
    "nested-too-deep": (nested(1_000), 413),
    "nested-ten-thousandfold": (nested(10_000), 413),
    "nested-just-too-deep": (nested(256), 413),
    "xmlns-flood-on-one-element": (flooded(elements=1, each=100), 413),
    "xmlns-flood-over-all": (flooded(elements=100, each=10), 413),
    "one-text-of-eleven-mib": (
        WHOLE.replace(b"</title>", b"x" * (11 * MIB) + b"</title>"),
        413,
    ),
}
"""What leaves no exchange: bytes, and the status they get."""


def with_edition(template: str, kind: str) -> bytes:
    return WHOLE.replace(b"1.2.643.5.1.13.13.14.34.9.6", template.encode()).replace(
        b'<code code="121"', f'<code code="{kind}"'.encode()
    )


REFUSED = {
    "edition-5": (with_edition("1.2.643.5.1.13.13.14.34.9.5", "109"), "profile.expired"),
    "edition-4": (with_edition("1.2.643.5.1.13.13.14.34.9.4", "34"), "profile.expired"),
    "unknown-kind": (with_edition("1.2.643.5.1.13.13.14.999.9.1", "999"), "profile.unknown"),
    "empty-document": (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "profile.unknown"),
}
"""What leaves one exchange, closed as refused: bytes, and the rule that names the fault."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("bad-input"), pki) as house:
        yield house


async def leaves_nothing(house: House, before: int) -> bool:
    """Tell whether no exchange came of it, and the journal is whole."""
    return await house.count() == before and await house.holds()


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_cannot_be_read_is_answered_with_its_place_and_leaves_no_exchange(
    house: House, name: str
) -> None:
    content, status = UNREADABLE[name]
    before = await house.count()

    reply = await house.post(content)

    assert reply.status == status, reply.text
    assert len(reply.errors()) == 1
    assert reply.exchange == ""
    assert await leaves_nothing(house, before)
    assert await house.says_nothing_of(WHOLE)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_nobody_takes_any_more_leaves_one_exchange_closed_as_refused(
    house: House, name: str
) -> None:
    content, rule = REFUSED[name]
    before = await house.count()

    reply = await house.post(content)

    assert reply.status == 422, reply.text
    assert reply.errors()
    assert rule in reply.rules()
    await closed_as_refused(house, reply, before)
    assert await house.says_nothing_of(WHOLE)


async def closed_as_refused(house: House, reply: Reply, before: int) -> None:
    exchange = await house.exchange(reply.exchange)
    assert (exchange["state"], exchange["outcome"]) == ("closed", "refused")
    assert exchange["findings"]
    assert await house.count() == before + 1
    assert await house.holds()


@pytest.mark.parametrize("name", read_twins())
async def test_a_document_with_one_fault_is_refused(house: House, name: str) -> None:
    twin = read_twins()[name]
    document = house.trial.maker.make_broken(
        910_000 + list(read_twins()).index(name),
        now=SystemClock().now(),
        ids=SystemIds(),
        twin=twin,
    )
    before = await house.count()

    reply = await house.hand_over(document)

    assert reply.status == 422, reply.text
    assert reply.errors()
    await closed_as_refused(house, reply, before)
    assert await house.says_nothing_of(document.content)


@pytest.mark.parametrize("lie", [False, True], ids=["chunked", "with-its-length"])
async def test_a_body_of_a_hundred_megabytes_is_cut_off(house: House, *, lie: bool) -> None:
    before = await house.count()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * MIB

    headers = {**XML, "Content-Length": str(100 * MIB)} if lie else XML
    reply = await house.call("POST", "/exchanges", data=body(), headers=headers)

    assert reply.status == 413
    assert reply.errors()
    assert await leaves_nothing(house, before)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", XML, 400),
        (WHOLE, {"Content-Type": "application/pdf"}, 415),
        (WHOLE, {"Content-Type": "multipart/form-data"}, 400),
        (b"--b\r\n\r\nnothing", {"Content-Type": "multipart/form-data; boundary=b"}, 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="document"\r\n\r\n' + WHOLE,
            {"Content-Type": "multipart/form-data; boundary=b"},
            400,
        ),
    ],
    ids=["empty", "pdf", "no-boundary", "nameless-part", "form-without-its-end"],
)
async def test_a_body_that_is_no_document_is_named(
    house: House, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = await house.count()

    reply = await house.call("POST", "/exchanges", data=body, headers=headers)

    assert reply.status == status, reply.text
    assert reply.errors()
    assert await leaves_nothing(house, before)
    assert await house.says_nothing_of(WHOLE)


async def test_a_body_that_breaks_off_leaves_nothing(house: House) -> None:
    before = await house.count()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.trial.port)

    writer.write(
        b"POST /exchanges HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/xml\r\n"
        b"Content-Length: %d\r\n\r\n" % len(WHOLE)
    )
    writer.write(WHOLE[:2000])
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await house.call("GET", "/health/ready")).status == 200
    assert not await reader.read()
    assert await leaves_nothing(house, before)
    assert '"Broke"' not in house.lines.getvalue()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Transfer-Encoding: chunked", b"zz\r\n<a/>\r\n0\r\n\r\n"),
        (b"Content-Encoding: gzip\r\nContent-Length: 4", b"<a/>"),
        (b"Content-Encoding: deflate\r\nContent-Length: 4", b"<a/>"),
    ],
    ids=["chunks", "gzip", "deflate"],
)
async def test_a_body_that_is_not_packed_as_it_says_is_no_fault_of_ours(
    house: House, headers: bytes, body: bytes
) -> None:
    before = await house.count()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.trial.port)

    writer.write(
        b"POST /exchanges HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        b"Content-Type: application/xml\r\n" + headers + b"\r\n\r\n" + body
    )
    status = (await reader.readline()).split()[1]
    writer.close()

    assert status == b"400"
    assert await leaves_nothing(house, before)
    assert '"Broke"' not in house.lines.getvalue()


async def test_other_bytes_under_an_id_that_is_taken_are_refused_and_named(house: House) -> None:
    document = house.make()
    first = await house.hand_over(document)
    other = document.content.replace(b"</title>", b" </title>")
    before = await house.count()

    reply = await house.post(other)

    assert (first.status, reply.status) == (202, 409)
    assert reply.errors()[0]["code"] == "duplicate"
    assert reply.exchange == first.exchange
    assert await leaves_nothing(house, before)
    assert await house.says_nothing_of(document.content)


async def test_two_with_one_id_at_the_same_moment_become_one_exchange(house: House) -> None:
    document, before = house.make(), await house.count()

    replies = await asyncio.gather(*(house.hand_over(document) for _ in range(5)))

    assert {one.status for one in replies} == {202}
    assert len({one.exchange for one in replies}) == 1
    assert await house.count() == before + 1
    assert await house.holds()


@pytest.mark.parametrize("signer", ["ru-hospital16-organization", "stranger-organization"])
async def test_the_key_of_another_organization_signs_nothing_here(
    house: House, signer: str
) -> None:
    document = house.make("adult-in-person")
    cms = house.sign(signer, document.content)

    reply = await house.hand_over(document, more_signatures=[("organization", cms)])
    exchange = await house.becomes(reply.exchange, lambda one: one["outcome"] is not None)

    errors = [one for one in exchange["findings"] if one["severity"] == "error"]
    assert (exchange["outcome"], exchange["attempt"]) == ("refused", 0)
    assert {one["where"] for one in errors} == {"signature[organization]"}
    assert {one["rule"] for one in errors} == {"signature.another-organization"}
    assert document.local_uid not in (await house.trial.account()).documents
    assert await house.holds()
    assert await house.says_nothing_of(document.content)


CALLS = {
    "no-signature": b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body/>"
    b"</e:Envelope>",
    "no-xml": b"hello",
    "bomb": DOCTYPE % BOMB,
    "nested": nested(10_000),
    "xmlns-flood": flooded(elements=100, each=10),
}


@pytest.mark.parametrize("name", CALLS)
async def test_the_callback_of_a_stranger_gets_a_fault_and_settles_nothing(
    house: House, name: str
) -> None:
    before = await house.count()

    reply = await house.call(
        "POST", "/soap/remd", data=CALLS[name], headers={"Content-Type": "text/xml"}
    )

    assert "Fault" in reply.text
    assert await leaves_nothing(house, before)
    assert await house.says_nothing_of(WHOLE)


@pytest.mark.parametrize("name", [*UNREADABLE, *REFUSED])
async def test_the_command_line_names_the_same_faults(tmp_path: Path, name: str) -> None:
    file = write_bad(tmp_path, name)

    code, told = await run("check", str(file), "--no-packs", "--json")

    errors = [one for one in told["findings"] if one["severity"] == "error"]
    assert code == 1
    assert errors
    assert all(one["where"] and one["mender"] and one["text"] for one in errors)


@pytest.mark.parametrize("name", ["cut-off", "entity-bomb", "xmlns-flood-over-all", "edition-5"])
async def test_sending_a_bad_file_ends_with_one(house: House, tmp_path: Path, name: str) -> None:
    file = write_bad(tmp_path, name)

    code, told = await run("send", str(file), "--to", house.url, "--json")

    errors = [one for one in told["issues"] if one["severity"] == "error"]
    assert code == 1
    assert errors
    assert all(one["location"] and one["extension"][0]["valueCode"] for one in errors)


def write_bad(folder: Path, name: str) -> Path:
    file = folder / "bad.xml"
    file.write_bytes((UNREADABLE | REFUSED)[name][0])
    return file


async def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command beside the house; return its exit code and what it said of the one file."""
    result = await asyncio.to_thread(CliRunner().invoke, main, list(arguments))
    told: dict[str, Any] = json.loads(result.stdout)[0]
    return result.exit_code, told
