"""Random policies, random events in any order, good and bad: what must always hold, holds after every one of them."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from router.core.policy_check import check_policy
from tests.support.router_day import RouterDay
from tests.support.router_policies import random_policy

SEEDS = st.integers(0, 2**32 - 1)
FIRST = st.sampled_from(("go on", "go on", "publish", "migrate", "restart"))


class RouterMachine(RuleBasedStateMachine):
    day: RouterDay | None = None

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        policy = random_policy(Random(seed))
        assert [problem for problem in check_policy(policy) if problem.severity == "error"] == []
        self.day = RouterDay(policy, seed)
        self.day.everybody_signs_in()

    @rule(seed=SEEDS, count=st.integers(5, 40), first=FIRST)
    def hour(self, seed: int, count: int, first: str) -> None:
        assert self.day is not None
        rng = Random(seed)
        if first == "restart":
            self.day.restart()
        elif first != "go on":
            self.day.publish(rng, migrate=first == "migrate")
        self.day.go_on(rng, count)

    def teardown(self) -> None:
        if self.day is not None and self.day.sound:
            self.day.assert_replays()


TestRouterMachine = RouterMachine.TestCase
TestRouterMachine.settings = settings(max_examples=60, stateful_step_count=10, deadline=None, derandomize=True)
