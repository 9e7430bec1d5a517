"""What one document of a centre says about another: every name must exist, and every way must lead somewhere."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from documents import Expression, ExpressionError, Problem, Source, nearest
from documents.source import Path
from ivr.flow.document import Flow
from ivr.flow.names import CONTACT_FIELDS
from ivr.flow.nodes.callback import Callback
from ivr.flow.nodes.enqueue import Enqueue
from ivr.flow.prompts import Prompts
from switchboard.centre.model import (
    AgentDocument,
    AgentsDocument,
    CentreDocument,
    LastActionDocument,
    QueueDocument,
    StepDocument,
    UntilDocument,
)
from switchboard.centre.settings import Settings

CONTACT = "contact."
CENTRE_SOUND = "centre:"


@dataclass(frozen=True, slots=True)
class Names:
    """Every name that the documents define, those of entries included that are wrong in other ways; None where a
    document could not be read, so that nothing can be said against a name."""

    skills: frozenset[str] | None
    queues: frozenset[str] | None
    flows: frozenset[str] | None
    hours: frozenset[str] | None
    prompts: frozenset[str] | None


def check_centre(centre: CentreDocument, source: Source, names: Names) -> Iterator[Problem]:
    """The numbers lead to flows."""
    for number, flow in centre.numbers.items():
        yield from _known("flow", flow, names.flows, source, ("numbers", number))
    for position, language in enumerate(centre.languages):
        if language in centre.languages[:position]:
            yield source.problem(("languages", position), f"the language {language!r} stands here twice")
    for position, prompt in enumerate(centre.settings.announcements.comfort):
        path = ("settings", "announcements", "comfort", position)
        yield from _known("prompt", prompt, names.prompts, source, path)
    hosts = centre.settings.lookup
    for position, host in enumerate(hosts.allow_private):
        if host not in hosts.allow:
            path = ("settings", "lookup", "allow_private", position)
            yield source.problem(path, f"{host!r} is not among the hosts in 'allow'", "add it there too")
    yield from _check_outbound(centre.settings, source, names)


def _check_outbound(settings: Settings, source: Source, names: Names) -> Iterator[Problem]:
    """Outside numbers are dialled by a trunk that can dial, within hours that there are."""
    outbound, trunks = settings.outbound, settings.asterisk.trunks
    at: Path = ("settings", "outbound")
    if outbound.hours is not None:
        yield from _known("opening hours", outbound.hours, names.hours, source, (*at, "hours"))
    if outbound.trunk is not None:
        yield from _known("trunk", outbound.trunk, frozenset(trunks), source, (*at, "trunk"))
        if outbound.trunk in trunks and trunks[outbound.trunk].server is None:
            message = f"the trunk {outbound.trunk!r} has no 'server', so it only brings calls"
            yield source.problem((*at, "trunk"), message, "say where its server is, such as sip:sbc.example.net:5060")
        if not outbound.allow:
            message = "no outside number is allowed, so none is dialled"
            yield source.problem(at, message, "list how the numbers begin in 'allow'", "warning")


def check_callbacks(flows: Iterable[Flow], queues: Mapping[str, QueueDocument]) -> Iterator[Problem]:
    """The queues of callback nodes take callbacks."""
    for flow in flows:
        for name, node in flow.nodes.items():
            if not isinstance(node, Callback) or node.queue is None or node.queue not in queues:
                continue
            if queues[node.queue].callback is None:
                message = f"the queue {str(node.queue)!r} takes no callbacks"
                yield flow.problem(("nodes", name, "queue"), message, "say in queues.yaml how: 'callback'")


def check_agents(agents: Mapping[str, AgentDocument], source: Source, names: Names) -> Iterator[Problem]:
    """Agents have known skills, and no two have one extension. (The router checks their queues.)"""
    extensions: dict[str, str] = {}
    for name, agent in agents.items():
        for skill in agent.skills:
            yield from _known("skill", skill, names.skills, source, ("agents", name, "skills", skill))
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
    """Queues ask for known skills and hours, and their last action can come. (The router checks where it leads.)"""
    for name, queue in queues.items():
        at: Path = ("queues", name)
        yield from _conditions(queue, source, at, names, languages)
        for position, step in enumerate(queue.steps):
            yield from _conditions(step, source, (*at, "steps", position), names, languages)
        if queue.hours:
            yield from _known("opening hours", queue.hours, names.hours, source, (*at, "hours"))
        for path, prompt in queue_prompts(queue):
            yield from _known("prompt", prompt, names.prompts, source, (*at, *path))
        if queue.longest_wait_s is None and queue.steps[-1].until == UntilDocument():
            message = "the last action never happens: the last step never ends and no longest wait is set"
            yield source.problem(at, message, "set 'longest_wait_s', or 'until' in the last step", "warning")
        rankings = (queue.agent_ranking, *(step.agent_ranking or () for step in queue.steps))
        prefers = queue.preferred_agent_s or any("preferred_agent" in ranking for ranking in rankings)
        if queue.reentry and queue.reentry.agent and not prefers:
            message = "after a talk the same agent is promised, but nothing here prefers that agent"
            hint = "set 'preferred_agent_s', put 'preferred_agent' into 'agent_ranking', or say 'agent: false'"
            yield source.problem((*at, "reentry"), message, hint, "warning")


def check_numbers_of_queues(
    queues: Mapping[str, QueueDocument], source: Source, agents: Mapping[str, AgentDocument], names: Names
) -> Iterator[Problem]:
    """Agents transfer to queues by numbers that are nobody else's, and a second level is another queue."""
    taken = {agent.extension: f"agent {name!r}" for name, agent in agents.items() if agent.extension}
    for name, queue in queues.items():
        if queue.extension:
            other = taken.setdefault(queue.extension, f"queue {name!r}")
            if other != f"queue {name!r}":
                message = f"the extension {queue.extension} is that of {other} too"
                yield source.problem(("queues", name, "extension"), message)
        if queue.escalates_to:
            path = ("queues", name, "escalates_to")
            yield from _known("queue", queue.escalates_to, names.queues, source, path)
            if queue.escalates_to == name:
                yield source.problem(path, "the second level of a queue is another queue")


def check_desks(agents: AgentsDocument, source: Source) -> Iterator[Problem]:
    """A phone that belongs to nobody has a name of its own."""
    for name in agents.phones:
        if name in agents.agents:
            message = f"{name!r} is an agent, so this phone is that agent's"
            yield source.problem(("phones", name), message, "give a phone that belongs to nobody a name of its own")


def _conditions(
    part: QueueDocument | StepDocument, source: Source, at: Path, names: Names, languages: Iterable[str]
) -> Iterator[Problem]:
    for skill in part.skills:
        path = (*at, "skills", skill)
        if not skill.startswith(CONTACT):
            yield from _known("skill", skill, names.skills, source, path)
        elif skill == "contact.language" and names.skills is not None:
            for language in languages:
                if language not in names.skills:
                    message = f"callers may speak {language!r}, but there is no skill of this name"
                    yield source.problem(path, message, "add it to skills.yaml")


def check_channels(flows: Iterable[Flow], queues: Mapping[str, QueueDocument]) -> Iterator[Problem]:
    """Callers are sent to queues that take calls."""
    for flow in flows:
        for name, node in flow.nodes.items():
            if not isinstance(node, Enqueue) or node.queue is None:
                continue
            queue = queues.get(node.queue)
            if queue and queue.channel != "voice":
                message = f"the queue {str(node.queue)!r} takes {queue.channel} contacts, not callers"
                yield flow.problem(("nodes", name, "queue"), message)


def check_exits(flows: Iterable[Flow], queues: Mapping[str, QueueDocument]) -> Iterator[Problem]:
    """The exits that enqueue nodes prepare for are those by which a queue may give the caller back."""
    for flow in flows:
        for name, node in flow.nodes.items():
            if not isinstance(node, Enqueue) or (node.queue is not None and node.queue not in queues):
                continue
            possible = _exits_from([str(node.queue)] if node.queue else queues, queues)
            for exit in node.exits_by_name:
                if exit not in possible:
                    entered = f"queue {str(node.queue)!r}" if node.queue else "any queue"
                    message = f"no last action of {entered}, or of where it overflows to, is the exit {exit!r}"
                    yield flow.problem(("nodes", name, "exits", exit), message, nearest(exit, possible))


def _exits_from(entered: Iterable[str], queues: Mapping[str, QueueDocument]) -> set[str]:
    """The exits by which a contact that entered one of these queues may come back."""
    to_visit, seen, exits = list(entered), set(), set()
    while to_visit:
        name = to_visit.pop()
        if name in seen or name not in queues:
            continue
        seen.add(name)
        for action in _last_actions(queues[name]):
            if action.queue is not None:
                to_visit.append(action.queue)
            else:
                exits.add(str(action.exit))
    return exits


def check_attributes(queues: Mapping[str, QueueDocument], source: Source, flows: Iterable[Flow]) -> Iterator[Problem]:
    """What conditions look at in a caller is set by some flow; else they are never true. (Contacts of other channels
    bring attributes that are not known here.)"""
    every = {name for flow in flows for node in flow.nodes.values() for name in node.sets()}
    known = {name.removeprefix(CONTACT) for name in every if name.startswith(CONTACT)}
    known |= {*CONTACT_FIELDS, "queue", "channel"}
    for name, queue in queues.items():
        if queue.channel != "voice":
            continue
        parts: list[tuple[Path, QueueDocument | StepDocument]] = [(("queues", name), queue)]
        parts += [(("queues", name, "steps", i), step) for i, step in enumerate(queue.steps)]
        for at, part in parts:
            asked = [((*at, "skills", s), s.removeprefix(CONTACT)) for s in part.skills if s.startswith(CONTACT)]
            asked += [((*at, "where"), field) for field in sorted(_contact_fields(part.where))]
            for path, field in asked:
                if field not in known:
                    hint = f"so this is never true; {nearest(field, known)}"
                    yield source.problem(path, f"no flow sets contact.{field}", hint, "warning")


def _contact_fields(where: str | None) -> frozenset[str]:
    try:
        return Expression(where).fields("contact") or frozenset() if where else frozenset()
    except ExpressionError:
        return frozenset()  # the router's check says so


def check_prompts(
    prompts: Prompts, source: Source, languages: list[str], sounds: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    """Every prompt speaks every language of the centre and no other, and its own recordings are there."""
    for name, entry in prompts.entries.items():
        at: Path = ("prompts", name)
        written = [("text", language) for language in entry.text] + [("sounds", language) for language in entry.sounds]
        for field, language in written:
            yield from _known("language", language, frozenset(languages), source, (*at, field, language))
        for spoken_here in () if entry.speaks else languages:
            if spoken_here not in entry.languages:
                yield source.problem(at, f"the prompt says nothing in {spoken_here!r}", "add a text or sounds")
        for tag, spoken in entry.sounds.items():
            recorded = sounds.get(tag, frozenset())
            for position, sound in enumerate(spoken):
                own = sound.removeprefix(CENTRE_SOUND)
                if own != sound and own not in recorded:
                    message = f"there is no recording sounds/{tag}/{own}.wav"
                    yield source.problem((*at, "sounds", tag, position), message, nearest(own, recorded))


def queue_prompts(queue: QueueDocument) -> Iterator[tuple[Path, str]]:
    """The prompts that the queue itself names, and where."""
    if queue.whisper:
        if queue.whisper.queue:
            yield ("whisper", "queue"), queue.whisper.queue
        for intent, name in queue.whisper.intents.items():
            yield ("whisper", "intents", intent), name
    if queue.recording and queue.recording.announce:
        yield ("recording", "announce"), queue.recording.announce
    if queue.announcements:
        for position, name in enumerate(queue.announcements.comfort):
            yield ("announcements", "comfort", position), name


def _last_actions(queue: QueueDocument) -> Iterator[LastActionDocument]:
    yield queue.last_action
    for action in (queue.when_full, queue.when_closed, queue.at_closing, queue.when_unstaffed):
        if action:
            yield action


def _known(kind: str, name: str, names: frozenset[str] | None, source: Source, path: Path) -> Iterator[Problem]:
    if names is not None and name not in names:
        yield source.problem(path, f"there is no {kind} {name!r}", nearest(name, names))
