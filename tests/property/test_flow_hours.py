"""Opening hours against an independent count, minute by minute, with the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.flow.hours import DAYS, Hours, HoursEntry

# Each with a day in 2026 on which its clocks change; Lord Howe's by half an hour, Santiago's at midnight.
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("UTC", date(2026, 1, 1)),
]


@st.composite
def ranges(draw: st.DrawFn, past_midnight: bool) -> list[str]:
    times = draw(st.lists(st.integers(0, 95), min_size=0, max_size=4, unique=True).map(sorted))
    found = [(begin, end) for begin, end in pairwise(times)][::2]
    if past_midnight and times and draw(st.booleans()):
        found = [(times[-1], draw(st.integers(0, times[-1] - 1)))] if times[-1] else []
    return [f"{b // 4:02}:{b % 4 * 15:02}-{e // 4:02}:{e % 4 * 15:02}" for b, e in found]


@st.composite
def entries(draw: st.DrawFn, around: date, past_midnight: bool = True) -> HoursEntry:
    weekly = {day: draw(ranges(past_midnight)) for day in DAYS}
    dates = draw(st.lists(st.integers(-2, 2), max_size=2, unique=True))
    exceptions = [{"date": around + timedelta(days=d), "open": draw(ranges(past_midnight))} for d in dates]
    return HoursEntry.model_validate({"weekly": weekly, "exceptions": exceptions})


def open_by_hand(entry: HoursEntry, wall: datetime) -> bool:
    """By comparing wall-clock texts, day by day: another way than the one under test."""
    clock = f"{wall:%H:%M}"
    for days_ago in (0, 1):
        day = wall.date() - timedelta(days=days_ago)
        special = {exception.date: exception.open for exception in entry.exceptions}
        for text in special.get(day, entry.weekly[DAYS[day.weekday()]]):
            begin, end = text.split("-")
            if days_ago == 0 and begin <= clock and (clock < end or end < begin):
                return True
            if days_ago == 1 and end < begin and clock < end:
                return True
    return False


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(CHANGES))
def test_it_is_open_exactly_when_the_wall_clock_says_so(data: st.DataObject, change: tuple[str, date]) -> None:
    zone, day = ZoneInfo(change[0]), change[1]
    entry = data.draw(entries(day))
    hours = Hours(entry, zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=26)
    for step in range(0, 72 * 60, 7):
        moment = begin + timedelta(minutes=step)
        now_ms = round(moment.timestamp() * 1000)
        wall = moment.astimezone(zone)
        assert hours.is_open(now_ms) == open_by_hand(entry, wall), wall


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(CHANGES), st.integers(0, 200_000_000))
def test_states_agree_with_each_other(data: st.DataObject, change: tuple[str, date], offset_ms: int) -> None:
    entry = data.draw(entries(change[1]))
    hours = Hours(entry, ZoneInfo(change[0]))
    now_ms = (
        round(datetime(2026, change[1].month, change[1].day, tzinfo=UTC).timestamp() * 1000) - 86_400_000 + offset_ms
    )
    state = hours.state(now_ms)
    assert (state == "open") == hours.is_open(now_ms)
    wall_date = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(change[0])).date()
    special = wall_date in {exception.date for exception in entry.exceptions}
    assert state in (("open", "holiday") if special else ("open", "closed"))
    assert Hours(entry.model_copy(update={"emergency": True}), hours.zone).state(now_ms) == "emergency"
