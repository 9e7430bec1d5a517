"""The canary's rule beside what it promises: Fisher's tail, few false alarms however often it looks, and quick ones."""

import numpy as np
import pytest
from scipy import stats

from switchboard.publishing.canary import ALPHA, LEAST_CALLS, Arm, Trial, fisher, look_at

TRIALS = 600


@pytest.mark.parametrize(("bad", "calls", "beside", "others"), [(3, 10, 5, 90), (0, 10, 0, 10), (10, 10, 0, 90)])
def test_the_tail_is_that_of_scipy(bad: int, calls: int, beside: int, others: int) -> None:
    table = [[bad, calls - bad], [beside, others - beside]]
    wanted = stats.fisher_exact(table, alternative="greater").pvalue
    assert fisher(bad, calls, beside, others) == pytest.approx(wanted, rel=1e-9)


def test_looks_come_at_ten_calls_and_then_by_half_more() -> None:
    assert [calls for calls in range(120) if look_at(calls)] == [10, 15, 23, 35, 53, 80]
    assert [look_at(calls) for calls in (0, 9, 10, 11, 15, 80, 81)] == [0, 0, 1, 0, 2, 6, 0]


def halted_after(random: np.random.Generator, canary: float, in_force: float, share: float, most: int) -> int | None:
    """So many calls of the canary it takes until it is halted, with these rates of abandons; None: it never is."""
    trial = Trial()
    looks = [calls for calls in range(most + 1) if look_at(calls)]
    for calls in looks:
        new = calls - trial.canary.calls
        beside = random.negative_binomial(new, share)
        trial.canary = Arm(calls, trial.canary.errors, trial.canary.abandons + random.binomial(new, canary))
        trial.in_force = Arm(
            trial.in_force.calls + beside, 0, trial.in_force.abandons + random.binomial(beside, in_force)
        )
        if trial.verdict():
            return calls
    return None


@pytest.mark.parametrize(("rate", "share"), [(0.02, 0.1), (0.3, 0.1), (0.3, 0.5)])
def test_a_canary_that_is_no_worse_is_hardly_ever_halted(rate: float, share: float) -> None:
    """At most ALPHA / 2 for one kind; four standard errors are allowed on top."""
    random = np.random.default_rng(7)
    halted = sum(halted_after(random, rate, rate, share, 1_000) is not None for _ in range(TRIALS))
    bound = ALPHA / 2
    print(f"rate {rate:.0%}, share {share:.0%}: {halted} of {TRIALS} halted")
    assert halted / TRIALS <= bound + 4 * (bound * (1 - bound) / TRIALS) ** 0.5


@pytest.mark.parametrize(
    ("canary", "in_force", "within"), [(1.0, 0.02, LEAST_CALLS), (0.5, 0.1, 60), (0.2, 0.05, 300), (0.4, 0.3, 2_000)]
)
def test_one_that_is_worse_is_halted_within_few_calls(canary: float, in_force: float, within: int) -> None:
    """In nine of ten trials at least, with a tenth of the calls."""
    random = np.random.default_rng(11)
    after = [halted_after(random, canary, in_force, 0.1, within) for _ in range(300)]
    found = sorted(calls for calls in after if calls is not None)
    print(f"{canary:.0%} beside {in_force:.0%}: half of the halts within {found[len(found) // 2]} calls of the canary")
    assert len(found) >= 270


def test_the_verdict_has_the_figures_and_waits_for_enough_calls() -> None:
    bad = Arm(10, 10, 0)
    assert Trial(bad, Arm(9, 0, 0)).verdict() == ""
    said = Trial(bad, Arm(90, 1, 0)).verdict()
    assert said.startswith("errors have risen: 10 of 10 calls (100%) in the canary, 1 of 90 calls (1%) in the version")
    assert "p = " in said
    assert Trial(Arm(11, 11, 0), Arm(90, 1, 0)).verdict() == ""  # between two looks
