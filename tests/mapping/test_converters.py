"""Both ways: what a converter has read it can write, and read again as the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.converters import CONVERTERS, read_snils, table

ZONES = st.integers(-12 * 60, 14 * 60).map(lambda at: timezone(timedelta(minutes=at)))


def snils(number: int) -> str:
    digits = f"{number:09d}"
    check = sum(int(one) * (9 - at) for at, one in enumerate(digits)) % 101 % 100
    return f"{digits}{check:02d}"


FORMS = {
    "text": st.text().map(lambda text: " ".join(text.split())[:512].strip()).filter(bool),
    "oid": st.lists(st.integers(0, 10**6), min_size=1).map(
        lambda arcs: ".".join(map(str, (1, *arcs)))
    ),
    "uuid": st.uuids().map(str),
    "snils": st.integers(1_001_999, 999_999_999).map(snils),
    "day": st.dates(date(1000, 1, 1)).map(date.isoformat),
    "moment": st.datetimes(datetime(1000, 1, 1), timezones=ZONES).map(  # noqa: DTZ001 - zones are drawn
        lambda at: at.replace(microsecond=0).isoformat()
    ),
}


def test_every_converter_is_tried_here() -> None:
    assert FORMS.keys() == CONVERTERS.keys()


@pytest.mark.parametrize("name", list(CONVERTERS))
@given(choice=st.data())
def test_what_was_read_leads_back_and_forth(name: str, choice: st.DataObject) -> None:
    form, converter = choice.draw(FORMS[name]), CONVERTERS[name]

    assert converter.forth(converter.back(form)) == form


@pytest.mark.parametrize("name", list(CONVERTERS))
@given(text=st.text())
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    converter = CONVERTERS[name]
    try:
        form = converter.forth(text)
    except ValueError:
        return

    assert converter.forth(converter.back(form)) == form


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("snils", "990-000-148 71", "99000014871"),
        ("uuid", "0190F0C4-0000-7000-8000-00000000ABCD", "0190f0c4-0000-7000-8000-00000000abcd"),
        ("day", "19731213", "1973-12-13"),
        ("moment", "202611251200+0300", "2026-11-25T12:00:00+03:00"),
        ("moment", "20261125120005-0230", "2026-11-25T12:00:05-02:30"),
        ("moment", "20261125", "2026-11-25T00:00:00+03:00"),
        ("text", " 9-МСЭ\n 2026 ", "9-МСЭ 2026"),
    ],
)
def test_spelling_of_the_field_is_read(name: str, text: str, form: str) -> None:
    assert CONVERTERS[name].forth(text) == form


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("snils", "990-000-148 72"),
        ("snils", "٩٩٠٠٠٠١٤٨٧١"),
        ("day", "20260230"),
        ("moment", "202611251200"),
        ("moment", "202611251200+9900"),
        ("oid", "1.2.03"),
        ("text", " "),
        ("text", "x" * 513),
    ],
)
def test_what_is_no_such_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CONVERTERS[name].forth(text)


def test_first_numbers_have_no_check_digits() -> None:
    assert read_snils("001-001-998 00") == "00100199800"


def test_table_reads_both_ways_and_knows_its_limits() -> None:
    roles = table({"PPRF": "14", "SPRF": "16"})

    assert (roles.forth("PPRF"), roles.back("16")) == ("14", "SPRF")
    with pytest.raises(ValueError, match="not in the table"):
        roles.forth("14")
    with pytest.raises(ValueError, match="mean the same"):
        table({"a": "1", "b": "1"})
