"""Races on purpose: in every situation all pairs of what may happen at the same instant, in both orders, and many
longer rows of it. Whatever comes first, what must always hold holds; and nobody is lost, no agent is stuck.
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core import events
from tests.support.router_model import WatchedRouter
from tests.support.router_races import EVENTS, bring_to_an_end, situations, to_the_deadline

SITUATIONS = situations()
ROWS = 60


def race(router: WatchedRouter, row: tuple[events.Event, ...], *, late: bool) -> None:
    """`late`: all of it at the instant of the next deadline."""
    if late:
        to_the_deadline(router)
    for event in row:
        router.feed(event)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_pair_in_both_orders(name: str) -> None:
    rng = Random(name)
    for first in EVENTS:
        for second in EVENTS:
            router = SITUATIONS[name].fork()
            race(router, (first, second), late=rng.random() < 0.3)
            if rng.random() < 0.1:
                router.restart()
                bring_to_an_end(router)
                router.assert_replays()


@pytest.mark.parametrize("name", SITUATIONS)
def test_longer_rows_come_to_an_end(name: str) -> None:
    rng = Random(name)
    for _ in range(ROWS):
        router = SITUATIONS[name].fork()
        race(router, tuple(rng.choices(EVENTS, k=rng.randint(3, 6))), late=rng.random() < 0.5)
        router.restart()
        bring_to_an_end(router)
        router.assert_replays()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(SITUATIONS)),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from((0, 0, 0, 1, 2_000, 5_000))), min_size=2, max_size=8),
)
def test_any_row_with_time_between(name: str, row: list[tuple[events.Event, int]]) -> None:
    router = SITUATIONS[name].fork()
    for event, later_ms in row:
        router.now_ms += later_ms
        router.feed(event)
    bring_to_an_end(router)
    router.assert_replays()
