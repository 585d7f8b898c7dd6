"""Asking the registry: found, not there, and everything in between that is neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.exchange.events import Answered, NotThere, Source, Unavailable
from tests.endpoints.remd.conftest import House
from tests.endpoints.remd.registry import CLINIC, NOON, NUMBER, SERVICE, errors, page

OTHER = "11111111-1111-4111-8111-111111111111"
MORE = "<hasMore>true</hasMore>"


async def test_found_document_is_registered_whatever_the_case_of_its_id(house: House) -> None:
    uid = house.consignment.exchange.identity.local_uid
    house.registry.script = [house.registry.says(page(OTHER, uid.upper(), more=""))]

    answer = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(answer, Answered)
    assert (answer.registered, answer.source, answer.number) == (True, Source.INQUIRY, NUMBER)
    assert answer.registered_at == datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
    assert answer.message_id == ""


async def test_only_a_complete_search_says_not_there(house: House) -> None:
    registry = house.registry
    registry.script = [registry.says(page(OTHER)), registry.says(page(OTHER, more=""))]

    complete = await house.endpoint.inquire(house.consignment, now=NOON)
    silent = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(complete, NotThere)
    assert isinstance(silent, Unavailable)


async def test_search_goes_on_to_the_last_page(house: House) -> None:
    uid, registry = house.consignment.exchange.identity.local_uid, house.registry
    registry.script = [registry.says(page(OTHER, more=MORE)), registry.says(page(uid))]

    answer = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(answer, Answered)
    assert [registry.text("//ser:page", index) for index in (0, 1)] == ["1", "2"]
    assert len(answer.wire) == 4


async def test_search_names_organisation_kind_patient_and_moscow_days(house: House) -> None:
    registry = house.registry
    registry.script = [registry.says(page())]

    await house.endpoint.inquire(house.consignment, now=NOON)

    assert registry.text("//ser:organization") == CLINIC
    assert registry.text("//ser:kind") == "121"
    assert registry.text("//ser:patientSnils") == house.consignment.metadata["patient"]["snils"]
    # The first attempt began two hours before noon UTC.
    assert registry.text("//ser:registerDateBegin") == "2026-11-24T13:00:00+03:00"
    assert registry.text("//ser:registerDateEnd") == "2026-11-26T15:00:00+03:00"


async def test_broken_off_search_says_nothing(house: House) -> None:
    registry = house.registry
    registry.script = [registry.says(page(OTHER, more=MORE)), "hang up"]

    assert isinstance(await house.endpoint.inquire(house.consignment, now=NOON), Unavailable)


async def test_refused_search_says_nothing(house: House) -> None:
    told = (
        f'<searchRegistryItemResponse xmlns="{SERVICE}"><status>error</status>'
        f"{errors(('RATE_LIMIT', 'повторить через минуту'))}</searchRegistryItemResponse>"
    )
    house.registry.script = [house.registry.says(told)]

    answer = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(answer, Unavailable)
    assert "RATE_LIMIT" in answer.reason


async def test_too_many_searches_wait_as_long_as_they_are_told(house: House) -> None:
    house.registry.script = [lambda _: (429, {"Retry-After": "60"}, b"")]

    answer = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(answer, Unavailable)
    assert answer.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("status", ["Аннулировано", "Не зарегистрировано", "Зарезервировано"])
async def test_entry_of_an_unknown_status_is_neither(house: House, status: str) -> None:
    uid = house.consignment.exchange.identity.local_uid
    told = page(uid, status=f"<documentStatus>{status}</documentStatus>")
    house.registry.script = [house.registry.says(told)]

    assert isinstance(await house.endpoint.inquire(house.consignment, now=NOON), Unavailable)


async def test_search_without_end_is_given_up(house: House) -> None:
    house.registry.script = [house.registry.says(page(OTHER, more=MORE))] * 50

    answer = await house.endpoint.inquire(house.consignment, now=NOON)

    assert isinstance(answer, Unavailable)
    assert len(house.registry.heard) == 50


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/"])
async def test_registry_that_cannot_be_reached_says_nothing(
    build: Callable[..., House], url: str
) -> None:
    house = build(url=url)

    assert isinstance(await house.endpoint.inquire(house.consignment, now=NOON), Unavailable)


async def test_without_a_key_nothing_can_be_asked(house: House) -> None:
    later = NOON + timedelta(days=4000)

    assert isinstance(await house.endpoint.inquire(house.consignment, now=later), Unavailable)
