"""Scenario and centre brought together: every name resolved, every number there, nothing left to fail on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from documents import DocumentError, Problem, Source, read, validate, why
from ivr.flow.library import Library
from ivr.flow.nodes.enqueue import Enqueue
from router.core.policy import Policy
from router.core.policy_check import check_policy
from simulations.clock import MINUTE_MS
from simulations.crowd import check_crowd
from simulations.distributions import Distribution
from simulations.memory import check_memory
from simulations.money import money_problems
from simulations.roster import AGENTS, Worker, staffed, unknown
from simulations.scenario import Kind, QueueTimes, Scenario
from simulations.standalone import policy_of
from simulations.traced import Quantity
from simulations.traces import read_trace

__all__ = ["AGENTS", "MINUTE_MS", "Centre", "Setting", "Worker", "read_scenario", "replace_traces", "settle"]


@dataclass(frozen=True, slots=True)
class Centre:
    """What a simulation needs of a centre: its routing policy, its flows, and which flow answers which number."""

    policy: Policy
    library: Library | None = None
    numbers: Mapping[str, str] | None = None


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
        raise DocumentError([Problem(f"the scenario cannot be read: {why(error)}", str(path))]) from None
    source = read(text, str(path))
    scenario = validate(source, Scenario)
    return source, replace_traces(scenario, path.parent)


def replace_traces(scenario: Scenario, directory: Path) -> Scenario:
    """The scenario with what every trace file holds beside the file's name."""
    kinds = dict(scenario.kinds)
    for name, kind in kinds.items():
        if isinstance(kind.arrivals.trace, str):
            arrivals = kind.arrivals.read(read_trace(directory / kind.arrivals.trace))
            kinds[name] = kind.model_copy(update={"arrivals": arrivals})
    return scenario.model_copy(update={"kinds": kinds})


def settle(source: Source, scenario: Scenario, centre: Centre | None) -> Setting:
    """Scenario and centre as one setting. Raises DocumentError with every name that does not exist and every number
    that is missing."""
    if centre is None:
        if scenario.policy is None:
            hint = "write 'centre: DIRECTORY', give --centre, or describe the queues under 'policy'"
            raise DocumentError([source.problem((), "the scenario has neither a centre nor a policy of its own", hint)])
        centre = Centre(policy_of(scenario.policy))
    elif scenario.policy is not None:
        raise DocumentError([source.problem(("policy",), "a centre is given, so the scenario needs no policy")])
    problems: list[Problem] = []
    check_memory(source, scenario)
    centre, workers = staffed(source, scenario, centre, problems)
    setting = Setting(scenario, centre, workers, source.file)
    problems += _arrival_problems(source, scenario)
    problems += _name_problems(source, setting)
    problems += _queue_problems(source, setting)
    for name, kind in scenario.kinds.items():
        problems += _kind_problems(source, setting, name, kind)
    problems += _policy_problems(source, setting)
    if scenario.money is not None:
        staff = ((worker.name, worker.group) for worker in workers)
        problems += money_problems(source, scenario.money, setting.policy, staff)
    if any(problem.severity == "error" for problem in problems):
        raise DocumentError(problems)
    check_crowd(source, setting)
    return setting


def _queue_names(policy: Policy) -> list[str]:
    return [queue.name for queue in policy.queues]


def _name_problems(source: Source, setting: Setting) -> Iterator[Problem]:
    """Names that the scenario uses outside of kinds, queues and staff."""
    scenario, kinds = setting.scenario, dict(setting.scenario.kinds)
    until = scenario.until_half_width
    if until is not None and until.queue is not None:
        queues = _queue_names(setting.policy)
        yield from unknown(source, ("until_half_width", "queue"), "queue", until.queue, queues)
    for kind in scenario.busyness.scv_by_kind if scenario.busyness is not None else ():
        yield from unknown(source, ("busyness", "scv_by_kind", kind), "kind", kind, kinds)
    for position, group in enumerate(scenario.lines):
        for kind in group.kinds or ():
            yield from unknown(source, ("lines", position, "kinds"), "kind", kind, kinds)
    sites = {worker.site: None for worker in setting.workers if worker.site}
    groups = {worker.group: None for worker in setting.workers}
    for position, outage in enumerate(scenario.outages):
        if outage.site is not None:
            yield from unknown(source, ("outages", position, "site"), "site of agents", outage.site, sites)
        if outage.group is not None:
            yield from unknown(source, ("outages", position, "group"), "group of agents", outage.group, groups)


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
        if len(arrivals.traced):
            anything = True
            last = arrivals.traced.summary.last_s
            if last > scenario.duration_minutes * 60:
                yield source.problem((*path, "trace"), f"a contact comes at {last:g} s, after the end of the scenario")
    if not anything:
        yield source.problem(("kinds",), "no contact ever arrives", "give a rate above 0 or a trace with contacts")


def _queue_problems(source: Source, setting: Setting) -> Iterator[Problem]:
    queues = {queue.name: queue for queue in setting.policy.queues}
    for name, times in setting.scenario.queues.items():
        yield from unknown(source, ("queues", name), "queue", name, queues)
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
        yield from unknown(source, (*path, "queue"), "queue", kind.queue, queues)
        reached = _reached(setting.policy, kind, kind.queue)
    else:
        library, numbers = setting.centre.library, setting.centre.numbers or {}
        yield from unknown(source, (*path, "number"), "number", kind.number or "", dict(numbers))
        nodes = {
            text
            for flow in (library.flows if library else {}).values()
            for node in flow.nodes
            for text in (node, f"{flow.name}.{node}")
        }
        for field in ("choices", "lookups"):
            for node in getattr(kind, field):
                yield from unknown(source, (*path, field, node), "node", node, sorted(nodes))
    yield from _key_problems(source, setting, name, kind)
    yield from _callback_problems(source, setting, name, kind)
    trace = kind.arrivals.traced.summary
    for queue, row in trace.queues.items():
        yield from unknown(source, (*path, "arrivals", "trace", row), "queue", queue, queues)
    missing = [queue for queue in reached if setting.distribution("handle time", name, queue) is None]
    if missing and not (trace.contacts and trace.all_have("handle_s")):
        message = f"'handle_time_s' is missing for contacts of this kind in {', '.join(missing)}"
        yield source.problem(path, message, "give it here or under 'queues'")


def _callback_problems(source: Source, setting: Setting, name: str, kind: Kind) -> Iterator[Problem]:
    """Callbacks in a queue that is none, or that has none."""
    to_queue = kind.callbacks.to_queue if kind.callbacks is not None else None
    if to_queue is None:
        return
    path = ("kinds", name, "callbacks", "to_queue")
    queues = {queue.name: queue for queue in setting.policy.queues}
    yield from unknown(source, path, "queue", to_queue, list(queues))
    yield from _channel_problems(source, path, setting, kind, to_queue)
    if to_queue in queues and queues[to_queue].callback is None:
        yield source.problem(path, f"the queue {to_queue!r} has no callbacks", "give it 'callback' in the policy")


def _channel_problems(
    source: Source, path: tuple[str, ...], setting: Setting, kind: Kind, to_queue: str
) -> Iterator[Problem]:
    """A queue to which contacts of the kind go on, but whose channel is not theirs."""
    channels = {queue.name: queue.channel for queue in setting.policy.queues}
    entered = (kind.queue, *kind.arrivals.traced.summary.queues)
    theirs = {"voice"} if kind.number is not None else {channels[queue] for queue in entered if queue in channels}
    for channel in sorted(theirs):
        if channels.get(to_queue, channel) != channel:
            yield source.problem(path, f"{to_queue!r} takes {channels[to_queue]} contacts, not {channel}")


def keys_taken(centre: Centre) -> set[str]:
    """The keys that the flows' enqueue nodes take while callers wait."""
    flows = centre.library.flows if centre.library else {}
    return {
        key for flow in flows.values() for node in flow.nodes.values() if isinstance(node, Enqueue) for key in node.keys
    }


def _key_problems(source: Source, setting: Setting, name: str, kind: Kind) -> Iterator[Problem]:
    """Keys pressed while waiting that lead nowhere."""
    taken = keys_taken(setting.centre)
    for key, waiting in (kind.waiting_keys or {}).items():
        path = ("kinds", name, "waiting_keys", key)
        for field in ("queue", "to_queue"):
            if (queue := getattr(waiting, field)) is not None:
                yield from unknown(source, (*path, field), "queue", queue, _queue_names(setting.policy))
        if waiting.to_queue is not None:
            yield from _channel_problems(source, (*path, "to_queue"), setting, kind, waiting.to_queue)
        if kind.number is not None and key not in taken:
            shown = f"they take {', '.join(sorted(taken))}" if taken else "they take none"
            yield source.problem(path, f"no enqueue node of the flows takes the key {key!r}; {shown}")


def _reached(policy: Policy, kind: Kind, first: str) -> list[str]:
    """The queue `first` and all those to which contacts of this kind may go on from there."""
    queues = {queue.name: queue for queue in policy.queues}
    found: list[str] = []
    ahead = [first]
    while ahead:
        name = ahead.pop()
        if name not in queues or name in found:
            continue
        found.append(name)
        queue = queues[name]
        actions = (queue.last_action, queue.when_full, queue.when_unstaffed)
        ahead += [action.target for action in actions if action is not None and action.kind == "queue"]
        keys = (kind.waiting_keys or {}).values()
        ahead += [key.to_queue for key in keys if key.to_queue is not None and key.queue in (None, name)]
        if kind.callbacks is not None and kind.callbacks.to_queue is not None and queue.callback is not None:
            ahead.append(kind.callbacks.to_queue)
    return found
