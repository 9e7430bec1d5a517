"""The kernel's own machinery: what it brings on the way, and what it keeps."""

from random import Random
from typing import Any, NamedTuple

import numpy
import pytest

from router.core import repeats
from simulations.distributions import DISTRIBUTIONS
from simulations.driver import Replication
from simulations.engines import replicate
from simulations.kernel import engine, world
from simulations.kernel.buckets import bucket_number, leading_buckets, wait_bounds
from simulations.kernel.engine import Kernel, KernelReplication
from simulations.kernel.machine import layout
from simulations.kernel.machine.base import wait_bucket
from simulations.kernel.machine.layout import SEQ_BITS
from simulations.kernel.plan import make_plan
from simulations.kernel.refusals import LONGEST_MS, refusals
from simulations.kernel.world import renumber
from simulations.setting import Setting
from tests.support.kernel_cases import first_difference, random_setting, reference_rows
from tests.support.scenarios import setting

MANY = {"kinds.buyers.arrivals": {"per_hour": 4_000}, "kinds.buyers.patience_s": 30, "run_off_minutes": 2}


def difference(made: Setting, number: int = 0, seq: int | None = None) -> str:
    """`seq`: so many events there were already, as the kernel is told."""
    reference = Replication(made, number, keep_log=True)
    reference.run()
    kernel = KernelReplication(make_plan(made), number, keep_log=True)
    if seq is not None:
        kernel._world.clock[0]["seq"] = seq
    kernel.run()
    return first_difference(reference_rows(made, reference.log), kernel.log)


def test_contacts_are_drawn_in_chunks_as_they_would_be_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CHUNK", 1_024)
    assert difference(setting(MANY)) == ""


def test_a_policy_that_stands_alone_is_played_with_its_steps() -> None:
    step = {"after_s": 5, "sooner": ["none_available"], "skills": {"support": 1}, "combine": "add"}
    queues = {"steps": [step], "full_at": 4, "overflow_to": "support", "priority_cap": 3, "weight": 2}
    made = setting({f"policy.queues.sales.{name}": value for name, value in queues.items()} | MANY)
    assert refusals(made) == []
    assert difference(made) == ""
    reserving = setting({"policy.queues.sales.keep_free": 1})
    assert refusals(reserving) == ["policy.queues.sales.steps[0].keep_free: not supported"]


def test_room_grows_when_more_contacts_wait_than_were_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "SLOTS", 2)
    assert difference(setting(MANY | {"kinds.buyers.patience_s": None})) == ""


def test_a_contact_that_is_refused_often_draws_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LANES", 3)
    answering = {"delay_s": {"distribution": "exponential", "mean": 2}, "declined": 0.7, "no_answer": 0.1}
    assert difference(setting({"answering": answering, "kinds.buyers.patience_s": None})) == ""


INSISTENT = {"abandoned": {"share": 0.9, "delay_s": {"distribution": "exponential", "mean": 60}}, "most": 400}


def test_callers_who_call_very_often_draw_anew_each_time() -> None:
    """Also with queues that everybody leaves at once, lines that are busy, and offers that are carried over."""
    redials = INSISTENT | {"answered": {"share": 0.5, "delay_s": 1}, "blocked": {"share": 1, "delay_s": 0.3}}
    made = setting(MANY | {"kinds.buyers.redials": redials, "lines": [{"count": 9}], "answering": {"declined": 0.3}})
    assert difference(made) == ""
    assert KernelReplication(make_plan(made), 0).run() == replicate(made, 0)


def test_outages_strike_phones_that_ring_and_talks_and_callers_call_again() -> None:
    """Two at once, of which one goes on longer; whose shift it is then comes back."""
    outages = [
        {"group": "sellers", "during": "00:10-00:20", "talks": "lost"},
        {"group": "sellers", "during": "00:05-00:12", "talks": "kept"},
        {"group": "helpers", "during": "00:12-00:30", "talks": "lost"},
    ]
    redials = {"kinds.buyers.redials": {"cut_off": {"share": 0.7, "delay_s": 20}}}
    slow = {"answering": {"delay_s": 8}, "kinds.buyers.handle_time_s": 60}
    made = setting(MANY | redials | slow | {"outages": outages})
    assert refusals(made) == []
    assert difference(made) == ""
    outcome = KernelReplication(make_plan(made), 0).run()
    assert outcome == replicate(made, 0)
    assert outcome.whole.kinds["buyers"].cut_off > 0
    assert outcome.whole.all_queues.offer_failed > 0


HANDING = {
    "policy.queues.sales": {"skills": {"sales": 1}, "wrap_up_s": 5},
    "staff.0": {"group": "sellers", "count": 4, "skills": {"sales": 5}, "shift_end": "hand_back"}
    | {"shifts": ["00:00-00:10", "00:11-00:20", "00:21-00:40"]},
    "kinds.buyers.handle_time_s": 60,
}


@pytest.mark.parametrize("delay_s", [0, 3])
def test_talks_are_handed_back_when_a_shift_ends(delay_s: float) -> None:
    """Also more than once, and to somebody who is free, so that the talk ends when it would have ended; some callers
    come in the very moment, and outages hand back too."""
    outages = [{"group": "helpers", "during": "00:15-00:17", "talks": "handed_back"}]
    trace = [{"at_s": 600}] * 3 + [{"at_s": 1_200}] * 3
    arrivals = {"kinds.users": {"queue": "sales", "handle_time_s": 30, "arrivals": {"trace": trace}}}
    redials = {"abandoned": {"share": 0.5, "delay_s": 9}, "answered": {"share": 0.5, "delay_s": 9}}
    more = {"kinds.buyers.arrivals.per_hour": 200, "kinds.buyers.redials": redials, "lines": [{"count": 30}]}
    made = setting(HANDING | arrivals | more | {"outages": outages, "answering": {"delay_s": delay_s}})
    assert refusals(made) == []
    assert difference(made) == ""
    outcome = KernelReplication(make_plan(made), 0).run()
    assert outcome == replicate(made, 0)
    assert outcome.whole.all_queues.transferred > 5


TOLD = [
    {"tells": 50, "leave_at_once": 0.4, "patience_factor": 1.7},
    {"tells": 80, "from_s": 12.5, "leaving_by_wait": {5: 0.1, 20: 0.6, 90: 0.7}},
    {"tells": 95, "leaving_by_wait": {30: 0.5}, "patience_s": {"distribution": "gamma", "mean": 40, "scv": 0.5}},
]


@pytest.mark.parametrize("announcement", TOLD)
def test_callers_hear_the_estimate_of_the_router(announcement: dict[str, Any]) -> None:
    """To the millisecond, or others would leave: also where priorities grow with the wait, contacts wait apart since
    somebody refused them, and callers hear it with every call."""
    both = {
        "kinds.buyers.announcement": announcement,
        "kinds.buyers.redials": INSISTENT,
        "kinds.users": {"queue": "sales", "priority": 3, "handle_time_s": 30, "arrivals": {"per_hour": 100}}
        | {"announcement": announcement, "patience_s": {"distribution": "exponential", "mean": 200}},
        "policy.queues.sales": {"skills": {"sales": 1}, "priority_per_minute": 2, "longest_wait_s": 240},
        "answering": {"delay_s": 2, "declined": 0.3},
    }
    made = setting(MANY | both | {"kinds.buyers.arrivals": {"per_hour": 700}})
    assert refusals(made) == []
    assert difference(made) == ""
    outcome = KernelReplication(make_plan(made), 0).run()
    assert outcome == replicate(made, 0)
    assert sum(kind.left_at_once for kind in outcome.whole.kinds.values()) > 100


def test_waiting_callers_press_keys() -> None:
    """With every call and in every queue, while they wait or a phone rings, some only when the wait would be long."""
    after = {"distribution": "exponential", "mean": 10}
    keys = {
        "1": {"share": 0.3, "after_s": after, "when_wait_over_s": 25},
        "2": {"share": 0.2, "after_s": 5},
        "3": {"share": 0.4, "after_s": after, "queue": "sales", "to_queue": "support"},
    }
    changes = {
        "kinds.buyers": {"queue": "sales", "handle_time_s": 60, "patience_s": 60, "arrivals": {"per_hour": 500}}
        | {"waiting_keys": keys, "redials": INSISTENT, "announcement": TOLD[1]},
        "kinds.users.waiting_keys": {"9": {"share": 1, "after_s": 60, "when_wait_over_s": 1}},
        "answering": {"delay_s": 6},
    }
    made = setting(changes)
    assert refusals(made) == []
    assert difference(made) == ""
    outcome = KernelReplication(make_plan(made), 0).run()
    assert outcome == replicate(made, 0)
    assert outcome.whole.all_queues.left > 20
    assert outcome.whole.queues["support"].moved_in > 20
    assert outcome.whole.kinds["users"].pressed_keys > 0


def test_only_the_latest_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was forgotten in between is no repeat; those who came again leave gaps, closed when room is short."""
    made = setting(MANY | {"kinds.buyers.redials": INSISTENT})
    everybody = replicate(made, 0)
    monkeypatch.setattr(repeats, "REMEMBERED", 30)
    monkeypatch.setattr(world, "RECALL", 64)
    few = replicate(made, 0)
    assert few.whole.all_queues.repeated < everybody.whole.all_queues.repeated
    assert KernelReplication(make_plan(made), 0).run() == few


def test_a_repeat_comes_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = setting(MANY | {"kinds.buyers.redials": INSISTENT})
    everybody = replicate(made, 0)
    monkeypatch.setattr(repeats, "WITHIN_MS", 60_000)
    few = replicate(made, 0)
    assert few.whole.all_queues.repeated < everybody.whole.all_queues.repeated
    assert KernelReplication(make_plan(made), 0).run() == few


def test_events_keep_their_order_when_their_numbers_begin_anew() -> None:
    made = setting(MANY)
    kernel = KernelReplication(make_plan(made), 0)
    kernel._world.clock[0]["seq"] = (1 << SEQ_BITS) - 1_000
    assert kernel.run() == replicate(made, 0)


def test_what_is_handed_back_keeps_its_end_when_numbers_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """After every event, and with many events in one millisecond."""

    def again_and_again(world: layout.World) -> None:
        renumber(world)
        world.clock[0]["seq"] = (1 << SEQ_BITS) - 8 * len(world.agents) - 66

    monkeypatch.setattr(engine, "renumber", again_and_again)
    trace = [{"at_s": 10 * number} for number in range(250)]
    changes = {"kinds.buyers.arrivals": {"trace": trace}, "kinds.buyers.patience_s": 300}
    made = setting(HANDING | changes | {"policy.queues.sales": {"skills": {"sales": 1}}})
    assert difference(made, seq=(1 << SEQ_BITS) - 1_000) == ""


def test_new_numbers_leave_the_order_as_it_was() -> None:
    """Also that of ends of talks that were broken off."""
    world = KernelReplication(make_plan(setting(HANDING)), 0)._world
    dice = Random(1)
    at, heap = SEQ_BITS, int(world.clock[0]["heap"])
    keys = dice.sample(range(5 << at, 7 << at), heap + len(world.handed) + 1)
    keys[:heap] = sorted(keys[:heap])
    world.heap_key[:heap], world.handed["end_key"], world.clock["key"] = keys[:heap], keys[heap:-1], keys[-1]
    renumber(world)
    after = numpy.concatenate([world.heap_key[:heap], world.handed["end_key"], world.clock["key"]])
    assert (numpy.argsort(keys) == numpy.argsort(after)).all()
    assert (numpy.array(keys) >> at == after >> at).all()


def test_memory_does_not_grow_with_the_number_of_contacts() -> None:
    def bytes_held(minutes: int) -> int:
        made = setting(
            {"duration_minutes": minutes, "interval_minutes": minutes, "kinds.buyers.arrivals.per_hour": 900}
        )
        kernel = KernelReplication(make_plan(made), 0)
        kernel.run()
        return sum(array.nbytes for name, array in kernel._world._asdict().items() if name != "waits")

    few, many = bytes_held(60 * 24), bytes_held(60 * 24 * 20)
    print(f"{few:,} bytes for a day, {many:,} for twenty")
    assert many == few


def test_one_kernel_serves_many_replications() -> None:
    made = setting()
    kernel = Kernel(made)
    assert [kernel.replicate(number) for number in (1, 0, 1)] == [replicate(made, number) for number in (1, 0, 1)]


@pytest.mark.parametrize("name", [name for name, kind in DISTRIBUTIONS.items() if kind.sequential])
def test_many_draws_at_once_are_those_of_several_calls(name: str) -> None:
    import yaml
    from pydantic import TypeAdapter

    from simulations.distributions import AnyDistribution

    made: Any = TypeAdapter(AnyDistribution).validate_python(yaml.safe_load(DISTRIBUTIONS[name].example))
    at_once = made.sample(numpy.random.default_rng(5), 1_024)
    generator = numpy.random.default_rng(5)
    assert (at_once == numpy.concatenate([made.sample(generator, 256) for _ in range(4)])).all()


def test_waits_fall_into_the_buckets_of_the_metrics() -> None:
    """Around every border, and all the short ones."""
    borders = wait_bounds()
    waits = {wait_ms for border in borders.tolist() for wait_ms in (border - 1, border, border + 1)} | set(range(2_000))
    tables = Tables(leading_buckets(), borders)
    for wait_ms in sorted(waits):
        if wait_ms <= LONGEST_MS:
            assert wait_bucket(tables, wait_ms) - 1 == bucket_number(wait_ms), wait_ms


class Tables(NamedTuple):
    bucket_of: Any
    bucket_from: Any


def test_cases_differ_enough_from_each_other_to_mean_something() -> None:
    settings = [random_setting(seed) for seed in range(60)]
    assert len({len(made.policy.queues) for made in settings}) >= 3
    assert any(made.scenario.staff is not None for made in settings)
    assert len({queue.agent_ranking[0].key for made in settings for queue in made.policy.queues}) >= 7
