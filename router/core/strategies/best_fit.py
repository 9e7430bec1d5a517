"""Best skill fit first."""

from router.core.strategies._base import FitKey, Fixture


def formula(fit: int) -> float:
    return -fit


class BestFit(FitKey):
    """The agent whose skills fit the contact best; among contacts, the one that this agent fits best.

    Value: -f, with the fit f = sum of the agent's levels over the skills that the contact's step asks: those named by
    the floor and by the conditions in force (after `replace`, `add`, `narrow`), `contact.X` standing for the skill
    that the contact's attribute X names. Each skill counts once; a skill that the agent lacks counts 0; what a
    CEL condition looks at does not count.

    Tie-break: the next key of the ranking, then the agents' order in the policy, or the contacts' age.

    Source: "best match" or "skill level" routing of commercial ACDs.
    """

    name = "best_fit"
    formula = staticmethod(formula)
    sides = ("agent", "contact")
    example = "agent_ranking: [best_fit, longest_idle]"
    fixture = Fixture({"novice": (3,), "expert": (17,), "adept": (9,)}, ("expert", "adept", "novice"))

    def value(self, fit: int) -> float:
        return formula(fit)


KEY = BestFit
