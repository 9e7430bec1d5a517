"""The simulated shell: event in -> `handle(event, now_ms)` -> carry out -> re-arm the one timer.

The counterpart of `router.live.shell`, over the same core, with SimPy's clock in whole milliseconds.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Any

import simpy
from simpy.events import NORMAL

from router.core.decisions import Decision
from router.core.events import Event, TimePassed
from router.core.metrics import Metrics
from router.core.policy import Policy
from router.core.router import Router

Hands = dict[type[Decision], Callable[[Any], None]]
"""What carries out the decisions of a type; those without are notices."""

Act = Callable[[Any], None]
"""What is done at its time, for somebody."""


class Due:
    """Something is done at its time, for somebody: all that SimPy asks of an event in its calendar, and no more, since
    every contact has some. A process cannot wait for it (see `SimulatedRouter.timeout`)."""

    _ok: bool = True

    def __init__(self, at_ms: int, act: Act, whom: Any, callbacks: Any) -> None:
        self.at_ms = at_ms
        self.act = act
        self.whom = whom
        self.callbacks = callbacks


Handled = tuple[int, Event, tuple[Decision, ...]]
"""What one event led to: (now_ms, event, decisions)."""


class SimulatedRouter:
    """The router core in simulated time.

    The decisions go to `metrics` and then to the hands that carry them out, in the order of decision; an event that
    they feed waits its turn. `log` keeps everything when it is asked for.
    """

    def __init__(
        self,
        env: simpy.Environment,
        router: Router,
        metrics: Metrics | None = None,
        keep_log: bool = False,
        timer: bool = True,
    ) -> None:
        self.env = env
        self._schedule = env.schedule
        self.router = router
        self.log: list[Handled] | None = [] if keep_log else None
        self._counting = None if metrics is None else metrics.counting
        self.hands: Hands = {}
        self._pending: list[Event] = []
        self._feeding = False
        self._timer = timer
        self._wake_at: int | None = None
        self._wakes: Act = self._wake
        self._whats_due = (self._is_due,)
        self.now_ms = int(env.now)
        """The simulated time: SimPy's own, which takes longer to read."""

    def feed(self, event: Event) -> None:
        """Gives the core one event at the present time and sees to its decisions."""
        if self._feeding:
            self._pending.append(event)
            return
        self._feeding = True
        try:
            self._handle(event)
            while self._pending:
                self._handle(self._pending.pop(0))
        finally:
            self._feeding = False
        self._arm()

    def after(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Calls `act` when `delay_ms` have passed."""
        self.wake(delay_ms, lambda _: act())

    def wake(self, delay_ms: int, act: Act, whom: Any = None) -> None:
        """Calls `act(whom)` when `delay_ms` have passed: what happens to every contact needs no function of its own."""
        due: Any = Due(self.now_ms + delay_ms, act, whom, self._whats_due)
        self._schedule(due, NORMAL, delay_ms)

    def timeout(self, delay_ms: int) -> simpy.Event:
        """For a process that waits so long."""
        timeout = self.env.timeout(delay_ms)
        assert timeout.callbacks is not None
        at_ms = self.now_ms + delay_ms
        timeout.callbacks.append(lambda _: self._it_is(at_ms))
        return timeout

    def _it_is(self, at_ms: int) -> None:
        self.now_ms = at_ms

    def _is_due(self, due: Due) -> None:
        self.now_ms = due.at_ms
        due.act(due.whom)

    def _handle(self, event: Event) -> None:
        now_ms = self.now_ms
        decisions = self.router.handle(event, now_ms)
        if self.log is not None:
            self.log.append((now_ms, event, tuple(decisions)))
        if self._counting is not None:
            self._counting.handled(event, decisions, now_ms)
        hands = self.hands
        for decision in decisions:
            if (carry_out := hands.get(type(decision))) is not None:
                carry_out(decision)

    def _arm(self) -> None:
        """One wake-up at a time is armed; one that comes before the deadline only arms the next."""
        if not self._timer:
            return
        deadline = self.router.next_deadline_ms()
        if deadline is not None and (self._wake_at is None or deadline < self._wake_at):
            self._wake_at = deadline
            self.wake(max(0, deadline - self.now_ms), self._wakes, deadline)

    def _wake(self, armed_for: int) -> None:
        if armed_for != self._wake_at:
            return  # an earlier deadline took its place
        self._wake_at = None
        deadline = self.router.next_deadline_ms()
        if deadline is not None and deadline <= self.now_ms:
            self.feed(TimePassed())
        else:
            self._arm()


def replay_events(policy: Policy, seed: int, events: Iterable[tuple[int, Event]], timer: bool = False) -> list[Handled]:
    """Runs recorded events (now_ms, event) through a fresh core in simulated time and returns all its decisions.

    A recording of a live shell contains the `TimePassed` that its timer gave, as late as it really was; they are fed
    as they were. With `timer` they are left out, and this shell's own timer wakes the core.
    """
    recorded = [(at_ms, event) for at_ms, event in events if not (timer and isinstance(event, TimePassed))]
    env = simpy.Environment(initial_time=recorded[0][0] if recorded else 0)
    shell = SimulatedRouter(env, Router(policy, seed=seed), keep_log=True, timer=timer)

    def recording() -> Generator[simpy.Event, None, None]:
        for at_ms, event in recorded:
            if at_ms > shell.now_ms:
                yield shell.timeout(at_ms - shell.now_ms)
            shell.feed(event)

    env.run(until=env.process(recording()))
    assert shell.log is not None
    return shell.log
