"""Least skilled agent that suffices first."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


def formula(levels: int) -> float:
    return levels


class LeastSkilled(AgentKey):
    """Of the agents who may take the contact, the one with the least skills: the versatile stay free for the rest.

    Value: L, the sum of all skill levels of the agent. Whether an agent suffices is for the step's condition to say.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: "specialists first, generalists last", R. B. Wallace and W. Whitt, "A Staffing Algorithm for Call Centers
    with Skill-Based Routing", M&SOM 7 (2005).
    """

    name = "least_skilled"
    formula = staticmethod(formula)
    example = "agent_ranking: [least_skilled, longest_idle]"
    fixture = Fixture(
        {
            "polyglot": (AgentFacts(0, levels=24),),
            "specialist": (AgentFacts(1, levels=8),),
            "both": (AgentFacts(2, levels=13),),
        },
        ("specialist", "both", "polyglot"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.levels)


KEY = LeastSkilled
