"""Training: agents learn a skill, or become better at it."""

import copy
from typing import Annotated, ClassVar

from pydantic import Field

from documents import nearest
from simulations.fields import Level
from simulations.what_if.changes.base import OfStaff
from simulations.what_if.documents import ChangeError, Documents


class GiveSkill(OfStaff):
    """Agents have the skill at this level from now on: a `group` of the scenario's staff, all of it or `count` of its
    agents, or `agents` of the centre by name."""

    name: ClassVar[str] = "give_skill"
    example: ClassVar[str] = "{give_skill: {group: sellers, count: 1, skill: support, level: 5}}"

    skill: str
    level: Level = 5
    count: Annotated[int, Field(ge=1)] | None = None

    def apply(self, documents: Documents) -> None:
        known = documents.skills()
        if self.skill not in known:
            message = f"no queue asks for the skill {self.skill!r}, and nobody has it"
            raise ChangeError(message, nearest(self.skill, known), "skill")
        for name in self.agents or ():
            agent = documents.agent(name)
            agent["skills"] = (agent.get("skills") or {}) | {self.skill: self.level}
        if self.group is not None:
            self._teach(documents, documents.group(self.group))

    def _teach(self, documents: Documents, entry: dict[str, object]) -> None:
        have = entry["count"]
        assert isinstance(have, int)
        count = have if self.count is None else self.count
        if count > have or have == 0:
            raise ChangeError(f"the group {self.group!r} has only {have} agents", field="count")
        if count < have:
            assert self.group is not None
            title = f"{self.group} with {self.skill}"
            learners = copy.deepcopy(entry) | {"group": title, "count": count}
            entry["count"] = have - count
            documents.staff().append(learners)
            documents.treated_as(title, self.group)
            entry = learners
        skills = entry.get("skills") or {}
        assert isinstance(skills, dict)
        entry["skills"] = skills | {self.skill: self.level}
