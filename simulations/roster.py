"""Who works when: the staff of a scenario as workers, each with the habits that the scenario gives them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from documents import Problem, Source, nearest
from router.core.policy import Agent, Policy
from simulations.clock import MINUTE_MS, Span, shift_minutes, spans_ms
from simulations.distributions import Distribution
from simulations.features.absence import attended
from simulations.features.late import Late
from simulations.features.shift_end import ShiftEnd
from simulations.features.speed import Speed
from simulations.features.tenure import Seat, Tenure
from simulations.scenario import Answering, Scenario, Staff
from simulations.standalone import any_queue
from simulations.streams import Streams

if TYPE_CHECKING:
    from simulations.setting import Centre

AGENTS = "agents"
"""The group of agents who have no team."""


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent on the staff: when (from, to) in milliseconds, how fast, and how the phone is treated. Reports are by
    `group`. The rest is what the scenario's features say, see `simulations.features`."""

    name: str
    group: str
    shifts_ms: tuple[Span, ...]
    handle_time_factor: float
    answering: Answering
    site: str = ""
    breaks_ms: tuple[Span, ...] = ()
    speed: Speed | None = None
    absence: float = 0.0
    late: Late | None = None
    shift_end: ShiftEnd = "finish"
    tenure: Tenure | None = None

    def factor(self, kind: str, queue: str) -> float:
        """On the handle time of such contacts, beside that of the tenure."""
        if self.speed is None:
            return self.handle_time_factor
        factors = self.speed.factor
        return self.handle_time_factor * factors.get(kind, factors.get(queue, 1.0))

    def handle_time(self, kind: str, queue: str) -> Distribution | None:
        """What this agent takes for such contacts, None: what anybody takes."""
        if self.speed is None:
            return None
        times = self.speed.handle_time_s
        return times.get(kind, times.get(queue))


def midnight_ms(scenario: Scenario) -> int:
    """When the first day began, in milliseconds since the start: 0 or below."""
    return -(scenario.started.hour * 60 + scenario.started.minute) * MINUTE_MS


def end_ms(scenario: Scenario) -> int:
    """When the run-off ends."""
    return round((scenario.duration_minutes + scenario.run_off_minutes) * MINUTE_MS)


def worked(worker: Worker, scenario: Scenario, streams: Streams) -> tuple[list[Span], Seat | None]:
    """The shifts for which the agent really comes in a replication, and who sits in the place, where that matters."""
    shifts, seat = list(worker.shifts_ms), None
    if worker.absence:
        shifts = attended(shifts, worker.absence, worker.name, midnight_ms(scenario), streams)
    if worker.late is not None:
        shifts = worker.late.begun(shifts, worker.name, streams)
    if worker.tenure is not None:
        seat = Seat(worker.tenure, worker.name, midnight_ms(scenario), end_ms(scenario), streams)
        shifts = seat.taken(shifts)
    return shifts, seat


def staffed(
    source: Source, scenario: Scenario, centre: "Centre", problems: list[Problem]
) -> tuple["Centre", tuple[Worker, ...]]:
    """The centre with the agents whom the scenario describes, and who works when. What is wrong goes to `problems`."""
    known = {agent.name: agent for agent in centre.policy.agents}
    added: dict[str, Agent] = {}
    workers: dict[str, Worker] = {}
    whole_time = ((0, end_ms(scenario)),)
    if scenario.staff is None:
        workers = {
            name: Worker(name, agent.team or AGENTS, whole_time, 1.0, scenario.answering, agent.site)
            for name, agent in known.items()
        }
    for position, staff in enumerate(scenario.staff or ()):
        path = ("staff", position)
        if staff.group is not None:
            described = [_described(staff, number) for number in range(1, (staff.count or 0) + 1)]
            added |= {agent.name: agent for agent in described}
            names = tuple(agent.name for agent in described)
            problems += _group_problems(source, path, scenario, staff, names, centre.policy)
        else:
            names = tuple(known) if staff.agents in (None, "all") else tuple(staff.agents)
            for name in names:
                problems += unknown(source, (*path, "agents"), "agent", name, known)
        problems += _time_problems(source, path, staff)
        problems += _speed_problems(source, path, scenario, staff, centre.policy)
        there = known | added
        problems += _capacity_problems(source, path, staff, [there[name] for name in names if name in there])
        worker = _worker(scenario, staff, whole_time)
        for number, name in enumerate(names):
            if name in workers:
                problems.append(
                    source.problem(path, f"agent {name!r} is on the staff twice", "give all shifts at once")
                )
            agent = known.get(name)
            group = staff.group or (agent.team if agent is not None else "") or AGENTS
            site = staff.site if agent is None else agent.site
            breaks = worker.breaks_ms
            if staff.pauses is not None:
                breaks += staff.pauses.spans_ms(worker.shifts_ms, breaks, number, len(names))
            workers[name] = replace(worker, name=name, group=group, site=site, breaks_ms=tuple(sorted(breaks)))
    day_ms = scenario.duration_minutes * MINUTE_MS  # who comes in the run-off only is of no use to anybody
    if not any(begin < day_ms for worker in workers.values() for begin, _ in worker.shifts_ms):
        hint = "name agents of the centre, or a 'group' with a 'count' above 0, and shifts within the time"
        problems.append(source.problem(("staff",), "nobody works in this scenario", hint))
    policy = msgspec.structs.replace(centre.policy, agents=(*centre.policy.agents, *added.values()))
    return replace(centre, policy=policy), tuple(workers.values())


def _described(staff: Staff, number: int) -> Agent:
    return Agent(
        f"{staff.group}-{number}",
        skills=staff.skills,
        team=staff.team,
        site=staff.site,
        queues=staff.queues,
        capacity={"voice": 1} if staff.capacity is None else staff.capacity,
        cost_per_hour=staff.cost_per_hour,
    )


def _worker(scenario: Scenario, staff: Staff, whole_time: tuple[Span, ...]) -> Worker:
    """What the workers of this entry have in common."""

    def spans(texts: tuple[str, ...]) -> tuple[Span, ...]:
        return spans_ms(texts, midnight_ms(scenario), end_ms(scenario))

    return Worker(
        name="",
        group="",
        shifts_ms=spans(staff.shifts) if staff.shifts else whole_time,
        handle_time_factor=staff.handle_time_factor,
        answering=staff.answering or scenario.answering,
        breaks_ms=spans(staff.breaks),
        speed=staff.speed,
        absence=staff.absence or 0.0,
        late=staff.late,
        shift_end=staff.shift_end or "finish",
        tenure=staff.tenure,
    )


# What can be wrong

Path = tuple[str | int, ...]


def unknown(
    source: Source, path: Path, what: str, name: str, known: Mapping[str, object] | list[str]
) -> Iterator[Problem]:
    if name not in known:
        yield source.problem(path, f"there is no {what} {name!r}", nearest(name, known))


def _group_problems(
    source: Source, path: Path, scenario: Scenario, staff: Staff, names: tuple[str, ...], policy: Policy
) -> Iterator[Problem]:
    known = {agent.name for agent in policy.agents}
    for name in names:
        if name in known:
            yield source.problem((*path, "group"), f"the centre has an agent {name!r} already")
    queues = [queue.name for queue in policy.queues]
    for queue in staff.queues or ():
        yield from unknown(source, (*path, "queues"), "queue", queue, queues)
    if names and scenario.policy is not None and not any_queue(scenario.policy, staff.skills):
        yield source.problem(path, f"agents of the group {staff.group!r} have not the skills of any queue")


def _time_problems(source: Source, path: Path, staff: Staff) -> Iterator[Problem]:
    yield from _overlaps(source, (*path, "shifts"), "shifts", staff.shifts or ())
    yield from _overlaps(source, (*path, "breaks"), "breaks", staff.breaks)
    shifts = [shift_minutes(shift) for shift in staff.shifts or ()]
    for pause in staff.breaks:
        first, last = shift_minutes(pause)
        inside = any(begin <= first + day and last + day <= end for begin, end in shifts for day in (0, 1_440))
        if shifts and not inside:
            yield source.problem((*path, "breaks"), f"the break {pause!r} lies in no shift")


def _overlaps(source: Source, path: Path, what: str, texts: tuple[str, ...]) -> Iterator[Problem]:
    """Every day has the same ones, so one over midnight may also run into that of the next morning."""
    spans = sorted((*shift_minutes(text), text) for text in texts)
    following = [*spans[1:], *((first + 1_440, last + 1_440, text) for first, last, text in spans[:1])]
    for (_, last, earlier), (first, _, later) in zip(spans, following, strict=True):
        if first < last and len(spans) > 1:
            yield source.problem(path, f"the {what} {earlier!r} and {later!r} overlap", "an agent works once at a time")


def _speed_problems(source: Source, path: Path, scenario: Scenario, staff: Staff, policy: Policy) -> Iterator[Problem]:
    known = [*scenario.kinds, *(queue.name for queue in policy.queues)]
    for field in ("factor", "handle_time_s"):
        for name in getattr(staff.speed, field, ()):
            yield from unknown(source, (*path, "speed", field, name), "kind of contact or queue", name, known)


def _capacity_problems(source: Source, path: Path, staff: Staff, agents: list[Agent]) -> Iterator[Problem]:
    said = 1 if staff.speed is None else len(staff.speed.side_by_side or (1.0,))
    most = max((sum(agent.capacity.values()) for agent in agents), default=said)
    if said > most:
        message = f"says how fast with up to {said} contacts at once, but these agents take at most {most}"
        hint = "give them more 'capacity', or say less here"
        yield source.problem((*path, "speed", "side_by_side"), message, hint)
