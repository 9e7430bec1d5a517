"""One core, two shells: a recorded sequence gives the same decisions in simulated time as it gave before."""

import msgspec
import pytest

from router.core.events import AnyEvent, TimePassed
from simulations.driver import Replication
from simulations.shell import Handled, replay_events
from tests.support.scenarios import setting

ROUGH = {
    "answering": {"delay_s": {"distribution": "exponential", "mean": 8}, "no_answer": 0.1, "declined": 0.1},
    "policy.queues.sales.wrap_up_s": 10,
    "policy.queues.sales.longest_wait_s": 90,
}


@pytest.fixture(scope="module")
def recorded() -> list[Handled]:
    replication = Replication(setting(ROUGH), 0, keep_log=True)
    replication.run()
    assert any(isinstance(event, TimePassed) for _, event, _ in replication.log)
    return replication.log


def test_a_recording_replays_to_the_same_decisions(recorded: list[Handled]) -> None:
    policy = setting(ROUGH).policy
    events = [(now_ms, event) for now_ms, event, _ in recorded]
    assert replay_events(policy, 1, events) == recorded


def test_it_replays_from_json_as_a_journal_has_it(recorded: list[Handled]) -> None:
    policy = setting(ROUGH).policy
    written = msgspec.json.encode([(now_ms, event) for now_ms, event, _ in recorded])
    events = msgspec.json.decode(written, type=list[tuple[int, AnyEvent]])
    assert replay_events(policy, 1, events) == recorded


def test_the_shells_own_timer_wakes_the_core_when_the_recorded_one_did(recorded: list[Handled]) -> None:
    events = [(now_ms, event) for now_ms, event, _ in recorded]
    assert replay_events(setting(ROUGH).policy, 1, events, timer=True) == recorded


def test_nothing_replays_to_nothing() -> None:
    assert replay_events(setting().policy, 1, []) == []
