"""Trials: every caller always goes one way, the shares are kept, and two trials do not follow each other."""

from collections import Counter
from math import sqrt

import pytest

from documents import DocumentError
from ivr.flow.machine import Machine
from ivr.flow.session import Caller
from tests.support.flows import NOON, flow, machine

CALLERS = 4_000


def trial(name: str = "one", more: str = "") -> Machine:
    return machine(
        f"""
        s: {{type: split, name: {name}, ways: {{a: {{share: 3, to: end}}, b: {{share: 1, to: end}}}}{more}}}
        end: {{type: hangup}}
        """
    )


def way(split: Machine, number: str, now_ms: int = NOON) -> object:
    session, _ = split.start("main", Caller(number, "100"), now_ms)
    return session.attributes["split"]


def numbers() -> list[str]:
    return [f"+1555{n:07d}" for n in range(CALLERS)]


def assert_share(found: int, of: int, share: float) -> None:
    """Within four standard errors of a binomial share."""
    error = sqrt(share * (1 - share) / of)
    assert abs(found / of - share) < 4 * error, f"{found} of {of} is {found / of:.3f}, expected {share} ± {error:.3f}"


def test_the_shares_are_kept() -> None:
    split = trial()
    counts = Counter(way(split, number) for number in numbers())
    assert_share(counts["a"], CALLERS, 0.75)


def test_a_caller_goes_the_same_way_every_time_and_after_a_reload() -> None:
    first, again = trial(), trial()
    for number in numbers()[:200]:
        assert way(first, number) == way(again, number, NOON + 86_400_000)


def test_trials_of_different_names_are_independent_of_each_other() -> None:
    one, two = trial("one"), trial("two")
    both = Counter((way(one, number), way(two, number)) for number in numbers())
    assert_share(both["b", "b"], CALLERS, 1 / 16)


def test_callers_without_a_number_are_spread_too() -> None:
    split = trial()
    counts = Counter(way(split, "", NOON + second * 1_000) for second in range(CALLERS))
    assert_share(counts["a"], CALLERS, 0.75)


def test_callers_may_be_told_apart_by_what_is_known_of_them() -> None:
    split = trial(more=", by: contact.customer")
    ways = {
        split.start("main", Caller(number), NOON, {"customer": "4711"})[0].attributes["split"] for number in numbers()
    }
    assert len(ways) == 1


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        ("{a: {share: 1, to: end}}", "at least 2"),
        ("{a: {share: 0, to: end}, b: {share: 1, to: end}}", "greater than 0"),
        ("{a: {share: 1, to: end}, error: {share: 1, to: end}}", "'error' is a field of its own"),
    ],
)
def test_a_trial_needs_ways(ways: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        flow(f"s: {{type: split, name: t, ways: {ways}}}\nend: {{type: hangup}}")
