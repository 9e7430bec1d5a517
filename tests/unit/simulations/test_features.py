"""Every feature keeps what its file promises: it is documented, its example reads and plays, and makes a difference."""

import copy
from typing import Any

import pytest
import yaml

from simulations.driver import Replication
from simulations.engines import replicate
from simulations.features import BASE, FEATURES, used
from simulations.features.base import Feature
from simulations.kernel.engine import Kernel
from simulations.kernel.refusals import refusals
from simulations.scenario import Scenario
from simulations.shell import Handled
from tests.support.scenarios import setting_of


def laid_over(base: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """`base` with what the example says; of two lists the example's stands."""
    whole = copy.deepcopy(base)
    for name, value in example.items():
        inside = whole.get(name)
        whole[name] = laid_over(inside, value) if isinstance(value, dict) and isinstance(inside, dict) else value
    return whole


def document(feature: Feature) -> dict[str, Any]:
    return laid_over(yaml.safe_load(BASE), yaml.safe_load(feature.example))


def without(feature: Feature) -> dict[str, Any]:
    """The example's scenario with the feature's own field taken away."""
    whole = document(feature)
    places = [whole]
    for name in feature.place[:-1]:
        inside = [(place.values() if isinstance(place, dict) else place) if name == "*" else place for place in places]
        places = [part for place in inside for part in place] if name == "*" else [place[name] for place in places]
    for place in places:
        place.pop(feature.place[-1], None)
    return whole


def played(whole: dict[str, Any], number: int) -> list[Handled]:
    replication = Replication(setting_of(whole), number, keep_log=True)
    replication.run()
    replication._shell.router.check()
    return replication.log


@pytest.fixture(params=FEATURES.values(), ids=FEATURES.keys())
def feature(request: pytest.FixtureRequest) -> Feature:
    return request.param


def test_is_documented(feature: Feature) -> None:
    assert len(feature.text) > 100
    assert f"{feature.place[-1]}:" in feature.example


def test_the_example_has_the_feature_and_says_so(feature: Feature) -> None:
    assert feature.name in used(Scenario.model_validate(document(feature)))
    assert feature.name not in used(Scenario.model_validate(without(feature)))


def test_the_example_plays_and_makes_a_difference(feature: Feature) -> None:
    """In one of the first days at least: not every day somebody is ill."""
    assert any(played(document(feature), number) != played(without(feature), number) for number in range(6))


PLAYED_BY_THE_KERNEL = {
    *("absence", "announcement", "breaks", "busyness", "interarrival", "late", "lines", "outages", "pauses", "redials"),
    *("self_service", "shift_end", "speed", "tenure", "waiting_keys"),
}


def test_the_kernel_counts_the_same_or_refuses_by_name(feature: Feature) -> None:
    setting = setting_of(document(feature))
    reasons = refusals(setting)
    assert bool(reasons) == (feature.name not in PLAYED_BY_THE_KERNEL)
    if reasons:
        assert any(f"{feature.place[-1]}: not supported" in reason for reason in reasons), reasons
    else:
        assert Kernel(setting).replicate(2) == replicate(setting, 2)


def test_the_small_scenario_has_none_of_them() -> None:
    assert used(Scenario.model_validate(yaml.safe_load(BASE))) == []


def test_they_are_found() -> None:
    assert {"absence", "busyness", "lines", "redials", "tenure"} <= set(FEATURES)


@pytest.mark.parametrize("number", range(4))
def test_all_of_them_together_lose_nobody(number: int) -> None:
    whole = yaml.safe_load(BASE)
    staff: dict[str, Any] = {}
    for feature in FEATURES.values():
        example = yaml.safe_load(feature.example)
        staff = laid_over(staff, {k: v for entry in example.pop("staff", []) for k, v in entry.items()})
        whole = laid_over(whole, example)
    whole["answering"] = {"delay_s": 3, "no_answer": 0.1, "declined": 0.05}
    whole["policy"]["queues"]["sales"]["wrap_up_s"] = 15
    whole["queues"] = {"sales": {"wrap_up_s": {"distribution": "exponential", "mean": 15}}}
    rest = {**staff, "group": "south", "site": "south", "count": 4, "shifts": ["08:00-14:00"], "breaks": []}
    whole["staff"] = [staff | {"site": "north", "shifts": ["08:00-11:00"], "shift_end": "hand_back"}, rest]
    whole["run_off_minutes"] = 120
    setting = setting_of(whole)
    assert used(setting.scenario) == sorted(FEATURES)
    replication = Replication(setting, number, keep_log=True)
    tally = replication.run().whole.all_queues.tally
    replication._shell.router.check()
    assert replication.unfinished == 0
    assert tally.arrived == tally.offered + tally.callbacks + tally.merged
