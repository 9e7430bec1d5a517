"""The SimPy shell: it does what people and phones do, decides nothing, and gives the same run for the same seed."""

from collections import Counter
from typing import Any

import pytest

from router.core.decisions import Connect, ContactFinished, ContactReleased, Offer, OfferEnded
from router.core.events import (
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
    TimePassed,
    WrapUpExtended,
)
from simulations import driver
from simulations.driver import Replication
from simulations.shell import Handled
from tests.support.scenarios import setting


def log(changes: dict[str, Any], number: int = 0) -> list[Handled]:
    replication = Replication(setting(changes), number, keep_log=True)
    replication.run()
    return replication.log


def one_call(changes: dict[str, Any]) -> list[Handled]:
    """The log of a single buyer, with one agent."""
    alone = {
        "kinds.users": None,
        "policy.queues.support": None,
        "staff": [{"group": "sellers", "count": 1, "skills": {"sales": 5}}],
        "kinds.buyers.arrivals": {"trace": [{"at_s": 10, "handle_s": 60}]},
        "kinds.buyers.patience_s": None,
    }
    return log(alone | changes)


def times(entries: list[Handled], kind: type) -> list[int]:
    return [now_ms for now_ms, event, _ in entries if type(event) is kind]


def decided(entries: list[Handled], kind: type) -> list[Any]:
    return [decision for _, _, decisions in entries for decision in decisions if type(decision) is kind]


def arrived(entries: list[Handled], queue: str) -> list[ContactArrived]:
    return [event for _, event, _ in entries if isinstance(event, ContactArrived) and event.queue == queue]


def test_a_call_rings_talks_and_ends() -> None:
    entries = one_call({"answering": {"delay_s": 4}})
    assert times(entries, ContactArrived) == [10_000]
    assert times(entries, OfferAccepted) == [14_000]
    assert times(entries, ContactEnded) == [74_000]
    assert decided(entries, ContactFinished)[0].wait_ms == 4_000


def test_an_agent_who_takes_longer_takes_longer() -> None:
    staff = [{"group": "sellers", "count": 1, "skills": {"sales": 5}, "handle_time_factor": 1.5}]
    assert times(one_call({"staff": staff}), ContactEnded) == [100_000]


def test_a_caller_loses_patience_while_the_phone_rings() -> None:
    entries = one_call({"answering": {"delay_s": 9}, "kinds.buyers.patience_s": 5})
    assert times(entries, ContactLeft) == [15_000]
    assert times(entries, OfferAccepted) == []
    assert [ended.cause for ended in decided(entries, OfferEnded)] == ["cancelled"]


def test_patience_that_outlasts_the_wait_changes_nothing() -> None:
    entries = one_call({"kinds.buyers.patience_s": 30})
    assert times(entries, ContactLeft) == []
    assert times(entries, ContactEnded) == [70_000]


def test_a_phone_nobody_answers_rings_out_by_the_routers_deadline() -> None:
    entries = one_call({"answering": {"no_answer": 1, "back_after_s": 30}, "kinds.buyers.patience_s": 60})
    assert decided(entries, OfferEnded)[0].cause == "no_answer"
    assert times(entries, TimePassed)[0] == 30_000
    assert times(entries, AgentReady)[0] == 60_000  # paused for not answering, back after 30 s
    assert times(entries, ContactLeft) == [70_000]


def test_a_delay_beyond_the_ringing_time_is_no_answer() -> None:
    entries = one_call({"answering": {"delay_s": 25}, "kinds.buyers.patience_s": 22})
    assert times(entries, OfferAccepted) == []
    assert decided(entries, OfferEnded)[0].cause == "no_answer"


def test_an_agent_declines() -> None:
    entries = one_call({"answering": {"delay_s": 2, "declined": 1}, "kinds.buyers.patience_s": 5})
    assert times(entries, OfferDeclined)[0] == 12_000


def test_wrap_up_is_shorter_or_longer_than_the_policys_as_drawn() -> None:
    wrap_up = {"policy.queues.sales.wrap_up_s": 20}
    assert times(one_call(wrap_up), AgentReady) == []
    early = one_call(wrap_up | {"queues": {"sales": {"wrap_up_s": 5}}})
    assert times(early, AgentReady) == [75_000]
    late = one_call(wrap_up | {"queues": {"sales": {"wrap_up_s": 50}}})
    assert [(now, event.extra_ms) for now, event, _ in late if isinstance(event, WrapUpExtended)] == [(70_000, 30_000)]


def test_shifts_sign_agents_in_and_out() -> None:
    staff = [{"group": "sellers", "count": 1, "skills": {"sales": 5}, "shifts": ["00:00-00:05", "00:10-00:40"]}]
    entries = one_call({"staff": staff})
    assert times(entries, AgentSignedIn) == [0, 600_000]
    assert times(entries, AgentSignedOut) == [300_000, 2_400_000]


def test_wrap_up_after_the_shift_is_not_cut_short_by_an_agent_who_is_gone() -> None:
    staff = [{"group": "sellers", "count": 1, "skills": {"sales": 5}, "shifts": ["00:00-00:01"]}]
    changes = {"staff": staff, "policy.queues.sales.wrap_up_s": 20, "queues": {"sales": {"wrap_up_s": 5}}}
    assert times(one_call(changes), AgentReady) == []


def test_who_waits_longest_leaves_by_the_queues_exit() -> None:
    staff = [{"group": "sellers", "count": 1, "skills": {"sales": 5}, "shifts": ["00:30-00:40"]}]
    entries = one_call({"staff": staff, "policy.queues.sales.longest_wait_s": 45})
    assert [released.action.target for released in decided(entries, ContactReleased)] == ["overflow"]


def test_attributes_reach_the_router_in_their_shares() -> None:
    changes = {"kinds.buyers.attributes": {"tier": "gold", "language": {"en": 0.75, "es": 0.25}}}
    buyers = arrived(log(changes), "sales")
    assert {event.attributes["tier"] for event in buyers} == {"gold"}
    languages = Counter(event.attributes["language"] for event in buyers)
    assert 0 < languages["es"] < languages["en"]


def test_a_trace_says_queue_attributes_and_priority() -> None:
    row = {"at_s": 3, "queue": "support", "attributes": {"vip": True}, "priority": 7, "handle_s": 30}
    found = arrived(log({"kinds.buyers.arrivals": {"trace": [row]}, "kinds.users.arrivals.per_hour": 0}), "support")
    assert [(event.attributes, event.priority) for event in found] == [({"vip": True}, 7)]


def test_the_priority_of_a_kind_gives_way_to_that_of_a_traced_contact() -> None:
    rows = [{"at_s": 3}, {"at_s": 4, "priority": 7}]
    found = arrived(log({"kinds.buyers.arrivals": {"trace": rows}, "kinds.buyers.priority": 2}), "sales")
    assert [event.priority for event in found] == [2, 7]
    assert {event.priority for event in arrived(log({}), "sales")} == {None}


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert log({}) == log({})
    assert log({}) != log({}, number=1)
    assert log({}) != log({"seed": 2})


def test_another_kind_of_contact_leaves_the_arrivals_and_talks_of_the_others_as_they_were() -> None:
    without, beside = log({"kinds.users.arrivals.per_hour": 0}), log({})
    assert arrived(beside, "support")
    assert arrived(without, "sales") == arrived(beside, "sales")
    answered_in_both = talks(without).keys() & talks(beside).keys()
    assert len(answered_in_both) > 20
    assert all(talks(without)[contact] == talks(beside)[contact] for contact in answered_in_both)


def talks(entries: list[Handled]) -> dict[str, int]:
    return {done.contact: done.talk_ms for done in decided(entries, ContactFinished) if done.outcome == "answered"}


def test_a_what_if_meets_the_same_callers_with_the_same_work() -> None:
    few, many = talks(log({})), talks(log({"staff.0.count": 5}))
    both = few.keys() & many.keys()
    assert len(both) > 20
    assert all(few[contact] == many[contact] for contact in both)
    assert sum(contact.startswith("buyers") for contact in many) > sum(contact.startswith("buyers") for contact in few)


@pytest.mark.parametrize("number", range(4))
def test_nobody_is_lost(number: int) -> None:
    rough = {"answering": {"delay_s": {"distribution": "exponential", "mean": 8}, "no_answer": 0.1, "declined": 0.1}}
    replication = Replication(setting(rough | {"policy.queues.sales.wrap_up_s": 10}), number, keep_log=True)
    whole = replication.run().whole.all_queues.tally
    assert whole.arrived == len(times(replication.log, ContactArrived))
    assert whole.arrived == whole.offered + replication.unfinished
    assert replication.unfinished == 0
    assert len(decided(replication.log, Connect)) == whole.answered
    assert len(decided(replication.log, Offer)) == whole.offers


def test_who_is_still_there_after_the_run_off_is_told() -> None:
    changes = {"staff.1.shifts": ["00:00-00:30"], "run_off_minutes": 10, "kinds.users.handle_time_s": 100}
    replication = Replication(setting(changes))
    replication.run()
    assert replication.unfinished > 0


def test_a_run_that_explains_nothing_decides_the_same() -> None:
    explaining, silent = Replication(setting(), keep_log=True), Replication(setting())
    assert explaining.run() == silent.run()
    (first, *_) = decided(explaining.log, Offer)
    assert first.record.queue
    assert first.record.agents


def test_draws_are_kept_for_those_in_the_centre_and_not_for_all_who_came(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {
        "kinds.buyers.arrivals.per_hour": 2_000,
        "kinds.buyers.handle_time_s": {"distribution": "exponential", "mean": 4},
        "kinds.buyers.redials": {"abandoned": {"share": 0.5, "delay_s": 60}},
    }
    whole = log(many)
    monkeypatch.setattr(driver, "FORGET_EVERY", 128)
    replication = Replication(setting(many), keep_log=True)
    replication.run()
    assert replication.log == whole
    kept = {name: len(draws._values) for (name, _), draws in replication._streams._draws.items()}
    assert len(arrived(whole, "sales")) > 1_900
    assert kept["buyers/handle time"] < 700  # a block of draws, and those since it was last forgotten
    assert kept["buyers/patience"] < 700
