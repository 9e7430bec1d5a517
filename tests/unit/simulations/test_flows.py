"""Callers who dial a number go through the centre's real flow, and do there what the scenario says."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from documents import DocumentError, read
from ivr.flow.document import load_flow
from ivr.flow.library import Library
from ivr.flow.prompts import load_prompts
from router.core.events import ContactArrived
from router.core.policy import Agent, Condition, Goal, LastAction, Policy, Queue, Step
from simulations.driver import Replication
from simulations.replications import run_study
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, settle
from tests.support.scenarios import changed, source_of

FLOW = """\
schema: 2
name: main
start: menu
nodes:
  menu:
    type: menu
    say: [ask]
    choices: {"1": find, "2": to-b, "3": done, "4": back}
    no_input: {retries: 1, to: done}
    no_match: {retries: 0, to: done}
  find:
    type: lookup
    url: https://crm.example/who
    results: {tier: data.tier}
    ok: to-a
    not_found: to-b
    error: to-b
  to-a: {type: enqueue, queue: a, attributes: {why: "'one'"}, exits: {overflow: sorry}, otherwise: done}
  to-b: {type: enqueue, queue: b, exits: {overflow: sorry}, otherwise: done}
  back:
    type: callback
    queue: a
    say: [ask]
    confirm: [ask]
    ask_number: [ask]
    next: done
    refused: mail
    no_input: {to: done}
    no_match: {retries: 0, to: done}
  mail: {type: voicemail, mailbox: a, next: to-a, too_short: done}
  sorry: {type: play, say: [ask], next: to-b}
  done: {type: hangup}
"""

BASE: dict[str, Any] = {
    "name": "flow",
    "duration_minutes": 60,
    "start": "2026-03-02 08:00",
    "kinds": {
        "callers": {
            "number": "100",
            "arrivals": {"per_hour": 200},
            "choices": {"menu": {"1": 0.5, "2": 0.3, "3": 0.1, "silence": 0.05, "hang up": 0.05}},
            "lookups": {"main.find": [{"share": 0.8, "data": {"tier": "gold"}}, {"share": 0.2, "fails": "timeout"}]},
            "handle_time_s": 20,
        }
    },
    "ivr": {"collect_s": 10, "look_up_s": 1, "play_s": 5},
}


def centre(longest_wait_ms: int | None = None) -> Centre:
    def queue(name: str) -> Queue:
        step, exit = Step("all", Condition({name: 1})), LastAction("exit", "overflow")
        return Queue(name, Goal(20_000, 0.8), (step,), exit, longest_wait_ms=longest_wait_ms)

    agents = tuple(Agent(f"agent-{n}", {"a": 5, "b": 5}) for n in range(6))
    prompts = load_prompts(read("ask: {text: {en: Yes?}}"), "en")
    library = Library({"main": load_flow(read(FLOW, "main.yaml"))}, prompts)
    return Centre(Policy(1, (queue("a"), queue("b")), agents), library, {"100": "main"})


def setting(changes: dict[str, Any] | None = None, **of_centre: Any) -> Setting:
    document = changed(changes or {}, BASE)
    return settle(source_of(document), Scenario.model_validate(document), centre(**of_centre))


def test_callers_come_where_their_keys_lead_and_with_what_the_flow_knows() -> None:
    replication = Replication(setting(), keep_log=True)
    whole = replication.run().whole
    arrived = [event for _, event, _ in replication.log if isinstance(event, ContactArrived)]
    share = {name: sum(event.queue == name for event in arrived) / len(arrived) for name in "ab"}
    # Of all callers 0.4 reach a (key 1, lookup good) and 0.1 + 0.3 reach b; silence is asked once more.
    assert share["a"] == pytest.approx(0.5, abs=0.12)
    assert {event.attributes.get("tier") for event in arrived if event.queue == "a"} == {"gold"}
    assert all("tier" not in event.attributes for event in arrived if event.queue == "b")
    flows = whole.all_queues.tally
    assert flows.flows > len(arrived) == flows.arrived
    assert 0 < flows.contained < flows.flows - flows.arrived
    assert replication.unfinished == 0


def test_effects_take_their_time() -> None:
    only = {"menu": {"1": 1.0}}
    changes = {"kinds.callers.choices": only, "kinds.callers.arrivals": {"trace": [{"at_s": 5}]}}
    replication = Replication(
        setting(changes | {"kinds.callers.lookups": {"find": [{"data": {"tier": "x"}}]}}), keep_log=True
    )
    replication.run()
    (arrived_ms,) = [now_ms for now_ms, event, _ in replication.log if isinstance(event, ContactArrived)]
    assert arrived_ms == 16_000


def test_a_caller_whom_the_queue_gives_back_goes_on_in_the_flow_with_the_patience_that_is_left() -> None:
    changes = {
        "staff": [{"agents": ["agent-0"], "shifts": ["08:30-09:00"]}],
        "kinds.callers.choices": {"menu": {"2": 1.0}},
        "kinds.callers.arrivals": {"trace": [{"at_s": 0, "patience_s": 25}]},
    }
    replication = Replication(setting(changes, longest_wait_ms=10_000), keep_log=True)
    figures = replication.run().whole.queues["b"].tally
    assert [now for now, event, _ in replication.log if isinstance(event, ContactArrived)] == [10_000, 25_000, 40_000]
    assert (figures.overflowed, figures.abandoned) == (2, 1)
    assert [now for now, event, _ in replication.log if type(event).__name__ == "ContactLeft"] == [45_000]


def test_a_caller_whom_a_full_queue_turns_away_at_once_goes_on_in_the_flow() -> None:
    """The queue gives the caller back in the very event by which the flow has sent it there."""
    whole = centre()
    queues = tuple(
        msgspec.structs.replace(queue, full_at=1, when_full=LastAction("exit", "overflow"))
        for queue in whole.policy.queues
    )
    full = replace(whole, policy=msgspec.structs.replace(whole.policy, queues=queues))
    document = changed(
        {
            "staff": [{"agents": ["agent-0"], "shifts": ["08:30-09:00"]}],
            "kinds.callers.choices": {"menu": {"2": 1.0}},
            "kinds.callers.arrivals": {"trace": [{"at_s": 0, "patience_s": 60}, {"at_s": 1, "patience_s": 60}]},
        },
        BASE,
    )
    replication = Replication(settle(source_of(document), Scenario.model_validate(document), full), keep_log=True)
    figures = replication.run().whole.queues["b"].tally
    assert figures.abandoned == 2
    assert figures.overflowed > 1  # the second comes again and again behind a prompt of 5 s, until there is room
    assert replication.unfinished == 0


def test_callbacks_are_refused_and_messages_take_their_time() -> None:
    changes = {
        "kinds.callers.caller": "600100200",
        "kinds.callers.choices": {"menu": {"4": 1.0}, "back": {"1": 1.0}},
        "kinds.callers.arrivals": {"trace": [{"at_s": 0}]},
    }
    replication = Replication(setting(changes), keep_log=True)
    replication.run()
    arrived = [(now_ms, event.queue) for now_ms, event, _ in replication.log if isinstance(event, ContactArrived)]
    assert arrived == [(25_000, "a")]  # two questions of 10 s, and a message of 5 s


def test_a_node_of_which_nothing_is_said_is_named() -> None:
    with pytest.raises(DocumentError, match=r"kinds.callers.choices: .*node 'main.menu'.*what callers press"):
        Replication(setting({"kinds.callers.choices": {}})).run()
    with pytest.raises(DocumentError, match=r"kinds.callers.lookups: .*node 'main.find'"):
        Replication(setting({"kinds.callers.lookups": {}})).run()


def test_unknown_nodes_and_numbers_are_refused() -> None:
    with pytest.raises(DocumentError, match=r"no node 'mneu' .*'menu'"):
        setting({"kinds.callers.choices": {"mneu": {"1": 1.0}}})
    with pytest.raises(DocumentError, match=r"no number '101' .*'100'"):
        setting({"kinds.callers.number": "101"})


def test_a_setting_with_flows_travels_to_other_processes() -> None:
    small = setting({"replications": 2})
    assert run_study(small, jobs=2).outcomes == run_study(small, jobs=1).outcomes
