"""What the scenario asks of the staff: work by queue and interval, and which group can do it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import numpy

from documents import DocumentError, Source
from router.core.policy import Agent, Queue
from simulations.arrivals import rates_per_hour
from simulations.erlang.numerics import Floats
from simulations.replications import Outcome, replicate
from simulations.scenario import Kind, Scenario
from simulations.setting import MINUTE_MS, Centre, Setting, Worker, settle

PILOT_REPLICATIONS = 4


@dataclass(frozen=True, slots=True)
class Work:
    """What comes to a queue: contacts expected in each interval, their mean handle time, and mean patience."""

    contacts: Floats
    aht_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Group:
    """A group of agents: one of them as example, in which intervals they can work (their shifts cover more than half
    of it: recorded shifts are off by minutes), and whom they can serve."""

    name: str
    agent: Agent
    worker: Worker
    available: tuple[bool, ...]
    queues: frozenset[str]


@dataclass(frozen=True, slots=True)
class Workplace:
    """A scenario whose groups are to be staffed. Agents of the centre that it names work as they are written."""

    setting: Setting
    groups: tuple[Group, ...]

    @property
    def intervals(self) -> int:
        return self.setting.scenario.intervals

    @property
    def interval_s(self) -> float:
        return self.setting.scenario.interval_minutes * 60

    @property
    def starts(self) -> tuple[str, ...]:
        """The wall clock at the beginning of each interval."""
        scenario = self.setting.scenario
        step = timedelta(minutes=scenario.interval_minutes)
        return tuple(f"{scenario.started + i * step:%H:%M}" for i in range(scenario.intervals))

    def staffed(self, counts: numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]) -> Setting:
        """The setting with `counts[g, i]` agents of group g in interval i. The first agent of a group works whenever
        anybody of it does, so few come and go."""
        names = {group.worker.name for group in self.groups}
        workers = [worker for worker in self.setting.workers if worker.name not in names]
        agents = [agent for agent in self.setting.policy.agents if agent.name not in names]
        length_ms = self.setting.scenario.interval_minutes * MINUTE_MS
        for group, row in zip(self.groups, counts, strict=True):
            for number in range(1, int(row.max(initial=0)) + 1):
                name = f"{group.name}-{number}"
                shifts = _shifts_ms(row >= number, length_ms)
                workers.append(replace(group.worker, name=name, shifts_ms=shifts))
                agents.append(msgspec.structs.replace(group.agent, name=name))
        policy = msgspec.structs.replace(self.setting.policy, agents=tuple(agents))
        return replace(self.setting, centre=replace(self.setting.centre, policy=policy), workers=tuple(workers))


def _shifts_ms(
    there: numpy.ndarray[tuple[int], numpy.dtype[numpy.bool_]], length_ms: float
) -> tuple[tuple[int, int], ...]:
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], there.astype(int), [0]])))
    return tuple((round(first * length_ms), round(last * length_ms)) for first, last in edges.reshape(-1, 2).tolist())


def workplace(source: Source, scenario: Scenario, centre: Centre | None) -> Workplace:
    """The scenario made ready for any numbers of agents; the `count` of its groups does not matter.

    Raises DocumentError as `settle`, and without a group to staff, with a warm-up, or for a group that serves nobody.
    """
    if scenario.warm_up_minutes:
        raise DocumentError(
            [source.problem(("warm_up_minutes",), "staffing needs every interval: leave the warm-up out")]
        )
    staff = tuple(
        # Short pauses are in the plan's shrinkage; and they would all be those of the one agent.
        entry if entry.group is None else entry.model_copy(update={"count": 1, "pauses": None})
        for entry in scenario.staff or ()
    )
    if not any(entry.group for entry in staff):
        hint = "describe the agents as 'staff: [{group: NAME, count: 1, skills: {...}}]'"
        raise DocumentError([source.problem(("staff",), "there is no group of agents to staff", hint)])
    setting = settle(source, scenario.model_copy(update={"staff": staff}), centre)
    agents = {agent.name: agent for agent in setting.policy.agents}
    workers = {worker.name: worker for worker in setting.workers}
    voice = [queue for queue in setting.policy.queues if queue.channel == "voice"]
    length_ms = scenario.interval_minutes * MINUTE_MS
    groups, problems = [], []
    for position, entry in enumerate(staff):
        if entry.group is None:
            continue
        name = f"{entry.group}-1"
        serves = frozenset(queue.name for queue in voice if can_serve(agents[name], queue))
        if not serves:
            message = f"agents of the group {entry.group!r} have not the skills of any queue"
            problems.append(source.problem(("staff", position), message))
        there = tuple(
            _within(workers[name].shifts_ms, i * length_ms, (i + 1) * length_ms) > length_ms / 2
            for i in range(scenario.intervals)
        )
        groups.append(Group(entry.group, agents[name], workers[name], there, serves))
    if problems:
        raise DocumentError(problems)
    return Workplace(setting, tuple(groups))


def _within(shifts_ms: tuple[tuple[int, int], ...], begin: float, end: float) -> float:
    """How much of an interval the shifts cover."""
    return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in shifts_ms)


def can_serve(agent: Agent, queue: Queue) -> bool:
    """Whether the agent has the skills of some step of the queue. What else a step asks is left to the simulation."""
    if agent.queues is not None and queue.name not in agent.queues:
        return False

    def has(skills: Mapping[str, int]) -> bool:
        return all(agent.skills.get(name, 0) >= level for name, level in skills.items() if "." not in name)

    return any(has(step.condition.skills) for step in queue.steps if step.condition is not None)


def demand(place: Workplace) -> dict[str, Work]:
    """The work of each queue: as written where contacts enter queues at once, else measured in a few replications with
    ample staff."""
    setting = place.setting
    return _written(setting) if all(map(_is_written, setting.scenario.kinds.values())) else _measured(place)


def _is_written(kind: Kind) -> bool:
    """Whether queue, work and patience of all contacts of the kind stand in the scenario; a trace may say others, and
    an IVR may serve some."""
    if kind.self_service is not None:
        return False
    return kind.queue is not None and not kind.arrivals.traced.summary.has("queue", "handle_s", "patience_s")


def _written(setting: Setting) -> dict[str, Work]:
    scenario, hours = setting.scenario, setting.scenario.interval_minutes / 60
    wrap_ups = {queue.name: queue.wrap_up_ms / 1000 for queue in setting.policy.queues}
    found: dict[str, list[tuple[Floats, float, float]]] = {}
    for name, kind in scenario.kinds.items():
        queue = kind.queue or ""
        contacts = numpy.array(rates_per_hour(kind.arrivals, scenario)) * hours
        talk = setting.distribution("handle time", name, queue)
        assert talk is not None  # a setting has one for every kind that can reach a queue
        wrap_up = setting.distribution("wrap-up", name, queue)
        after = wrap_ups[queue] if wrap_up is None else wrap_up.average
        patience = setting.distribution("patience", name, queue)
        found.setdefault(queue, []).append(
            (contacts, talk.average + after, numpy.inf if patience is None else patience.average)
        )
    return {queue: _together([Work(*part) for part in parts]) for queue, parts in found.items()}


def pooled(works: list[Work]) -> Work:
    """Several queues served as one."""
    return _together(works)


def _together(parts: list[Work]) -> Work:
    contacts = numpy.sum([part.contacts for part in parts], axis=0)
    weights = numpy.array([part.contacts.sum() for part in parts])
    if weights.sum() == 0:
        return Work(contacts, parts[0].aht_s, parts[0].patience_s)
    weights = weights / weights.sum()
    aht = float(weights @ [part.aht_s for part in parts])
    give_up = float(weights @ [1 / part.patience_s for part in parts])
    return Work(contacts, aht, 1 / give_up if give_up > 0 else numpy.inf)


def _measured(place: Workplace) -> dict[str, Work]:
    scenario = place.setting.scenario
    expected = sum(sum(rates_per_hour(kind.arrivals, scenario)) for kind in scenario.kinds.values())
    ample = max(10, round(expected / scenario.intervals / 2))
    counts = numpy.array([[ample if there else 0 for there in group.available] for group in place.groups])
    outcomes: list[Outcome] = [replicate(place.staffed(counts), number) for number in range(PILOT_REPLICATIONS)]
    works = {}
    for queue in [queue for queue in place.setting.policy.queues if queue.channel == "voice"]:
        tallies = [[span.queues[queue.name] for span in outcome.intervals] for outcome in outcomes]
        arrived = numpy.array([[tally.arrived for tally in row] for row in tallies]).mean(axis=0)
        finished = sum(tally.finished for row in tallies for tally in row)
        handled_ms = sum(tally.talk_ms + tally.wrap_up_ms for row in tallies for tally in row)
        if not finished:
            continue
        patience = [
            setting_patience
            for name in scenario.kinds
            if (setting_patience := place.setting.distribution("patience", name, queue.name)) is not None
        ]
        mean_patience = patience[0].average if patience else numpy.inf
        works[queue.name] = Work(arrived, handled_ms / finished / 1000, mean_patience)
    return works
