"""A setting made ready for the kernel: names are numbers, conditions were judged beforehand by the core's own code."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy

from router.core.compiled import CompiledPolicy
from router.core.events import Attribute
from router.core.policy import LastAction
from router.core.pools import profile
from router.core.strategies import AgentKey, ContactKey, FitKey, registry
from simulations.distributions.base import Distribution
from simulations.distributions.constant import Constant
from simulations.kernel.buckets import leading_buckets, wait_bounds
from simulations.kernel.kinds import (
    QUANTITIES,
    KindPlan,
    announcement_arrays,
    key_arrays,
    kind_arrays,
    redial_arrays,
    redial_delays,
    trunk_arrays,
)
from simulations.kernel.machine import layout
from simulations.kernel.machine.keys import FIT, PARAMETERS, codes, parameter_values
from simulations.kernel.machine.layout import NEVER, NONE
from simulations.kernel.paths import entered, most_waits, reached
from simulations.scenario import Kind
from simulations.setting import Setting, Worker
from simulations.traced import Quantity, TracedContact


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a setting that is equal for all its replications. `arrays` go into every `World`."""

    setting: Setting
    kinds: tuple[KindPlan, ...]
    delays: tuple[Distribution, ...]
    lanes: bool
    backs: tuple[tuple[int, str, Distribution], ...]
    queues: tuple[str, ...]
    groups: tuple[str, ...]
    arrays: dict[str, Any]
    hands_back: bool
    """Whether talks are handed back."""
    plain: bool
    """Whether `layout.PLAIN` holds, unless a log is kept."""

    @property
    def lane_width(self) -> int:
        """What is drawn for an offer: what becomes of it, and delays."""
        return 1 + len(self.delays)

    @property
    def try_delays(self) -> int:
        return max((len(kind.redial_delays) for kind in self.kinds), default=0)

    @property
    def try_width(self) -> int:
        """What is drawn for a call: whether there is another, delays until then, and what that one is like."""
        return 1 + self.try_delays + max((len(kind.variates) for kind in self.kinds), default=0)

    @property
    def tells(self) -> bool:
        """Whether callers hear how long they will wait."""
        return any(kind.kind.announcement is not None for kind in self.kinds)

    @property
    def learns(self) -> bool:
        """Whether anybody asks how long a wait will be."""
        keys = [key for kind in self.kinds for key in (kind.kind.waiting_keys or {}).values()]
        return self.tells or any(key.when_wait_over_s for key in keys)

    @property
    def presses(self) -> bool:
        """Whether callers press keys while they wait."""
        return any(kind.kind.waiting_keys for kind in self.kinds)

    @property
    def keys_first(self) -> int:
        """What is drawn for an announcement: who leaves, and the patience of those who stay."""
        return 2 if self.tells else 0

    @property
    def hear_width(self) -> int:
        """What is drawn for an announcement; and for every wait of a call, which key is pressed, and when."""
        if not self.presses:
            return self.keys_first
        return self.keys_first + most_waits(self.setting) * (1 + self.most_keys)

    @property
    def most_keys(self) -> int:
        """So many keys the callers of a kind press."""
        return int(self.arrays["keys"].shape[1])


def bits(truths: Any) -> Any:
    """Rows of truths as rows of 64-bit words."""
    rows, columns = truths.shape
    padded = numpy.zeros((rows, -(-max(columns, 1) // 64) * 64), dtype=numpy.uint8)
    padded[:, :columns] = truths
    return numpy.packbits(padded, axis=1, bitorder="little").view(numpy.uint64)


def make_plan(setting: Setting) -> Plan:
    """Of a setting that `refusals` has nothing against."""
    return _Planner(setting).plan()


class _Planner:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.scenario, self.policy = setting.scenario, setting.policy
        self.compiled = CompiledPolicy(self.policy)
        self.queues = {queue.name: number for number, queue in enumerate(self.policy.queues)}
        self.reached = {queue: reached(setting, [queue]) for queue in entered(setting)}
        self.steps = max(len(queue.steps) for queue in self.policy.queues)
        self.profiles: dict[tuple[object, ...], int] = {}
        self.examples: list[Any] = []
        self.lines: dict[tuple[object, ...], int] = {}
        self.line_rows: list[tuple[int, int, int]] = []
        self.line_views: list[dict[str, Any]] = []
        self.types: dict[tuple[object, ...], int] = {}
        self.type_lines: list[Any] = []
        self.type_queues: list[int] = []
        self.delays: list[Distribution] = []
        self.backs: list[tuple[int, str, Distribution]] = []
        self.paces: list[Worker] = []
        speeds = {id(worker.speed): worker for worker in setting.workers if worker.speed is not None}
        self.own_times = tuple(speeds.values())
        self.groups: dict[str, int] = {}
        self.orders: dict[str, int] = {}
        self.order_rows: list[list[tuple[int, list[float]]]] = []
        self.rankings: list[tuple[list[tuple[int, list[float]]], int]] = []

    def plan(self) -> Plan:
        kinds = tuple(self._kind(name, kind) for name, kind in self.scenario.kinds.items())
        arrays: dict[str, Any] = {}
        self._queue_arrays(arrays)
        self._agent_arrays(arrays)
        self._line_arrays(arrays)
        self._ranking_arrays(arrays)
        kind_arrays(arrays, kinds, self.setting, self.queues)
        self._pace_arrays(arrays, kinds)
        trunk_arrays(arrays, kinds, self.setting)
        redial_arrays(arrays, kinds)
        announcement_arrays(arrays, kinds)
        key_arrays(arrays, kinds, self.queues)
        self._outage_arrays(arrays)
        bounds = wait_bounds()
        arrays["bucket_from"] = bounds
        arrays["bucket_of"] = leading_buckets()
        lanes = bool(self.delays) or any(
            worker.answering.no_answer + worker.answering.declined > 0 for worker in self.setting.workers
        )
        hands_back = bool(arrays["hands"].any()) or layout.HANDED_TALKS in arrays["outage_talks"]
        return Plan(
            self.setting,
            kinds,
            tuple(self.delays),
            lanes,
            tuple(self.backs),
            tuple(self.queues),
            tuple(self.groups),
            arrays,
            hands_back,
            not (lanes or hands_back or self.scenario.lines or self.scenario.outages)
            and not any(
                kind.redial_delays or kind.kind.announcement is not None or kind.kind.waiting_keys for kind in kinds
            )
            and layout.holds(layout.PLAIN, arrays),
        )

    # Contacts

    def _kind(self, name: str, kind: Kind) -> KindPlan:
        assert kind.queue is not None
        variates: list[tuple[Quantity, Distribution | None]] = []
        shares = tuple((key, value) for key, value in kind.attributes.items() if isinstance(value, dict))
        drawn = [
            dict(zip((key for key, _ in shares), chosen, strict=True))
            for chosen in product(*(values for _, values in shares))
        ]
        contacts = kind.arrivals.traced if len(kind.arrivals.traced) else (TracedContact(at_s=0),)
        # Eight bytes for each contact of a trace: all that is kept of it.
        types = numpy.fromiter(
            (self._type_of(kind, attributes, contact) for contact in contacts for attributes in drawn), numpy.int64
        ).reshape(-1, len(drawn))
        for queue in self.queues:
            for quantity in QUANTITIES:
                distribution = self.setting.distribution(quantity, name, queue)
                given = distribution is not None or kind.arrivals.trace is not None
                if given and (quantity, distribution) not in variates:
                    variates.append((quantity, distribution))
            for worker in self.own_times:
                own: tuple[Quantity, Distribution | None] = ("handle time", worker.handle_time(name, queue))
                if own[1] is not None and own not in variates:
                    variates.append(own)
        return KindPlan(name, kind, tuple(variates), shares, types, redial_delays(kind.redials))

    def _type_of(self, kind: Kind, drawn: Mapping[str, Attribute], contact: TracedContact) -> int:
        own = {key: drawn[key] if isinstance(value, dict) else value for key, value in kind.attributes.items()}
        priority = kind.priority if contact.priority is None else contact.priority
        return self._type(contact.queue or kind.queue or "", own | contact.attributes, priority)

    def _type(self, queue: str, attributes: Mapping[str, Attribute], priority: int | None) -> int:
        """The number of contacts that no queue can tell apart."""
        rows = {}
        for name in self.reached[queue]:
            compiled = self.compiled.queues[name]
            own = compiled.spec.priority if priority is None else priority
            for step in range(len(compiled.steps)):
                rows[name, step] = (name, step, compiled.steps[step].chain.class_of(attributes), own)
        key = (queue, tuple(rows.items()))
        if key not in self.types:
            self.types[key] = len(self.types)
            lines = numpy.full((len(self.queues), self.steps), NONE, dtype=numpy.int64)
            for (name, step), line in rows.items():
                if line not in self.lines:
                    self.lines[line] = len(self.lines)
                    self.line_rows.append((self.queues[name], step, int(line[3])))
                    channel = self.compiled.queues[name].spec.channel
                    self.line_views.append({**attributes, "queue": name, "channel": channel})
                lines[self.queues[name], step] = self.lines[line]
            self.type_lines.append(lines)
            self.type_queues.append(self.queues[queue])
        return self.types[key]

    # Queues and steps

    def _queue_arrays(self, arrays: dict[str, Any]) -> None:
        records = numpy.zeros(len(self.queues), dtype=layout.QUEUE)
        steps = numpy.zeros(sum(len(queue.steps) for queue in self.policy.queues), dtype=layout.STEP_RECORD)
        first = 0
        for record, queue in zip(records, self.policy.queues, strict=True):
            record["ring_ms"], record["wrap_up_ms"] = queue.ring_ms, queue.wrap_up_ms
            record["answered_within_ms"] = queue.goal.answered_within_ms
            record["short_ms"] = queue.goal.short_abandon_ms
            record["longest_ms"] = _or_none(queue.longest_wait_ms)
            record["full_at"] = _or_none(queue.full_at)
            record["full_queue"], record["full_exit"] = self._action(queue.when_full)
            record["last_queue"], record["last_exit"] = self._action(queue.last_action)
            record["unstaffed"] = queue.when_unstaffed is not None
            record["unstaffed_queue"], record["unstaffed_exit"] = self._action(queue.when_unstaffed)
            record["steps"], record["first_step"], record["weight"] = len(queue.steps), first, queue.weight
            record["priority_per_minute"] = queue.priority_per_minute
            record["priority_cap"] = numpy.inf if queue.priority_cap is None else queue.priority_cap
            for step in self.compiled.queues[queue.name].steps:
                until, row = step.spec.until, steps[first]
                row["after_ms"], row["by_age"] = _or_none(until.after_ms), until.clock == "age"
                row["none_logged_in"], row["none_available"] = until.none_logged_in, until.none_available
                row["refusals"] = _or_none(until.refusals)
                row["ranking"] = self._ranking(step.ranking, step.spec.agent_ranking or queue.agent_ranking)
                first += 1
            until = queue.steps[0].until
            # Nobody leaves the first step, or the queue, in the moment of coming.
            record["plain"] = queue.full_at is None and 0 not in (until.after_ms, until.refusals, queue.longest_wait_ms)
            record["plain_wait"] = not (until.none_logged_in or until.none_available or queue.when_unstaffed)
        arrays |= {"queues": records, "steps": steps}

    def _action(self, action: LastAction | None) -> tuple[int, int]:
        if action is None or action.kind == "exit":
            return NONE, 0
        return self.queues[action.target], NONE

    def _ranking(self, ranking: Any, specs: Any) -> int:
        keys, own = [], []
        for spec in specs:
            key, values = registry()[spec.key], parameter_values(spec)
            if issubclass(key, AgentKey):
                keys.append((NONE, values))
                own.append((codes()[spec.key], values))
            elif issubclass(key, FitKey):
                keys.append((codes()[spec.key], values))
        order_id = str(own)
        if order_id not in self.orders:
            self.orders[order_id] = len(self.orders)
            self.order_rows.append(own)
        row = (keys, self.orders[order_id])
        if row not in self.rankings:
            self.rankings.append(row)
        return self.rankings.index(row)

    def _ranking_arrays(self, arrays: dict[str, Any]) -> None:
        longest = max(1, *(len(keys) for keys, _ in self.rankings)) + 1
        orders = numpy.full((len(self.order_rows), longest), NONE, dtype=numpy.int64)
        order_parameters = numpy.zeros((len(self.order_rows), longest, PARAMETERS))
        for number, row in enumerate(self.order_rows):
            for k, (code, values) in enumerate(row):
                orders[number, k] = code
                order_parameters[number, k, : len(values)] = values
        rankings = numpy.zeros(len(self.rankings), dtype=layout.RANKING)
        keys = numpy.full((len(self.rankings), longest), NONE, dtype=numpy.int64)
        parameters = numpy.zeros((len(self.rankings), longest, PARAMETERS))
        for number, (row, order) in enumerate(self.rankings):
            rankings[number] = (len(row), order)
            for k, (code, values) in enumerate(row):
                keys[number, k] = code
                parameters[number, k, : len(values)] = values
        of_contacts = [
            (codes()[spec.key] + (0 if issubclass(registry()[spec.key], ContactKey) else FIT), parameter_values(spec))
            for spec in self.policy.contact_ranking
            if issubclass(registry()[spec.key], (ContactKey, FitKey))
        ]
        contact_parameters = numpy.zeros((len(of_contacts) + 1, PARAMETERS))
        for k, (_, values) in enumerate(of_contacts):
            contact_parameters[k, : len(values)] = values
        arrays |= {
            "orders": orders,
            "order_parameters": order_parameters,
            "rankings": rankings,
            "ranking_keys": keys,
            "ranking_parameters": parameters,
            "contact_keys": numpy.array([code for code, _ in of_contacts] + [NONE], dtype=numpy.int64),
            "contact_parameters": contact_parameters,
        }

    # Agents

    def _agent_arrays(self, arrays: dict[str, Any]) -> None:
        workers = {worker.name: worker for worker in self.setting.workers}
        for worker in self.setting.workers:
            self.groups.setdefault(worker.group, len(self.groups))
        records = numpy.zeros(len(self.policy.agents), dtype=layout.AGENT)
        records["contact"] = records["wrap_up_ms"] = records["shown_contact"] = NONE
        records["drawn_wrap_up_ms"] = records["handled_interval"] = NONE
        records["timer_ms"] = NEVER
        records["break_ms"] = records["pace"] = NONE
        for number, (record, spec) in enumerate(zip(records, self.policy.agents, strict=True)):
            key = profile(spec, self.compiled.looks_at_name)
            if key not in self.profiles:
                self.profiles[key] = len(self.profiles)
                self.examples.append(spec)
            record["order"], record["profile"] = number, self.profiles[key]
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

    def _outage_arrays(self, arrays: dict[str, Any]) -> None:
        """Whom every outage strikes, in the order of the staff; and who hands talks back when the shift ends."""
        outages = self.scenario.outages
        order = {agent.name: number for number, agent in enumerate(self.policy.agents)}
        struck = numpy.full((max(1, len(outages)), len(order)), NONE, dtype=numpy.int64)
        for row, outage in zip(struck, outages, strict=False):
            hit = [order[worker.name] for worker in self.setting.workers if outage.strikes(worker.site, worker.group)]
            row[: len(hit)] = hit
        arrays["struck"] = struck
        arrays["hands"] = numpy.zeros(len(order), dtype=numpy.int64)
        for worker in self.setting.workers:
            arrays["hands"][order[worker.name]] = worker.shift_end == "hand_back"
        talks = {"lost": layout.LOST_TALKS, "kept": layout.KEPT_TALKS, "handed_back": layout.HANDED_TALKS}
        arrays["outage_talks"] = numpy.array([talks[outage.talks] for outage in outages] or [0], dtype=numpy.int64)

    def _pace(self, worker: Worker) -> int:
        """The row of the table of paces, NONE for an agent who has the same factor for everything."""
        if worker.speed is None and worker.tenure is None:
            return NONE
        for number, other in enumerate(self.paces):
            if (other.handle_time_factor, other.speed) == (worker.handle_time_factor, worker.speed):
                return number
        self.paces.append(worker)
        return len(self.paces) - 1

    def _pace_arrays(self, arrays: dict[str, Any], kinds: tuple[KindPlan, ...]) -> None:
        factors = numpy.ones((max(1, len(self.paces)), len(kinds), len(self.queues)))
        columns = numpy.full(factors.shape, NONE, dtype=numpy.int64)
        for row, worker in enumerate(self.paces):
            for number, plan in enumerate(kinds):
                for queue, at in self.queues.items():
                    factors[row, number, at] = worker.factor(plan.name, queue)
                    own = worker.handle_time(plan.name, queue)
                    if own is not None:
                        columns[row, number, at] = plan.variates.index(("handle time", own))
        arrays |= {"pace": factors, "pace_column": columns}

    def _delay(self, delay: Distribution) -> tuple[int, int]:
        if isinstance(delay, Constant):
            return round(delay.value * 1000), NONE
        if delay not in self.delays:
            self.delays.append(delay)
        return NONE, 1 + self.delays.index(delay)

    def _line_arrays(self, arrays: dict[str, Any]) -> None:
        records = numpy.zeros(len(self.line_rows), dtype=layout.LINE)
        records["head"] = records["tail"] = NONE
        fits = numpy.full((len(self.line_rows), max(1, len(self.examples))), NONE, dtype=numpy.int64)
        names = [queue.name for queue in self.policy.queues]
        for line, (queue, step, priority) in enumerate(self.line_rows):
            records[line]["queue"], records[line]["step"], records[line]["priority"] = queue, step, priority
            chain, view = self.compiled.queues[names[queue]].steps[step].chain, self.line_views[line]
            for number, example in enumerate(self.examples):
                if chain.holds(example, view):
                    fits[line, number] = chain.fit(example, view)
        can = bits((fits >= 0).T)
        able = bits(fits >= 0)
        arrays |= {
            "lines": records,
            "fits": fits,
            "can": can,
            "able": able,
            "line_of": numpy.array(self.type_lines, dtype=numpy.int64),
            "type_queue": numpy.array(self.type_queues, dtype=numpy.int64),
        }


def _or_none(number: int | None) -> int:
    return NONE if number is None else number
