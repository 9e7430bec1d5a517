"""Longest idle agent first."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture

_LONGER_THAN_ANY_MS = 10**14
"""More than 3,000 years."""


def formula(idle_since_ms: int, load: int) -> float:
    return idle_since_ms + load * _LONGER_THAN_ANY_MS


class LongestIdle(AgentKey):
    """The agent who has waited longest for work takes the next contact.

    Value: t, the time (ms) at which the agent last became ready. Coming from a pause or from a contact that the agent
    declined or let ring starts the idle time anew; an offer that was withdrawn (the caller hung up) does not. An agent
    who has contacts already (chats, or what may be interrupted) comes after all who are idle, the one with fewer first.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: LISF (longest idle server first), M. Armony and A. R. Ward, "Fair Dynamic Routing in Large-Scale
    Heterogeneous-Server Systems", Operations Research 58 (2010).
    """

    name = "longest_idle"
    formula = staticmethod(formula)
    example = "agent_ranking: [longest_idle]"
    fixture = Fixture(
        {
            "since_30": (AgentFacts(0, idle_since_ms=30),),
            "since_10": (AgentFacts(1, idle_since_ms=10),),
            "since_20": (AgentFacts(2, idle_since_ms=20),),
            "two_chats": (AgentFacts(3, idle_since_ms=5, load=2),),
            "one_chat": (AgentFacts(4, idle_since_ms=8, load=1),),
        },
        ("since_10", "since_20", "since_30", "one_chat", "two_chats"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.idle_since_ms, agent.load)


KEY = LongestIdle
