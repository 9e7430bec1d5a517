"""The contact's preferred agent first."""

from router.core.strategies._base import Fixture, PreferredKey


def formula(preferred: bool) -> float:
    return 0 if preferred else 1


class PreferredAgent(PreferredKey):
    """The agent whom the contact asks for (or who served it last) goes before the others, if ready and eligible.

    Value: 0 for the preferred agent, 1 for all others. It never makes a contact wait; `preferred_agent_ms` of the
    queue does, which holds a contact for its agent that long.

    Tie-break: the next key of the ranking.

    Source: "last agent routing", "sticky agent".
    """

    name = "preferred_agent"
    formula = staticmethod(formula)
    example = "agent_ranking: [preferred_agent, longest_idle]"
    fixture = Fixture({"other": (False,), "asked_for": (True,)}, ("asked_for", "other"))

    def value(self, preferred: bool) -> float:
        return formula(preferred)


KEY = PreferredAgent
