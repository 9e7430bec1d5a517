"""Days and hours that come from elsewhere: public holidays by country, and calendars (iCalendar, RFC 5545).

Holidays are those of the package `holidays`, which knows when they are observed. A calendar's events are taken as the
instants that they cover: an event of a day is that whole day in the centre's zone, a time without a zone is the
centre's. Events that are cancelled, or that their author marked as free (TRANSP:TRANSPARENT), do not count.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from documents import nearest

if TYPE_CHECKING:
    from icalendar import Calendar

MAX_EVENTS = 5_000
_DAYS_KEPT = 400

CalendarName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*\.ics$",
        max_length=80,
        description="A file of the centre's directory `calendars`, such as `closures.ics`.",
    ),
]


class PublicHolidays(BaseModel):
    """The public holidays of a country, on which it is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1: `IE`, `DE`.")
    region: str | None = Field(
        None, max_length=40, description="A part of the country with holidays of its own (ISO 3166-2, without country)."
    )
    except_: tuple[date, ...] = Field((), alias="except", max_length=100, description="Dates that are working days.")

    @model_validator(mode="after")
    def _known(self) -> "PublicHolidays":
        # Half a second to load, which only those pay who use it.
        from holidays import list_supported_countries

        countries = list_supported_countries(include_aliases=True)
        if self.country not in countries:
            raise ValueError(f"no holidays are known of {self.country!r} ({nearest(self.country, countries)})")
        regions = countries[self.country]
        if self.region is not None and self.region not in regions:
            raise ValueError(f"{self.country} has no region {self.region!r} ({nearest(self.region, regions)})")
        return self

    def names(self) -> Mapping[date, str]:
        """The holidays by date; years are filled in when they are asked for."""
        from holidays import country_holidays

        found: Mapping[date, str] = country_holidays(self.country, subdiv=self.region)
        return found


class CalendarError(ValueError):
    """What the text of a calendar cannot be used for, in words."""


class Events:
    """When the events of one calendar are, in a zone."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        """Raises CalendarError."""
        from recurring_ical_events import of

        self._text, self._zone = text, zone
        self._query = of(_read(text))
        self._day = lru_cache(_DAYS_KEPT)(self._spans)

    def covers(self, wall: datetime) -> bool:
        """Whether one of them is on at this instant of the zone."""
        return any(begin <= wall < end for begin, end in self._day(wall.date()))

    def _spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        midnight = datetime.combine(day, time(), self._zone)
        return tuple(
            (self._instant(event.start), self._instant(event.end))
            for event in self._query.between(midnight, midnight + timedelta(days=1))
            if event.get("STATUS") != "CANCELLED" and event.get("TRANSP") != "TRANSPARENT"
        )

    def _instant(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        if moment.tzinfo is None:
            return moment.replace(tzinfo=self._zone)
        return moment.astimezone(self._zone)

    def __reduce__(self) -> tuple[type["Events"], tuple[str, tzinfo]]:
        """Pickled as its text, for simulations in several processes."""
        return Events, (self._text, self._zone)


def _read(text: str) -> "Calendar":
    from icalendar import Calendar

    if re.search(r"FREQ=(SECONDLY|MINUTELY|HOURLY)", text, re.IGNORECASE):
        raise CalendarError("an event that recurs within a day; a calendar of closures has days")
    try:
        calendar = Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError) as error:
        raise CalendarError(f"not an iCalendar: {' '.join(str(error).split())[:120]}") from None
    if not isinstance(calendar, Calendar):
        raise CalendarError(f"not an iCalendar: it begins with {calendar.name}")
    events = calendar.walk("VEVENT")
    if len(events) > MAX_EVENTS:
        raise CalendarError(f"{len(events)} events; at most {MAX_EVENTS} are read")
    for event in events:
        for name, problem in event.errors:
            raise CalendarError(f"the event {str(event.get('SUMMARY', ''))[:40]!r}: {name}: {problem}"[:200])
        if "DTSTART" not in event:
            raise CalendarError(f"the event {str(event.get('SUMMARY', ''))[:40]!r} has no beginning (DTSTART)")
    return calendar
