"""The SimPy shell: sampled callers and agents around the very router core and flow machine that serve real calls.

Nothing here routes. A contact arrives, the core decides, and `contacts` and `agents` do what phones and people do:
ring, answer or not, talk, lose patience, press keys. Each of the features that a scenario may have is a file of
`features`.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import simpy

from router.core.metrics import Metrics, MetricsReport
from router.core.router import Router
from simulations.agents import Agent, Agents
from simulations.arrivals import arrivals_ms, busy_factors
from simulations.caller_counts import CallerCounts
from simulations.clock import MINUTE_MS
from simulations.contacts import Contacts
from simulations.roster import end_ms
from simulations.run import Run
from simulations.setting import Setting
from simulations.shell import Act, Handled, SimulatedRouter
from simulations.streams import Streams
from simulations.traced import TracedContact

FORGET_EVERY = 4_096
"""So many arrivals of a kind, and the draws that nobody can ask for any more are forgotten."""


GARBAGE_AFTER = 50_000
"""So many objects more, and Python looks for garbage: nothing here is in a cycle for long, and each look takes time."""


@contextmanager
def _garbage_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Replication:
    """One simulated run of a setting. Replications of equal number meet equal callers in every setting.

    Its memory grows with those who are in the centre at a time and with the number of intervals, never with calls.
    """

    def __init__(self, setting: Setting, number: int = 0, keep_log: bool = False) -> None:
        scenario = setting.scenario
        self._setting = setting
        self._streams = Streams(scenario.seed, number)
        self._env = simpy.Environment()
        self._last_ms = end_ms(scenario)
        interval_ms = round(scenario.interval_minutes * MINUTE_MS)
        metrics = Metrics(setting.policy, 0, interval_ms, keep_intervals=self._last_ms // interval_ms + 1)
        router = Router(setting.policy, seed=scenario.seed, explains=keep_log)
        self._shell = SimulatedRouter(self._env, router, metrics, keep_log=keep_log)
        self.counts = CallerCounts(interval_ms)
        run = Run(
            setting, self._streams, self._shell, metrics, self.counts, round(scenario.duration_minutes * MINUTE_MS)
        )
        self._run = run
        agents = {worker.name: Agent(worker) for worker in setting.workers}
        self._contacts = Contacts(run, agents)
        self._agents = Agents(run, agents, self._contacts.hand_back, self._contacts.cut_off)
        self._shell.hands = self._contacts.hands | self._agents.hands

    def run(self) -> MetricsReport:
        """Runs the whole time and the run-off; returns the metrics since the warm-up."""
        scenario = self._setting.scenario
        self._agents.start()
        for kind in scenario.kinds:
            Arrivals(self._run, self._contacts, kind).start()
        with _garbage_seldom():
            self._env.run(until=self._run.end_ms)
            while len(self._contacts) and self._env.peek() <= self._last_ms:
                self._env.step()
        return self._run.metrics.report(int(self._env.now), since_ms=round(scenario.warm_up_minutes * MINUTE_MS))

    @property
    def log(self) -> list[Handled]:
        """Every event and its decisions, when `keep_log` was asked for."""
        return self._shell.log or []

    @property
    def unfinished(self) -> int:
        """Contacts that were still there when the run ended."""
        return len(self._contacts)


class Arrivals:
    """Lets the contacts of one kind arrive. No SimPy process: that takes longer, with nothing else to wait for."""

    def __init__(self, run: Run, contacts: Contacts, kind: str) -> None:
        self._shell, self._streams, self._contacts, self._kind = run.shell, run.streams, contacts, kind
        scenario = run.setting.scenario
        arrivals = scenario.kinds[kind].arrivals
        generator = self._streams.generator(f"{kind}/arrivals")
        self._traced = iter(arrivals.traced) if arrivals.trace is not None else None
        """Read once, for their times too: a trace may be a large file."""
        self._times_ms = arrivals_ms(arrivals, scenario, generator, busy_factors(scenario, kind, self._streams))
        self._number = 0
        self._next: TracedContact | None = None
        self._comes: Act = self._come

    def start(self) -> None:
        """The first of them is in the calendar from now on."""
        self._go_on()

    def _come(self, _: None) -> None:
        self._arrive()
        self._go_on()

    def _arrive(self) -> None:
        number, self._number = self._number, self._number + 1
        self._contacts.arrive(self._kind, number, self._next)
        if number % FORGET_EVERY == FORGET_EVERY - 1:
            self._streams.forget(f"{self._kind}/", self._contacts.lowest(self._kind, number + 1))

    def _go_on(self) -> None:
        """To the next arrival; those of this very moment arrive at once."""
        now_ms = self._shell.now_ms
        while (at_ms := self._next_ms()) is not None:
            if at_ms > now_ms:
                self._shell.wake(at_ms - now_ms, self._comes)
                return
            self._arrive()

    def _next_ms(self) -> int | None:
        """When the next one comes, None after the last."""
        if self._traced is None:
            for at_ms in self._times_ms:
                return at_ms
            return None
        self._next = next(self._traced, None)
        return None if self._next is None else round(self._next.at_s * 1000)
