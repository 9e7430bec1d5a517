"""As many replications as a wanted half-width needs: the same number however many processes share the work."""

from typing import Any

import pytest

from documents import DocumentError
from simulations.replications import Study, run_study
from simulations.report import report_of, stopping
from simulations.reports import html
from simulations.results import summarise
from simulations.statistics import estimate
from simulations.stopping import Stopped, UntilHalfWidth
from tests.support.scenarios import setting

WANTED = {"metric": "service_level_share", "queue": "sales", "value": 0.06, "minimum": 4, "maximum": 60}


def study(jobs: int = 1, **changes: Any) -> Study:
    return run_study(setting({"until_half_width": WANTED | changes}), jobs)


def half_width(of: Study, first: int) -> float:
    found = estimate("service_level_share", [outcome.whole.queues["sales"] for outcome in of.outcomes[:first]], 0.95)
    assert found.half_width is not None
    return found.half_width


def test_stops_at_the_first_look_with_a_half_width_that_is_small_enough() -> None:
    found = study()
    count = len(found.outcomes)
    assert 4 < count < 60
    assert found.complete
    assert found.stopped is not None
    assert found.stopped.half_width == half_width(found, count) <= 0.06
    earlier = [number for number in UntilHalfWidth.model_validate(WANTED).looks_after() if number < count]
    assert earlier
    assert all(half_width(found, number) > 0.06 for number in earlier)


def test_processes_side_by_side_stop_at_the_same_replication() -> None:
    assert study(jobs=2).outcomes == study().outcomes


def test_the_most_replications_end_it_and_the_report_says_what_is_missing() -> None:
    found = study(value=0.001, maximum=6)
    assert len(found.outcomes) == 6
    assert found.complete
    results = summarise(found)
    assert not results.interrupted
    assert "After 6 replications service_level_share of sales is still known to ±" in html(report_of(results))


def test_never_fewer_than_the_minimum() -> None:
    assert len(study(value=1, minimum=7).outcomes) == 7


def test_the_looks_grow_by_a_twentieth() -> None:
    looks = UntilHalfWidth(metric="asa_ms", value=1, minimum=38, maximum=100).looks_after()
    assert looks[:5] == [38, 39, 40, 42, 44]
    assert looks[-1] == 100


def test_a_figure_without_an_interval_is_told_as_such() -> None:
    assert "has no interval yet" in stopping(Stopped("asa_ms", None, 10.0, None), 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "service_level"}, "no metric 'service_level' (did you mean 'service_level_share'"),
        ({"queue": "sale"}, "until_half_width.queue: there is no queue 'sale' (did you mean 'sales'?)"),
        ({"value": 0}, "greater than 0"),
        ({"minimum": 1}, "greater than or equal to 2"),
        ({"minimum": 61}, "'minimum' 61 is above 'maximum' 60"),
    ],
)
def test_what_cannot_be_wanted_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        study(**changes)
    assert message in str(caught.value)
