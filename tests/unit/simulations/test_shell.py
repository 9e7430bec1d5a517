"""One core, two shells: a recorded sequence of events gives the same decisions live and in simulated time."""

from pathlib import Path

import msgspec
import pytest

from router.core.events import AnyEvent, TimePassed
from router.core.policy import Policy
from router.core.router import Router
from router.live import journal
from router.live.clock import EngineClock
from router.live.shell import LiveRouter
from simulations.driver import Replication
from simulations.shell import Handled, replay_events
from tests.support.scenarios import setting

ROUGH = {
    "kinds.buyers.arrivals.per_hour": 90,
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


class RecordedClock(EngineClock):
    """The engine's clock, showing the recorded times."""

    at_ms = 0

    def now_ms(self) -> int:
        return self.at_ms


async def live(policy: Policy, events: list[tuple[int, AnyEvent]], path: Path) -> list[Handled]:
    """The live shell's own account, from the journal on the disk."""
    clock, file = RecordedClock(), journal.Journal(path, sync="never")
    shell = LiveRouter(Router(policy, seed=1), file, clock)
    file.append(journal.Header(0, journal.FORMAT, "test", "", 1, journal.policy_hash(policy), policy))
    for at_ms, event in events:
        clock.at_ms = at_ms
        assert shell.feed(event) is None
    shell.stop()
    file.close()
    records = [record for record in journal.read(path) if isinstance(record, journal.Handled)]
    return [(record.at_ms, record.event, record.decisions) for record in records]


async def test_the_live_shell_and_the_simulated_one_decide_the_same(recorded: list[Handled], tmp_path: Path) -> None:
    policy = setting(ROUGH).policy
    events = [(now_ms, event) for now_ms, event, _ in recorded]
    in_life = await live(policy, events, tmp_path / "journal-1.jsonl")
    assert len(in_life) == len(recorded) > 300
    assert in_life == replay_events(policy, 1, events)
    assert in_life == replay_events(policy, 1, events, timer=True)
    assert in_life == recorded


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
