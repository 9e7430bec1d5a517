"""Oldest contact first."""

from router.core.policy import Goal, LastAction, Queue
from router.core.strategies._base import ContactFacts, ContactKey, Fixture

_FACTS = ContactFacts(Queue("any", Goal(0, 0.8), (), LastAction("exit", "x")), 0)


def formula(arrived_ms: int) -> float:
    return arrived_ms


class Age(ContactKey):
    """The contact that arrived first goes first, whichever queue it is in now.

    Value: the arrival time (ms). Overflow, a move and a failed offer keep it, so the age is kept.

    Tie-break: the next key of the ranking, then the order of the arrival events.

    Source: first come, first served, over all queues together.
    """

    name = "age"
    formula = staticmethod(formula)
    example = "contact_ranking: [age]"
    fixture = Fixture(
        {"at_20": (_FACTS, 20, 90), "at_10": (_FACTS, 10, 90), "at_30": (_FACTS, 30, 90)},
        ("at_10", "at_20", "at_30"),
    )

    def value(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> float:
        return formula(arrived_ms)


KEY = Age
