"""What the records take from the policy in force: goals, the skills that contacts need, whose queues are whose."""

from router.core.compiled import CompiledPolicy
from router.core.eligibility import ContactView
from router.core.policy import Goal, Policy

NO_GOAL = Goal(answered_within_ms=0, share=0.0)


class PolicyView:
    """The policy in force. Goals of queues that a later policy has no more are remembered."""

    def __init__(self) -> None:
        self._goals: dict[str, Goal] = {}
        self._policy: CompiledPolicy | None = None
        self._queues_of: dict[str, tuple[str, ...]] = {}

    def published(self, policy: Policy) -> None:
        self._goals |= {queue.name: queue.goal for queue in policy.queues}
        self._policy = CompiledPolicy(policy)
        self._queues_of.clear()

    def goal(self, queue: str) -> Goal:
        return self._goals.get(queue, NO_GOAL)

    def skills(self, queue: str, contact: ContactView) -> list[str]:
        """The skills that the queue's floor and first step ask for this contact."""
        compiled = self._policy.queues.get(queue) if self._policy else None
        if compiled is None or not compiled.steps:
            return []
        chain = compiled.steps[0].chain
        asked = chain.floor.skills_asked(contact)
        for _, condition in chain.links:
            asked |= condition.skills_asked(contact)
        return sorted(asked)

    def queues_of(self, agent: str) -> tuple[str, ...]:
        """The queues whose contacts the agent may get in some step."""
        found = self._queues_of.get(agent)
        if found is None:
            spec = self._policy.agents.get(agent) if self._policy else None
            found = self._queues_of[agent] = tuple(
                name
                for name, queue in (self._policy.queues.items() if self._policy and spec else ())
                if spec is not None and any(step.chain.could_hold(spec) for step in queue.steps)
            )
        return found
