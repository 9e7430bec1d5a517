"""The settings of the present and of every change, all with the same seed: their callers are the same."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from documents import DocumentError, Problem, Source, nearest, validate
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, replace_traces, settle
from simulations.what_if.changes import AnyChange
from simulations.what_if.documents import ChangeError, Documents
from simulations.what_if.figures import MONEY
from simulations.what_if.plan import CrossTraining, Plan

LoadCentre = Callable[[Mapping[str, Any]], Centre]
"""The centre with the data of `queues.yaml` and `agents.yaml` in the place of those of its files."""


@dataclass(frozen=True, slots=True)
class Base:
    """What is changed: the scenario's document, and its centre's documents with what loads them (nothing, when the
    scenario stands alone). `directory`: where names of traces begin. A day that was recorded has its own way to make a
    setting of changed documents (`settle`), and its own `present`."""

    source: Source
    directory: Path
    centre: Mapping[str, Any]
    load: LoadCentre | None = None
    settle: Callable[[Documents], Setting] | None = None
    present: Setting | None = None

    def documents(self) -> Documents:
        return Documents.of(self.source.data, self.centre)


@dataclass(frozen=True, slots=True)
class Variant:
    """Something to compare: what it is called, and its setting. `trained`: who learns what, when that is all."""

    name: str
    setting: Setting
    trained: tuple[str, str] | None = None


def present(plan: Plan, base: Base) -> Setting:
    """The setting without any change. Raises DocumentError."""
    return base.present or _settled(plan, base, base.documents())


def changed(plan: Plan, plan_source: Source, base: Base) -> list[Variant]:
    """A variant for each named change. Raises DocumentError with every problem of every change."""
    variants, problems = [], []
    for name, steps in plan.changes.items():
        documents = base.documents()
        try:
            for position, step in enumerate(steps):
                _apply(plan_source, ("changes", name, position), step, documents)
            variants.append(Variant(name, _settled(plan, base, documents)))
        except DocumentError as error:
            problems += [_said_of(name, problem, plan_source) for problem in error.problems]
    if problems:
        raise DocumentError(problems)
    return variants


def trained(plan: Plan, plan_source: Source, base: Base) -> list[Variant]:
    """A variant for each pair of somebody and a skill that cross-training tries. Raises DocumentError."""
    training = plan.cross_training
    if training is None:
        return []
    _refuse_unknown(training, plan_source, base.documents())
    variants = []
    for whom, name, skill, now in _pairs(training, base.documents()):
        documents = base.documents()
        one = {"count": 1} if whom == "group" else {}
        give = {whom: name if whom == "group" else [name], "skill": skill, "level": training.level, **one}
        _apply(plan_source, ("cross_training",), AnyChange.model_validate({"give_skill": give}), documents)
        who = f"one of {name}" if whom == "group" else name
        title = f"{who} improves {skill} from {now} to {training.level}" if now else f"{who} learns {skill}"
        variants.append(Variant(title, _settled(plan, base, documents), (name, skill)))
    if not variants:
        message = f"everybody has every skill at level {training.level} already"
        raise DocumentError([plan_source.problem(("cross_training",), message)])
    return variants


def _pairs(training: CrossTraining, documents: Documents) -> Iterator[tuple[str, str, str, int]]:
    """`group` or `agents`, the name, a skill that it has not at the wanted level, and the level it has (0: none)."""
    groups, agents = training.groups, training.agents
    if not groups and not agents:
        entries = documents.staff()
        groups = tuple(entry["group"] for entry in entries if entry.get("group") and entry.get("count"))
        agents = tuple(name for name in documents.agents if documents.entry_of(name) is not None)
    everybody = [("group", name, documents.group(name)) for name in groups]
    everybody += [("agents", name, documents.agent(name)) for name in agents]
    for whom, name, document in everybody:
        for skill in training.skills or sorted(documents.skills()):
            now = (document.get("skills") or {}).get(skill) or 0
            if now < training.level:
                yield whom, name, skill, now


def _refuse_unknown(training: CrossTraining, source: Source, documents: Documents) -> None:
    problems = []
    known_groups = [entry["group"] for entry in documents.staff() if entry.get("group")]
    for field, what, known in (
        ("groups", "group", known_groups),
        ("agents", "agent", list(documents.agents)),
        ("skills", "skill", sorted(documents.skills())),
    ):
        for position, name in enumerate(getattr(training, field)):
            if name not in known:
                path = ("cross_training", field, position)
                problems.append(source.problem(path, f"there is no {what} {name!r}", nearest(name, known)))
    if problems:
        raise DocumentError(problems)


def _apply(source: Source, path: tuple[str | int, ...], step: AnyChange, documents: Documents) -> None:
    try:
        step.change.apply(documents)
    except ChangeError as error:
        place = (*path, step.kind, error.field) if error.field else (*path, step.kind)
        raise DocumentError([source.problem(place, error.message, error.hint)]) from None


def _said_of(name: str, problem: Problem, plan_source: Source) -> Problem:
    """What the changed documents have against a change says which one it was."""
    if problem.file == plan_source.file:
        return problem
    return replace(problem, message=f"with the change {name!r}: {problem.message}")


def _settled(plan: Plan, base: Base, documents: Documents) -> Setting:
    if base.settle is not None:
        return base.settle(documents)
    source = replace(base.source, data=documents.scenario)
    scenario = replace_traces(validate(source, Scenario), base.directory)
    given = {"replications": plan.replications, "seed": plan.seed, "confidence": plan.confidence}
    updates = {name: value for name, value in given.items() if value is not None}
    scenario = scenario.model_copy(update={**updates, "until_half_width": None})
    centre = None
    if base.load is not None:
        centre = base.load({"queues.yaml": documents.routing, "agents.yaml": documents.staff_file})
    return settle(source, scenario, centre)


def check_decision(plan: Plan, plan_source: Source, now: Setting) -> None:
    """Raises DocumentError when the present has not what the plan decides by."""
    by, path = plan.decide_by, ("decide_by",)
    queues = [queue.name for queue in now.policy.queues]
    if by.figure in MONEY and now.scenario.money is None:
        hint = "give 'money' in the scenario: wages, the value of a lost contact"
        raise DocumentError([plan_source.problem((*path, "figure"), f"{by.figure!r} needs money", hint)])
    if by.queue is not None and by.queue not in queues:
        message = f"there is no queue {by.queue!r}"
        raise DocumentError([plan_source.problem((*path, "queue"), message, nearest(by.queue, queues))])
