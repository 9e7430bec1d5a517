"""Publishing: after any changes in any order exactly one version is in force, and calls keep what they began with."""

from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from switchboard.publishing import plan as plans
from switchboard.publishing.plan import Plan, PlanRefused

NUMBERS = st.sampled_from(["100", "199"])


class Publishing(RuleBasedStateMachine):
    """Admins who publish, try, schedule and roll back, some of whom looked too long ago, while calls begin and end."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = Plan()
        self.bases: dict[int, int] = {}
        self.calls: dict[str, int] = {}
        self.now_ms = 0
        self.history = [0]

    def new(self, base: int) -> int:
        version = len(self.bases) + 1
        self.bases[version] = base
        return version

    def change(self, make: Any, *arguments: Any) -> None:
        before = self.plan
        with suppress(PlanRefused):
            self.plan = make(before, *arguments)
            assert self.plan.revision == before.revision + 1
            if self.plan.in_force != before.in_force:
                self.history.append(self.plan.in_force)

    @rule(stale=st.booleans())
    def publish(self, stale: bool) -> None:
        base = self.plan.in_force - stale
        before, version = self.plan, self.new(base)
        self.change(plans.published, version, base)
        assert self.plan.in_force == (version if not stale and not before.canary else before.in_force)

    @rule(number=NUMBERS)
    def draft(self, number: str) -> None:
        self.change(plans.drafted, self.new(self.plan.in_force), number, "anna")

    @rule(share=st.sampled_from([0.1, 0.5]))
    def canary(self, share: float) -> None:
        self.change(plans.tried, self.new(self.plan.in_force), share, self.plan.in_force, self.now_ms, "anna")

    @rule(after_ms=st.integers(1, 50))
    def schedule(self, after_ms: int) -> None:
        at_ms = self.now_ms + after_ms
        base = self.plan.base_at(at_ms)
        self.change(plans.scheduled, self.new(base), at_ms, base, "anna")

    @precondition(lambda self: self.bases)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.bases)))
        self.change(plans.rolled_back, version)
        assert self.plan.in_force == version

    @precondition(lambda self: self.plan.pending())
    @rule(data=st.data(), promote=st.booleans())
    def end_what_is_pending(self, data: st.DataObject, promote: bool) -> None:
        version = data.draw(st.sampled_from(sorted(self.plan.pending())))
        if promote:
            self.change(plans.promoted, version, self.bases[version])
        else:
            self.change(plans.withdrawn, version, self.now_ms)
            assert version not in self.plan.pending()

    @rule(by_ms=st.integers(1, 60))
    def time_passes(self, by_ms: int) -> None:
        """As the live engine does: what is due is put in force, or taken from the schedule."""
        self.now_ms += by_ms
        while due := self.plan.due(self.now_ms):
            before = self.plan
            self.change(plans.promoted, due.version, due.base)
            if self.plan is before:
                self.change(plans.withdrawn, due.version, self.now_ms)
            assert self.plan.in_force == due.version or before.in_force != due.base or before.canary

    @rule(number=NUMBERS)
    def a_call_begins(self, number: str) -> None:
        contact = f"1.{len(self.calls)}"
        version = self.plan.version_for(number, contact)
        assert version == self.plan.version_for(number, contact)
        assert version in self.plan.live()
        self.calls[contact] = version

    @invariant()
    def exactly_one_is_in_force(self) -> None:
        assert sum("in force" in self.plan.states(version) for version in {0, *self.bases}) == 1
        assert self.plan.in_force == self.history[-1]
        assert list(self.plan.scheduled) == sorted(self.plan.scheduled, key=lambda one: one.at_ms)

    @invariant()
    def nobody_meets_what_is_only_scheduled(self) -> None:
        only = {one.version for one in self.plan.scheduled} - self.plan.live()
        assert not only & {self.plan.version_for("100", f"2.{n}") for n in range(20)}


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
