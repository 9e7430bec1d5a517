"""The staff made ready for the kernel: what agents are like, how fast they are, and whom an outage strikes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from router.core.compiled import CompiledPolicy
from router.core.policy import Agent
from router.core.pools import profile
from simulations.distributions.base import Distribution
from simulations.distributions.constant import Constant
from simulations.kernel.kinds import KindPlan
from simulations.kernel.machine import layout
from simulations.kernel.machine.layout import NEVER, NONE
from simulations.setting import Setting, Worker


class StaffPlan:
    """The agents of a policy, of whom those on the staff work.

    `examples` has an agent of each profile. `delays` are the distributions of delays until a phone is answered, `backs`
    those until an agent (number, name) is back from the pause after an offer that failed, where it is no constant.
    `own_times`: a worker for each speed that has handle times of its own.
    """

    def __init__(self, setting: Setting) -> None:
        self._agents, self._workers, self._outages = setting.policy.agents, setting.workers, setting.scenario.outages
        self.examples: list[Agent] = []
        self.delays: list[Distribution] = []
        self.backs: list[tuple[int, str, Distribution]] = []
        speeds = {id(worker.speed): worker for worker in self._workers if worker.speed is not None}
        self.own_times = tuple(speeds.values())
        names = dict.fromkeys(worker.group for worker in self._workers)
        self.groups = {name: number for number, name in enumerate(names)}
        self._profiles: dict[tuple[object, ...], int] = {}
        self._paces: list[Worker] = []

    @property
    def draws_offers(self) -> bool:
        """Whether chance decides what becomes of an offer, once `agent_arrays` are made."""
        unsure = any(worker.answering.no_answer + worker.answering.declined > 0 for worker in self._workers)
        return unsure or bool(self.delays)

    def agent_arrays(self, arrays: dict[str, Any], compiled: CompiledPolicy) -> None:
        workers = {worker.name: worker for worker in self._workers}
        records = numpy.zeros(len(self._agents), dtype=layout.AGENT)
        records["contact"] = records["wrap_up_ms"] = records["shown_contact"] = NONE
        records["drawn_wrap_up_ms"] = records["handled_interval"] = NONE
        records["timer_ms"] = NEVER
        records["break_ms"] = records["pace"] = NONE
        for number, (record, spec) in enumerate(zip(records, self._agents, strict=True)):
            record["order"], record["profile"] = number, self._profile(spec, compiled)
            record["levels"], record["cost_per_hour"] = sum(spec.skills.values()), spec.cost_per_hour
            found = workers.get(spec.name)
            if found is None:
                continue
            answering = found.answering
            record["group"], record["factor"] = self.groups[found.group], found.handle_time_factor
            record["no_answer"], record["declined"] = answering.no_answer, answering.declined
            record["answers"] = not (answering.no_answer or answering.declined)
            record["pace"], record["seated"] = self._pace(found), found.tenure is not None
            if record["pace"] != NONE:
                record["factor"] = NONE  # to be looked up
            record["delay_ms"], record["delay_lane"] = self._delay(answering.delay_s)
            back = answering.back_after_s
            record["back_ms"] = round(back.value * 1000) if isinstance(back, Constant) else NONE
            if not isinstance(back, Constant):
                self.backs.append((number, spec.name, back))
        arrays["agents"] = records

    def outage_arrays(self, arrays: dict[str, Any]) -> None:
        """Whom every outage strikes, in the order of the staff; and who hands talks back when the shift ends."""
        outages = self._outages
        order = {agent.name: number for number, agent in enumerate(self._agents)}
        struck = numpy.full((max(1, len(outages)), len(order)), NONE, dtype=numpy.int64)
        for row, outage in zip(struck, outages, strict=False):
            hit = [order[worker.name] for worker in self._workers if outage.strikes(worker.site, worker.group)]
            row[: len(hit)] = hit
        arrays["struck"] = struck
        arrays["hands"] = numpy.zeros(len(order), dtype=numpy.int64)
        for worker in self._workers:
            arrays["hands"][order[worker.name]] = worker.shift_end == "hand_back"
        talks = {"lost": layout.LOST_TALKS, "kept": layout.KEPT_TALKS, "handed_back": layout.HANDED_TALKS}
        arrays["outage_talks"] = numpy.array([talks[outage.talks] for outage in outages] or [0], dtype=numpy.int64)

    def pace_arrays(self, arrays: dict[str, Any], kinds: Sequence[KindPlan], queues: Mapping[str, int]) -> None:
        """How fast, and by which draw of their own, agents of each pace are with each kind in each queue."""
        factors = numpy.ones((max(1, len(self._paces)), len(kinds), len(queues)))
        columns = numpy.full(factors.shape, NONE, dtype=numpy.int64)
        for row, worker in enumerate(self._paces):
            for number, plan in enumerate(kinds):
                for queue, at in queues.items():
                    factors[row, number, at] = worker.factor(plan.name, queue)
                    own = worker.handle_time(plan.name, queue)
                    if own is not None:
                        columns[row, number, at] = plan.variates.index(("handle time", own))
        arrays |= {"pace": factors, "pace_column": columns}

    def _profile(self, spec: Agent, compiled: CompiledPolicy) -> int:
        """The number of agents whom no condition can tell apart."""
        key = profile(spec, compiled.looks_at_name)
        if key not in self._profiles:
            self._profiles[key] = len(self._profiles)
            self.examples.append(spec)
        return self._profiles[key]

    def _pace(self, worker: Worker) -> int:
        """The row of the table of paces, NONE for an agent who has the same factor for everything."""
        if worker.speed is None and worker.tenure is None:
            return NONE
        for number, other in enumerate(self._paces):
            if (other.handle_time_factor, other.speed) == (worker.handle_time_factor, worker.speed):
                return number
        self._paces.append(worker)
        return len(self._paces) - 1

    def _delay(self, delay: Distribution) -> tuple[int, int]:
        if isinstance(delay, Constant):
            return round(delay.value * 1000), NONE
        if delay not in self.delays:
            self.delays.append(delay)
        return NONE, 1 + self.delays.index(delay)
