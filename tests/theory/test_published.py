"""The simulation against what is published, from the scenario files of `examples/published`, through the real router,
and through the compiled kernel where that supports the scenario. The cases, and the rule by which they are judged,
which was set beforehand: `tests.support.published`. `python -m benchmarks.published` does the same at length.
"""

from dataclasses import replace

import pytest
from scipy.stats import poisson

from simulations.engines import replicate, replicate_compiled
from simulations.kernel.refusals import refusals
from simulations.replications import Study
from simulations.results import summarise
from tests.support.published import CASES, WHITT, WHITT_M, Case, loss_of_six_kinds, m_m_n_g, verdicts

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_published(case: Case) -> None:
    setting = case.setting()
    outcomes = [replicate_compiled(setting, number) for number in range(case.replications)]
    found = verdicts(case, summarise(Study(setting, case.replications, outcomes)))
    print(case.name, *found, sep="\n")
    assert all(verdict.says_enough for verdict in found), "\n".join(map(str, found))
    assert all(verdict.agrees for verdict in found), "\n".join(map(str, found))


def test_nobody_is_blocked_where_the_room_is_ample() -> None:
    """Who waits has some patience left. Callers with some left since they came are, as if none was ever served, a
    Poisson number of mean 102 (arrivals in the mean patience): never 200. So Whitt's 200 places to wait are as good as
    any number, as his exact values for exponential service suppose."""
    assert poisson.sf(199, 102) < 1e-15
    played = replicate_compiled(BY_NAME["whitt-m"].setting(1), 0)
    assert sum(kind.blocked for kind in played.whole.kinds.values()) == 0


@pytest.mark.parametrize("name", ["whitt-e2", "wallace-whitt-2"])
def test_the_kernel_plays_the_days_of_simpy(name: str) -> None:
    """An hour of each, with the lines; random scenarios do it at length (`tests.support.kernel_check`)."""
    hour = {"warm_up_minutes": 0, "interval_minutes": 60, "duration_minutes": 60}
    setting = replace(BY_NAME[name], changes=hour).setting(1)
    assert not refusals(setting)
    assert replicate(setting, 0) == replicate_compiled(setting, 0)


def test_the_published_values_for_exponential_service_are_within_half_a_percent_of_the_exact_ones() -> None:
    """They were simulated, so this is how far the paper's values may be trusted."""
    exact = m_m_n_g(load=102, agents=100, soon=0.1)
    for name, (_, _, digits, _) in WHITT.items():
        print(f"{name:10} exact {exact[name]:.6f}, published {WHITT_M[name]}")
        assert abs(exact[name] - WHITT_M[name]) <= 0.005 * exact[name] + 0.5 * 10**-digits


@pytest.mark.parametrize(("name", "one_pool"), [("wallace-whitt-1", False), ("wallace-whitt-6", True)])
def test_one_skill_and_all_skills_are_product_forms(name: str, one_pool: bool) -> None:
    exact = loss_of_six_kinds(one_pool)
    figures = {figure.metric: figure.value for figure in BY_NAME[name].figures}
    assert (exact["blocked"], exact["waits"], exact["mean_wait"]) == pytest.approx(
        (figures["blocked_share"], figures["had_to_wait_share"], figures["mean_wait_ms"]), rel=3e-5
    )
