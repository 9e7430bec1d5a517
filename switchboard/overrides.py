"""What supervisors change of the centre while it runs: skills of agents, settings of queues.

The centre's files are not touched. The changes are kept in a file of the engine's and laid over the files again at
every start and reload, until somebody clears them; what no longer fits there (an agent who has left) is passed over
and said so.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from documents import DocumentError, Problem
from router.core.policy import Agent, Policy, Queue
from router.core.policy_check import check_policy
from switchboard.centre import Centre
from switchboard.files import read_struct, write_struct


class QueueSettings(msgspec.Struct, omit_defaults=True):
    """What is changed of a queue, named as in queues.yaml; None: as the files say."""

    ring_s: float | None = None
    wrap_up_s: float | None = None
    longest_wait_s: float | None = None
    preferred_agent_s: float | None = None
    directed_s: float | None = None
    full_at: int | None = None
    weight: int | None = None
    priority: int | None = None
    priority_per_minute: float | None = None
    answered_within_s: float | None = None
    share: float | None = None


class Kept(msgspec.Struct):
    """The file: levels of skills by agent (None: taken away), settings by queue."""

    skills: dict[str, dict[str, int | None]] = {}
    queues: dict[str, QueueSettings] = {}


class CannotChange(Exception):
    """The centre would not work with this change; the message says why."""


class Overrides:
    """The changes that are kept in `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.kept = read_struct(file, Kept) or Kept()
        self.passed_over: list[str] = []

    def applied(self, centre: Centre) -> Centre:
        """The centre with the changes laid over its files. Raises DocumentError where they no longer go together."""
        policy = self._laid_over(centre.policy, self.kept)
        if errors := _errors(policy):
            hint = "mend the centre's files, or clear the overrides (delete this file while no engine runs)"
            raise DocumentError([Problem(_in_words(error), str(self._file), hint=hint) for error in errors])
        return replace(centre, policy=policy)

    def set_skill(self, centre: Centre, agent: str, skill: str, level: int | None) -> Centre:
        """The centre with this change, which is kept. Raises CannotChange, OSError."""
        wanted = self._copy()
        wanted.skills.setdefault(agent, {})[skill] = level
        return self._change(centre, wanted)

    def set_queue(self, centre: Centre, queue: str, settings: QueueSettings) -> Centre:
        """The centre with these changes, which are kept. Raises CannotChange, OSError."""
        wanted = self._copy()
        before = wanted.queues.get(queue, QueueSettings())
        wanted.queues[queue] = msgspec.structs.replace(before, **_set(settings))
        return self._change(centre, wanted)

    def clear(self) -> None:
        """Nothing is laid over the files any more (from the next reload on). Raises OSError."""
        write_struct(self._file, Kept())
        self.kept = Kept()

    def _change(self, centre: Centre, wanted: Kept) -> Centre:
        policy = self._laid_over(centre.policy, wanted)
        if errors := _errors(policy):
            raise CannotChange("; ".join(map(_in_words, errors)))
        write_struct(self._file, wanted)
        self.kept = wanted
        return replace(centre, policy=policy)

    def _copy(self) -> Kept:
        return msgspec.json.decode(msgspec.json.encode(self.kept), type=Kept)

    def _laid_over(self, policy: Policy, kept: Kept) -> Policy:
        agents, queues = {agent.name for agent in policy.agents}, {queue.name for queue in policy.queues}
        self.passed_over = [f"agent {name}" for name in kept.skills if name not in agents]
        self.passed_over += [f"queue {name}" for name in kept.queues if name not in queues]
        return msgspec.structs.replace(
            policy,
            agents=tuple(_with_skills(agent, kept.skills.get(agent.name, {})) for agent in policy.agents),
            queues=tuple(
                _with_settings(queue, kept.queues.get(queue.name, QueueSettings())) for queue in policy.queues
            ),
        )


def _with_skills(agent: Agent, levels: dict[str, int | None]) -> Agent:
    skills = {**agent.skills, **levels}
    return msgspec.structs.replace(agent, skills={name: level for name, level in skills.items() if level is not None})


def _with_settings(queue: Queue, settings: QueueSettings) -> Queue:
    goal: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for name, value in _set(settings).items():
        within = goal if name in ("answered_within_s", "share") else changes
        if name.endswith("_s"):
            within[f"{name[:-2]}_ms"] = round(value * 1000)
        else:
            within[name] = value
    return msgspec.structs.replace(queue, goal=msgspec.structs.replace(queue.goal, **goal), **changes)


def _set(settings: QueueSettings) -> dict[str, Any]:
    """What is not as the files say."""
    return {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}


def _errors(policy: Policy) -> list[Problem]:
    return [problem for problem in check_policy(policy) if problem.severity == "error"]


def _in_words(problem: Problem) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else problem.message
