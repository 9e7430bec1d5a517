"""Measured beside predicted: a run of the model itself lies in the ranges, one that went otherwise does not."""

import msgspec
import pytest

from router.core.events import AgentPaused, AgentReady, AgentSignedIn
from simulations.compare import Comparison, compare, measure
from simulations.driver import Replication
from simulations.shell import Handled, replay_events
from tests.support.scenarios import setting

CHANGES = {
    "answering": {"delay_s": {"distribution": "gamma", "mean": 5, "scv": 0.5}, "no_answer": 0.04},
    "policy.queues.sales.wrap_up_s": 15,
    "run_off_minutes": 30,
}


@pytest.fixture(scope="module")
def recorded() -> list[Handled]:
    replication = Replication(setting(CHANGES), 0, keep_log=True)
    replication.run()
    return replication.log


@pytest.fixture(scope="module")
def comparison(recorded: list[Handled]) -> Comparison:
    return compare(setting(CHANGES).policy, recorded, replications=60, seed=5)


def test_the_log_shows_contacts_agents_and_phones(recorded: list[Handled]) -> None:
    measured = measure(setting(CHANGES).policy, recorded)
    whole = measured.figures.all_queues.tally
    contacts = [contact for contacts in measured.contacts.values() for contact in contacts]
    assert len(contacts) == whole.arrived
    assert sum(contact.handle_s is not None for contact in contacts) == whole.answered
    assert sum(contact.patience_s is not None for contact in contacts) == whole.abandoned
    assert {contact.wrap_up_s for contact in measured.contacts["sales"] if contact.handle_s is not None} <= {15, None}
    assert set(measured.shifts_ms) == {"sellers-1", "sellers-2", "helpers-1", "helpers-2"}
    assert measured.answering.no_answer == pytest.approx(whole.no_answer / whole.offers)


def test_what_the_model_did_itself_lies_in_its_ranges(comparison: Comparison) -> None:
    judged = [row for row in comparison.rows if row.within is not None]
    assert len(judged) >= 15
    assert sum(row.within for row in judged) >= len(judged) - 1


def test_what_does_not_hang_on_chance_is_predicted_exactly(comparison: Comparison) -> None:
    arrived = [row for row in comparison.rows if row.metric == "arrived"]
    assert [row.queue for row in arrived] == ["", "sales", "support"]
    assert all(row.measured == row.low == row.high for row in arrived)


def test_the_ranges_are_narrow_enough_to_say_something(comparison: Comparison) -> None:
    rows = {(row.queue, row.metric): row for row in comparison.rows}
    level = rows["", "service_level_share"]
    assert level.low is not None
    assert level.high is not None
    assert 0 < level.high - level.low < 0.35


def test_figures_that_these_agents_could_not_have_reached_are_found_out(recorded: list[Handled]) -> None:
    """Ten agents did the work, and the log shows the sign-in of four."""
    many = setting(CHANGES | {"staff.0.count": 5, "staff.1.count": 5})
    better = Replication(many, 0, keep_log=True)
    better.run()
    few = {event.agent for _, event, _ in recorded if isinstance(event, AgentSignedIn)}
    log = [entry for entry in better.log if not isinstance(entry[1], AgentSignedIn) or entry[1].agent in few]
    found = compare(many.policy, log, replications=40)
    assert [row.metric for row in found.rows if row.queue == "sales" and row.within is False]


def test_pauses_are_no_time_on_shift(recorded: list[Handled]) -> None:
    pause: list[Handled] = [(10_000, AgentPaused("sellers-1", "break"), ()), (30_000, AgentReady("sellers-1"), ())]
    log = sorted([*recorded, *pause], key=lambda entry: entry[0])
    shifts = measure(setting(CHANGES).policy, log).shifts_ms["sellers-1"]
    assert shifts[0] == (0, 10_000)
    assert shifts[1][0] == 30_000


def test_a_log_without_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        compare(setting().policy, [])
    policy = setting().policy
    log = replay_events(policy, 1, [(0, AgentSignedIn("sellers-1")), (9, AgentPaused("sellers-1", "break"))])
    with pytest.raises(ValueError, match="nobody was answered"):
        compare(policy, log)


def test_the_comparison_is_plain_data(comparison: Comparison) -> None:
    assert msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison) == comparison
