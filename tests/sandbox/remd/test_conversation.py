"""A document is brought, fetched, checked, registered and told of."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.sandbox.remd.soap import SOAP11, SOAP12
from tests.sandbox.remd.conftest import CLINIC, Talk
from tests.sandbox.remd.mis import CALLBACK, SCHEMA


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
async def test_faultless_document_is_accepted_fetched_registered_and_told(
    talk: Talk, version: str
) -> None:
    async with talk() as t:
        t.mis.version = version
        paper = t.paper()
        answer = await t.bring(paper, message_id="6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001")
        (told,) = await t.mis.wait_for_told()
        account = (await t.sandbox.account()).documents[paper.local_uid]

    assert answer.text("status") == "success"
    assert t.mis.fetched == [paper.local_uid]
    assert told.text("status") == "success"
    assert told.text("emdrId") == account.registrations[0].number
    assert told.text("emdrId").startswith("121.77.")
    assert told.text("relatesToMessage") == "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"
    assert told.header("RelatesTo") == "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"
    assert (account.standing, account.expected) == ("registered", "registered")


async def test_result_is_valid_by_the_schema_of_the_callback(talk: Talk) -> None:
    async with talk() as t:
        await t.bring(t.paper())
        (told,) = await t.mis.wait_for_told()

    assert told.root is not None
    result = next(told.root.iter(f"{{{CALLBACK}}}registerDocumentResult"))
    SCHEMA.assertValid(result)


async def test_search_finds_what_is_registered_by_organisation_kind_patient_and_date(
    talk: Talk,
) -> None:
    async with talk() as t:
        paper = t.paper()
        await t.bring(paper)
        await t.mis.wait_for_told()
        snils = paper.patient["snils"]
        found = await t.mis.search(CLINIC, kind="121", patientSnils=snils)
        other_kind = await t.mis.search(CLINIC, kind="187")
        later = await t.mis.search(CLINIC, registerDateBegin="2099-01-01T00:00:00+03:00")

    assert found.local_uids() == [paper.local_uid]
    assert found.text("hasMore") == "false"
    assert (other_kind.local_uids(), later.local_uids()) == ([], [])


async def test_search_says_when_it_left_something_out(talk: Talk) -> None:
    async with talk(page_size=1) as t:
        for number in (1, 2):
            await t.bring(t.paper(number=number))
        await t.mis.wait_for_told(2)
        first = await t.mis.search(CLINIC, pageSize="50")
        second = await t.mis.search(CLINIC, page="2")

    assert (first.text("hasMore"), first.text("total")) == ("true", "2")
    assert second.text("hasMore") == "false"
    assert len({*first.local_uids(), *second.local_uids()}) == 2


async def test_second_registration_of_one_document_is_refused_with_its_number(talk: Talk) -> None:
    async with talk() as t:
        paper = t.paper()
        await t.bring(paper)
        await t.mis.wait_for_told()
        await t.bring(paper)
        first, second = await t.mis.wait_for_told(2)
        account = await t.sandbox.account()

    assert second.codes == ["NOT_UNIQUE_PROVIDED_ID"]
    number = first.text("emdrId")
    assert second.text("message") == (
        f"Документ с идентификатором '{paper.local_uid}' уже зарегистрирован с номером [{number}]"
    )
    assert account.registered_twice == ()
    assert len(account.documents[paper.local_uid].attempts) == 2


async def test_result_that_nobody_acknowledges_is_offered_again_as_the_same_message(
    talk: Talk,
) -> None:
    async with talk() as t:
        t.mis.refuse_results = 2
        await t.bring(t.paper())
        (told,) = await t.mis.wait_for_told()
        offers = t.sandbox.remd.log.entries(kind="callback")

    assert t.mis.events == ["file", "refused", "refused", "told"]
    assert {entry.facts["callback_message_id"] for entry in offers} == {told.header("MessageID")}


async def test_mis_that_does_not_give_the_file_gets_a_rejection(talk: Talk) -> None:
    async with talk() as t:
        t.mis.file_status = "error"
        await t.bring(t.paper())
        (told,) = await t.mis.wait_for_told()

    assert told.codes == ["RMIS_ERROR"]
    assert len(t.mis.fetched) == 3


async def test_wsdl_is_served_with_its_schemas(talk: Talk) -> None:
    async with talk() as t:
        async with t.mis.session.get(f"{t.sandbox.url}?wsdl") as response:
            wsdl = etree.fromstring(await response.read())
        async with t.mis.session.get(f"{t.sandbox.url}/service.xsd") as response:
            status = response.status

    assert wsdl.get("name") == "EmdrService"
    assert status == 200
