"""What one document of a centre says about another: every name must exist, and every way must lead somewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from documents import Problem, Source, nearest
from documents.source import Path
from ivr.flow.document import Flow
from switchboard.centre.model import AgentDocument, CentreDocument, LastActionDocument, QueueDocument, StepDocument

CONTACT = "contact."


@dataclass(frozen=True, slots=True)
class Names:
    """Every name that the documents define, those of entries included that are wrong in other ways."""

    skills: frozenset[str]
    queues: frozenset[str]
    flows: frozenset[str]


def check_centre(centre: CentreDocument, source: Source, names: Names) -> Iterator[Problem]:
    """The numbers lead to flows."""
    for number, flow in centre.numbers.items():
        yield from _known("flow", flow, names.flows, source, ("numbers", number))
    for position, language in enumerate(centre.languages):
        if language in centre.languages[:position]:
            yield source.problem(("languages", position), f"the language {language!r} stands here twice")
    hosts = centre.settings.lookup
    for position, host in enumerate(hosts.allow_private):
        if host not in hosts.allow:
            path = ("settings", "lookup", "allow_private", position)
            yield source.problem(path, f"{host!r} is not among the hosts in 'allow'", "add it there too")


def check_agents(agents: Mapping[str, AgentDocument], source: Source, names: Names) -> Iterator[Problem]:
    """Agents have known skills and queues, and no two have one extension."""
    extensions: dict[str, str] = {}
    for name, agent in agents.items():
        for skill in agent.skills:
            yield from _known("skill", skill, names.skills, source, ("agents", name, "skills", skill))
        for position, queue in enumerate(agent.queues or ()):
            yield from _known("queue", queue, names.queues, source, ("agents", name, "queues", position))
        if agent.phone and not agent.extension:
            yield source.problem(("agents", name, "phone"), "a phone needs an 'extension'")
        if agent.extension:
            other = extensions.setdefault(agent.extension, name)
            if other != name:
                message = f"the extension {agent.extension} is that of agent {other!r} too"
                yield source.problem(("agents", name, "extension"), message)


def check_queues(
    queues: Mapping[str, QueueDocument], source: Source, names: Names, languages: Iterable[str]
) -> Iterator[Problem]:
    """Queues ask for known skills and overflow to known queues."""
    for name, queue in queues.items():
        at: Path = ("queues", name)
        yield from _conditions(queue, source, at, names, languages)
        step_names: set[str] = set()
        for position, step in enumerate(queue.steps):
            yield from _conditions(step, source, (*at, "steps", position), names, languages)
            if step.name in step_names:
                path = (*at, "steps", position, "name")
                yield source.problem(path, f"a step of this queue is named {step.name!r} already")
            step_names.add(step.name)
        for field, action in _last_actions(queue):
            if action.queue is not None:
                yield from _known("queue", action.queue, names.queues, source, (*at, field, "queue"))


def _conditions(
    part: QueueDocument | StepDocument, source: Source, at: Path, names: Names, languages: Iterable[str]
) -> Iterator[Problem]:
    for skill in part.skills:
        path = (*at, "skills", skill)
        if not skill.startswith(CONTACT):
            yield from _known("skill", skill, names.skills, source, path)
        elif skill == "contact.language":
            for language in languages:
                if language not in names.skills:
                    message = f"callers may speak {language!r}, but there is no skill of this name"
                    yield source.problem(path, message, "add it to skills.yaml")


def check_exits(
    flows: Mapping[str, Flow], queues: Mapping[str, QueueDocument], queues_source: Source
) -> Iterator[Problem]:
    """Where a queue gives callers back by an exit, the flow that put them there goes on at that exit."""
    for flow in flows.values():
        for node_name, node in flow.nodes.items():
            entered = [reference for reference in node.refers() if reference.kind == "queue"]
            ways = flow.exits[node_name]
            for reference in entered:
                for exit, queue, field in _exits_from(reference.name, queues):
                    if exit in ways or "otherwise" in ways:
                        continue
                    line = queues_source.line(("queues", queue, field, "exit"))
                    yield flow.problem(
                        ("nodes", node_name, *reference.path),
                        f"queue {queue!r} gives callers back by the exit {exit!r}, which this node does not have",
                        f"add it to the node's exits; the queue's {field!r} is at {queues_source.file}:{line}",
                    )


def _exits_from(queue: str, queues: Mapping[str, QueueDocument]) -> list[tuple[str, str, str]]:
    """The exits by which a contact that entered `queue` may come back: exit, queue and field that name it."""
    found, to_visit, seen = [], [queue], set()
    while to_visit:
        name = to_visit.pop()
        if name in seen or name not in queues:
            continue
        seen.add(name)
        for field, action in _last_actions(queues[name]):
            if action.queue is not None:
                to_visit.append(action.queue)
            else:
                found.append((str(action.exit), name, field))
    return found


def _last_actions(queue: QueueDocument) -> Iterator[tuple[str, LastActionDocument]]:
    yield "last_action", queue.last_action
    if queue.when_full:
        yield "when_full", queue.when_full


def _known(kind: str, name: str, names: frozenset[str], source: Source, path: Path) -> Iterator[Problem]:
    if name not in names:
        yield source.problem(path, f"there is no {kind} {name!r}", nearest(name, names))
