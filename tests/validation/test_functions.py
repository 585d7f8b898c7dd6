"""What rules may ask of a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.validation.checksums import is_enp, is_inn, is_ogrn, is_ogrnip, is_snils
from gateway.validation.functions import (
    FUNCTIONS,
    age,
    are_distinct,
    digits,
    disagreeing,
    in_order,
    is_filled,
    is_icd_10,
    is_name,
    is_telecom,
    is_tidy,
    is_time,
    repeated,
    said_again,
    shared,
    unshared,
    written_unlike,
)


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        (
            is_snils,
            ["112-233-445 95", "11223344595", "001-001-998 00", "087-654-302 00"],
            ["112-233-445 96", "1122334459", "000-000-000 00", "", "112-233-445 951"],
        ),
        (is_ogrn, ["1027700132195"], ["1027700132190", "102770013219", "10277001321950"]),
        (is_ogrnip, ["304500116000157"], ["304500116000150", "3045001160001570"]),
        (is_inn, ["7707083893", "500100732259"], ["7707083890", "500100732250", "77070838930"]),
        (
            is_time,
            ["2024", "202402", "20240229", "202402291230+0300", "20240229123059-1200"],
            ["20230229", "20241301", "202402292530+0300", "202402291230+2900", "2024-02-29", ""],
        ),
        (
            is_telecom,
            [
                "tel:+7(495)123-45-67",
                "tel:(495)1234567",
                "tel:84951234567 доб. 12",
                "mailto:a@b.ru",
                "https://b.ru",
            ],
            ["tel:", "tel: ", "mailto:a", "84951234567", "", "fax:"],
        ),
        (
            is_name,
            ["Жуков", "Салтыков-Щедрин", "Ахмед оглы", "O'Neill", "Пётр II", "И."],
            ["Жук0в", "Жукoв", "", "-", "Жуков,"],
        ),
        (is_icd_10, ["M54.1", "I63", "G80.0", "B20+"], ["М54.1", "54.1", "m54", "M5"]),
        (is_tidy, ["Жуков Пётр"], [" Жуков", "Жуков\u00a0", "Жу\u200bков", "Жу\u00adков"]),
        (is_filled, ["x"], ["", " ", "\u00a0", "\u200b", "\ufeff \t"]),
    ],
)
def test_yes_and_no(question: Callable[[object], bool], yes: list[str], no: list[str]) -> None:
    assert [value for value in yes if not question(value)] == []
    assert [value for value in no if question(value)] == []


@given(st.integers(10**14, 10**15 - 1))
def test_exactly_one_check_digit_makes_a_policy_number(body: int) -> None:
    assert [is_enp(f"{body}{digit}") for digit in range(10)].count(True) == 1


@given(st.integers(1_001_999, 999_999_999))
def test_one_pair_of_check_digits_makes_a_snils(body: int) -> None:
    held = [pair for pair in range(100) if is_snils(f"{body:09}{pair:02}")]

    assert len(held) == 1


@pytest.mark.parametrize(
    ("earlier", "later", "answer"),
    [
        ("20240101", "20240101", True),
        ("20240102", "20240101", False),
        ("20240101", "202401010900+0300", True),
        ("202401012330+0300", "20240101", True),
        ("202401010900+0300", "202401010800+0300", False),
        ("202401010900+0300", "202401010700+0000", True),
        ("20240102", "2024", True),
        ("20250101", "2024", False),
        ("20240230", "20240101", True),
        ("", "20240101", True),
    ],
)
def test_order_is_judged_to_the_precision_that_both_have(
    earlier: str,
    later: str,
    answer: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert in_order(earlier, later) is answer


def test_age_counts_whole_years() -> None:
    assert age("20000301", "20140228") == 13
    assert age("20000301", "20140301") == 14
    assert age("x", "20140301") != age("x", "20140301")  # not a number: no comparison holds


def test_numbers_are_compared_however_they_are_written() -> None:
    assert digits("112-233-445 95") == "11223344595"
    ids = [etree.Element("id", extension=one) for one in ("112-233-445 95", "11223344595", "0")]
    assert written_unlike(ids) == ids[:2]
    assert repeated(ids) == [ids[1]]
    assert shared(ids, ["112 233 445 95"]) == ids[:2]
    assert shared(ids, []) == []
    assert unshared(ids, ["112 233 445 95"]) == [ids[2]]
    assert disagreeing(ids, ["Жуков", "Жукова", "Жук"]) == ids[:2]
    assert disagreeing(ids, ["Жуков", "жуков ", "Жук"]) == []
    assert disagreeing(ids, ["Жуков"]) == []
    assert not are_distinct(["A", " a "])


def test_what_is_said_again_is_told_from_the_second_time_on() -> None:
    codes = [etree.Element("code", code=one) for one in ("1", "2", "1", "1")]

    assert said_again([*codes, etree.Element("code")], "code") == codes[2:]


def test_a_contact_or_name_of_endless_length_is_neither_and_takes_no_time() -> None:
    assert not is_telecom("tel:" + "1" * 1_000_000 + "x")
    assert not is_name("а" * 1_000_000)


@given(st.sampled_from(sorted(FUNCTIONS)), st.text(max_size=20), st.text(max_size=20))
def test_no_question_breaks_on_any_text(name: str, text: str, other: str) -> None:
    arity = {
        "age": 2,
        "in-order": 2,
        "shared": 2,
        "unshared": 2,
        "disagreeing": 2,
        "said-again": 2,
    }.get(name, 1)
    if name in {"matches", "no-times", "dangling"}:
        return  # a pattern, and elements: what a rule hands them is fixed

    FUNCTIONS[name](*[text, other, [text], [other]][:arity])
