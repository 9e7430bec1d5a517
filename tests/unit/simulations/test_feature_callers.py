"""What callers do beyond waiting: they come in numbers that vary, find lines busy, hear waits, call again, are rung."""

from typing import Any

import numpy
import pytest

from documents import DocumentError
from router.core.decisions import ContactFinished, CustomerReached, RingCustomer
from router.core.events import (
    CallbackFailed,
    CallbackReached,
    CallbackRequested,
    ContactArrived,
    ContactLeft,
    ContactMoved,
)
from router.core.ewt import WaitEstimate
from simulations.distributions import Distribution
from simulations.driver import Replication
from simulations.features.announcement import Announcement
from simulations.features.busyness import Busyness, WithinDay
from simulations.features.lines import Lines, Trunk
from simulations.replications import replicate
from simulations.shell import Handled
from simulations.streams import Streams
from simulations.tallies import CallerTally
from tests.support.scenarios import changed, setting, setting_of

ONE_SELLER = {"group": "sellers", "count": 1, "skills": {"sales": 5}}
BUYERS: dict[str, Any] = {
    "kinds.users": None,
    "policy.queues.support": None,
    "staff": [ONE_SELLER],
    "kinds.buyers.patience_s": None,
}


def run(changes: dict[str, Any]) -> tuple[list[Handled], CallerTally]:
    """The log of buyers alone, and what was counted of them in the first half hour."""
    replication = Replication(setting_of(changed(BUYERS | changes)), keep_log=True)
    replication.run()
    replication._shell.router.check()
    return replication.log, replication.counts.at("buyers", 0)


def trace(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"kinds.buyers.arrivals": {"trace": list(rows)}}


def times(log: list[Handled], kind: type) -> list[int]:
    return [now_ms for now_ms, event, _ in log if type(event) is kind]


def arrived(log: list[Handled]) -> list[tuple[int, str]]:
    return [(now_ms, event.contact) for now_ms, event, _ in log if isinstance(event, ContactArrived)]


def decided(log: list[Handled], kind: type) -> list[tuple[int, Any]]:
    return [(now_ms, decision) for now_ms, _, made in log for decision in made if type(decision) is kind]


# Busy days

DAYS = 2_000


def day_factor(busyness: Busyness, kind: str, day: int) -> float:
    return float(busyness.factors(kind, 1, Streams(1, day))[0])


@pytest.mark.parametrize("distribution", ["gamma", "lognormal"])
def test_the_factor_of_the_day_has_mean_1_and_the_wanted_variation(distribution: Any) -> None:
    busyness = Busyness(distribution=distribution, scv=0.04)
    factors = numpy.array([day_factor(busyness, "buyers", day) for day in range(DAYS)])
    assert abs(factors.mean() - 1) < 4 * 0.2 / DAYS**0.5
    assert abs(factors.var() / 0.04 - 1) < 4 * (2.5 / DAYS) ** 0.5


def test_kinds_share_the_day_as_far_as_the_correlation_says() -> None:
    for correlation in (0.0, 0.5, 1.0):
        busyness = Busyness(scv=0.04, correlation=correlation)
        pairs = [(day_factor(busyness, "a", day), day_factor(busyness, "b", day)) for day in range(DAYS)]
        found = numpy.corrcoef(numpy.array(pairs).T)[0, 1]
        assert abs(found - correlation) < 4 * (1 - correlation**2 + 1e-9) / DAYS**0.5 + 0.01
    apart = Busyness(scv=0.04, scv_by_kind={"b": 0.16})
    assert day_factor(apart, "b", 3) != day_factor(apart, "a", 3)


def test_the_intervals_of_a_day_vary_as_wanted_and_resemble_the_one_before() -> None:
    busyness = Busyness(distribution="lognormal", within_day=WithinDay(scv=0.04, correlation=0.6))
    factors = numpy.array([busyness.factors("buyers", 8, Streams(1, day)) for day in range(DAYS)])
    assert abs(factors.mean() - 1) < 4 * 0.2 / DAYS**0.5  # as if all intervals of a day were one, which is wider
    assert abs(factors.var() / 0.04 - 1) < 4 * (2.5 / DAYS) ** 0.5
    scores = numpy.log(factors)
    for apart in (1, 2):
        found = numpy.corrcoef(scores[:, 0], scores[:, apart])[0, 1]
        assert abs(found - 0.6**apart) < 4 / DAYS**0.5


def test_the_day_and_its_intervals_vary_together() -> None:
    both = Busyness(scv=0.04, within_day=WithinDay(scv=0.02))
    days, within = Busyness(scv=0.04), Busyness(within_day=WithinDay(scv=0.02))
    streams = Streams(1, 5)
    expected = days.factors("a", 6, streams) * within.factors("a", 6, streams)
    assert both.factors("a", 6, streams).tolist() == pytest.approx(expected.tolist())
    assert len(set(within.factors("a", 6, streams).tolist())) == 6


def test_a_busy_day_moves_the_same_arrivals_closer_together() -> None:
    plain = arrived(run({"kinds.buyers.arrivals.per_hour": 60})[0])
    busy, _ = run({"kinds.buyers.arrivals.per_hour": 60, "busyness": {"scv": 0.2}})
    factor = day_factor(Busyness(scv=0.2), "buyers", 0)
    assert factor != 1
    assert abs(arrived(busy)[0][0] - plain[0][0] / factor) <= 1


# Redials

AGAIN = {"share": 1, "delay_s": 60}
NOBODY = {"staff": [ONE_SELLER | {"shifts": ["00:50-00:59"]}]}


def test_who_gave_up_calls_again_as_the_same_caller_with_a_new_patience() -> None:
    redials = {"kinds.buyers.redials": {"abandoned": AGAIN, "most": 3}}
    patience = {"kinds.buyers.patience_s": {"distribution": "exponential", "mean": 30}}
    log, tally = run(trace({"at_s": 10}) | NOBODY | redials | patience)
    calls, gone = arrived(log), times(log, ContactLeft)
    assert [name for _, name in calls] == ["buyers-1", "buyers-1.2", "buyers-1.3"]
    assert [at_ms for at_ms, _ in calls[1:]] == [at_ms + 60_000 for at_ms in gone[:2]]
    waits = [left - at for left, (at, _) in zip(gone, calls, strict=True)]
    assert len(set(waits)) == 3
    assert (tally.callers, tally.calls, tally.never_served) == (1, 3, 1)


def test_who_is_served_in_the_end_is_not_lost() -> None:
    changes = {"kinds.buyers.redials": {"abandoned": AGAIN}, "kinds.buyers.patience_s": 100}
    _, tally = run(trace({"at_s": 2_900, "handle_s": 30}) | NOBODY | changes)
    assert (tally.callers, tally.calls, tally.never_served) == (0, 0, 0)  # the first call is in the second interval
    outcome = replicate(setting_of(changed(BUYERS | trace({"at_s": 2_900, "handle_s": 30}) | NOBODY | changes)), 0)
    tally = outcome.whole.kinds["buyers"]
    assert (tally.callers, tally.calls, tally.never_served) == (1, 1, 0)


def test_who_was_not_helped_calls_again_with_new_work() -> None:
    changes = {"kinds.buyers.redials": {"answered": AGAIN, "most": 2}}
    log, tally = run({"kinds.buyers.arrivals": {"trace": [{"at_s": 10}]}} | changes)
    talks = [decision.talk_ms for _, decision in decided(log, ContactFinished)]
    assert len(talks) == 2
    assert talks[0] != talks[1]
    assert (tally.callers, tally.calls, tally.never_served) == (1, 2, 0)


def test_nobody_calls_again_after_the_day() -> None:
    changes = {"kinds.buyers.redials": {"abandoned": AGAIN}, "kinds.buyers.patience_s": 5}
    log, _ = run(trace({"at_s": 3_560}) | NOBODY | changes | {"staff": [ONE_SELLER | {"shifts": ["00:00-00:30"]}]})
    assert arrived(log) == [(3_560_000, "buyers-1")]


def test_the_shares_of_redials_are_those_of_the_scenario() -> None:
    busy = {"kinds.buyers.arrivals.per_hour": 300, "kinds.buyers.patience_s": 10, "duration_minutes": 120}
    whole = replicate(setting_of(changed(BUYERS | busy | {"kinds.buyers.redials": {"abandoned": {"share": 0.4}}})), 0)
    tally, queue = whole.whole.kinds["buyers"], whole.whole.queues["sales"]
    assert queue.abandoned > 400
    redials = tally.calls - tally.callers
    assert abs(redials - 0.4 * queue.abandoned) < 4 * (0.24 * queue.abandoned) ** 0.5


# Lines

TWO = trace({"at_s": 10, "handle_s": 60}, {"at_s": 20, "handle_s": 60}, {"at_s": 75, "handle_s": 60})


def test_a_call_that_finds_all_lines_busy_never_comes_in() -> None:
    log, tally = run(TWO | {"lines": [{"count": 1}]})
    assert [name for _, name in arrived(log)] == ["buyers-1", "buyers-3"]
    assert (tally.callers, tally.calls, tally.blocked, tally.never_served) == (3, 3, 1, 1)


def test_who_was_blocked_may_call_again() -> None:
    log, tally = run(TWO | {"lines": [{"count": 1}], "kinds.buyers.redials": {"blocked": AGAIN}})
    assert [name for _, name in arrived(log)] == ["buyers-1", "buyers-3", "buyers-2.3"]
    assert (tally.calls, tally.blocked, tally.never_served) == (5, 2, 0)


def test_an_email_needs_no_line() -> None:
    changes = {"policy.queues.sales.channel": "email", "policy.channels": {"email": {}}, "lines": [{"count": 1}]}
    log, tally = run(TWO | changes | {"staff": [ONE_SELLER | {"capacity": {"email": 1}}]})
    assert len(arrived(log)) == 3
    assert tally.blocked == 0


def test_a_kind_takes_a_line_of_the_first_group_that_has_one() -> None:
    trunk = Trunk([Lines(count=1, kinds=("vip",)), Lines(count=1)], ["vip", "other", "third"])
    first, second, third = (trunk.take("vip")[1] for _ in range(3))
    assert first is not second
    assert third is None
    assert not trunk.take("other")[0]
    assert second is not None
    second.give_back()
    assert trunk.take("other")[0]
    assert Trunk([Lines(count=1, kinds=("vip",))], ["other"]).take("other") == (True, None)


# An IVR before the queue

SELF_SERVICE = {"takes_s": 30, "served": 0}


def test_a_caller_waits_when_the_ivr_has_let_it_go() -> None:
    log, tally = run(trace({"at_s": 10, "handle_s": 60}) | {"kinds.buyers.self_service": SELF_SERVICE})
    assert arrived(log) == [(40_000, "buyers-1")]
    assert decided(log, ContactFinished)[0][1].wait_ms == 0
    assert (tally.calls, tally.never_served) == (1, 0)


def test_whom_the_ivr_serves_enters_no_queue() -> None:
    served = {"kinds.buyers.self_service": SELF_SERVICE | {"served": 1}}
    outcome = replicate(setting_of(changed(BUYERS | trace({"at_s": 10}) | served)), 0)
    assert (outcome.whole.all_queues.flows, outcome.whole.all_queues.contained) == (1, 1)
    assert (outcome.whole.all_queues.arrived, outcome.whole.kinds["buyers"].never_served) == (0, 0)
    assert outcome.unfinished == 0


def test_who_is_in_the_ivr_holds_a_line() -> None:
    rows = [{"at_s": 10, "handle_s": 1}, {"at_s": 30}, {"at_s": 45, "handle_s": 1}]
    log, tally = run(trace(*rows) | {"kinds.buyers.self_service": SELF_SERVICE, "lines": [{"count": 1}]})
    assert arrived(log) == [(40_000, "buyers-1"), (75_000, "buyers-3")]
    assert tally.blocked == 1


# Announced waits


def test_who_would_not_wait_so_long_leaves_in_that_share() -> None:
    announcement = Announcement(tells=80, from_s=20, leave_at_once=0.5, leaving_by_wait={60: 0.0, 180: 0.6})
    estimate = WaitEstimate(p50_ms=10_000, p80_ms=30_000, p95_ms=60_000)
    assert announcement.told_ms(estimate) == 30_000
    assert announcement.told_ms(None) is None
    assert announcement.told_ms(WaitEstimate(1, 19_000, 50_000)) is None
    assert announcement.leaves(30_000, 20_000, 0.49)
    assert not announcement.leaves(30_000, 20_000, 0.51)
    assert not announcement.leaves(30_000, 40_000, 0.0)
    assert not announcement.leaves(30_000, None, 0.0)
    assert announcement.leaves(120_000, None, 0.29)
    assert not announcement.leaves(120_000, None, 0.31)


def test_who_finds_as_many_ahead_hears_the_same() -> None:
    announcement = Announcement(by_ahead_s=(12, 40), from_s=20)
    assert [announcement.told_ms(None, ahead) for ahead in range(4)] == [None, 40_000, 40_000, 40_000]
    assert announcement.told_ms(WaitEstimate(1, 90_000, 90_000), 1) == 40_000


def test_callers_hear_what_the_last_waited() -> None:
    """The second waits 50 s for the only agent. The third is the first to hear of that, and leaves."""
    hears = {"tells": "last", "from_s": 1, "leaving_by_wait": {49: 0, 50: 1}}
    rows = [{"at_s": 10, "handle_s": 60}, {"at_s": 20, "handle_s": 60}, {"at_s": 90}]
    log, tally = run(trace(*rows) | {"kinds.buyers.announcement": hears})
    assert times(log, ContactLeft) == [90_000]
    assert tally.left_at_once == 1


@pytest.mark.parametrize(
    ("said", "patience_ms"),
    [
        ({"patience_factor": 1.5}, 45_000),
        ({"patience_s": 7}, 7_000),
        ({"patience_times_told": 1.25}, 50_000),
        ({"patience_times_told": 1, "patience_s": 15}, 55_000),
    ],
)
def test_patience_that_depends_on_what_was_told(said: dict[str, Any], patience_ms: int) -> None:
    def draw(_: str, law: Distribution) -> float:
        return float(law.sample(numpy.random.default_rng(1), 1)[0])

    assert Announcement(**said).patience_ms(40_000, 30_000, draw) == patience_ms
    anew = {"patience_times_told", "patience_s"} & said.keys()
    assert Announcement(**said).patience_ms(40_000, None, draw) == (patience_ms if anew else None)


def test_callers_are_told_by_how_many_are_ahead() -> None:
    """The first has the only agent; the second hears 20 s and gives up after twice that, the third 90 s and leaves."""
    hears = {"by_ahead_s": [20, 90], "leaving_by_wait": {60: 0, 90: 1}, "patience_times_told": 2}
    rows = [{"at_s": 10, "handle_s": 600}, {"at_s": 20}, {"at_s": 30}]
    log, tally = run(trace(*rows) | {"kinds.buyers.announcement": hears})
    assert times(log, ContactLeft) == [30_000, 60_000]
    assert tally.left_at_once == 1


def test_callers_hear_the_routers_estimate_and_act_upon_it() -> None:
    busy = {
        "kinds.buyers.arrivals.per_hour": 60,
        "kinds.buyers.patience_s": {"distribution": "exponential", "mean": 90},
    }
    plain, _ = run(busy)
    hearing, tally = run(busy | {"kinds.buyers.announcement": {"tells": 95, "leave_at_once": 1}})
    at_once = [
        now_ms
        for now_ms, event in decided(hearing, ContactFinished)
        if event.outcome == "abandoned" and not event.wait_ms
    ]
    assert len(at_once) >= tally.left_at_once > 5
    assert not any(event.outcome == "abandoned" and not event.wait_ms for _, event in decided(plain, ContactFinished))


def test_who_stays_has_another_patience() -> None:
    two = trace({"at_s": 0, "handle_s": 900}, *({"at_s": at, "handle_s": 900} for at in range(1, 400, 40)))
    patient = run(two | {"kinds.buyers.patience_s": 30})[0]
    told = {"leaving_by_wait": {0: 0}, "patience_factor": 2}
    longer = run(two | {"kinds.buyers.patience_s": 30, "kinds.buyers.announcement": told})[0]
    fixed = run(two | {"kinds.buyers.patience_s": 30, "kinds.buyers.announcement": {"patience_s": 45}})[0]
    assert {event.wait_ms for _, event in decided(patient, ContactFinished) if event.outcome == "abandoned"} == {30_000}
    # Nothing is told before the router has seen a contact start after a wait; no agent is free in this hour.
    assert {e.wait_ms for _, e in decided(longer, ContactFinished) if e.outcome == "abandoned"} == {30_000}
    assert {e.wait_ms for _, e in decided(fixed, ContactFinished) if e.outcome == "abandoned"} == {30_000}
    short = trace(*({"at_s": at, "handle_s": 55} for at in range(0, 1_500, 25)))
    waits = {
        name: {
            event.wait_ms
            for _, event in decided(run(short | {"kinds.buyers.patience_s": 60} | said)[0], ContactFinished)
            if event.outcome == "abandoned"
        }
        for name, said in (
            ("plain", {}),
            ("longer", {"kinds.buyers.announcement": {"patience_factor": 2}}),
            ("another", {"kinds.buyers.announcement": {"patience_s": 45}}),
        )
    }
    assert waits["plain"] == {60_000}
    assert 120_000 in waits["longer"]
    assert 45_000 in waits["another"]


# Callbacks

RING_BACK = {
    "policy.queues.sales.callback": {"tries": 2, "retry_s": 120, "ring_s": 20},
    "kinds.buyers.patience_s": 45,
    "lines": [{"count": 2}],
}


def wishes(**said: Any) -> dict[str, Any]:
    return {"kinds.buyers.callbacks": {"share": 1, "after_s": 10, "rings_s": 8} | said}


def test_who_asks_for_a_callback_hangs_up_and_is_rung_when_it_is_their_turn() -> None:
    log, tally = run(TWO | RING_BACK | wishes())
    assert times(log, CallbackRequested)[0] == 30_000
    assert times(log, ContactLeft) == []
    (rung, ring), *_ = decided(log, RingCustomer)
    assert (rung, ring.contact) == (70_000, "buyers-2")
    assert times(log, CallbackReached)[0] == 78_000
    assert decided(log, CustomerReached)[0][1].wait_ms == 58_000
    assert (tally.asked_for_callback, tally.blocked) == (2, 0)  # the third call has the line of the second


def test_who_is_not_reached_is_tried_again_and_then_no_more() -> None:
    log, tally = run(TWO | RING_BACK | wishes(reached=0))
    assert len(times(log, CallbackFailed)) == 4
    assert [event.outcome for _, event in decided(log, ContactFinished)] == ["answered", "unreached", "unreached"]
    assert tally.never_served == 2


def test_a_customer_who_lets_it_ring_too_long_is_not_reached() -> None:
    log, _ = run(TWO | RING_BACK | wishes(rings_s=25))
    assert times(log, CallbackFailed)[0] == 70_000 + 20_000
    assert times(log, CallbackReached) == []


def test_a_callback_is_asked_for_by_who_finds_enough_ahead() -> None:
    rows = [{"at_s": 10, "handle_s": 60}, *({"at_s": at_s, "handle_s": 60} for at_s in (20, 21, 22))]
    log, _ = run(trace(*rows) | RING_BACK | {"lines": []} | wishes(after_s=0, when_ahead=2))
    asked = [(now_ms, event.contact) for now_ms, event, _ in log if isinstance(event, CallbackRequested)]
    assert asked == [(22_000, "buyers-4")]


LATER = {"skills": {"sales": 1}, "priority": -5, "callback": {}}


def test_a_callback_goes_to_another_queue_and_keeps_its_age() -> None:
    """The second asks and is behind the third, who waits on the line."""
    rows = [{"at_s": 10, "handle_s": 60}, {"at_s": 20, "handle_s": 60}, {"at_s": 65, "handle_s": 60}]
    log, tally = run(trace(*rows) | RING_BACK | {"policy.queues.later": LATER} | wishes(to_queue="later"))
    moved = [(now_ms, event.contact, event.queue) for now_ms, event, _ in log if isinstance(event, ContactMoved)]
    assert moved == [(30_000, "buyers-2", "later")]
    assert [(now_ms, ring.contact) for now_ms, ring in decided(log, RingCustomer)] == [(130_000, "buyers-2")]
    finished = [event for _, event in decided(log, ContactFinished) if event.callback]
    assert [(event.queue, event.wait_ms) for event in finished if event.outcome == "answered"] == [("later", 118_000)]
    assert tally.asked_for_callback == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "there is no queue 'later'"),
        (
            {"policy.queues.later": {key: LATER[key] for key in ("skills", "priority")}},
            "the queue 'later' has no callb",
        ),
    ],
)
def test_a_callback_cannot_go_where_there_are_none(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        setting_of(changed(BUYERS | RING_BACK | changes | wishes(to_queue="later")))


def test_no_callback_without_the_queues_rules_or_while_the_wait_is_short() -> None:
    assert times(run(TWO | wishes())[0], CallbackRequested) == []
    assert times(run(TWO | RING_BACK | wishes(when_wait_over_s=5))[0], CallbackRequested) == []  # nothing is known yet


@pytest.mark.parametrize(("rules", "asked"), [({}, []), ({"callback": {}}, [30_000])])
def test_who_overflows_before_asking_asks_where_they_wait_now_if_that_queue_has_callbacks(
    rules: dict[str, Any], asked: list[int]
) -> None:
    overflow = {
        "policy.queues.sales.longest_wait_s": 5,
        "policy.queues.sales.overflow_to": "later",
        "policy.queues.later": {"skills": {"sales": 1}} | rules,
    }
    rows = [{"at_s": 10, "handle_s": 60}, {"at_s": 20, "handle_s": 60}]
    assert times(run(trace(*rows) | RING_BACK | overflow | wishes())[0], CallbackRequested) == asked


@pytest.mark.parametrize("talks", ["lost", "handed_back", "kept"])
def test_who_is_being_rung_when_the_agent_has_to_go_is_rung_again_and_that_try_does_not_count(talks: str) -> None:
    """The second is rung from the 35th second on, by the one seller, who is struck after a minute, for two."""
    rows = trace({"at_s": 5, "handle_s": 30}, {"at_s": 20, "handle_s": 60})
    outage = {"start": "00:00", "outages": [{"group": "sellers", "during": "00:01-00:03", "talks": talks}]}
    rules = {"policy.queues.sales.callback": {"tries": 1, "ring_s": 40}}
    log, tally = run(rows | RING_BACK | rules | outage | wishes(after_s=1, rings_s=30))
    rung = [now_ms for now_ms, _ in decided(log, RingCustomer)]
    assert rung == ([35_000] if talks == "kept" else [35_000, 180_000])
    assert [now_ms for now_ms, _ in decided(log, CustomerReached)] == [rung[-1] + 30_000]
    assert tally.cut_off == 0


# Names and numbers that are wrong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"busyness": {"scv": 0}}, "busyness.scv: should be greater than 0"),
        ({"busyness": {"correlation": 0.5}}, "nothing varies; give 'scv', how much days differ, or 'within_day'"),
        ({"busyness": {"scv": 1, "scv_by_kind": {"buyer": 1}}}, "no kind 'buyer' (did you mean 'buyers'"),
        ({"lines": [{"count": 0}]}, "lines[0].count"),
        ({"lines": [{"count": 5, "kinds": ["byers"]}]}, "no kind 'byers' (did you mean 'buyers'"),
        ({"kinds.buyers.redials": {"abandoned": {"share": 2}}}, "redials.abandoned.share"),
        ({"kinds.buyers.redials": {"abandond": {"share": 1}}}, "'abandond' is not known here"),
        ({"kinds.buyers.announcement": {"tells": 60}}, "announcement.tells"),
        ({"kinds.buyers.self_service": {"served": 0.5}}, "'takes_s' is missing"),
        (
            {"kinds.buyers": {"number": "100", "arrivals": {"per_hour": 1}, "self_service": SELF_SERVICE}},
            "'self_service' is for kinds that enter a queue",
        ),
        ({"kinds.buyers.announcement": {"leaving_by_wait": {-1: 0.5}}}, "announcement.leaving_by_wait"),
        ({"kinds.buyers.callbacks": {}}, "'share' is missing"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        setting(changes)
    assert message in str(caught.value)
