"""Cheapest agent first."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


def formula(cost_per_hour: float) -> float:
    return cost_per_hour


class Cheapest(AgentKey):
    """The agent who costs least takes the next contact.

    Value: c, the agent's `cost_per_hour`.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: "least cost routing" of commercial ACDs.
    """

    name = "cheapest"
    formula = staticmethod(formula)
    example = "agent_ranking: [cheapest, longest_idle]"
    fixture = Fixture(
        {
            "partner": (AgentFacts(0, cost_per_hour=55.0),),
            "own": (AgentFacts(1, cost_per_hour=31.5),),
            "student": (AgentFacts(2, cost_per_hour=18.0),),
        },
        ("student", "own", "partner"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.cost_per_hour)


KEY = Cheapest
