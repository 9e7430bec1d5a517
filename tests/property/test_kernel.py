"""The kernel makes the decisions of the real core under the SimPy shell, one by one, and counts the same figures.

Policies, scenarios and seeds are random. More cases:  python -m tests.support.kernel_check 5000
"""

import pytest

from tests.support.kernel_check import check_case

CASES, BATCH = 200, 20
PLAIN_CASES = 40


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_decisions_and_figures_are_those_of_simpy(first: int) -> None:
    rows = sum(check_case(seed) for seed in range(first, first + BATCH))
    assert rows > 1_000 * BATCH / 4, "the cases have become too small to show anything"


def test_what_is_compiled_for_plain_settings_decides_the_same() -> None:
    rows = sum(check_case(seed, plain=True) for seed in range(PLAIN_CASES))
    assert rows > 1_000 * PLAIN_CASES / 4, "the cases have become too small to show anything"
