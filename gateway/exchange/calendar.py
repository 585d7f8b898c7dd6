"""Which days count: the working days of a country, with what its government has moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

import holidays

from gateway.errors import SettingError

_KINDS = {"working": True, "day-off": False}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working days of a five-day week.

    Public holidays and their substitutes come from the library `holidays`; a row of the table of
    transfers outranks it, so a new decree or a region's own holiday needs no new library.
    """

    country: str
    """ISO 3166-1: `RU`, `KZ`."""
    moved: Mapping[date, bool]
    """Whether a day counts as working where a decree says so."""
    public: holidays.HolidayBase

    @classmethod
    def load(
        cls, country: str, transfers: Iterable[Mapping[str, str]], subdivision: str = ""
    ) -> Calendar:
        """Return the calendar of a country, or of one region of it (ISO 3166-2: `RU-TA`).

        `transfers` are the rows of `mappings/calendars/{country}.csv`: `date` (ISO 8601), `kind`
        (`working` or `day-off`), `subdivision` (empty: the whole country), `source`.
        Raises `SettingError` for an unknown country or a row that cannot be read.
        """
        try:
            public = holidays.country_holidays(country)
        except NotImplementedError:
            raise SettingError(f"no calendar of {country!r}", where="country") from None
        wanted = [row for row in transfers if row.get("subdivision", "") in {"", subdivision}]
        # A region's own rows come last: what it decrees outranks what the country does.
        wanted.sort(key=lambda row: row.get("subdivision", ""))
        return cls(country=country, moved=dict(map(_read, wanted)), public=public)

    def is_working(self, day: date) -> bool:
        """Tell whether the day is a working day."""
        if day in self.moved:
            return self.moved[day]
        # The library knows a year's working Saturdays only after it was asked for its holidays.
        return day not in self.public and self.public.is_working_day(day)

    def add_working_days(self, moment: datetime, days: int) -> datetime:
        """Return the same time of day `days` working days later, in the moment's own zone.

        The day of the event itself does not count (ГК РФ ст. 191, ГК РК ст. 173).
        """
        return datetime.combine(self._later(moment.date(), days), moment.timetz())

    def deadline(self, start: datetime, days: int, zone: tzinfo) -> datetime:
        """Return when a term of `days` working days is over: the midnight that ends its last day.

        The day of the start is the day on the clock of `zone`, the place that has to keep the
        term; the returned moment itself no longer belongs to it (ГК РФ ст. 194, ГК РК ст. 177).
        Raises `ValueError` for a start without a zone.
        """
        if start.tzinfo is None:
            raise ValueError("a moment without a zone begins no term")
        last = self._later(start.astimezone(zone).date(), days)
        return datetime.combine(last + _DAY, time.min, tzinfo=zone)

    def working_days_between(self, first: date, last: date) -> int:
        """Return how many working days lie after `first` up to and including `last`."""
        span = range(1, (last - first).days + 1)
        return sum(self.is_working(first + _DAY * ahead) for ahead in span)

    def _later(self, day: date, days: int) -> date:
        if days < 0:
            raise ValueError("a term does not run backwards")
        while days:
            day += _DAY
            days -= self.is_working(day)
        return day


def _read(row: Mapping[str, str]) -> tuple[date, bool]:
    try:
        return date.fromisoformat(row["date"]), _KINDS[row["kind"]]
    except (KeyError, ValueError) as error:
        wrong = f"a day needs an ISO date and a kind out of {', '.join(_KINDS)}: {error}"
        raise SettingError(wrong, where="calendars") from None
