"""Scenario, queues and agents as plain data, as their files have them, and changes to them by name and by path."""

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from documents import nearest

Path = tuple[str | int, ...]


class ChangeError(ValueError):
    """A change that cannot be made: what is wrong, what would be right, and which of its fields says so."""

    def __init__(self, message: str, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint, field)
        self.message, self.hint, self.field = message, hint, field


@dataclass(slots=True)
class Documents:
    """`scenario` is a scenario's document. `routing` is `queues.yaml` of its centre, or the scenario's own `policy`;
    `staff_file` is `agents.yaml`, or empty when the scenario stands alone."""

    scenario: dict[str, Any]
    routing: dict[str, Any]
    staff_file: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, scenario: Mapping[str, Any], centre: Mapping[str, Any]) -> "Documents":
        """A copy; `centre` has the data of `queues.yaml` and `agents.yaml`, or nothing."""
        own = copy.deepcopy(dict(scenario))
        routing = copy.deepcopy(centre["queues.yaml"]) if centre else own.setdefault("policy", {})
        return cls(own, routing, copy.deepcopy(centre["agents.yaml"]) if centre else {})

    @property
    def queues(self) -> dict[str, Any]:
        return dict_at(self.routing, "queues")

    @property
    def agents(self) -> dict[str, Any]:
        return dict_at(self.staff_file, "agents")

    def queue(self, name: str) -> dict[str, Any]:
        if name not in self.queues:
            raise ChangeError(f"there is no queue {name!r}", nearest(name, self.queues), "queue")
        found: dict[str, Any] = self.queues[name]
        return found

    def agent(self, name: str, field: str = "agents") -> dict[str, Any]:
        if name not in self.agents:
            hint = nearest(name, self.agents) if self.agents else "the scenario stands alone and has only groups"
            raise ChangeError(f"there is no agent {name!r}", hint, field)
        found: dict[str, Any] = self.agents[name]
        return found

    def group(self, name: str) -> dict[str, Any]:
        """The scenario's staff entry of this group."""
        groups = {entry["group"]: entry for entry in self.staff() if entry.get("group")}
        if name not in groups:
            raise ChangeError(f"the scenario's staff has no group {name!r}", nearest(name, groups), "group")
        found: dict[str, Any] = groups[name]
        return found

    def staff(self) -> list[dict[str, Any]]:
        """The scenario's staff, written out where nothing is said (everybody, all the time)."""
        staff = self.scenario.get("staff")
        if staff is None:
            staff = self.scenario["staff"] = [{"agents": "all"}]
        found: list[dict[str, Any]] = staff
        return found

    def entry_of(self, agent: str) -> dict[str, Any] | None:
        """The staff entry that has this agent of the centre; one for all is written out by name."""
        self.agent(agent)
        for entry in self.staff():
            if entry.get("agents") == "all":
                entry["agents"] = list(self.agents)
            if agent in (entry.get("agents") or ()):
                return entry
        return None

    def alone(self, agent: str) -> dict[str, Any]:
        """A staff entry for this agent and nobody else."""
        entry = self.entry_of(agent)
        if entry is None:
            entry = {"agents": [agent]}
            self.staff().append(entry)
        elif len(entry["agents"]) > 1:
            entry["agents"] = [name for name in entry["agents"] if name != agent]
            entry = copy.deepcopy(entry) | {"agents": [agent]}
            self.staff().append(entry)
        return entry

    def treated_as(self, group: str, model: str, *, also: str | None = None) -> None:
        """What the scenario says of `model` by name (a group, or an agent of the team `also`) holds for the new `group`
        as well: its wage, and the outages that strike it."""
        wages = dict_at(dict_at(self.scenario, "money"), "wages_per_hour")
        names = [name for name in (model, also) if name in wages]
        if names:
            wages.setdefault(group, wages[names[0]])
        outages = self.scenario.get("outages") or []
        struck = [each for each in outages if each.get("group") in (model, also) and each.get("group") is not None]
        outages.extend(copy.deepcopy(each) | {"group": group} for each in struck)

    def skills(self) -> set[str]:
        """Every skill that somebody has or some queue asks for."""
        found: set[str] = set()
        for queue in self.queues.values():
            found.update(queue.get("skills") or ())
            for step in queue.get("steps") or ():
                found.update(step.get("skills") or ())
        for agent in (*self.agents.values(), *(self.scenario.get("staff") or ())):
            found.update(agent.get("skills") or ())
        return {skill for skill in found if not skill.startswith("contact.")}

    def place(self, where: str, path: Path) -> tuple[Any, str | int]:
        """The mapping or list that holds what is at `path` of the document `where`, and the last part of the path."""
        root: Any = {
            "scenario": self.scenario,
            "routing": self.routing,
            "queues": self.queues,
            "agents": self.agents,
        }[where]
        for position, part in enumerate(path[:-1]):
            inner = _inside(root, part, path[: position + 1])
            root = root[inner]
        return root, _inside(root, path[-1], path, new=True)


def dict_at(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _inside(container: Any, part: str | int, path: Path, new: bool = False) -> str | int:
    """Where `part` is in the container: a key, an index, or the `name` of an entry. A `new` key may be added."""
    shown = written(path)
    if isinstance(container, dict):
        if str(part) in container or new:
            return str(part)
        raise ChangeError(f"there is no {shown!r}", nearest(part, map(str, container)), "at")
    if isinstance(container, list):
        if isinstance(part, int):
            if 0 <= part < len(container):
                return part
            raise ChangeError(f"there is no {shown!r}: the list has {len(container)} entries, from 0", "", "at")
        names = [_name(entry) for entry in container]
        if part in names:
            return names.index(part)
        raise ChangeError(f"there is no {shown!r}", nearest(part, filter(None, names)), "at")
    raise ChangeError(f"there is nothing below {written(path[:-1])!r}: it is {container!r}", "", "at")


def _name(entry: Any) -> str:
    return str(entry.get("name") or entry.get("group") or "") if isinstance(entry, dict) else ""


_PART = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def parts_of(path: str) -> Path:
    """`software.steps[0].until` or `software.steps[the best].until` as its parts."""
    found: list[str | int] = []
    for bracketed, plain in _PART.findall(path):
        text = plain or bracketed
        found.append(int(text) if bracketed.isdigit() else text)
    return tuple(found)


def written(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
