"""Who may: conditions over agent and contact, compiled.

A step's condition, the conditions of the steps before it (`add`, `narrow`) and the queue's floor make one *chain*.
What a chain looks at in a contact, and nothing else, decides who may take it; so contacts that agree in it are one
class, for which an agent is judged once.
"""

from collections.abc import Iterable, Mapping

from documents import Expression
from router.core.events import Attribute
from router.core.policy import Agent, Condition, Queue, Step

DYNAMIC = "contact."

ContactView = Mapping[str, Attribute]


def agent_view(agent: Agent) -> dict[str, object]:
    """The variable `agent` of a `where` condition."""
    return {"name": agent.name, "team": agent.team, "site": agent.site, "skills": agent.skills}


class CompiledCondition:
    """One condition. `looks_at` are the fields of `contact` that decide it, None if that cannot be told."""

    def __init__(self, condition: Condition) -> None:
        """Raises ExpressionError for a bad `where`."""
        self.fixed = tuple((name, level) for name, level in condition.skills.items() if not name.startswith(DYNAMIC))
        self.dynamic = tuple(
            (name.removeprefix(DYNAMIC), level) for name, level in condition.skills.items() if name.startswith(DYNAMIC)
        )
        self.where = Expression(condition.where) if condition.where is not None else None
        fields = self.where.fields("contact") if self.where else frozenset()
        self.looks_at = None if fields is None else fields | {name for name, _ in self.dynamic}
        self.looks_at_name = self.where is not None and "name" in (self.where.fields("agent") or {"name"})

    @property
    def empty(self) -> bool:
        return not self.fixed and not self.dynamic and self.where is None

    def holds(self, agent: Agent, contact: ContactView) -> bool:
        skills = agent.skills
        for name, level in self.fixed:
            if skills.get(name, 0) < level:
                return False
        for attribute, level in self.dynamic:
            if attribute not in contact or skills.get(str(contact[attribute]), 0) < level:
                return False
        return self.where is None or self.where.holds({"agent": agent_view(agent), "contact": contact})

    def could_hold(self, agent: Agent) -> bool:
        """Whether it may hold for some contact."""
        if any(agent.skills.get(name, 0) < level for name, level in self.fixed):
            return False
        if any(max(agent.skills.values(), default=0) < level for _, level in self.dynamic):
            return False
        if self.where is None or "contact" in self.where.names:
            return True
        return self.where.holds({"agent": agent_view(agent)})

    def why_not(self, agent: Agent, contact: ContactView) -> str | None:
        """The first thing that is lacking, or None if it holds."""
        for attribute, _ in self.dynamic:
            if attribute not in contact:
                return f"the contact has no {attribute}"
        for name, level in (*self.fixed, *((str(contact[attribute]), level) for attribute, level in self.dynamic)):
            has = agent.skills.get(name, 0)
            if has < level:
                return f"skill {name} {level} (has {has})" if has else f"skill {name}"
        if self.where is not None and not self.holds(agent, contact):
            return self.where.text
        return None

    def skills_asked(self, contact: ContactView) -> set[str]:
        return {name for name, _ in self.fixed} | {
            str(contact[attribute]) for attribute, _ in self.dynamic if attribute in contact
        }


class Chain:
    """The conditions in force in one step of a queue: the floor and the alternatives so far. `reserving` are the steps
    behind the alternatives, where they reserve whom they let in (else None)."""

    def __init__(self, queue: Queue, upto: int) -> None:
        """Of the steps 0..`upto`. Raises ExpressionError for a bad `where`."""
        self.queue = queue.name
        self.floor = CompiledCondition(queue.floor)
        start = max((i for i in range(upto + 1) if queue.steps[i].combine == "replace"), default=0)
        steps = queue.steps[start : upto + 1]
        self.links = tuple((step.combine, CompiledCondition(step.condition)) for step in steps)
        self.reserving: tuple[Step | None, ...] = tuple(step if step.reserves else None for step in steps)
        self.reserves = any(step.reserves for step in steps)
        conditions = [self.floor, *(condition for _, condition in self.links)]
        looks_at: frozenset[str] | None = frozenset()
        for condition in conditions:
            looks_at = None if looks_at is None or condition.looks_at is None else looks_at | condition.looks_at
        self.looks_at = None if looks_at is None else tuple(sorted(looks_at - {"queue", "channel"}))
        self.looks_at_name = any(condition.looks_at_name for condition in conditions)

    def holds(self, agent: Agent, contact: ContactView) -> bool:
        """Whether the agent may take the contact."""
        if agent.queues is not None and self.queue not in agent.queues:
            return False
        return self.floor.holds(agent, contact) and self.fold(c.holds(agent, contact) for _, c in self.links)

    def truths(self, agent: Agent, contact: ContactView) -> tuple[bool, ...]:
        """Which of the alternatives let in an agent who may take the contact."""
        return tuple(condition.holds(agent, contact) for _, condition in self.links)

    def could_hold(self, agent: Agent) -> bool:
        """Whether the agent may take some contact. True if that depends on more than the policy."""
        if agent.queues is not None and self.queue not in agent.queues:
            return False
        return self.floor.could_hold(agent) and self.fold(c.could_hold(agent) for _, c in self.links)

    def fold(self, truths: Iterable[bool]) -> bool:
        """Whether somebody is let in for whom the alternatives are true or not."""
        result = False
        for position, ((combine, _), truth) in enumerate(zip(self.links, truths, strict=True)):
            if position == 0 or combine == "replace":
                result = truth
            else:
                result = result or truth if combine == "add" else result and truth
        return result

    def why_not(self, agent: Agent, contact: ContactView) -> str:
        """What the agent lacks; "" if nothing."""
        if self.holds(agent, contact):
            return ""
        if agent.queues is not None and self.queue not in agent.queues:
            return f"not in queue {self.queue}"
        lacking = self.floor.why_not(agent, contact)
        reasons = [lacking] if lacking else [c.why_not(agent, contact) or "" for _, c in self.links]
        return "not eligible: " + " or ".join(dict.fromkeys(reason for reason in reasons if reason))

    def fit(self, agent: Agent, contact: ContactView) -> int:
        """Sum of the agent's levels over the skills that the floor and the conditions in force ask."""
        asked = self.floor.skills_asked(contact)
        for _, condition in self.links:
            asked |= condition.skills_asked(contact)
        return sum(agent.skills.get(name, 0) for name in asked)

    def class_of(self, attributes: Mapping[str, Attribute]) -> tuple[object, ...]:
        """Equal for contacts that this chain cannot tell apart (1, 1.0 and True are told apart, as in CEL)."""
        fields = self.looks_at
        if not fields:
            if fields is not None:
                return ()
            return tuple((name, _exact(attributes[name])) for name in sorted(attributes))
        return tuple([_exact(attributes.get(name)) for name in fields])


def _exact(value: Attribute | None) -> object:
    return value if isinstance(value, str) else (type(value).__name__, value)
