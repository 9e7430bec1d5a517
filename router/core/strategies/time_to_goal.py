"""Least time left to the service goal first."""

from router.core.policy import Goal, LastAction, Queue
from router.core.strategies._base import ContactFacts, ContactKey, Fixture


def formula(answered_within_ms: int, arrived_ms: int, now_ms: int) -> float:
    return answered_within_ms + arrived_ms - now_ms


class TimeToGoal(ContactKey):
    """The contact whose service goal is missed soonest (or was missed longest ago) goes first.

    Value: g - w in ms, with g the queue's `goal.answered_within_ms` and w the wait since arrival; negative once late.

    Tie-break: the next key of the ranking, then the older contact.

    Source: earliest due date first; C. L. Liu and J. W. Layland, "Scheduling Algorithms for Multiprogramming in a
    Hard-Real-Time Environment", JACM 20 (1973).
    """

    name = "time_to_goal"
    formula = staticmethod(formula)
    example = "contact_ranking: [time_to_goal]"
    fixture = Fixture(
        {
            name: (ContactFacts(Queue(name, Goal(within_ms, 0.8), (), LastAction("exit", "x")), 0), arrived_ms, 60_000)
            for name, within_ms, arrived_ms in (
                ("relaxed", 60_000, 30_000),
                ("soon", 20_000, 50_000),
                ("late", 20_000, 0),
            )
        },
        ("late", "soon", "relaxed"),
    )

    def value(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> float:
        return formula(contact.queue.goal.answered_within_ms, arrived_ms, now_ms)


KEY = TimeToGoal
