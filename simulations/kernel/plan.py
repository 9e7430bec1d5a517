"""A setting made ready for the kernel: names are numbers, conditions were judged beforehand by the core's own code."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy

from router.core.compiled import CompiledPolicy
from router.core.events import Attribute
from router.core.policy import LastAction
from simulations.distributions.base import Distribution
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
from simulations.kernel.machine.layout import NONE
from simulations.kernel.paths import entered, most_waits, reached
from simulations.kernel.rankings import Rankings
from simulations.kernel.staff import StaffPlan
from simulations.scenario import Kind
from simulations.setting import Setting
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
    def self_service(self) -> bool:
        """Whether callers are in an IVR before they wait."""
        return any(kind.kind.self_service is not None for kind in self.kinds)

    @property
    def self_service_first(self) -> int:
        """What is drawn for an announcement: who leaves, and the patience of those who stay."""
        return 2 if self.tells else 0

    @property
    def keys_first(self) -> int:
        """With what is drawn for the IVR: whom it serves, and how long it takes."""
        return self.self_service_first + (2 if self.self_service else 0)

    @property
    def hear_width(self) -> int:
        """What is drawn for an announcement and the IVR; and for every wait of a call, which key is pressed, and
        when."""
        if not self.presses:
            return self.keys_first
        return self.keys_first + most_waits(self.setting) * (1 + self.most_keys)

    @property
    def most_keys(self) -> int:
        """So many keys the callers of a kind press."""
        return int(self.arrays["keys"].shape[1])


def make_plan(setting: Setting) -> Plan:
    """Of a setting that `refusals` has nothing against."""
    return _Planner(setting).plan()


class _Planner:
    """Numbers the queues, and what contacts are for the router: those of one *type* are alike in all queues, those of
    one *line* in one step of one queue (who may take them, and their priority)."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.scenario, self.policy = setting.scenario, setting.policy
        self.compiled = CompiledPolicy(self.policy)
        self.queues = {queue.name: number for number, queue in enumerate(self.policy.queues)}
        self.reached = {queue: reached(setting, [queue]) for queue in entered(setting)}
        self.steps = max(len(queue.steps) for queue in self.policy.queues)
        self.lines: dict[tuple[object, ...], int] = {}
        self.line_rows: list[tuple[int, int, int]] = []
        self.line_views: list[dict[str, Any]] = []
        self.types: dict[tuple[object, ...], int] = {}
        self.type_lines: list[Any] = []
        self.type_queues: list[int] = []
        self.rankings, self.staff = Rankings(), StaffPlan(setting)

    def plan(self) -> Plan:
        kinds = tuple(self._kind(name, kind) for name, kind in self.scenario.kinds.items())
        arrays: dict[str, Any] = {}
        self._queue_arrays(arrays)
        self.staff.agent_arrays(arrays, self.compiled)
        self._line_arrays(arrays)
        self.rankings.arrays(arrays, self.policy.contact_ranking)
        kind_arrays(arrays, kinds, self.setting, self.queues)
        self.staff.pace_arrays(arrays, kinds, self.queues)
        trunk_arrays(arrays, kinds, self.setting)
        redial_arrays(arrays, kinds)
        announcement_arrays(arrays, kinds)
        key_arrays(arrays, kinds, self.queues)
        self.staff.outage_arrays(arrays)
        arrays |= {"bucket_from": wait_bounds(), "bucket_of": leading_buckets()}
        lanes = self.staff.draws_offers
        hands_back = bool(arrays["hands"].any()) or layout.HANDED_TALKS in arrays["outage_talks"]
        return Plan(
            self.setting,
            kinds,
            tuple(self.staff.delays),
            lanes,
            tuple(self.staff.backs),
            tuple(self.queues),
            tuple(self.staff.groups),
            arrays,
            hands_back,
            not (lanes or hands_back or self.scenario.lines or self.scenario.outages)
            and not any(
                kind.redial_delays
                or kind.kind.announcement is not None
                or kind.kind.waiting_keys
                or kind.kind.self_service is not None
                for kind in kinds
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
            for worker in self.staff.own_times:
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
                row["ranking"] = self.rankings.number(step.spec.agent_ranking or queue.agent_ranking)
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

    def _line_arrays(self, arrays: dict[str, Any]) -> None:
        records = numpy.zeros(len(self.line_rows), dtype=layout.LINE)
        records["head"] = records["tail"] = NONE
        fits = numpy.full((len(self.line_rows), max(1, len(self.staff.examples))), NONE, dtype=numpy.int64)
        names = [queue.name for queue in self.policy.queues]
        for line, (queue, step, priority) in enumerate(self.line_rows):
            records[line]["queue"], records[line]["step"], records[line]["priority"] = queue, step, priority
            chain, view = self.compiled.queues[names[queue]].steps[step].chain, self.line_views[line]
            for number, example in enumerate(self.staff.examples):
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


def bits(truths: Any) -> Any:
    """Rows of truths as rows of 64-bit words."""
    rows, columns = truths.shape
    padded = numpy.zeros((rows, -(-max(columns, 1) // 64) * 64), dtype=numpy.uint8)
    padded[:, :columns] = truths
    return numpy.packbits(padded, axis=1, bitorder="little").view(numpy.uint64)


def _or_none(number: int | None) -> int:
    return NONE if number is None else number
