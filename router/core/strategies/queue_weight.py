"""Heaviest queue first."""

from router.core.policy import Goal, LastAction, Queue
from router.core.strategies._base import ContactFacts, ContactKey, Fixture


def formula(weight: int) -> float:
    return -weight


class QueueWeight(ContactKey):
    """Contacts of the heavier queue go first, whatever their age.

    Value: -W, the queue's `weight`.

    Tie-break: the next key of the ranking, then the older contact.

    Source: app_queue's `weight` (Asterisk, queues.conf): strict priority between queues.
    """

    name = "queue_weight"
    formula = staticmethod(formula)
    example = "contact_ranking: [queue_weight, age]"
    fixture = Fixture(
        {
            name: (ContactFacts(Queue(name, Goal(0, 0.8), (), LastAction("exit", "x"), weight=weight), 0), 0, 0)
            for name, weight in (("light", 1), ("heavy", 10), ("middle", 5))
        },
        ("heavy", "middle", "light"),
    )

    def value(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> float:
        return formula(contact.queue.weight)


KEY = QueueWeight
