"""Scenario and centre brought together: every name resolved, every number there, nothing left to fail on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from documents import DocumentError, Problem, Source, nearest, read, validate
from ivr.flow.library import Library
from router.core.policy import Agent, Condition, Goal, KeySpec, LastAction, Policy, Queue, Step
from router.core.policy_check import check_policy
from simulations.distributions import Distribution
from simulations.money import money_problems
from simulations.scenario import (
    Answering,
    Arrivals,
    Kind,
    Quantity,
    QueueTimes,
    Scenario,
    StandalonePolicy,
    shift_minutes,
)
from simulations.traces import read_trace

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
AGENTS = "agents"
"""The group of agents who have no team."""


@dataclass(frozen=True, slots=True)
class Centre:
    """What a simulation needs of a centre: its routing policy, its flows, and which flow answers which number."""

    policy: Policy
    library: Library | None = None
    numbers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent on the staff: when (from, to) in milliseconds, how fast, and how the phone is treated. Reports are by
    `group`."""

    name: str
    group: str
    shifts_ms: tuple[tuple[int, int], ...]
    handle_time_factor: float
    answering: Answering


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a replication needs, and the scenario's file for those who read its problems."""

    scenario: Scenario
    centre: Centre
    workers: tuple[Worker, ...]
    file: str = ""

    @property
    def policy(self) -> Policy:
        return self.centre.policy

    def distribution(self, what: Quantity, kind: str, queue: str) -> Distribution | None:
        """Of `what` for contacts of this kind in this queue; None: nobody says."""
        own, of_queue = self.scenario.kinds[kind], self.scenario.queues.get(queue, QueueTimes())
        match what:
            case "handle time":
                return own.handle_time_s or of_queue.handle_time_s
            case "patience":
                return own.patience_s or of_queue.patience_s
            case "wrap-up":
                return of_queue.wrap_up_s


def read_scenario(path: Path) -> tuple[Source, Scenario]:
    """The scenario in the file `path`, its traces read in. Raises DocumentError with every problem and its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([Problem(f"the scenario cannot be read: {error}", str(path))]) from None
    source = read(text, str(path))
    scenario = validate(source, Scenario)
    return source, replace_traces(scenario, path.parent)


def replace_traces(scenario: Scenario, directory: Path) -> Scenario:
    """The scenario with the contacts of every trace file in the place of the file's name."""
    kinds = dict(scenario.kinds)
    for name, kind in kinds.items():
        if isinstance(kind.arrivals.trace, str):
            arrivals = Arrivals(trace=read_trace(directory / kind.arrivals.trace))
            kinds[name] = kind.model_copy(update={"arrivals": arrivals})
    return scenario.model_copy(update={"kinds": kinds})


def settle(source: Source, scenario: Scenario, centre: Centre | None) -> Setting:
    """Scenario and centre as one setting. Raises DocumentError with every name that does not exist and every number
    that is missing."""
    if centre is None:
        if scenario.policy is None:
            hint = "write 'centre: DIRECTORY', give --centre, or describe the queues under 'policy'"
            raise DocumentError([source.problem((), "the scenario has neither a centre nor a policy of its own", hint)])
        centre = Centre(_standalone(scenario.policy))
    elif scenario.policy is not None:
        raise DocumentError([source.problem(("policy",), "a centre is given, so the scenario needs no policy")])
    problems: list[Problem] = []
    centre, workers = _staffed(source, scenario, centre, problems)
    setting = Setting(scenario, centre, workers, source.file)
    problems += _arrival_problems(source, scenario)
    until = scenario.until_half_width
    if until is not None and until.queue is not None:
        problems += _unknown(source, ("until_half_width", "queue"), "queue", until.queue, _queue_names(setting.policy))
    problems += _queue_problems(source, setting)
    for name, kind in scenario.kinds.items():
        problems += _kind_problems(source, setting, name, kind)
    problems += _policy_problems(source, setting)
    if scenario.money is not None:
        staff = ((worker.name, worker.group) for worker in workers)
        problems += money_problems(source, scenario.money, setting.policy, staff)
    if any(problem.severity == "error" for problem in problems):
        raise DocumentError(problems)
    return setting


def _standalone(policy: StandalonePolicy) -> Policy:
    queues = [
        Queue(
            name=name,
            goal=Goal(round(queue.answered_within_s * 1000), queue.share, round(queue.short_abandon_s * 1000)),
            steps=(Step("all", Condition(queue.skills)),),
            last_action=LastAction("exit", "overflow"),
            priority=queue.priority,
            priority_per_minute=queue.priority_per_minute,
            ring_ms=round(queue.ring_s * 1000),
            wrap_up_ms=round(queue.wrap_up_s * 1000),
            longest_wait_ms=None if queue.longest_wait_s is None else round(queue.longest_wait_s * 1000),
            agent_ranking=tuple(map(KeySpec, queue.agent_ranking)),
        )
        for name, queue in policy.queues.items()
    ]
    return Policy(1, tuple(queues), (), tuple(map(KeySpec, policy.contact_ranking)))


def _staffed(
    source: Source, scenario: Scenario, centre: Centre, problems: list[Problem]
) -> tuple[Centre, tuple[Worker, ...]]:
    """The centre with the agents whom the scenario describes, and who works when."""
    known = {agent.name: agent for agent in centre.policy.agents}
    added: dict[str, Agent] = {}
    workers: dict[str, Worker] = {}
    whole_time = ((0, _end_ms(scenario)),)
    if scenario.staff is None:
        workers = {
            name: Worker(name, agent.team or AGENTS, whole_time, 1.0, scenario.answering)
            for name, agent in known.items()
        }
    for position, staff in enumerate(scenario.staff or ()):
        path = ("staff", position)
        if staff.group is not None:
            names = tuple(f"{staff.group}-{number}" for number in range(1, (staff.count or 0) + 1))
            for name in names:
                added[name] = Agent(name, skills=staff.skills, team=staff.team, queues=staff.queues)
                if name in known:
                    problems.append(source.problem((*path, "group"), f"the centre has an agent {name!r} already"))
            for queue in staff.queues or ():
                problems += _unknown(source, (*path, "queues"), "queue", queue, _queue_names(centre.policy))
            if names and scenario.policy is not None and not _any_queue(scenario.policy, staff.skills):
                message = f"agents of the group {staff.group!r} have not the skills of any queue"
                problems.append(source.problem(path, message))
        else:
            names = tuple(known) if staff.agents in (None, "all") else tuple(staff.agents)
            for name in names:
                problems += _unknown(source, (*path, "agents"), "agent", name, known)
        problems += _overlaps(source, (*path, "shifts"), staff.shifts or ())
        shifts = _shifts_ms(scenario, staff.shifts) if staff.shifts else whole_time
        for name in names:
            if name in workers:
                problems.append(
                    source.problem(path, f"agent {name!r} is on the staff twice", "give all shifts at once")
                )
            group = staff.group or (known[name].team if name in known else "") or AGENTS
            answering = staff.answering or scenario.answering
            workers[name] = Worker(name, group, shifts, staff.handle_time_factor, answering)
    if not any(worker.shifts_ms for worker in workers.values()):
        hint = "name agents of the centre, or a 'group' with a 'count' above 0, and shifts within the time"
        problems.append(source.problem(("staff",), "nobody works in this scenario", hint))
    policy = msgspec.structs.replace(centre.policy, agents=(*centre.policy.agents, *added.values()))
    return replace(centre, policy=policy), tuple(workers.values())


def _end_ms(scenario: Scenario) -> int:
    return round((scenario.duration_minutes + scenario.run_off_minutes) * MINUTE_MS)


def _shifts_ms(scenario: Scenario, shifts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Shifts by the clock as milliseconds since the start, every day anew, cut to the scenario's time and in order."""
    start, end_ms = scenario.started.hour * 60 + scenario.started.minute, _end_ms(scenario)
    spans = [tuple((minute - start) * MINUTE_MS for minute in shift_minutes(shift)) for shift in shifts]
    # From the day before, because a shift may go over midnight.
    days = range(-DAY_MS, end_ms + DAY_MS, DAY_MS)
    found = [(max(0, first + day), min(end_ms, last + day)) for first, last in spans for day in days]
    merged: list[tuple[int, int]] = []
    for begin, finish in sorted(span for span in found if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(finish, merged[-1][1]))
        else:
            merged.append((begin, finish))
    return tuple(merged)


def _overlaps(source: Source, path: tuple[str | int, ...], shifts: tuple[str, ...]) -> Iterator[Problem]:
    """Every day has the same shifts, so one over midnight may also run into that of the next morning."""
    spans = sorted((*shift_minutes(shift), shift) for shift in shifts)
    following = [*spans[1:], *((first + 1_440, last + 1_440, shift) for first, last, shift in spans[:1])]
    for (_, last, earlier), (first, _, later) in zip(spans, following, strict=True):
        if first < last and len(spans) > 1:
            yield source.problem(path, f"the shifts {earlier!r} and {later!r} overlap", "an agent works once at a time")


def _any_queue(policy: StandalonePolicy, skills: Mapping[str, int]) -> bool:
    return any(
        all(skills.get(skill, 0) >= level for skill, level in queue.skills.items()) for queue in policy.queues.values()
    )


def _queue_names(policy: Policy) -> list[str]:
    return [queue.name for queue in policy.queues]


def _unknown(
    source: Source, path: tuple[str | int, ...], what: str, name: str, known: Mapping[str, object] | list[str]
) -> Iterator[Problem]:
    if name not in known:
        yield source.problem(path, f"there is no {what} {name!r}", nearest(name, known))


def _arrival_problems(source: Source, scenario: Scenario) -> Iterator[Problem]:
    anything = False
    for name, kind in scenario.kinds.items():
        arrivals, path = kind.arrivals, ("kinds", name, "arrivals")
        for field in ("per_hour", "per_interval"):
            rates = getattr(arrivals, field)
            if isinstance(rates, tuple) and len(rates) != scenario.intervals:
                message = f"there are {len(rates)} numbers for {scenario.intervals} intervals"
                hint = f"{scenario.duration_minutes:g} minutes of {scenario.interval_minutes:g} each"
                yield source.problem((*path, field), message, hint)
            if rates:
                anything = anything or any(rates) if isinstance(rates, tuple) else True
        if arrivals.trace:
            anything = True
            last = arrivals.traced[-1].at_s
            if last > scenario.duration_minutes * 60:
                yield source.problem((*path, "trace"), f"a contact comes at {last:g} s, after the end of the scenario")
    if not anything:
        yield source.problem(("kinds",), "no contact ever arrives", "give a rate above 0 or a trace with contacts")


def _queue_problems(source: Source, setting: Setting) -> Iterator[Problem]:
    queues = {queue.name: queue for queue in setting.policy.queues}
    for name, times in setting.scenario.queues.items():
        yield from _unknown(source, ("queues", name), "queue", name, queues)
        if times.wrap_up_s is not None and name in queues and queues[name].wrap_up_ms == 0:
            message = "the policy gives this queue no wrap-up, so agents never have any"
            yield source.problem(("queues", name, "wrap_up_s"), message)


def _policy_problems(source: Source, setting: Setting) -> Iterator[Problem]:
    """What the router itself has against the policy."""
    for problem in check_policy(setting.policy):
        if problem.severity == "error":
            path: tuple[str, ...] = ("policy", *problem.path.split("."))
            while path and path not in source.lines:  # what nobody wrote: the steps of a policy that stands alone
                path = path[:-1]
            yield source.problem(path, problem.message, problem.hint)


def _kind_problems(source: Source, setting: Setting, name: str, kind: Kind) -> Iterator[Problem]:
    path = ("kinds", name)
    queues = _queue_names(setting.policy)
    reached = [queue.name for queue in setting.policy.queues if queue.channel == "voice"]  # by callers, in a flow
    if kind.queue is not None:
        yield from _unknown(source, (*path, "queue"), "queue", kind.queue, queues)
        reached = _overflows(setting.policy, kind.queue)
    else:
        library, numbers = setting.centre.library, setting.centre.numbers or {}
        yield from _unknown(source, (*path, "number"), "number", kind.number or "", dict(numbers))
        nodes = {
            text
            for flow in (library.flows if library else {}).values()
            for node in flow.nodes
            for text in (node, f"{flow.name}.{node}")
        }
        for field in ("choices", "lookups"):
            for node in getattr(kind, field):
                yield from _unknown(source, (*path, field, node), "node", node, sorted(nodes))
    traced = kind.arrivals.traced
    for row, contact in enumerate(traced):
        if contact.queue is not None:
            yield from _unknown(source, (*path, "arrivals", "trace", row), "queue", contact.queue, queues)
    missing = [queue for queue in reached if setting.distribution("handle time", name, queue) is None]
    if missing and not (traced and all(contact.handle_s is not None for contact in traced)):
        message = f"'handle_time_s' is missing for contacts of this kind in {', '.join(missing)}"
        yield source.problem(path, message, "give it here or under 'queues'")


def _overflows(policy: Policy, first: str) -> list[str]:
    """The queue `first` and all those to which its contacts may go on from there."""
    queues = {queue.name: queue for queue in policy.queues}
    found: list[str] = []
    ahead = [first]
    while ahead:
        name = ahead.pop()
        if name in queues and name not in found:
            found.append(name)
            queue = queues[name]
            actions = (queue.last_action, queue.when_full, queue.when_unstaffed)
            ahead += [action.target for action in actions if action is not None and action.kind == "queue"]
    return found
