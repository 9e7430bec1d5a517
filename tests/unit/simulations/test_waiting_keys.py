"""Callers who press keys while they wait: with a flow it is the flow that says where the key leads, as live."""

from typing import Any

import msgspec
import pytest

from documents import DocumentError, read
from ivr.flow.document import load_flow
from ivr.flow.library import Library
from ivr.flow.prompts import load_prompts
from router.core.decisions import ContactFinished
from router.core.events import CallbackRequested, ContactArrived, ContactLeft, ContactMoved
from router.core.policy import Agent, CallbackRules, Condition, Goal, LastAction, Policy, Queue, Step
from simulations.driver import Replication
from simulations.features.waiting_keys import WaitingKey, chosen
from simulations.scenario import Scenario
from simulations.setting import Centre, settle
from simulations.shell import Handled
from simulations.tallies import CallerTally
from tests.support.scenarios import changed, setting, setting_of, source_of

FLOW = """\
schema: 2
name: main
start: wait
nodes:
  wait:
    type: enqueue
    queue: a
    keys: {"1": {to: back, keeps_place: true}, "2": mail, "3": {to: tell, keeps_place: true}, "4": {to: other, keeps_place: true}}
    exits: {overflow: sorry}
    otherwise: end
  back:
    {type: callback, queue: a, say: [ask], confirm: [ask], ask_number: [ask], next: end, refused: wait,
     no_input: {to: end}, no_match: {retries: 0, to: end}}
  mail: {type: voicemail, mailbox: a, next: end, too_short: end}
  tell: {type: play, say: [ask], next: wait}
  other: {type: enqueue, queue: b, otherwise: end}
  sorry: {type: play, say: [ask], next: end}
  end: {type: hangup}
"""  # noqa: E501

BASE: dict[str, Any] = {
    "name": "keys",
    "duration_minutes": 60,
    "start": "2026-03-02 08:00",
    "kinds": {
        "callers": {
            "number": "100",
            "caller": "600100200",
            "arrivals": {"trace": [{"at_s": 0}, {"at_s": 1}]},
            "choices": {"back": {"1": 1.0}},
            "handle_time_s": 100,
        }
    },
    "staff": [{"agents": ["anna"]}],
    "ivr": {"collect_s": 10, "play_s": 5},
}


def played(
    key: str,
    after_s: float = 20,
    *,
    said: dict[str, Any] | None = None,
    longest_wait_ms: int | None = None,
    **changes: Any,
) -> tuple[list[Handled], CallerTally, Replication]:
    """The second of two callers presses this key while the first is talking, from 0 to 100 s."""

    def queue(name: str) -> Queue:
        step, exit = Step("all", Condition({"a": 1})), LastAction("exit", "overflow")
        rules = CallbackRules(tries=1, ring_ms=20_000)
        return Queue(name, Goal(20_000, 0.8), (step,), exit, longest_wait_ms=longest_wait_ms, callback=rules)

    agents = (Agent("anna", {"a": 5}),)
    prompts = load_prompts(read("ask: {text: {en: Yes?}}"), "en")
    library = Library({"main": load_flow(read(FLOW, "main.yaml"))}, prompts)
    centre = Centre(Policy(1, (queue("a"), queue("b")), agents), library, {"100": "main"})
    keys = {key: {"share": 1.0, "after_s": after_s, **(said or {})}}
    document = changed({"kinds.callers.waiting_keys": keys} | changes, BASE)
    replication = Replication(settle(source_of(document), Scenario.model_validate(document), centre), keep_log=True)
    replication.run()
    replication._shell.router.check()
    assert replication.unfinished == 0
    return replication.log, replication.counts.at("callers", 0), replication


def of_second(log: list[Handled], kind: type) -> list[tuple[int, Any]]:
    found = [(at, event) for at, event, _ in log if type(event) is kind and event.contact == "callers-2"]
    return found or [
        (at, decision)
        for at, _, made in log
        for decision in made
        if type(decision) is kind and decision.contact == "callers-2"
    ]


def outcome(log: list[Handled]) -> tuple[int, str]:
    (found,) = of_second(log, ContactFinished)
    return found[0], found[1].outcome


def test_a_key_that_gives_up_the_place_leaves_the_queue_and_the_flow_goes_on() -> None:
    log, tally, replication = played("2")
    assert outcome(log) == (21_000, "left")
    assert [(at, event.key) for at, event in of_second(log, ContactLeft)] == [(21_000, "2")]
    assert tally.pressed_keys == 1
    assert replication._run.metrics.report(200_000).whole.all_queues.tally.left == 1


def test_who_keeps_the_place_waits_on_behind_the_prompt_and_is_answered_in_turn() -> None:
    log, tally, _ = played("3", after_s=40)
    assert outcome(log) == (200_000, "answered")
    assert of_second(log, ContactArrived)[0][0] == 1_000
    assert len(of_second(log, ContactArrived)) == 1
    assert tally.pressed_keys == 2  # once for each wait: at 41 s, and 40 s after the prompt of 5 s


def test_an_agent_takes_a_caller_out_of_the_flow() -> None:
    log, _, _ = played("3", after_s=97)  # the prompt would play from 98 to 103 s
    assert outcome(log) == (200_000, "answered")
    assert of_second(log, ContactLeft) == []


def test_who_books_a_callback_keeps_the_place_and_the_line_ends() -> None:
    log, tally, _ = played("1")
    assert [at for at, _ in of_second(log, CallbackRequested)] == [31_000]  # one question of 10 s
    assert tally.asked_for_callback == 1
    assert outcome(log)[1] == "answered"
    assert len(of_second(log, ContactArrived)) == 1


def test_who_goes_to_another_queue_keeps_the_age() -> None:
    log, _, _ = played("4")
    assert [(at, event.queue) for at, event in of_second(log, ContactMoved)] == [(21_000, "b")]
    assert outcome(log) == (200_000, "answered")


def test_who_hangs_up_while_the_place_is_kept_is_gone() -> None:
    traced = {"kinds.callers.arrivals": {"trace": [{"at_s": 0}, {"at_s": 1, "patience_s": 23}]}}
    log, tally, _ = played("3", **traced)
    assert outcome(log) == (24_000, "abandoned")
    assert tally.never_served == 1


def test_the_queue_lets_a_caller_go_who_is_elsewhere_in_the_flow() -> None:
    log, _, _ = played("3", longest_wait_ms=22_000)
    assert outcome(log) == (23_000, "overflowed")  # and the caller hears of it at 26 s
    assert len(of_second(log, ContactArrived)) == 1


def test_only_where_the_wait_is_long_and_only_keys_that_the_node_takes() -> None:
    assert played("3", said={"when_wait_over_s": 5})[1].pressed_keys == 0  # nothing is known of waits yet
    assert played("2", said={"queue": "b"})[1].pressed_keys == 0
    with pytest.raises(DocumentError, match=r"no enqueue node of the flows takes the key '9'; they take 1, 2, 3, 4"):
        played("9")


def test_without_a_flow_callers_leave_or_go_to_another_queue() -> None:
    staff = [{"group": name, "count": 1, "skills": {name: 5}} for name in ("sales", "support")]
    base = {"staff": staff, "kinds.users": None}
    two = {"kinds.buyers.arrivals": {"trace": [{"at_s": 0, "handle_s": 100}, {"at_s": 1, "handle_s": 9}]}}
    for key, outcome in (({"share": 1, "after_s": 5}, "left"), ({"share": 1, "to_queue": "support"}, "answered")):
        document = changed(base | two | {"kinds.buyers.waiting_keys": {"1": key}, "kinds.buyers.patience_s": 30})
        document["kinds"]["buyers"]["handle_time_s"] = 60
        replication = Replication(setting_of(document), keep_log=True)
        replication.run()
        finished = [made for _, _, decisions in replication.log for made in decisions if type(made) is ContactFinished]
        assert [made.outcome for made in finished if made.contact == "buyers-2"] == [outcome]


def test_shares_of_keys() -> None:
    keys = {"1": WaitingKey(share=0.2), "2": WaitingKey(share=0.3, queue="b")}
    picked = [chosen(keys, queue, uniform) for queue, uniform in (("a", 0.19), ("a", 0.2), ("b", 0.2), ("b", 0.6))]
    assert [found and found[0] for found in picked] == ["1", None, "2", None]
    assert msgspec.structs.asdict(CallerTally())["pressed_keys"] == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"1": {"share": 0.7}, "2": {"share": 0.4}}, "the shares add up to 1.1; a caller presses one key at most"),
        ({"12": {"share": 0.7}}, "waiting_keys"),
        ({"1": {"share": 0.7, "to_queue": "suport"}}, "no queue 'suport' (did you mean 'support'"),
        ({}, "waiting_keys"),
    ],
)
def test_keys_that_make_no_sense_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        setting({"kinds.buyers.waiting_keys": keys})
    assert message in str(caught.value)
