"""More or fewer agents."""

import copy
from typing import ClassVar, Self

from pydantic import model_validator

from simulations.roster import AGENTS
from simulations.what_if.changes.base import Change
from simulations.what_if.documents import ChangeError, Documents

_DESCRIBED = ("skills", "team", "site", "queues", "capacity", "cost_per_hour")


class AddAgents(Change):
    """`count` more agents in a `group` of the scenario's staff, or so many `like` an agent of the centre, with the same
    skills and shifts. A count below 0 takes agents out of the group."""

    name: ClassVar[str] = "add_agents"
    example: ClassVar[str] = "{add_agents: {group: sellers, count: 2}}"

    group: str | None = None
    like: str | None = None
    count: int

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.group is None) == (self.like is None):
            raise ValueError("agents are added to a 'group' of the scenario's staff, or are 'like' an agent")
        if self.count == 0 or (self.like is not None and self.count < 0):
            raise ValueError("'count' says how many agents; to take out agents by name, use remove_agents")
        return self

    def apply(self, documents: Documents) -> None:
        if self.group is not None:
            entry = documents.group(self.group)
            count = entry["count"] + self.count
            if count < 0:
                raise ChangeError(f"the group {self.group!r} has only {entry['count']} agents", field="count")
            entry["count"] = count
            return
        assert self.like is not None
        agent = documents.agent(self.like, "like")
        entry = copy.deepcopy(documents.entry_of(self.like) or {})
        entry.pop("agents", None)
        described = {key: agent[key] for key in _DESCRIBED if agent.get(key)}
        title = f"more like {self.like}"
        documents.staff().append(entry | copy.deepcopy(described) | {"group": title, "count": self.count})
        documents.treated_as(title, self.like, also=agent.get("team") or AGENTS)
