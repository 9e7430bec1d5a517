"""Highest priority first."""

from math import inf

from router.core.policy import Goal, LastAction, Queue
from router.core.strategies._base import ContactFacts, ContactKey, Fixture

_EXIT = LastAction("exit", "x")


def formula(priority: int, priority_per_minute: float, priority_cap: float, arrived_ms: int, now_ms: int) -> float:
    grown = priority + priority_per_minute * (now_ms - arrived_ms) / 60_000
    return -min(grown, priority_cap)


class Priority(ContactKey):
    """The contact with the highest priority goes first; priority grows with the wait.

    Value: -p, with p = min(b + r x w / 60000, c): b the contact's base priority (the event's, else the queue's
    `priority`), r the queue's `priority_per_minute`, w the wait since arrival in ms, c the queue's `priority_cap`
    (none: no cap).

    Tie-break: the next key of the ranking, then the older contact.

    Source: accumulating priority, D. A. Stanford, P. Taylor, I. Ziedins, "Waiting time distributions in the
    accumulating priority queue", Queueing Systems 77 (2014).
    """

    name = "priority"
    formula = staticmethod(formula)
    example = "contact_ranking: [priority, age]"
    fixture = Fixture(
        {
            "plain": (ContactFacts(Queue("plain", Goal(0, 0.8), (), _EXIT), 5), 0, 120_000),
            "ageing": (ContactFacts(Queue("ageing", Goal(0, 0.8), (), _EXIT, priority_per_minute=1.0), 4), 0, 120_000),
            "capped": (
                ContactFacts(Queue("capped", Goal(0, 0.8), (), _EXIT, priority_per_minute=9.0, priority_cap=7), 4),
                0,
                120_000,
            ),
        },
        ("capped", "ageing", "plain"),
    )

    def value(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> float:
        queue = contact.queue
        cap = inf if queue.priority_cap is None else queue.priority_cap
        return formula(contact.priority, queue.priority_per_minute, cap, arrived_ms, now_ms)


KEY = Priority
