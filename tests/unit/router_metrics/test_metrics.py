import json
import random
import time

import msgspec
import pytest

from router.core.decisions import (
    AgentChanged,
    AgentState,
    Connect,
    ContactFinished,
    ContactQueued,
    Decision,
    Offer,
    OfferEnded,
    Outcome,
    Record,
)
from router.core.ewt import EstimateError
from router.core.measures import AGENT_METRICS, CONTACT_METRICS
from router.core.metrics import Metrics
from router.core.policy import Goal, LastAction, Policy, Queue
from router.core.tallies import ContactTally
from router.core.tallying import ContactSums

MINUTE = 60_000


def policy(*queues: str) -> Policy:
    goal = Goal(answered_within_ms=20_000, share=0.8, short_abandon_ms=5_000)
    exit = LastAction("exit", "message")
    return Policy(1, tuple(Queue(name, goal, (), exit) for name in queues), ())


def new(interval_ms: int | None = None, keep_intervals: int = 96) -> Metrics:
    return Metrics(policy("help", "sales"), interval_ms=interval_ms, keep_intervals=keep_intervals)


def queued(contact: str, queue: str = "help", moved_from: str | None = None) -> ContactQueued:
    return ContactQueued(contact, queue, moved_from)


def offer(contact: str, agent: str) -> Offer:
    return Offer(f"{contact}-{agent}", contact, agent, 0, Record(1, "help", "all"))


def offer_ended(contact: str, agent: str, cause: str) -> OfferEnded:
    return OfferEnded(f"{contact}-{agent}", contact, agent, cause)  # type: ignore[arg-type]


def connect(contact: str, agent: str = "ann") -> Connect:
    return Connect(f"{contact}-{agent}", contact, agent)


def finished(
    contact: str, outcome: Outcome, arrived_ms: int, wait_ms: int, talk_ms: int = 0, queue: str = "help"
) -> ContactFinished:
    agent = "ann" if outcome == "answered" else None
    return ContactFinished(contact, queue, outcome, arrived_ms, wait_ms, talk_ms, agent)


def observe(metrics: Metrics, *happenings: tuple[int, Decision]) -> Metrics:
    for now_ms, decision in happenings:
        metrics.observe(decision, now_ms)
    return metrics


def agent(name: str, state: AgentState) -> AgentChanged:
    return AgentChanged(name, state)


def a_mixed_hour(metrics: Metrics) -> Metrics:
    """Two answered (10 s in time, 30 s late), a short abandon (2 s), an abandon (40 s), one released (60 s)."""
    return observe(
        metrics,
        (0, queued("a")),
        (0, queued("b")),
        (0, queued("c")),
        (2_000, finished("c", "abandoned", 0, 2_000)),
        (10_000, connect("a")),
        (30_000, connect("b")),
        (40_000, queued("d")),
        (40_000, queued("e")),
        (80_000, finished("d", "abandoned", 40_000, 40_000)),
        (100_000, finished("e", "overflowed", 40_000, 60_000)),
        (130_000, finished("b", "answered", 0, 30_000, talk_ms=100_000)),
        (190_000, finished("a", "answered", 0, 10_000, talk_ms=180_000)),
    )


def test_service_level_comes_in_three_variants() -> None:
    values = a_mixed_hour(new()).report(200_000).whole.queues["help"].values
    assert values["service_level_answered_share"] == 1 / 2
    assert values["service_level_offered_share"] == 1 / 5
    assert values["service_level_share"] == 1 / 4


def test_waits_and_abandons_follow_their_formulas() -> None:
    values = a_mixed_hour(new()).report(200_000).whole.queues["help"].values
    assert (values["offered"], values["answered"], values["abandoned"], values["short_abandons"]) == (5, 2, 2, 1)
    assert values["asa_ms"] == 20_000
    assert values["mean_wait_ms"] == (10_000 + 30_000 + 2_000 + 40_000 + 60_000) / 5
    assert values["longest_wait_ms"] == 60_000
    assert values["wait_p50_ms"] == pytest.approx(30_000, rel=0.01)
    assert values["abandon_share"] == 1 / 4
    assert values["overflow_share"] == 1 / 5
    assert values["aht_ms"] == values["mean_talk_ms"] == 140_000


def test_a_talk_under_way_counts_as_answered_but_has_no_handle_time_yet() -> None:
    values = observe(new(), (0, queued("a")), (9_000, connect("a"))).report(60_000).whole.all_queues.values
    assert (values["answered"], values["asa_ms"], values["aht_ms"]) == (1, 9_000, None)


def test_who_still_waits_is_in_no_share() -> None:
    values = observe(new(), (0, queued("a"))).report(60_000).whole.queues["help"].values
    assert (values["arrived"], values["offered"], values["service_level_share"]) == (1, 0, None)
    assert values["mean_queue_length"] == 1.0


def test_a_connect_that_failed_is_taken_back() -> None:
    metrics = observe(new(), (0, queued("a")), (10_000, connect("a")), (11_000, offer_ended("a", "ann", "error")))
    values = metrics.report(20_000).whole.queues["help"].values
    assert (values["answered"], values["asa_ms"], values["wait_p95_ms"]) == (0, None, None)
    assert values["mean_queue_length"] == pytest.approx(19 / 20)
    observe(metrics, (30_000, finished("a", "abandoned", 0, 30_000)))
    report = metrics.report(40_000).whole
    assert (report.queues["help"].values["abandoned"], report.agents["ann"].tally.answered) == (1, 0)


def test_a_moved_contact_counts_in_both_queues_and_once_over_all() -> None:
    metrics = observe(
        new(),
        (0, queued("a")),
        (60_000, queued("a", "sales", moved_from="help")),
        (70_000, connect("a")),
        (100_000, finished("a", "answered", 0, 70_000, 30_000, queue="sales")),
    )
    whole = metrics.report(100_000).whole
    left, into, over_all = (s.values for s in (whole.queues["help"], whole.queues["sales"], whole.all_queues))
    assert (left["arrived"], left["offered"], left["moved_share"], left["mean_wait_ms"]) == (1, 1, 1.0, None)
    assert (into["arrived"], into["moved_in"], into["answered"], into["asa_ms"]) == (1, 1, 1, 70_000)
    assert (over_all["arrived"], over_all["offered"], over_all["answered"]) == (1, 1, 1)
    assert left["mean_queue_length"] == pytest.approx(0.6)
    assert into["mean_queue_length"] == pytest.approx(0.1)


def test_a_contact_that_was_never_queued_counts_when_it_finishes() -> None:
    values = observe(new(), (5, finished("a", "overflowed", 5, 0))).report(10).whole.queues["help"].values
    assert (values["arrived"], values["overflowed"], values["mean_queue_length"]) == (1, 1, 0.0)


def test_the_age_a_contact_brought_along_counts_as_wait() -> None:
    decision = ContactQueued("a", "help", arrived_ms=0)
    values = observe(new(), (50_000, decision), (60_000, connect("a"))).report(60_000).whole.queues["help"].values
    assert values["asa_ms"] == 60_000


def test_contacts_count_in_the_interval_of_their_arrival() -> None:
    metrics = observe(
        new(interval_ms=MINUTE),
        (50_000, queued("a")),
        (65_000, connect("a")),
        (300_000, finished("a", "answered", 50_000, 15_000, 235_000)),
    )
    intervals = metrics.report(300_000).intervals
    assert [i.queues["help"].values["answered"] for i in intervals] == [1, 0, 0, 0, 0]
    assert intervals[0].queues["help"].values["aht_ms"] == 235_000


def test_agent_time_and_queue_length_are_cut_exactly_at_interval_borders() -> None:
    metrics = observe(
        new(interval_ms=MINUTE),
        (10_000, agent("ann", "ready")),
        (30_000, queued("a")),
        (90_000, connect("a")),
        (90_000, agent("ann", "busy")),
        (130_000, finished("a", "answered", 30_000, 60_000, 40_000)),
        (130_000, agent("ann", "wrap_up")),
        (200_000, agent("ann", "paused")),
        (230_000, agent("ann", "offline")),
    )
    report = metrics.report(240_000)
    tallies = [i.agents["ann"].tally for i in report.intervals]
    assert [t.ready_ms for t in tallies] == [50_000, 30_000, 0, 0]
    assert [t.busy_ms for t in tallies] == [0, 30_000, 10_000, 0]
    assert [t.wrap_up_ms for t in tallies] == [0, 0, 50_000, 20_000]
    assert [t.paused_ms for t in tallies] == [0, 0, 0, 30_000]
    assert [i.queues["help"].values["mean_queue_length"] for i in report.intervals] == [0.5, 0.5, 0, 0]
    ann = report.whole.agents["ann"].values
    assert ann["occupancy_share"] == (40_000 + 70_000) / (40_000 + 70_000 + 80_000)
    assert ann["paused_share"] == 30_000 / 220_000
    assert report.whole.queues["help"].values["mean_wrap_up_ms"] == 70_000


def test_a_report_in_the_midst_does_not_change_the_next_one() -> None:
    def happenings(metrics: Metrics, ask: bool) -> Metrics:
        for now, decision in ((0, agent("ann", "ready")), (0, queued("a")), (7_000, connect("a"))):
            metrics.observe(decision, now)
            if ask:
                metrics.report(now + 3_000)
        return metrics

    assert happenings(new(MINUTE), True).report(90_000) == happenings(new(MINUTE), False).report(90_000)


def test_refused_offers_count_for_queue_and_agent() -> None:
    metrics = observe(
        new(),
        (0, queued("a")),
        (0, offer("a", "ann")),
        (5_000, offer_ended("a", "ann", "declined")),
        (5_000, offer("a", "bob")),
        (25_000, offer_ended("a", "bob", "no_answer")),
        (25_000, offer("a", "cec")),
        (26_000, offer_ended("a", "cec", "unreachable")),
        (26_000, offer("a", "dan")),
        (27_000, offer_ended("a", "dan", "cancelled")),
    )
    whole = metrics.report(30_000).whole
    values = whole.queues["help"].values
    assert (values["offers"], values["declined_share"], values["no_answer_share"]) == (4, 1 / 4, 1 / 4)
    assert values["offer_failed_share"] == 1 / 4
    assert [whole.agents[name].values["refused_share"] for name in ("ann", "bob", "cec", "dan")] == [1, 1, 0, 0]


def test_containment_is_of_flows() -> None:
    metrics = new()
    for contained in (True, True, False):
        metrics.flow_finished(contained, 1_000)
    assert metrics.report(2_000).whole.all_queues.values["containment_share"] == 2 / 3


def test_the_error_of_estimates_is_published_per_queue_and_over_all() -> None:
    errors = {"help": EstimateError(4, 2, 3, 4, 8_000), "sales": EstimateError(1, 0, 0, 0, 2_000)}
    whole = new().report(1_000, estimate_errors=errors).whole
    assert whole.queues["help"].values["ewt_p80_coverage_share"] == 3 / 4
    assert whole.all_queues.values["ewt_mean_absolute_error_ms"] == 2_000


def test_a_warm_up_can_be_left_out() -> None:
    metrics = new(interval_ms=MINUTE)
    for minute in range(5):
        start = minute * MINUTE
        observe(metrics, (start, queued(str(minute))), (start + minute, connect(str(minute))))
    whole = metrics.report(5 * MINUTE, since_ms=3 * MINUTE - 1).whole
    assert (whole.start_ms, whole.queues["help"].values["asa_ms"]) == (3 * MINUTE, 3.5)
    with pytest.raises(ValueError, match="need intervals"):
        new().report(MINUTE, since_ms=0)


def test_old_intervals_are_folded_into_the_whole_and_late_ends_still_count() -> None:
    metrics = new(interval_ms=MINUTE, keep_intervals=3)
    observe(metrics, (0, agent("ann", "ready")), (1_000, queued("early")), (2_000, connect("early")))
    for minute in range(1, 1_000):
        observe(metrics, (minute * MINUTE, queued(str(minute))))
    end = 1_000 * MINUTE
    observe(metrics, (end - 1, finished("early", "answered", 1_000, 1_000, end - 2_001)))
    report = metrics.report(end)
    assert [i.start_ms for i in report.intervals] == [997 * MINUTE, 998 * MINUTE, 999 * MINUTE]
    assert (report.whole.start_ms, report.whole.all_queues.values["arrived"]) == (0, 1_000)
    assert report.whole.all_queues.values["aht_ms"] == end - 2_001
    assert report.whole.agents["ann"].tally.ready_ms == end
    with pytest.raises(ValueError, match="only the last 3 are kept"):
        metrics.report(end, since_ms=0)


def test_a_long_silence_costs_neither_time_nor_memory() -> None:
    metrics = new(interval_ms=MINUTE, keep_intervals=10)
    observe(metrics, (0, agent("ann", "ready")), (10_000_000_000_000, agent("ann", "busy")))
    assert metrics.report(10_000_000_000_000).whole.agents["ann"].tally.ready_ms == 10_000_000_000_000


def test_tallies_of_replications_add_up() -> None:
    one, two = (a_mixed_hour(new()).report(200_000).whole.queues["help"].tally for _ in range(2))
    both = ContactTally()
    both.add(one)
    both.add(two)
    assert (both.offered, both.answered_within, both.waits.count, both.longest_wait_ms) == (10, 2, 10, 60_000)


def test_a_report_is_json() -> None:
    report = a_mixed_hour(new(MINUTE)).report(200_000)
    assert json.loads(msgspec.json.encode(report))["whole"]["queues"]["help"]["values"]["offered"] == 5


@pytest.mark.parametrize(
    ("question", "answers", "figures"),
    [
        ("csat", [1, 3, 4, 5, 5], {"csat_answers": 5, "csat_share": 0.6}),
        ("nps", [0, 6, 7, 8, 9, 10, 10], {"nps_answers": 7, "nps": 100 * (3 - 2) / 7}),
        ("nps", [6, 6], {"nps": -100.0}),
        ("ces", [1, 7, 7], {"ces_answers": 3, "ces_mean": 5.0}),
        ("comment", [0], {"csat_share": None, "nps": None, "ces_mean": None}),
    ],
)
def test_surveys_count_in_the_queue_of_the_talk_and_over_all(
    question: str, answers: list[int], figures: dict[str, float | None]
) -> None:
    metrics = new()
    queue = next(iter(metrics.report(1).whole.queues))
    for answer in answers:
        metrics.survey_answered(question, answer, queue, 1_000)
    whole = metrics.report(2_000).whole
    for section in (whole.queues[queue], whole.all_queues):
        assert {name: section.values[name] for name in figures} == pytest.approx(figures)


def test_an_answer_without_a_talk_counts_over_all_alone() -> None:
    metrics = new()
    metrics.survey_answered("csat", 5, "", 1_000)
    whole = metrics.report(2_000).whole
    assert whole.all_queues.values["csat_answers"] == 1
    assert {section.values["csat_answers"] for section in whole.queues.values()} == {0}


def test_quantiles_from_the_sketch_are_within_one_percent() -> None:
    rng = random.Random(1)
    tally, exact = ContactTally(), sorted(round(rng.expovariate(1 / 30_000)) for _ in range(20_000))
    sums = ContactSums(tally)
    for wait_ms in exact:
        sums.wait(wait_ms)
    sums.settle()
    waits = tally.waits
    for share in (0.01, 0.5, 0.8, 0.95, 1.0):
        expected = exact[max(0, round(share * len(exact)) - 1)]
        assert waits.quantile_ms(share) == pytest.approx(expected, rel=0.0101, abs=1)
    assert len(waits.buckets) < 1_100


def test_every_metric_has_a_unit_or_is_a_count_and_a_name_of_its_own() -> None:
    names = [metric.name for metric in (*CONTACT_METRICS, *AGENT_METRICS)]
    assert len(set(names)) == len(names)
    units = ("_ms", "_share", "_per_hour")
    on_own_scale = ("mean_queue_length", "nps", "ces_mean")
    tally = ContactTally(arrived=1)
    for metric in CONTACT_METRICS:
        value = metric.compute(tally)
        is_count = isinstance(value, int) and not metric.name.endswith(units)
        assert is_count or metric.name.endswith(units) or metric.name in on_own_scale, metric.name


def test_a_decision_costs_less_than_10_us() -> None:
    metrics = new(interval_ms=15 * MINUTE)
    happenings: list[tuple[int, Decision]] = []
    for n in range(2_000):
        name, now, who = str(n), n * 1_000, f"agent {n % 50}"
        happenings += [
            (now, queued(name)),
            (now, offer(name, who)),
            (now, agent(who, "ringing")),
            (now + 500, connect(name, who)),
            (now + 500, agent(who, "busy")),
            (now + 900, ContactFinished(name, "help", "answered", now, 500, 400, who)),
            (now + 900, agent(who, "wrap_up")),
            (now + 999, agent(who, "ready")),
        ]
    began = time.process_time()
    observe(metrics, *happenings)
    assert (time.process_time() - began) / len(happenings) < 10e-6
