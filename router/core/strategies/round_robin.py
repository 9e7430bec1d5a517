"""Round robin."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


def formula(last_offer: int) -> float:
    return last_offer


class RoundRobin(AgentKey):
    """Agents take turns, whether or not they took what they were offered.

    Value: k, the running number of the last offer made to the agent since sign-in; 0 for an agent without any. So the
    one who was asked least recently is asked next.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: app_queue's strategy `rrmemory` (Asterisk, queues.conf).
    """

    name = "round_robin"
    formula = staticmethod(formula)
    example = "agent_ranking: [round_robin]"
    fixture = Fixture(
        {
            "asked_last": (AgentFacts(0, last_offer=12),),
            "asked_before": (AgentFacts(1, last_offer=11),),
            "never_asked": (AgentFacts(2, last_offer=0),),
        },
        ("never_asked", "asked_before", "asked_last"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.last_offer)


KEY = RoundRobin
