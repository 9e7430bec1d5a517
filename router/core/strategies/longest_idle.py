"""Longest idle agent first."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


class LongestIdle(AgentKey):
    """The agent who has waited longest for work takes the next contact.

    Value: t, the time (ms) at which the agent last became ready. Coming from a pause or from a contact that the agent
    declined or let ring starts the idle time anew; an offer that was withdrawn (the caller hung up) does not.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: LISF (longest idle server first), M. Armony and A. R. Ward, "Fair Dynamic Routing in Large-Scale
    Heterogeneous-Server Systems", Operations Research 58 (2010).
    """

    name = "longest_idle"
    example = "agent_ranking: [longest_idle]"
    fixture = Fixture(
        {
            "since_30": (AgentFacts(0, idle_since_ms=30),),
            "since_10": (AgentFacts(1, idle_since_ms=10),),
            "since_20": (AgentFacts(2, idle_since_ms=20),),
        },
        ("since_10", "since_20", "since_30"),
    )

    def value(self, agent: AgentFacts) -> float:
        return agent.idle_since_ms


KEY = LongestIdle
