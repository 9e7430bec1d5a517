"""The SimPy shell: sampled callers and agents around the very router core and flow machine that serve real calls.

Nothing here routes. A contact arrives, the core decides, and `contacts` and `agents` do what phones and people do:
ring, answer or not, talk, lose patience, press keys. Each of the features that a scenario may have is a file of
`features`.
"""

from collections.abc import Iterator

import simpy

from router.core.metrics import Metrics, MetricsReport
from router.core.router import Router
from simulations.agents import Agent, Agents
from simulations.arrivals import contacts_ms
from simulations.clock import MINUTE_MS
from simulations.contacts import Contacts
from simulations.roster import end_ms
from simulations.run import Run
from simulations.setting import Setting
from simulations.shell import Handled, SimulatedRouter
from simulations.streams import Streams
from simulations.tallies import CallerCounts

FORGET_EVERY = 4_096
"""So many arrivals of a kind, and the draws that nobody can ask for any more are forgotten."""


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
            self._go_on(self._arrivals(kind))
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

    def _go_on(self, arrivals: Iterator[int]) -> None:
        """To the next arrival. No SimPy process: those take longer, and there is nothing else to wait for."""
        delay_ms = next(arrivals, None)
        if delay_ms is not None:
            self._shell.after(delay_ms, lambda: self._go_on(arrivals))

    def _arrivals(self, kind: str) -> Iterator[int]:
        """Lets all contacts of this kind arrive; gives the ms to wait before it is gone on with."""
        scenario = self._setting.scenario
        arrivals, busyness = scenario.kinds[kind].arrivals, scenario.busyness
        factor = 1.0 if busyness is None else busyness.factor(kind, self._streams)
        contacts = contacts_ms(arrivals, scenario, self._streams.generator(f"{kind}/arrivals"), factor)
        for number, (at_ms, traced) in enumerate(contacts):
            now_ms = self._shell.now_ms
            if at_ms > now_ms:
                yield at_ms - now_ms
            self._contacts.arrive(kind, number, traced)
            if number % FORGET_EVERY == FORGET_EVERY - 1:
                self._streams.forget(f"{kind}/", self._contacts.lowest(kind, number + 1))
