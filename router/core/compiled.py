"""A policy made ready for use: conditions and rankings compiled, things found by name, what is often asked at hand."""

from router.core.channels import Channels
from router.core.eligibility import Chain
from router.core.policy import Agent, Policy, Queue, Step, Until
from router.core.rankings import AgentRanking, ContactRanking


class CompiledStep:
    """A step with the chain of conditions in force and the ranking of agents while it lasts."""

    def __init__(self, spec: Step, chain: Chain, ranking: AgentRanking) -> None:
        self.spec = spec
        self.chain = chain
        self.ranking = ranking
        self.name = spec.name
        self.looks_at_wait = spec.until.ewt_over_ms is not None
        self.endless = spec.until == Until()


class CompiledQueue:
    """A queue with its steps. `plain`: only a step's end, an agent or the caller ends a wait in it."""

    def __init__(self, spec: Queue) -> None:
        self.spec = spec
        self.name, self.channel, self.priority = spec.name, spec.channel, spec.priority
        self.ring_ms, self.wrap_up_ms = spec.ring_ms, spec.wrap_up_ms
        self.plain = spec.longest_wait_ms is None and spec.when_unstaffed is None
        self.always_open = spec.when_closed is None and (spec.full_at is None or spec.when_full is None)
        own = AgentRanking(spec.agent_ranking)
        self.steps = tuple(
            CompiledStep(step, Chain(spec, i), own if step.agent_ranking is None else AgentRanking(step.agent_ranking))
            for i, step in enumerate(spec.steps)
        )

    def step_named(self, name: str) -> int | None:
        return next((i for i, step in enumerate(self.spec.steps) if step.name == name), None)


class CompiledPolicy:
    """A policy that `policy_check.check_policy` found no error in. `order` is each agent's place in it, `takes` the
    channels of each agent, `single` are those who never have two contacts at a time, `watched` are the queues on whose
    goals decisions depend."""

    def __init__(self, spec: Policy) -> None:
        self.spec = spec
        self.queues: dict[str, CompiledQueue] = {queue.name: CompiledQueue(queue) for queue in spec.queues}
        self.agents: dict[str, Agent] = {agent.name: agent for agent in spec.agents}
        self.order: dict[str, int] = {agent.name: i for i, agent in enumerate(spec.agents)}
        self.takes: dict[str, tuple[str, ...]] = {
            agent.name: tuple([channel for channel, capacity in agent.capacity.items() if capacity > 0])
            for agent in spec.agents
        }
        one = {name for name, agent in self.agents.items() if sum(agent.capacity.values()) == 1}
        apart = not any(channel.beside or channel.interrupts for channel in spec.channels)
        self.single = frozenset(one) if apart else frozenset()
        self.channels = Channels(spec.channels)
        self.contact_ranking = ContactRanking(spec.contact_ranking)
        lenders = {lender for queue in spec.queues for step in queue.steps for lender in step.lent_by}
        watchful = {queue.name for queue in spec.queues if any(step.until.below_goal for step in queue.steps)}
        self.watched = frozenset(lenders | watchful)
        self.looks_at_name = any(step.chain.looks_at_name for queue in self.queues.values() for step in queue.steps)
