"""The guard of outside numbers: what may be dialled, how often, for how much, and that a restart forgets nothing."""

from typing import Any

import pytest

from router.live.journal import Fact
from switchboard import facts
from switchboard.centre.settings import OutboundSettings
from switchboard.destinations import DAY_MS, HOUR_MS, MINUTE_MS, DestinationRefused, Destinations

NOW_MS = 1_795_300_000_000
SPAIN = {"trunk": "provider", "country_code": "34", "allow": ["+34"]}


class Guard:
    """Destinations with what they recorded, at a clock of the test's own."""

    def __init__(self, *, open_now: bool = True, **settings: Any) -> None:
        self.facts: list[Fact] = []
        self.now_ms = NOW_MS
        outbound = OutboundSettings.model_validate(SPAIN | settings)
        self.destinations = Destinations(outbound, self._record, lambda hours, now_ms: open_now)

    def _record(self, kind: str, contact: str, data: dict[str, object]) -> None:
        self.facts.append(Fact(self.now_ms, kind, contact, data=data))

    def dial(self, number: str = "911234567", call: str = "sb-1.") -> str:
        destination = self.destinations.check(number, self.now_ms)
        self.destinations.started(call, destination, self.now_ms)
        return destination.dial_string

    def talk(self, call: str, minutes: float) -> None:
        self.destinations.answered(call, self.now_ms)
        self.now_ms += round(minutes * MINUTE_MS)
        self.destinations.ended(call, self.now_ms)

    def reason(self, number: str = "911234567") -> str:
        with pytest.raises(DestinationRefused) as refused:
            self.destinations.check(number, self.now_ms)
        return str(refused.value)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("911234567", "+34911234567"),
        ("+34 911 23-45.67", "+34911234567"),
        ("0034911234567", "+34911234567"),
        ("(911) 234/567", "+34911234567"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, number: str) -> None:
    guard = Guard()
    assert guard.destinations.check(written, NOW_MS).number == number
    assert guard.dial(written) == f"PJSIP/{number}@provider"


def test_the_trunk_prefix_of_national_numbers_gives_way_to_the_country_code() -> None:
    guard = Guard(country_code="49", national_prefix="0", allow=["+49"], dial_prefix="00")
    assert guard.dial("030 123456") == "PJSIP/004930123456@provider"


def test_callers_are_known_by_their_number_as_everybody_writes_it() -> None:
    guard = Guard()
    assert guard.destinations.caller("600 100 200") == guard.destinations.caller("0034600100200") == "+34600100200"
    assert guard.destinations.caller("") == ""
    assert guard.destinations.caller("anonymous") == "anonymous"


def test_without_a_country_code_numbers_stay_as_they_are_and_must_be_listed() -> None:
    guard = Guard(country_code=None, allow=["600"])
    assert guard.dial("600100200") == "PJSIP/600100200@provider"
    assert "not on the list" in guard.reason("911234567")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "911234567@evil",
        "911234567&PJSIP/ben",
        "9112345\r\nAction: X",
        "+",
        "++34911234567",
        "٩١١٢٣٤٥٦٧",
        "9" * 40,
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert "digits" in (reason := Guard().reason(text)) or "no telephone number" in reason


def test_nothing_listed_nothing_dialled() -> None:
    assert "not on the list" in Guard(allow=[]).reason()
    assert "dials no outside numbers" in Guard(trunk=None).reason()


def test_what_is_denied_stays_denied_whatever_allows_it() -> None:
    guard = Guard(deny=["+34803", "+3490X1"])
    assert "never dialled" in guard.reason("803123456")
    assert "never dialled" in guard.reason("902123456".replace("21", "51"))
    assert guard.dial("902223456")


def test_short_numbers_are_not_dialled() -> None:
    assert "has 5 digits" in Guard().reason("112")


def test_a_refusal_is_a_fact_and_counted() -> None:
    guard = Guard()
    guard.reason("+18765551234")
    (fact,) = guard.facts
    assert (fact.kind, fact.data["number"]) == (facts.OUTBOUND_REFUSED, "+18765551234")
    assert guard.destinations.refusals == 1


def test_rates_by_minute_and_hour_are_moving_windows() -> None:
    guard = Guard(per_minute=2, per_hour=3, per_number_per_day=100)
    guard.dial(call="a")
    guard.dial(call="b")
    assert "last minute" in guard.reason()
    guard.now_ms += MINUTE_MS
    guard.dial(call="c")
    guard.now_ms += MINUTE_MS
    assert "last hour" in guard.reason()
    guard.now_ms += HOUR_MS
    assert guard.dial(call="d")


def test_one_number_is_dialled_so_often_a_day() -> None:
    guard = Guard(per_number_per_day=1)
    guard.dial()
    assert "1 times within a day" in guard.reason()
    guard.dial("922222222", "b")
    guard.now_ms += DAY_MS
    guard.dial(call="c")


def test_so_many_calls_at_once() -> None:
    guard = Guard(at_once=1)
    guard.dial()
    assert "under way" in guard.reason()
    guard.destinations.ended("sb-1.", guard.now_ms)
    guard.dial(call="b")


def test_a_call_of_which_nothing_more_is_heard_does_not_take_a_place_for_ever() -> None:
    guard = Guard(at_once=1)
    guard.dial()
    guard.now_ms += 6 * MINUTE_MS
    guard.dial(call="b")
    guard.destinations.answered("b", guard.now_ms)
    guard.now_ms += 6 * MINUTE_MS
    assert "under way" in guard.reason()


def test_money_is_counted_by_talk_time_and_the_longest_prefix() -> None:
    guard = Guard(spend_per_day=1.0, rates_per_minute={"+34": 0.01, "+346": 0.1})
    guard.dial("611111111")
    guard.now_ms += MINUTE_MS  # ringing costs nothing
    guard.talk("sb-1.", 9)
    assert guard.destinations.spent(guard.now_ms) == pytest.approx(0.9)
    guard.dial("911111111", "land")
    guard.destinations.ended("land", guard.now_ms)
    guard.dial("611111112", "b")
    guard.destinations.answered("b", guard.now_ms)
    guard.now_ms += MINUTE_MS  # what is under way counts
    assert "the limit" in guard.reason("611111113")
    guard.talk("b", 0)
    guard.now_ms += DAY_MS
    assert guard.dial("611111113", "c")


def test_with_limited_spending_a_number_without_a_rate_is_refused() -> None:
    assert "no rate" in Guard(spend_per_day=5, rates_per_minute={"+1": 1}).reason()


def test_hours_hold_for_outside_numbers() -> None:
    assert "within the hours 'day'" in Guard(open_now=False, hours="day").reason()
    Guard(open_now=True, hours="day").dial()


def test_a_restart_forgets_neither_calls_nor_money() -> None:
    settings: dict[str, Any] = {"spend_per_day": 1.0, "rates_per_minute": {"+34": 0.1}, "per_number_per_day": 2}
    first = Guard(**settings)
    first.dial(call="a")
    first.talk("a", 8)
    first.dial(call="b")
    first.destinations.answered("b", first.now_ms)

    second, third = Guard(**settings), Guard(**settings)
    second.now_ms = third.now_ms = first.now_ms
    for fact in first.facts:
        second.destinations.remember(fact)
    second.destinations.carry_over(second.now_ms)
    for fact in second.facts:  # a journal that begins with what counts
        third.destinations.remember(fact)
    for guard in (second, third):
        assert guard.destinations.calls() == ["b"]
        assert guard.destinations.spent(guard.now_ms) == pytest.approx(0.8)
        assert "2 times within a day" in guard.reason()
        guard.now_ms += MINUTE_MS
        guard.destinations.ended("b", guard.now_ms)  # while no engine was there
        assert guard.destinations.calls() == []
        assert guard.destinations.spent(guard.now_ms) == pytest.approx(0.9)
