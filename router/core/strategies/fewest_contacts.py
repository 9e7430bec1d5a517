"""Agent with the fewest contacts first."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


def formula(contacts: int) -> float:
    return contacts


class FewestContacts(AgentKey):
    """The agent who has answered the fewest contacts since sign-in takes the next one.

    Value: n, the number of contacts that the agent answered since signing in.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: app_queue's strategy `fewestcalls` (Asterisk, queues.conf).
    """

    name = "fewest_contacts"
    formula = staticmethod(formula)
    example = "agent_ranking: [fewest_contacts, longest_idle]"
    fixture = Fixture(
        {
            "seven": (AgentFacts(0, contacts=7),),
            "three": (AgentFacts(1, contacts=3),),
            "none": (AgentFacts(2),),
        },
        ("none", "three", "seven"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.contacts)


KEY = FewestContacts
