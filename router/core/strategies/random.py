"""Random order."""

from router.core.strategies._base import AgentFacts, AgentKey, Fixture, Word

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_ALL = 2.0**64


def formula(seed: Word, order: Word, turn: Word) -> float:
    z = ((seed << 40) + (order << 20) + turn + 0x9E37_79B9_7F4A_7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return (z ^ (z >> 31)) / _ALL


class Random(AgentKey):
    """Ready agents stand in a random order, drawn anew each time an agent becomes ready.

    Value: u = mix(seed x 2^40 + agent x 2^20 + turn) / 2^64 in [0, 1), with the router's seed, the agent's place in the
    policy, how often the agent has become ready, and mix the finalizer of SplitMix64. No generator with a state:
    equal input gives equal output, on every machine.

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014;
    app_queue's strategy `random`.
    """

    name = "random"
    formula = staticmethod(formula)
    example = "agent_ranking: [random]"
    fixture = Fixture(
        {f"agent_{order}": (AgentFacts(order, turn=1, seed=7),) for order in range(4)},
        ("agent_3", "agent_0", "agent_1", "agent_2"),
    )

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.seed, agent.order, agent.turn)


KEY = Random
