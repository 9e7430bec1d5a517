"""Situations in which two things may happen at the same instant, and all that may happen in them."""

from collections.abc import Callable

from router.core import events
from router.core.events import Callback
from router.core.policy import Agent, CallbackRules, Goal, LastAction, Policy, Queue, Reentry, Step, Until
from tests.support.router_model import WatchedRouter

AWAY = LastAction("exit", "away")
PEOPLE = tuple(Agent(name, {"french": 1} if name == "anna" else {}) for name in ("anna", "bob", "cleo"))
STEPS = (Step("fluent", until=Until(after_ms=4_000)), Step("anybody"))


def centre(version: int = 1, people: tuple[Agent, ...] = PEOPLE) -> Policy:
    """Two queues with everything; the deadlines of offers, steps and wrap-ups are near."""
    billing, second = (
        Queue(
            name,
            Goal(20_000, 0.8),
            STEPS,
            AWAY,
            ring_ms=5_000,
            wrap_up_ms=2_000,
            longest_wait_ms=60_000,
            when_closed=AWAY,
            at_closing=AWAY if name == "second" else None,
            when_unstaffed=AWAY if name == "second" else None,
            callback=CallbackRules(tries=2, retry_ms=3_000),
            reentry=Reentry(60_000),
            directed_ms=4_000,
        )
        for name in ("billing", "second")
    )
    return Policy(version, (billing, second), people)


def _waiting(router: WatchedRouter) -> None:
    router.feed(events.AgentPaused("anna", "lunch"))
    router.feed(events.ContactArrived("c1", "billing", caller="ann"))


def _ringing(router: WatchedRouter) -> None:
    router.feed(events.ContactArrived("c1", "billing", caller="ann"))


def _talking(router: WatchedRouter) -> None:
    _ringing(router)
    router.feed(events.OfferAccepted("o1"))


def _on_hold(router: WatchedRouter) -> None:
    _talking(router)
    router.feed(events.ContactHeld("c1"))


def _asking(router: WatchedRouter) -> None:
    _on_hold(router)
    router.feed(events.AgentSignedIn("bob"))
    router.feed(events.ContactArrived("k1", "second", consult_of="c1"))


def _consulting(router: WatchedRouter) -> None:
    _asking(router)
    router.feed(events.OfferAccepted("o2"))


def _handed_over(router: WatchedRouter) -> None:
    _consulting(router)
    router.feed(events.TransferCompleted("c1", "k1"))


def _callback_ringing(router: WatchedRouter) -> None:
    router.feed(events.ContactArrived("c1", "billing", caller="ann", callback=Callback("100")))


def _reaching(router: WatchedRouter) -> None:
    _callback_ringing(router)
    router.feed(events.OfferAccepted("o1"))


def _reached(router: WatchedRouter) -> None:
    _reaching(router)
    router.feed(events.CallbackReached("c1"))


def _parked(router: WatchedRouter) -> None:
    _reaching(router)
    router.feed(events.CallbackFailed("c1", "busy"))


def _directed(router: WatchedRouter) -> None:
    _talking(router)
    router.feed(events.AgentSignedIn("bob", "lunch"))
    router.feed(events.ContactTransferred("c1", "second", directed_to="bob"))


def _wrapping_up(router: WatchedRouter) -> None:
    _talking(router)
    router.feed(events.ContactArrived("c2", "billing"))
    router.feed(events.ContactEnded("c1"))


_SITUATIONS: tuple[Callable[[WatchedRouter], None], ...] = (
    *(_waiting, _ringing, _talking, _on_hold, _asking, _consulting, _handed_over),
    *(_callback_ringing, _reaching, _reached, _parked, _directed, _wrapping_up),
)


def situations() -> dict[str, WatchedRouter]:
    """By name; c1 is what it is about, anna has it or is to have it, and it is about to get late."""
    found = {}
    for situation in _SITUATIONS:
        router = WatchedRouter(centre())
        router.feed(events.AgentSignedIn("anna"))
        situation(router)
        found[situation.__name__.strip("_")] = router
    return found


def to_the_deadline(router: WatchedRouter) -> None:
    deadline_ms = router.router.next_deadline_ms()
    if deadline_ms is not None:
        router.now_ms = max(router.now_ms, deadline_ms)


# What may happen: contacts by the names above, offers in the order of their making.
EVENTS: tuple[events.Event, ...] = (
    events.ContactLeft("c1"),
    events.ContactEnded("c1"),
    events.ContactLeft("k1"),
    events.ContactEnded("k1"),
    events.ContactMoved("c1", "second"),
    events.ContactMoved("c1", "billing", directed_to="bob"),
    events.CallbackRequested("c1", Callback("100")),
    events.CallbackRequested("c1", Callback("100", not_before_ms=9_000)),
    events.CallbackReached("c1"),
    events.CallbackFailed("c1", "no_answer"),
    events.ContactTransferred("c1", "second"),
    events.ContactTransferred("c1", "billing", directed_to="bob", keeps_age=False),
    events.TransferCompleted("c1", "k1"),
    events.ContactHeld("c1"),
    events.ContactResumed("c1"),
    events.ContactArrived("c9", "billing", caller="ann"),
    events.ContactArrived("c8", "billing", callback=Callback("100")),
    events.ContactArrived("k2", "second", consult_of="c1"),
    events.OfferAccepted("o1"),
    events.OfferAccepted("o2"),
    events.OfferDeclined("o1"),
    events.OfferNotAnswered("o2"),
    events.OfferFailed("o1", "unreachable"),
    events.OfferFailed("o2"),
    events.AgentSignedOut("anna"),
    events.AgentPaused("anna", "lunch"),
    events.AgentReady("anna"),
    events.AgentUnreachable("anna"),
    events.AgentSignedIn("bob"),
    events.AgentSignedOut("bob"),
    events.QueueSwitched("billing", "emergency"),
    events.QueueSwitched("second", "closed"),
    events.PolicyPublished(centre(2, PEOPLE[1:]), migrate=True),
    events.TimePassed(),
)


def bring_to_an_end(router: WatchedRouter) -> None:
    """Everybody comes to work, answers, reaches and finishes. Afterwards nobody is left, and no agent is stuck."""
    for queue in router.router.policy.queues:
        router.feed(events.QueueSwitched(queue.name, "open"))
    for _ in range(100):
        for agent in router.router.agents():
            if not agent.removed and agent.presence != "ready":
                offline = agent.presence == "offline"
                router.feed(events.AgentSignedIn(agent.name) if offline else events.AgentReady(agent.name))
        for offer in router.router.offers():
            if offer.state == "ringing":
                router.feed(events.OfferAccepted(offer.id))
        for contact in router.router.contacts():
            if contact.state == "reaching":
                router.feed(events.CallbackReached(contact.id))
            elif contact.state == "connected":
                router.feed(events.ContactEnded(contact.id))
        if router.router.next_deadline_ms() is None and not router.router.contacts():
            break
        to_the_deadline(router)
        router.feed(events.TimePassed())
    assert not router.router.contacts(), f"lost: {router.router.contacts()}"
    assert not router.router.offers(), f"still there: {router.router.offers()}"
    stuck = [agent.name for agent in router.router.agents() if agent.state != "ready"]
    assert not stuck, f"stuck: {stuck}"
