"""Loading a centre: every file is read, every document checked by itself and then all of them against each other.

All problems are found in one go. So an entry that is wrong in itself (an agent with a skill level of 12) hides
nothing else: its name counts as known, and the router's check gets a harmless stand-in for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from documents import DocumentError, Problem, Source, nearest, validate
from ivr.flow.document import Flow, load_flow
from ivr.flow.hours import Hours, load_hours
from ivr.flow.library import Library
from ivr.flow.lint import lint, used
from ivr.flow.prompts import Prompts, load_prompts
from ivr.flow.speak import said
from ivr.words.currencies import DECIMALS
from router.core.policy_check import check_policy
from switchboard.centre.centre import AgentDetails, Centre
from switchboard.centre.files import FLOWS, REQUIRED, Files, read_files
from switchboard.centre.model import (
    AgentDocument,
    AgentsDocument,
    CentreDocument,
    ChannelDocument,
    GoalDocument,
    LastActionDocument,
    QueueDocument,
    QueuesDocument,
    SkillsDocument,
    StepDocument,
)
from switchboard.centre.phrases import HOLD, PHRASES
from switchboard.centre.policy import make_policy, place
from switchboard.centre.references import (
    Names,
    check_agents,
    check_attributes,
    check_callbacks,
    check_centre,
    check_channels,
    check_desks,
    check_exits,
    check_numbers_of_queues,
    check_prompts,
    check_queues,
    queue_prompts,
)
from switchboard.centre.settings import SpeechSettings
from switchboard.centre.sounds import (
    CENTRE_SOUND,
    SAID_BY_ENGINE,
    check_values,
    check_voices,
    made_sounds,
    spoken_phrases,
    words_of_values,
)

Model = TypeVar("Model", bound=BaseModel)
Thing = TypeVar("Thing")


def centre_documents(path: Path | str) -> dict[str, Any]:
    """The data of the documents in this directory by file name, as they are written. Raises DocumentError."""
    files = read_files(Path(path))
    if files.problems:
        raise DocumentError(files.problems)
    return {name: source.data for name, source in files.documents.items()}


def load_centre(
    path: Path | str,
    documents: Mapping[str, Any] = MappingProxyType({}),
    *,
    published: Path | None = None,
    version: int = 0,
    checked: bool = True,
) -> Centre:
    """The centre in this directory; `documents` (by file name) take the place of what the files have.

    What callers meet in the IVR comes from the directory `published`, if there is one, which has this version of it.
    Unless it is to be `checked`, it need not go together with the rest: an old version may lead to a queue that is
    gone.
    Raises DocumentError with every problem, sorted by file and line; its subclass UnusableDirectory when there is no
    centre there at all. What is merely doubtful is in the centre's `warnings`.
    """
    files = read_files(Path(path), published)
    for name, data in documents.items():
        files.documents[name] = replace(files.documents[name], data=data)
    loading = _Loading(files, version)
    centre = loading.load()
    errors = [problem for problem in loading.sorted_problems() if problem.severity == "error"]
    if centre is None or (errors and checked):
        raise DocumentError(loading.sorted_problems())
    return centre


@dataclass(slots=True)
class _Loading:
    """One loading: the files, and what was wrong with them so far."""

    files: Files
    version: int = 0
    problems: list[Problem] = field(default_factory=list)

    def load(self) -> Centre | None:
        """The centre, or None when a document is missing or wrong; the problems are collected all the same."""
        self.problems += self.files.problems
        centre = self._document("centre.yaml", CentreDocument)
        skills = self._document("skills.yaml", SkillsDocument)
        agents = self._document("agents.yaml", AgentsDocument)
        queues = self._document("queues.yaml", QueuesDocument)
        flows = self._flows()
        languages = centre.languages if centre else ["en"]
        zone = ZoneInfo(centre.time_zone if centre else "UTC")
        prompts = self._prompts(languages, centre.settings.speech if centre else SpeechSettings())
        hours = self._hours(zone)
        self._check_references(centre, flows, prompts)
        self._lint(centre, flows, prompts)
        self._check_policy(queues, agents)
        if agents:
            self.problems += check_desks(agents, self.files.documents["agents.yaml"])
        if centre is None or skills is None or agents is None or queues is None or prompts is None or hours is None:
            return None
        speech, says = centre.settings.speech, SAID_BY_ENGINE.union(*(said(flow.nodes) for flow in flows.values()))
        self.problems += check_values(speech, self.files.documents["centre.yaml"], languages, says)
        words = {
            (one.language, one.text): f"{CENTRE_SOUND}{one.sound}"
            for one in words_of_values(speech, languages, says, self.files.rendered)
            if one.heard
        }
        return Centre(
            directory=self.files.directory,
            name=centre.name,
            zone=zone,
            languages=tuple(languages),
            numbers=dict(centre.numbers),
            skills=dict(skills.skills),
            policy=make_policy(queues, agents),
            library=Library(flows, prompts, hours, languages[0], frozenset(languages), zone, version=self.version),
            agents={name: _details(name, agent) for name, agent in agents.agents.items()},
            queue_hours={name: queue.hours for name, queue in queues.queues.items() if queue.hours},
            whispers={name: queue.whisper for name, queue in queues.queues.items() if queue.whisper},
            recording={name: queue.recording for name, queue in queues.queues.items() if queue.recording},
            announcements={
                name: centre.settings.announcements.changed_by(queue.announcements)
                for name, queue in queues.queues.items()
            },
            escalations={name: queue.escalates_to for name, queue in queues.queues.items() if queue.escalates_to},
            queue_extensions={queue.extension: name for name, queue in queues.queues.items() if queue.extension},
            dispositions=agents.dispositions,
            hold_reasons=tuple(agents.hold_reasons),
            desks=agents.phones,
            settings=centre.settings,
            sounds=self.files.sounds,
            says=says,
            words=words,
            phrases=spoken_phrases(PHRASES, speech, languages, self.files.rendered),
            tests=tuple(self.files.tests),
            hash=self.files.hash,
            content=self.files.content,
            published=self.files.published,
            warnings=tuple(problem for problem in self.sorted_problems() if problem.severity == "warning"),
        )

    def sorted_problems(self) -> list[Problem]:
        """By file and line; of several at one place in a document the first found."""
        first: dict[tuple[str, int | None, str, str], Problem] = {}
        for problem in self.problems:
            first.setdefault(
                (problem.file, problem.line, problem.path, "" if problem.path else problem.message), problem
            )
        return sorted(first.values(), key=lambda problem: (problem.file, problem.line or 0, problem.path))

    def _attempt(self, make: Callable[..., Thing], *arguments: Any) -> Thing | None:
        try:
            return make(*arguments)
        except DocumentError as error:
            self.problems += error.problems
            return None

    def _document(self, name: str, model: type[Model]) -> Model | None:
        source = self.files.documents.get(name)
        return self._attempt(validate, source, model) if source else None

    def _flows(self) -> dict[str, Flow]:
        flows: dict[str, Flow] = {}
        for source in self.files.flows:
            flow = self._attempt(load_flow, source)
            if flow and flow.name in flows:
                other = flows[flow.name].source.file
                self.problems.append(flow.problem(("name",), f"{other} has a flow {flow.name!r} too"))
            elif flow:
                flows[flow.name] = flow
        return flows

    def _prompts(self, languages: list[str], speech: SpeechSettings) -> Prompts | None:
        source = self.files.documents.get("prompts.yaml")
        if source is None:
            return Prompts({}, languages[0])
        if problem := _wrong_top(source, "prompts"):
            self.problems.append(problem)
            return None
        prompts = self._attempt(load_prompts, source, languages[0], ("prompts",))
        if prompts is not None:
            self.problems += check_voices(speech, self.files.documents.get("centre.yaml"))
            prompts.made = made_sounds(prompts.entries, speech, self.files.sounds, self.files.rendered, languages)
            prompts.pinned = {
                (language, CENTRE_SOUND + name): CENTRE_SOUND + pinned
                for (language, name), pinned in self.files.pinned.items()
            }
        return prompts

    def _hours(self, zone: ZoneInfo) -> dict[str, Hours] | None:
        source = self.files.documents.get("hours.yaml")
        if source is None:
            return {}
        if problem := _wrong_top(source, "hours"):
            self.problems.append(problem)
            return None
        return self._attempt(load_hours, source, zone, ("hours",), self.files.calendars)

    def _names(self, file: str, key: str) -> frozenset[str] | None:
        """The names that a document defines, whatever is wrong with what stands under them; None if it is unreadable.

        (An optional document that is not there defines no names.)"""
        source = self.files.documents.get(file)
        if source is None:
            return None if file in self.files.unreadable or file in REQUIRED else frozenset()
        data = source.data.get(key) if isinstance(source.data, dict) else None
        return frozenset(data) if isinstance(data, dict) else None

    def _check_references(
        self, centre: CentreDocument | None, flows: Mapping[str, Flow], prompts: Prompts | None
    ) -> None:
        documents = self.files.documents
        names = Names(
            skills=self._names("skills.yaml", "skills"),
            queues=self._names("queues.yaml", "queues"),
            flows=self._flow_names(),
            hours=self._names("hours.yaml", "hours"),
            prompts=self._names("prompts.yaml", "prompts"),
        )
        languages = centre.languages if centre else []
        agents, queues = self._entries("agents", AgentDocument), self._entries("queues", QueueDocument)
        if centre:
            self.problems += check_centre(centre, documents["centre.yaml"], names)
        if agents:
            self.problems += check_agents(agents, documents["agents.yaml"], names)
        if queues:
            self.problems += check_queues(queues, documents["queues.yaml"], names, languages)
            self.problems += check_numbers_of_queues(queues, documents["queues.yaml"], agents, names)
        self.problems += check_channels(flows.values(), queues)
        self.problems += check_callbacks(flows.values(), queues)
        if queues.keys() == names.queues:
            self.problems += check_exits(flows.values(), queues)
        if queues and names.flows == frozenset(flows):
            self.problems += check_attributes(queues, documents["queues.yaml"], flows.values())
        if centre and prompts and "prompts.yaml" in documents:
            self.problems += check_prompts(prompts, documents["prompts.yaml"], languages, self.files.sounds)

    def _lint(self, centre: CentreDocument | None, flows: Mapping[str, Flow], prompts: Prompts | None) -> None:
        """What is wrong with the flows taken together, and prompts that none of them plays."""
        flow_names = self._flow_names()
        names = {
            "queue": self._names("queues.yaml", "queues"),
            "prompt": self._names("prompts.yaml", "prompts"),
            "hours": self._names("hours.yaml", "hours"),
            "language": centre.languages if centre else None,
            "currency": frozenset(DECIMALS),
            "flow": flow_names,
            "webhook": frozenset(centre.settings.notify.webhooks) if centre else None,
            "database": frozenset(centre.settings.lookup.databases) if centre else None,
        }
        entries = set(centre.numbers.values()) if centre else flow_names or flows.keys()
        self.problems += lint(
            flows.values(), {kind: known for kind, known in names.items() if known is not None}, entries
        )
        source = self.files.documents.get("prompts.yaml")
        if prompts and source and flow_names == frozenset(flows):
            queues = self._entries("queues", QueueDocument).values()
            said = {*PHRASES, *(name for queue in queues for _, name in queue_prompts(queue))}
            said |= set(centre.settings.announcements.comfort) if centre else set()
            for name in sorted(prompts.entries.keys() - used(flows.values(), "prompt") - said):
                if name.startswith(HOLD):
                    continue
                message = "no flow or queue plays this prompt"
                self.problems.append(source.problem(("prompts", name), message, "", "warning"))

    def _flow_names(self) -> frozenset[str] | None:
        """Of all flows, those included that are wrong in other ways; None if some could not be read at all."""
        names = [source.data.get("name") if isinstance(source.data, dict) else None for source in self.files.flows]
        if any(place.startswith(FLOWS) for place in self.files.unreadable):
            return None
        return frozenset(name for name in names if isinstance(name, str)) if all(names) else None

    def _entries(self, file: str, model: type[Model], key: str = "") -> dict[str, Model]:
        """The entries of `FILE.yaml` below `key` (by default that of the same name) that are right, also when others
        are not."""
        key, file = key or file, f"{file}.yaml"
        entries = {}
        for name in sorted(self._names(file, key) or ()):
            try:
                entries[name] = model.model_validate(self.files.documents[file].data[key][name])
            except ValidationError:
                pass  # reported with the whole document
        return entries

    def _check_policy(self, queues: QueuesDocument | None, agents: AgentsDocument | None) -> None:
        """What the router says to the policy; wrong entries are stood in for, so that it sees all the others."""
        documents = self.files.documents
        if self._names("queues.yaml", "queues") is None:
            return
        policy = make_policy(queues or self._queues_stood_in_for(), agents or self._agents_stood_in_for())
        sources = {"queues": documents.get("queues.yaml"), "agents": documents.get("agents.yaml")}
        sources |= {"contact_ranking": sources["queues"], "channels": sources["queues"]}
        sources |= {"after_failure": sources["agents"]}
        for problem in check_policy(policy):
            self.problems.append(place(problem, {key: source for key, source in sources.items() if source}))

    def _queues_stood_in_for(self) -> QueuesDocument:
        good = self._entries("queues", QueueDocument)
        names = self._names("queues.yaml", "queues") or ()
        channels = self._entries("queues", ChannelDocument, "channels")
        return QueuesDocument.model_construct(
            queues={name: good.get(name, _ANY_QUEUE) for name in names},
            channels={name: channels.get(name, ChannelDocument()) for name in self._channel_names()},
        )

    def _channel_names(self) -> list[str]:
        return sorted(self._names("queues.yaml", "channels") or ())

    def _agents_stood_in_for(self) -> AgentsDocument:
        """The stand-in for a wrong agent can do everything, so that no step seems to have nobody."""
        good = self._entries("agents", AgentDocument)
        able = AgentDocument.model_construct(
            skills=dict.fromkeys(self._names("skills.yaml", "skills") or (), 10),
            capacity=dict.fromkeys(("voice", *self._channel_names()), 1),
        )
        agents = {}
        for name in self._names("agents.yaml", "agents") or ():
            written = self.files.documents["agents.yaml"].data["agents"][name]
            written = written if isinstance(written, dict) else {}
            places = {key: written[key] for key in ("team", "site") if isinstance(written.get(key), str)}
            agents[name] = good.get(name) or able.model_copy(update=places)
        return AgentsDocument.model_construct(agents=agents)


_ANY_QUEUE = QueueDocument(
    goal=GoalDocument(answered_within_s=20, share=0.8),
    steps=[StepDocument(name="stand-in")],
    last_action=LastActionDocument(exit="stand-in"),
    longest_wait_s=600,
)


def _wrong_top(source: Source, key: str) -> Problem | None:
    """Whether the document is not `KEY:` and nothing else."""
    if not isinstance(source.data, dict) or key not in source.data:
        return source.problem((), f"the document begins with '{key}:'")
    other = next((name for name in source.data if name != key), None)
    return source.problem((other,), f"{other!r} is not known here", nearest(other, [key])) if other else None


def _details(name: str, agent: AgentDocument) -> AgentDetails:
    return AgentDetails(name, agent.name or name, agent.extension, agent.phone, agent.pin, agent.supervisor)
