from hypothesis import given
from hypothesis import strategies as st

from switchboard.api.throttle import FORGET_AFTER_S, MOST_KEYS, Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waits_double_up_to_the_longest() -> None:
    clock = Clock()
    throttle = Throttle(free=3, longest_s=60, now=clock)
    waits = []
    for _ in range(11):
        waits.append(throttle.wait_s("eva"))
        clock.now += waits[-1]
        throttle.tried("eva")
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_tries_at_the_same_time_count_each() -> None:
    throttle = Throttle(free=3, longest_s=60, now=Clock())
    for _ in range(5):
        throttle.tried("eva")
    assert throttle.wait_s("eva") == 4


def test_success_forgives_and_time_forgets() -> None:
    clock = Clock()
    throttle = Throttle(free=1, longest_s=60, now=clock)
    for key in ("eva", "old"):
        throttle.tried(key)
        throttle.tried(key)
    throttle.forgive("eva")
    assert throttle.wait_s("eva") == 0
    throttle.forgive_one("old")
    assert throttle.wait_s("old") == 1
    clock.now += FORGET_AFTER_S + 1
    throttle.tried("old")
    assert throttle.wait_s("old") == 1


@given(st.lists(st.integers(0, 5), max_size=50))
def test_a_guesser_gets_no_more_tries_than_the_waits_allow(seconds: list[int]) -> None:
    clock = Clock()
    throttle = Throttle(free=3, longest_s=60, now=clock)
    tries = 0
    for pause in seconds:
        clock.now += pause
        if throttle.wait_s("eva") == 0:
            throttle.tried("eva")
            tries += 1
    assert tries <= 3 + clock.now + 1


def test_memory_is_bounded() -> None:
    throttle = Throttle(free=3, longest_s=60, now=Clock())
    for number in range(MOST_KEYS + 100):
        throttle.tried(str(number))
    assert len(throttle._failures) == MOST_KEYS
