import csv
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.exchange.calendar import Calendar
from gateway.resources import MAPPINGS

MOSCOW, KAMCHATKA = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Kamchatka")
ALMATY, YEKATERINBURG = ZoneInfo("Asia/Almaty"), ZoneInfo("Asia/Yekaterinburg")


def read_rows(country: str) -> list[dict[str, str]]:
    with (MAPPINGS / "calendars" / f"{country.lower()}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


RUSSIA = Calendar.load("RU", read_rows("RU"))
KAZAKHSTAN = Calendar.load("KZ", read_rows("KZ"))

# Written by hand from the production calendars; weekends are not named.
DAYS_OFF = {
    "RU": {
        2023: "01-02 01-03 01-04 01-05 01-06 02-23 02-24 03-08 05-01 05-08 05-09 06-12 11-06",
        2024: "01-01 01-02 01-03 01-04 01-05 01-08 02-23 03-08 04-29 04-30 05-01 05-09 05-10 "
        "06-12 11-04 12-30 12-31",
        2025: "01-01 01-02 01-03 01-06 01-07 01-08 05-01 05-02 05-08 05-09 06-12 06-13 11-03 "
        "11-04 12-31",
        2026: "01-01 01-02 01-05 01-06 01-07 01-08 01-09 02-23 03-09 05-01 05-11 06-12 11-04 12-31",
        2027: "01-01 01-04 01-05 01-06 01-07 01-08 02-22 02-23 03-08 05-03 05-10 06-14 11-04 "
        "11-05 12-31",
    },
    "KZ": {
        2023: "01-02 01-03 03-08 03-21 03-22 03-23 05-01 05-08 05-09 06-28 07-06 07-07 08-30 "
        "10-25 12-18",
        2024: "01-01 01-02 03-08 03-21 03-22 03-25 05-01 05-07 05-08 05-09 07-08 08-30 10-25 12-16",
        2025: "01-01 01-02 01-03 01-07 03-10 03-21 03-24 03-25 05-01 05-07 05-09 06-06 07-07 "
        "09-01 10-27 12-16",
        2026: "01-01 01-02 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-11 05-27 07-06 10-26 12-16",
    },
}
WORKING_WEEKENDS = {
    "RU": {2024: "04-27 11-02 12-28", 2025: "11-01", 2027: "02-20"},
    "KZ": {2023: "07-01", 2024: "05-04", 2025: "01-05"},
}


def expand(year: int, days: str) -> set[date]:
    return {date.fromisoformat(f"{year}-{day}") for day in days.split()}


@pytest.mark.parametrize(
    ("country", "year"), [(country, year) for country in DAYS_OFF for year in DAYS_OFF[country]]
)
def test_a_year_has_the_days_off_of_its_production_calendar(country: str, year: int) -> None:
    calendar = {"RU": RUSSIA, "KZ": KAZAKHSTAN}[country]
    start = date(year, 1, 1).toordinal()
    days = [date.fromordinal(start + n) for n in range(date(year + 1, 1, 1).toordinal() - start)]

    off = {day for day in days if day.weekday() < 5 and not calendar.is_working(day)}
    on = {day for day in days if day.weekday() >= 5 and calendar.is_working(day)}

    assert off == expand(year, DAYS_OFF[country][year])
    assert on == expand(year, WORKING_WEEKENDS[country].get(year, ""))


@pytest.mark.parametrize(
    ("year", "days"), [(2023, 247), (2024, 248), (2025, 247), (2026, 247), (2027, 247)]
)
def test_a_russian_year_has_as_many_working_days_as_its_production_calendar(
    year: int, days: int
) -> None:
    assert RUSSIA.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == days


@pytest.mark.parametrize("country", ["RU", "KZ"])
def test_the_library_and_the_table_of_decrees_agree(country: str) -> None:
    alone, rows = Calendar.load(country, ()), read_rows(country)

    strangers = [
        row["date"]
        for row in rows
        if not row["subdivision"]
        and alone.is_working(date.fromisoformat(row["date"])) != (row["kind"] == "working")
    ]

    assert not strangers


@pytest.mark.parametrize("country", ["RU", "KZ"])
def test_every_transfer_is_a_day_once_and_names_its_source(country: str) -> None:
    rows = read_rows(country)

    keys = [(row["date"], row["subdivision"]) for row in rows]

    assert len(set(keys)) == len(keys)
    assert all(row["source"] for row in rows)


def test_a_row_outranks_the_library() -> None:
    rows = [
        {"date": "2028-01-10", "kind": "day-off", "source": "invented"},
        {"date": "2028-01-15", "kind": "working", "source": "invented"},
    ]

    calendar = Calendar.load("RU", rows)

    assert not calendar.is_working(date(2028, 1, 10))
    assert calendar.is_working(date(2028, 1, 15))


def test_a_region_has_its_own_holidays_and_its_neighbours_work() -> None:
    tatarstan = Calendar.load("RU", read_rows("RU"), subdivision="RU-TA")
    bashkortostan = Calendar.load("RU", read_rows("RU"), subdivision="RU-BA")

    day = date(2024, 8, 30)

    assert not tatarstan.is_working(day)
    assert bashkortostan.is_working(day)
    assert RUSSIA.is_working(day)


@pytest.mark.parametrize("order", [1, -1])
def test_a_region_outranks_its_country_whatever_the_order_of_rows(order: int) -> None:
    rows = [
        {"date": "2028-02-21", "kind": "working", "subdivision": ""},
        {"date": "2028-02-21", "kind": "day-off", "subdivision": "RU-TA"},
    ][::order]

    calendar = Calendar.load("RU", rows, subdivision="RU-TA")

    assert not calendar.is_working(date(2028, 2, 21))


def test_a_term_skips_the_new_year() -> None:
    registered = datetime(2025, 12, 30, 12, 0, tzinfo=MOSCOW)

    over = RUSSIA.deadline(registered, 1, MOSCOW)

    assert over == datetime(2026, 1, 13, tzinfo=MOSCOW)  # the end of Monday the 12th


def test_a_term_counts_a_working_saturday() -> None:
    friday = datetime(2024, 4, 26, 9, 0, tzinfo=MOSCOW)

    later = RUSSIA.add_working_days(friday, 2)

    assert later == datetime(2024, 5, 2, 9, 0, tzinfo=MOSCOW)  # 27 April, then 2 May


def test_a_term_skips_kurban_ait() -> None:
    thursday = datetime(2025, 6, 5, 18, 0, tzinfo=ALMATY)

    over = KAZAKHSTAN.deadline(thursday, 1, ALMATY)

    assert over == datetime(2025, 6, 10, tzinfo=ALMATY)


@pytest.mark.parametrize(
    ("zone", "over"),
    [
        (MOSCOW, datetime(2024, 2, 29, 21, 0, tzinfo=UTC)),
        (YEKATERINBURG, datetime(2024, 2, 29, 19, 0, tzinfo=UTC)),
        (KAMCHATKA, datetime(2024, 3, 1, 12, 0, tzinfo=UTC)),
    ],
    ids=["+03:00", "+05:00", "+12:00"],
)
def test_a_term_begins_on_the_day_of_its_own_place(zone: ZoneInfo, over: datetime) -> None:
    start = datetime(2024, 2, 28, 18, 30, tzinfo=UTC)  # already the leap day in Kamchatka only

    assert RUSSIA.deadline(start, 1, zone) == over


def test_a_term_ends_by_the_clock_that_is_then_in_force() -> None:
    start = datetime(2024, 2, 29, 12, 0, tzinfo=ALMATY)  # +06:00; since 1 March 2024 +05:00

    over = KAZAKHSTAN.deadline(start, 1, ALMATY)

    assert over == datetime(2024, 3, 1, 19, 0, tzinfo=UTC)


def test_no_days_later_is_the_same_moment() -> None:
    holiday = datetime(2025, 1, 1, 10, 0, tzinfo=MOSCOW)

    assert RUSSIA.add_working_days(holiday, 0) == holiday


def test_a_term_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        RUSSIA.add_working_days(datetime(2025, 1, 1, tzinfo=MOSCOW), -1)


def test_a_moment_without_a_zone_begins_no_term() -> None:
    naive = datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None)

    with pytest.raises(ValueError, match="zone"):
        RUSSIA.deadline(naive, 1, MOSCOW)


@pytest.mark.parametrize(
    "row",
    [
        {"date": "29.04.2024", "kind": "day-off"},
        {"date": "2024-04-29", "kind": "holiday"},
        {"kind": "working"},
    ],
)
def test_a_row_that_cannot_be_read_is_a_setting_to_mend(row: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="ISO date"):
        Calendar.load("RU", [row])


def test_an_unknown_country_is_a_setting_to_mend() -> None:
    with pytest.raises(SettingError, match="XX"):
        Calendar.load("XX", ())


@given(
    start=st.datetimes(min_value=datetime(2023, 1, 1), max_value=datetime(2027, 6, 1)),  # noqa: DTZ001 - hypothesis adds the zone
    days=st.integers(1, 60),
)
def test_the_last_day_of_a_term_works_and_the_days_between_are_the_term(
    start: datetime, days: int
) -> None:
    moment = start.replace(tzinfo=MOSCOW)

    later = RUSSIA.add_working_days(moment, days)

    assert RUSSIA.is_working(later.date())
    assert RUSSIA.working_days_between(moment.date(), later.date()) == days
    assert later.timetz() == moment.timetz()
