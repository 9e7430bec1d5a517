"""What agents do beyond answering: they stay away, come late, take breaks, hand back, learn, leave, and go down."""

import math
from itertools import accumulate
from typing import Any

import numpy
import pytest

from documents import DocumentError
from router.core.decisions import ContactFinished, OfferEnded, WorkInterrupted, WorkResumed
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ContactEnded,
    ContactTransferred,
    OfferAccepted,
)
from simulations.clock import DAY_MS
from simulations.driver import Replication
from simulations.features.absence import attended
from simulations.features.late import Late
from simulations.features.pauses import Pauses
from simulations.features.tenure import Seat, Tenure
from simulations.shell import Handled
from simulations.streams import Streams
from tests.support.scenarios import changed, setting, setting_of

SELLER = {"group": "sellers", "count": 1, "skills": {"sales": 5}}
CALL: dict[str, Any] = {
    "kinds.users": None,
    "policy.queues.support": None,
    "staff": [SELLER],
    "kinds.buyers.arrivals": {"trace": [{"at_s": 10, "handle_s": 60}]},
    "kinds.buyers.patience_s": None,
}


def run(changes: dict[str, Any], number: int = 0) -> list[Handled]:
    replication = Replication(setting_of(changed(CALL | changes)), number, keep_log=True)
    replication.run()
    replication._shell.router.check()
    return replication.log


def staff(**said: Any) -> dict[str, Any]:
    return {"staff": [SELLER | said]}


def times(log: list[Handled], kind: type) -> list[int]:
    return [now_ms for now_ms, event, _ in log if type(event) is kind]


def decided(log: list[Handled], kind: type) -> list[tuple[int, Any]]:
    return [(now_ms, decision) for now_ms, _, made in log for decision in made if type(decision) is kind]


def ends(log: list[Handled]) -> list[int]:
    return [now_ms for now_ms, decision in decided(log, ContactFinished) if decision.outcome == "answered"]


# Absence and lateness


def test_absence_is_of_whole_days_and_in_the_wanted_share() -> None:
    shifts = [
        (day * DAY_MS + hour * 3_600_000, day * DAY_MS + (hour + 3) * 3_600_000)
        for day in range(2_000)
        for hour in (8, 13)
    ]
    came = [start // DAY_MS for start, _ in attended(shifts, 0.1, "ana", 0, Streams(1, 0))]
    assert all(came.count(day) == 2 for day in set(came[:400]))
    assert abs(len(set(came)) / 2_000 - 0.9) < 4 * (0.09 / 2_000) ** 0.5


def test_who_is_absent_never_signs_in() -> None:
    log = run(
        staff(absence=1, shifts=["00:00-00:30"]) | {"staff": [SELLER | {"absence": 1}, SELLER | {"group": "others"}]}
    )
    assert {event.agent for _, event, _ in log if isinstance(event, AgentSignedIn)} == {"others-1"}


def test_who_is_late_signs_in_later_or_not_at_all() -> None:
    late = {"late": {"share": 1, "by_s": 300}}
    log = run(staff(shifts=["00:00-00:30", "00:40-00:44"], **late))
    assert times(log, AgentSignedIn) == [300_000]
    assert times(log, AgentSignedOut) == [1_800_000]
    spans = Late(share=0.3, by_s=60).begun(
        [(n * 1_000_000, n * 1_000_000 + 500_000) for n in range(2_000)], "x", Streams(1, 0)
    )
    share = sum(start % 1_000_000 == 60_000 for start, _ in spans) / 2_000
    assert abs(share - 0.3) < 4 * (0.21 / 2_000) ** 0.5


# Breaks


def test_a_break_is_a_pause_of_full_length_after_the_talk() -> None:
    log = run(staff(breaks=["00:01-00:06"]))  # the talk is from 10 s to 70 s
    assert times(log, AgentPaused) == [60_000]
    assert ends(log) == [70_000]
    assert times(log, AgentReady) == [370_000]


def test_who_is_late_from_a_break_is_back_later() -> None:
    log = run(staff(breaks=["00:10-00:15"], late={"share": 1, "by_s": 30}))
    assert times(log, AgentReady) == [930_000]


def test_a_break_ends_with_the_shift() -> None:
    log = run(staff(shifts=["00:00-00:12"], breaks=["00:10-00:12"], late={"share": 1, "by_s": 30}))
    assert times(log, AgentReady) == []
    assert times(log, AgentSignedOut) == [720_000]


def test_a_shorter_wrap_up_does_not_swallow_the_break() -> None:
    wrap_up = {"policy.queues.sales.wrap_up_s": 20, "queues": {"sales": {"wrap_up_s": 5}}}
    log = run(staff(breaks=["00:01-00:06"]) | wrap_up)
    assert times(log, AgentReady) == [70_000 + 20_000 + 300_000]


# Pauses


def test_pauses_are_the_share_of_the_shift_and_spread_over_it() -> None:
    shift, count = (3_600_000, 3_600_000 + 8 * 3_600_000), 12
    pauses = Pauses(share=0.075, each_minutes=10)
    spans = [pauses.spans_ms([shift], (), number, count) for number in range(count)]
    assert [len(of_one) for of_one in spans] == [4] * count  # 36 minutes of eight hours: nine each
    assert {end - start for of_one in spans for start, end in of_one} == {540_000}
    away = sorted(
        [(start, 1) for of_one in spans for start, _ in of_one] + [(end, -1) for of_one in spans for _, end in of_one]
    )
    at_once = list(accumulate(change for _, change in away))
    assert max(at_once) == 1  # 0.9 on average
    assert all(shift[0] <= start and end <= shift[1] for of_one in spans for start, end in of_one)


def test_a_pause_in_a_break_is_none() -> None:
    (pause,) = Pauses(share=0.1, each_minutes=5).spans_ms([(0, 3_000_000)], (), 0, 1)
    assert pause == (1_350_000, 1_650_000)
    assert Pauses(share=0.1, each_minutes=5).spans_ms([(0, 3_000_000)], [(1_600_000, 1_700_000)], 0, 1) == ()


def test_agents_of_a_group_pause_one_after_the_other() -> None:
    log = run(staff(count=2, shifts=["00:00-00:30"], pauses={"share": 0.1, "each_minutes": 3}))
    assert times(log, AgentPaused) == [405_000, 1_215_000]
    assert times(log, AgentReady) == [585_000, 1_395_000]


# The end of the shift

TWO_SHIFTS = [SELLER | {"shifts": ["00:00-00:01"]}, SELLER | {"group": "later", "shifts": ["00:02-00:30"]}]


def test_a_talk_goes_on_after_the_shift() -> None:
    assert ends(run({"staff": TWO_SHIFTS})) == [70_000]


def test_what_is_handed_back_goes_on_where_it_broke_off() -> None:
    log = run({"staff": [TWO_SHIFTS[0] | {"shift_end": "hand_back"}, TWO_SHIFTS[1]]})
    assert times(log, ContactTransferred) == [60_000]
    assert ends(log) == [60_000, 130_000]  # 50 s of the talk before, 10 s from 00:02 on
    assert times(log, ContactEnded) == [130_000]


# Speed


@pytest.mark.parametrize(
    ("speed", "end_ms"),
    [
        ({"factor": {"sales": 1.5}}, 100_000),
        ({"factor": {"buyers": 2, "sales": 1.5}}, 130_000),
        ({"factor": {"buyers": 0.5}}, 40_000),
    ],
)
def test_an_agent_may_be_faster_or_slower_with_some(speed: dict[str, Any], end_ms: int) -> None:
    assert ends(run(staff(speed=speed))) == [end_ms]


def test_an_agent_may_have_another_handle_time_but_what_was_measured_stands() -> None:
    speed = staff(speed={"handle_time_s": {"sales": 33}})
    assert ends(run(speed)) == [70_000]
    assert ends(run(speed | {"kinds.buyers.arrivals": {"trace": [{"at_s": 10}]}})) == [43_000]


def test_both_factors_count() -> None:
    assert ends(run(staff(handle_time_factor=2, speed={"factor": {"sales": 1.5}}))) == [190_000]


# Tenure


def test_the_learning_curve_is_interpolated() -> None:
    tenure = Tenure(days=10, learning={0: 1.6, 30: 1.2, 90: 1})
    assert [tenure.factor(days) for days in (0, 15, 30, 60, 90, 900)] == pytest.approx([1.6, 1.4, 1.2, 1.1, 1.0, 1.0])
    assert ends(run(staff(tenure={"days": 15, "learning": {0: 1.6, 30: 1.2}}))) == [10_000 + 84_000]
    assert ends(run(staff(tenure={"days": 0, "days_ahead": 15, "learning": {0: 1.6, 30: 1.2}}))) == [94_000]


def test_agents_leave_in_the_wanted_share_of_a_year() -> None:
    tenure = Tenure(days=100, leave_per_year=0.4)
    left = [Seat(tenure, f"a{n}", 0, 365 * DAY_MS, Streams(1, 0)).days(364 * DAY_MS) is None for n in range(3_000)]
    assert abs(sum(left) / 3_000 - 0.4) < 4 * (0.24 / 3_000) ** 0.5


def test_a_beginner_comes_into_the_place_of_who_left() -> None:
    tenure = Tenure(days=100, leave_per_year=0.9, replaced_after_days=20, learning={0: 2, 50: 1})
    seat = Seat(tenure, "ana", 0, 400 * DAY_MS, Streams(1, 0))
    days = [seat.days(day * DAY_MS) for day in range(400)]
    assert days[0] == 100
    gone = days.index(None)
    assert days[gone : gone + 20] == [None] * 20
    assert days[gone + 20 : gone + 23] == [0, 1, 2]
    assert seat.factor((gone + 20) * DAY_MS) == 2
    assert seat.taken([(gone * DAY_MS, gone * DAY_MS + 5), (0, 5)]) == [(0, 5)]


def test_an_empty_place_is_not_filled_without_a_word_of_it() -> None:
    seat = Seat(Tenure(days=100, leave_per_year=0.9), "ana", 0, 2_000 * DAY_MS, Streams(1, 0))
    assert seat.days(1_999 * DAY_MS) is None
    assert Seat(Tenure(days=5), "ana", 0, DAY_MS, Streams(1, 0)).days(9_999 * DAY_MS) == 5 + 9_999


# Outages

SITES = [SELLER | {"site": "north"}, SELLER | {"group": "south", "site": "south", "shifts": ["00:02-01:00"]}]


def outage(talks: str, **said: Any) -> dict[str, Any]:
    return {"staff": SITES, "outages": [{"site": "north", "during": "00:01-00:05", "talks": talks}]} | said


def test_a_talk_is_lost_with_the_site() -> None:
    log = run(outage("lost"))
    assert ends(log) == [60_000]
    assert [event.agent for _, event, _ in log if isinstance(event, AgentSignedIn)] == [
        "sellers-1",
        "south-1",
        "sellers-1",
    ]
    assert times(log, AgentSignedIn) == [0, 120_000, 300_000]


def test_who_was_cut_off_may_call_again() -> None:
    log = run(outage("lost", **{"kinds.buyers.redials": {"cut_off": {"share": 1, "delay_s": 90}}}))
    assert ends(log) == [60_000, 150_000 + 60_000]


def test_a_talk_may_be_handed_back_or_kept() -> None:
    assert ends(run(outage("handed_back"))) == [60_000, 130_000]
    assert ends(run(outage("kept"))) == [70_000]


def test_a_ringing_phone_falls_silent_and_the_contact_rings_elsewhere() -> None:
    log = run(
        outage("kept", answering={"delay_s": 5}, **{"kinds.buyers.arrivals": {"trace": [{"at_s": 58, "handle_s": 9}]}})
    )
    assert [(now_ms, ended.cause) for now_ms, ended in decided(log, OfferEnded)] == [(60_000, "unreachable")]
    assert times(log, OfferAccepted) == [125_000]


def test_a_group_goes_down_too_and_outages_may_overlap() -> None:
    both = [{"group": "sellers", "during": "00:01-00:05"}, {"site": "north", "during": "00:03-00:08"}]
    assert times(run(outage("kept") | {"outages": both}), AgentSignedIn) == [0, 120_000, 480_000]


# Channels

BLENDED: dict[str, Any] = {
    "policy": {
        "queues": {"sales": {"skills": {"sales": 1}}, "mail": {"channel": "email"}, "chat": {"channel": "chat"}},
        "channels": {"voice": {"interrupts": ["email"]}, "email": {}, "chat": {}},
    },
    "staff": [SELLER | {"capacity": {"voice": 1, "email": 1, "chat": 2}}],
    "kinds": {
        "buyers": {"queue": "sales", "arrivals": {"trace": [{"at_s": 30, "handle_s": 60}]}},
        "mails": {"queue": "mail", "arrivals": {"trace": [{"at_s": 10, "handle_s": 100}]}},
    },
}
MISSING = {"kinds.users": None, "policy.queues.support": None, "kinds.buyers.patience_s": None}


def test_an_email_rests_while_a_call_is_handled_and_goes_on_with_the_rest_of_its_work() -> None:
    replication = Replication(setting_of(changed(BLENDED)), keep_log=True)
    replication.run()
    log = replication.log
    assert [now_ms for now_ms, _ in decided(log, WorkInterrupted)] == [30_000]
    assert [now_ms for now_ms, _ in decided(log, WorkResumed)] == [90_000]
    assert ends(log) == [90_000, 170_000]


def test_an_agent_has_as_many_chats_at_once_as_the_capacity_says() -> None:
    chats = {"queue": "chat", "arrivals": {"trace": [{"at_s": at, "handle_s": 60} for at in (1, 2, 3)]}}
    replication = Replication(setting_of(changed(BLENDED | {"kinds": {"chats": chats}})), keep_log=True)
    replication.run()
    assert ends(replication.log) == [61_000, 62_000, 121_000]


CHATTING = {"capacity": {"chat": 2}, "speed": {"side_by_side": [1, 2]}}


def chats(work_s: float, *at_s: float) -> dict[str, Any]:
    return {"chats": {"queue": "chat", "arrivals": {"trace": [{"at_s": at, "handle_s": work_s} for at in at_s]}}}


def blended_ends(**changes: Any) -> list[int]:
    replication = Replication(setting_of(changed(BLENDED | changes)), keep_log=True)
    replication.run()
    return ends(replication.log)


def test_two_chats_at_once_take_longer_until_one_is_over() -> None:
    """Of the first, 1 s is done when the second comes, and 59 s take twice as long. Then 1 s of the second is left,
    which takes 2 s beside the third."""
    assert blended_ends(kinds=chats(60, 1, 2, 3), staff=[SELLER | CHATTING]) == [120_000, 122_000, 181_000]


def test_one_number_is_for_any_number_of_chats() -> None:
    staff = [SELLER | CHATTING | {"speed": {"side_by_side": [1.5]}}]
    assert blended_ends(kinds=chats(60, 1, 2, 3), staff=staff) == [91_000, 92_000, 181_000]


def test_what_is_left_of_chats_that_were_side_by_side_is_handed_back() -> None:
    """After 60 s the first agent has done 30 s and 20 s of the work: the next has 70 s and 80 s to do, side by side."""
    staff = [
        SELLER | CHATTING | {"shifts": ["00:00-00:01"], "shift_end": "hand_back"},
        SELLER | CHATTING | {"group": "next", "shifts": ["00:01-00:30"]},
    ]
    found = blended_ends(kinds=chats(100, 10, 20), staff=staff, start="00:00")
    assert found == [60_000, 60_000, 200_000, 210_000]


def test_a_contact_that_rests_slows_nobody() -> None:
    """The mail rests for the call, which takes its 60 s."""
    staff = [SELLER | {"capacity": {"voice": 1, "email": 1}, "speed": {"side_by_side": [1, 2]}}]
    assert blended_ends(staff=staff) == [90_000, 170_000]


# Names and numbers that are wrong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"staff.0.absence": 1.2}, "staff[0].absence"),
        ({"staff.0.breaks": ["9-10"]}, "'9-10' is no shift"),
        (
            {"staff.0.shifts": ["00:00-00:30"], "staff.0.breaks": ["00:20-00:40"]},
            "the break '00:20-00:40' lies in no shift",
        ),
        ({"staff.0.breaks": ["00:20-00:40", "00:30-00:50"]}, "the breaks '00:20-00:40' and '00:30-00:50' overlap"),
        ({"staff.0.shift_end": "leave"}, "staff[0].shift_end"),
        ({"staff.0.speed": {"factor": {"sale": 2}}}, "no kind of contact or queue 'sale' (did you mean 'sales'?)"),
        ({"staff.0.speed": {"factor": {"sales": 0}}}, "speed.factor.sales"),
        ({"staff.0.speed": {"side_by_side": []}}, "speed.side_by_side"),
        ({"staff.0.speed": {"side_by_side": [1, 2]}}, "up to 2 contacts at once, but these agents take at most 1"),
        ({"staff.0.tenure": {"days": 5, "replaced_after_days": 5}}, "'leave_per_year' above 0"),
        ({"staff.0.tenure": {"days": 5, "learning": {}}}, "tenure.learning"),
        ({"outages": [{"during": "00:10-00:20"}]}, "an outage is of either a 'site' or a 'group'"),
        ({"outages": [{"group": "seller", "during": "00:10-00:20"}]}, "did you mean 'sellers'"),
        ({"outages": [{"site": "north", "during": "00:10-00:20"}]}, "no site of agents 'north'"),
        ({"staff.0": {"agents": ["ana"], "site": "x"}}, "'site'"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        setting(changes)
    assert message in str(caught.value)


def test_what_is_random_of_agents_hangs_on_their_names() -> None:
    draws = [Streams(1, 0).uniforms(f"agent/{name}/absence")[0] for name in ("a-1", "a-2")]
    assert draws[0] != draws[1]
    assert numpy.isfinite(draws).all()
    assert not math.isclose(*draws)
