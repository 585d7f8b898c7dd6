"""Two hospitals at one gateway: each sees its own, and each paper is carried once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.samples.maker import SampleDocument
from tests.journeys.house import House, Reply, open_house, operator, sender

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLINIC77 = "1.2.643.5.1.13.13.12.2.77.8481"
LINES = (
    *sender("clinic", organizations=[CLINIC77]),
    *sender("region"),
    *sender("late", signatures="later"),
    operator("chief"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("senders"), pki, lines=LINES) as house:
        yield house


async def settle(house: House, reply: Reply, token: str) -> dict[str, object]:
    assert reply.status == 202, reply.text
    return await house.becomes(reply.exchange, lambda one: one["state"] == "closed", token=token)


@pytest.mark.parametrize("token", ["", "nobody"])
async def test_who_is_not_known_gets_nothing(house: House, token: str) -> None:
    document, before = house.make("adult-in-person"), await house.count()

    reply = await house.hand_over(document, token=token)

    assert reply.status == 401
    assert reply.issues[0]["code"] == "login"
    assert await house.count() == before
    assert await house.says_nothing_of(document.content)


async def test_a_sender_sees_its_own_and_nobody_elses(house: House) -> None:
    reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
    path = f"/exchanges/{reply.exchange}"
    below = ["", "/timeline", "/document", "/payload"]

    others = [(await house.call("GET", path + one, token="region")).status for one in below]
    own = [(await house.call("GET", path + one, token="clinic")).status for one in below]
    operators = [(await house.call("GET", path + one, token="chief")).status for one in below]

    assert others == [404] * 4
    assert own == operators == [200] * 4
    page = (await house.call("GET", "/exchanges", token="region")).json["exchanges"]
    assert {one["sender"] for one in page} <= {"region"}
    for act in ("cancel", "signatures", "resume", "release"):
        foreign = await house.call(
            "POST", f"{path}/{act}", token="region", data=b"x", headers={"X-Role": "14"}
        )
        assert foreign.status == 404, (act, foreign.text)


async def test_an_inbox_holds_its_senders_entries_only(house: House) -> None:
    mine = await house.hand_over(house.make("adult-in-person"), token="clinic")
    theirs = await house.hand_over(house.make("adult-in-person"), token="region")
    await settle(house, mine, "clinic")
    await settle(house, theirs, "region")

    inbox = (await house.call("GET", "/inbox?limit=1000", token="region")).json["entries"]
    stolen = await house.call("GET", "/inbox?sender=clinic", token="region")

    assert theirs.exchange in {one["exchange"] for one in inbox}
    assert mine.exchange not in {one["exchange"] for one in inbox}
    assert stolen.status == 403


async def test_a_document_of_another_organization_is_not_taken(house: House) -> None:
    document, before = of_another_organization(house), await house.count()

    reply = await house.hand_over(document, token="clinic")

    assert reply.status == 403
    assert "providerOrganization" in reply.errors()[0]["location"][0]
    assert await house.count() == before
    assert await house.holds()
    assert await house.says_nothing_of(document.content)


def of_another_organization(house: House) -> SampleDocument:
    for name in house.trial.maker.examples:
        document = house.make(name)
        if document.organization != CLINIC77:
            return document
    raise AssertionError("every example is of one organisation")


async def test_the_same_bytes_again_are_the_same_exchange(house: House) -> None:
    document = house.make("adult-in-person")
    first = await house.hand_over(document, token="clinic")
    await settle(house, first, "clinic")
    before = await house.count()

    again = await house.hand_over(document, token="clinic")

    assert (again.status, again.exchange) == (202, first.exchange)
    assert await house.count() == before
    assert await house.holds()


async def test_other_bytes_of_a_registered_document_are_a_conflict(house: House) -> None:
    document = house.make("adult-in-person")
    first = await house.hand_over(document, token="clinic")
    await settle(house, first, "clinic")
    other = document.content.replace(b"</title>", b" </title>")

    reply = await house.post(other, token="clinic")

    assert reply.status == 409
    assert reply.errors()[0]["code"] == "duplicate"
    assert reply.exchange == first.exchange
    account = (await house.trial.account()).documents[document.local_uid]
    assert account.standing == "registered"


async def test_another_sender_with_this_id_learns_nothing_of_the_first(house: House) -> None:
    document = house.make("adult-in-person")
    first = await house.hand_over(document, token="clinic")

    reply = await house.hand_over(document, token="region")

    assert reply.status == 409
    assert reply.errors()
    assert reply.exchange == ""
    assert first.exchange not in reply.text
    assert await house.holds()


async def test_the_same_paper_under_another_id_is_a_double_until_confirmed(house: House) -> None:
    document = house.make("adult-in-person")
    first = await house.hand_over(document, token="late")
    twin = renamed(document, document.set_id)

    double = await house.post(twin, token="late")
    confirmed = await house.call(
        "POST",
        "/exchanges?confirm=new-document",
        token="late",
        data=twin,
        headers={"Content-Type": "application/xml"},
    )

    assert (double.status, double.exchange) == (409, first.exchange)
    assert "4059" in double.errors()[0]["location"][0]
    assert confirmed.status == 202, confirmed.text
    assert confirmed.exchange != first.exchange
    assert await house.holds()
    assert await house.says_nothing_of(document.content)


def renamed(document: SampleDocument, *more: str) -> bytes:
    """Return the document with another id of its own, and others for `more` of its ids."""
    content = document.content
    for one in (document.local_uid, *more):
        last = "0" if one[-1] != "0" else "1"
        content = content.replace(one.encode(), f"{one[:-1]}{last}".encode())
    return content


async def test_a_successor_follows_a_refused_document_of_its_id(house: House) -> None:
    document = house.make("adult-in-person")
    bare = replace(document, signatures=())
    refused = await house.hand_over(bare, token="clinic")

    successor = await house.hand_over(document, token="clinic")
    exchange = await settle(house, successor, "clinic")

    assert refused.status == 422
    assert successor.exchange != refused.exchange
    assert exchange["replaces"] == refused.exchange
    assert exchange["outcome"] == "registered"
    assert await house.holds()


async def test_a_later_version_waits_for_the_earlier_and_goes_when_it_is_settled(
    house: House,
) -> None:
    document = house.make("adult-in-person")
    first = await house.post(document.content, token="late")
    second = await house.post(next_version(document), token="late")

    held = await house.exchange(second.exchange, token="late")
    cancelled = await house.call("POST", f"/exchanges/{first.exchange}/cancel", token="late")
    freed = await house.becomes(second.exchange, lambda one: not one["held_by"], token="late")

    assert (first.status, second.status) == (202, 202), second.text
    assert held["held_by"] == first.exchange
    assert cancelled.json["outcome"] == "cancelled"
    assert freed["version"] == 2
    assert await house.holds()


def next_version(document: SampleDocument) -> bytes:
    """Return version 2 of the set: an id and a protocol number of its own."""
    number = document.protocol_number.encode()
    return (
        renamed(document)
        .replace(b'<versionNumber value="1"', b'<versionNumber value="2"')
        .replace(number, b"9" + number)
    )


async def test_a_key_answers_the_same_request_as_the_first_time(house: House) -> None:
    document, other = house.make("adult-in-person"), house.make("adult-in-person")
    headers = {"Idempotency-Key": document.local_uid}

    first = await house.hand_over(document, token="clinic", headers=headers)
    again = await house.hand_over(document, token="clinic", headers=headers)
    reused = await house.hand_over(other, token="clinic", headers=headers)

    assert (first.status, again.status) == (202, 202)
    assert first.exchange == again.exchange
    assert reused.status == 422
    assert reused.errors()[0]["location"] == ["Idempotency-Key"]
    assert await house.says_nothing_of(document.content, other.content)


async def test_an_operator_hands_nothing_over(house: House) -> None:
    reply = await house.hand_over(house.make("adult-in-person"), token="chief")

    assert reply.status == 403
    assert reply.issues[0]["code"] == "forbidden"
