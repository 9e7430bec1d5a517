"""Replications: the same results however many processes share the work, and what an interruption leaves."""

import pytest

from documents import DocumentError
from simulations import engines
from simulations.replications import Outcome, replicate, run_study
from simulations.results import summarise
from simulations.setting import Setting
from tests.support.scenarios import setting


def test_results_do_not_depend_on_the_number_of_processes() -> None:
    small = setting()
    alone, together = run_study(small, jobs=1), run_study(small, jobs=2)
    assert alone.complete
    assert together.outcomes == alone.outcomes
    assert [outcome.number for outcome in together.outcomes] == [0, 1, 2]


def test_progress_is_told() -> None:
    told: list[int] = []
    run_study(setting(), progress=told.append)
    assert told == [1, 2, 3]


def test_an_interruption_leaves_what_is_done_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(small: Setting, number: int) -> Outcome:
        if number == 2:
            raise KeyboardInterrupt
        return replicate(small, number)

    monkeypatch.setattr(engines, "replicate", interrupted)
    study = run_study(setting())
    assert not study.complete
    results = summarise(study)
    assert (results.replications, results.wanted) == (2, 3)


def test_nothing_done_is_nothing_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(small: Setting, number: int) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(engines, "replicate", interrupted)
    with pytest.raises(ValueError, match="no replication was finished"):
        summarise(run_study(setting()))


def test_an_error_in_a_worker_process_comes_back_whole() -> None:
    from tests.unit.simulations.test_flows import setting as with_flow

    with pytest.raises(DocumentError, match=r"s.yaml: kinds.callers.choices: .*main.menu"):
        run_study(with_flow({"kinds.callers.choices": {}, "replications": 2}), jobs=2)


def test_the_whole_is_the_sum_of_the_intervals_after_the_warm_up() -> None:
    outcome = replicate(setting({"duration_minutes": 120, "warm_up_minutes": 60}), 0)
    assert [(span.start_ms, span.end_ms) for span in outcome.intervals] == [
        (3_600_000, 5_400_000),
        (5_400_000, 7_200_000),
    ]
    assert (outcome.whole.start_ms, outcome.whole.end_ms) == (3_600_000, 7_200_000)
    assert outcome.whole.all_queues.arrived == sum(span.all_queues.arrived for span in outcome.intervals)
    assert outcome.whole.all_queues.span_ms == 3_600_000
    assert set(outcome.whole.groups) == {"sellers", "helpers"}
    agents = outcome.whole.all_agents
    assert agents.handling_ms + agents.available_ms == 4 * 3_600_000


def test_what_comes_after_the_day_is_served_but_counts_with_its_interval() -> None:
    outcome = replicate(setting({"kinds.users.arrivals": {"trace": [{"at_s": 3_599, "handle_s": 300}]}}), 0)
    support = outcome.whole.queues["support"]
    assert (support.answered, support.finished, support.talk_ms) == (1, 1, 300_000)
    assert outcome.whole.end_ms == 3_600_000
