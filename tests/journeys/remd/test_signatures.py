"""Signatures that are missing, late or of nobody's key: what waits, is refused, goes on."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.samples.maker import SampleDocument
from tests.journeys.house import House, Reply, open_house, operator, sender

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINES = (*sender("now"), *sender("later", signatures="later"), operator("chief"))
CLINIC77, HOSPITAL16 = "1.2.643.5.1.13.13.12.2.77.8481", "1.2.643.5.1.13.13.12.2.16.9016"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Open a gateway that has no key of hospital 916."""
    folder = tmp_path_factory.mktemp("signatures")
    missing = ["hospital16-organization"]
    async with open_house(folder, pki, lines=LINES, without_keys=missing) as house:
        yield house


def document_of(house: House, organization: str) -> SampleDocument:
    made = (house.make(name) for name in house.trial.maker.examples)
    return next(one for one in made if one.organization == organization)


async def give(house: House, exchange_id: str, role: str, cms: bytes, by: str = "later") -> Reply:
    return await house.call(
        "POST",
        f"/exchanges/{exchange_id}/signatures",
        token=by,
        data=BytesIO(cms),
        headers={"X-Role": role, "Content-Type": "application/pkcs7-signature"},
    )


async def waits(house: House, exchange_id: str, token: str) -> dict[str, Any]:
    return await house.becomes(
        exchange_id, lambda one: one["state"] == "awaiting_signature", token=token
    )


async def test_without_its_signatures_a_document_is_refused_and_each_is_named(
    house: House,
) -> None:
    document, before = document_of(house, CLINIC77), await house.count()

    reply = await house.post(document.content, token="now")

    roles = {one.role for one in document.signatures} - {"organization"}
    places = {place for one in reply.errors() for place in one["location"]}
    exchange = await house.exchange(reply.exchange, token="now")
    assert reply.status == 422
    assert places == {f"signature[{role}]" for role in roles}
    assert (exchange["state"], exchange["outcome"]) == ("closed", "refused")
    assert await house.count() == before + 1
    assert await house.holds()
    assert await house.says_nothing_of(document.content)


async def test_where_they_come_later_the_exchange_waits_and_goes_on_with_the_last(
    house: House,
) -> None:
    document = document_of(house, CLINIC77)
    reply = await house.post(document.content, token="later")
    waiting = await waits(house, reply.exchange, "later")
    named = {one["where"] for one in waiting["findings"] if one["severity"] == "error"}
    payload = await house.call("GET", f"/exchanges/{reply.exchange}/payload", token="later")

    signers = [one for one in document.signatures if one.role != "organization"]
    for one in signers:
        given = await give(house, reply.exchange, one.role, one.content)
        assert given.status in {200, 409}, given.text
        if given.status == 409:  # it was looked at in between
            await waits(house, reply.exchange, "later")
            assert (await give(house, reply.exchange, one.role, one.content)).status == 200
    closed = await house.becomes(
        reply.exchange, lambda one: one["state"] == "closed", token="later"
    )

    assert payload.text.encode() == document.content
    assert named == {f"signature[{one.role}]" for one in signers}
    assert closed["outcome"] == "registered"
    assert (await house.trial.account()).documents[document.local_uid].standing == "registered"
    assert await house.holds()


async def test_an_organization_without_a_key_here_waits_whatever_its_sender_says(
    house: House,
) -> None:
    document = document_of(house, HOSPITAL16)

    reply = await house.hand_over(document, token="now")
    waiting = await waits(house, reply.exchange, "now")

    missing = [one for one in waiting["findings"] if one["rule"] == "signature.key-missing"]
    assert reply.status == 202
    assert waiting["outcome"] is None
    assert {(one["where"], one["mender"]) for one in missing} == {
        ("signature[organization]", "operator")
    }
    assert document.local_uid not in (await house.trial.account()).documents
    assert await house.holds()


async def test_the_organization_may_bring_its_own_signature(house: House) -> None:
    document = document_of(house, HOSPITAL16)
    reply = await house.hand_over(document, token="now")
    await waits(house, reply.exchange, "now")

    cms = house.sign("ru-hospital16-organization", document.content)
    given = await give(house, reply.exchange, "organization", cms, by="now")
    closed = await house.becomes(reply.exchange, lambda one: one["state"] == "closed", token="now")

    assert given.status == 200, given.text
    assert closed["outcome"] == "registered"
    assert await house.holds()


async def test_a_signature_over_other_bytes_refuses_the_document(house: House) -> None:
    document = document_of(house, CLINIC77)
    reply = await house.post(document.content, token="later")
    await waits(house, reply.exchange, "later")
    role = next(one.role for one in document.signatures if one.role != "organization")

    cms = house.sign("ru-clinic77-chair", document.content + b" ")
    given = await give(house, reply.exchange, role, cms)
    exchange = await house.becomes(
        reply.exchange, lambda one: one["outcome"] is not None, token="later"
    )

    errors = [one for one in exchange["findings"] if one["severity"] == "error"]
    assert given.status == 200, given.text
    assert exchange["outcome"] == "refused"
    assert f"signature[{role}]" in {one["where"] for one in errors}
    assert all(one["mender"] for one in errors)
    assert await house.holds()
    assert await house.says_nothing_of(document.content)


@pytest.mark.parametrize(
    ("role", "content", "status"),
    [("", b"cms", 400), ("chair", b"cms", 400), ("14", b"", 400), ("14", b"x" * (2 << 20), 413)],
    ids=["no-role", "no-code", "empty", "two-mib"],
)
async def test_what_is_no_signature_changes_nothing(
    house: House, role: str, content: bytes, status: int
) -> None:
    document = document_of(house, CLINIC77)
    reply = await house.post(document.content, token="later")
    await waits(house, reply.exchange, "later")

    given = await give(house, reply.exchange, role, content)

    assert given.status == status, given.text
    assert given.errors()
    assert (await waits(house, reply.exchange, "later"))["outcome"] is None
    assert await house.holds()


async def test_a_settled_exchange_takes_no_signature(house: House) -> None:
    document = document_of(house, CLINIC77)
    reply = await house.hand_over(document, token="now")
    await house.becomes(reply.exchange, lambda one: one["state"] == "closed", token="now")

    given = await give(house, reply.exchange, "14", b"cms", by="now")

    assert given.status == 409
    assert given.errors()
    assert await house.holds()
