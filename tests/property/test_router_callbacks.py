"""A callback has exactly the place of the caller who asked for it: it overtakes nobody, and nobody overtakes it."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from router.core import events
from router.core.decisions import AnyDecision, Offer, RingCustomer
from router.core.policy import CallbackRules, Policy
from router.core.router import Router
from tests.support.routing import agents, queue

QUEUES = (queue("billing", callback=CallbackRules()), queue("second", callback=CallbackRules(), priority=1))
PEOPLE = ("anna", "bob", "cleo")


def day(seed: int, callbacks: set[str]) -> list[tuple[int, str, str]]:
    """Who was offered whom and when, if these callers ask for a callback some time (and are reached at once)."""
    rng, whims = Random(seed), Random(seed + 1)
    policy = Policy(1, QUEUES, agents(*PEOPLE))
    router, now_ms, offered = Router(policy, seed), 0, []

    def send(event: events.Event) -> None:
        decisions: list[AnyDecision] = router.handle(event, now_ms)
        router.check()
        offered.extend((now_ms, one.contact, one.agent) for one in decisions if isinstance(one, Offer))
        assert sum(contact.state == "reaching" for contact in router.contacts()) <= len(PEOPLE)
        for decision in decisions:
            if isinstance(decision, RingCustomer):
                send(events.CallbackReached(decision.contact))

    for name in PEOPLE:
        send(events.AgentSignedIn(name))
    for i in range(30):
        now_ms += rng.choice((0, 500, 3_000))
        ringing = [offer.id for offer in router.offers() if offer.state == "ringing"]
        talking = [contact.id for contact in router.contacts() if contact.state == "connected"]
        send(events.ContactArrived(f"c{i}", rng.choice(("billing", "second")), priority=rng.choice((None, 0, 2))))
        for contact in router.contacts():
            if contact.waits and contact.callback is None and contact.id in callbacks and whims.random() < 0.3:
                send(events.CallbackRequested(contact.id, events.Callback(contact.id)))
        for offer in ringing:
            send(rng.choice((events.OfferAccepted, events.OfferAccepted, events.OfferDeclined))(offer))
        for name in talking:
            if rng.random() < 0.5:
                send(events.ContactEnded(name))
    return offered


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sets(st.sampled_from([f"c{i}" for i in range(30)])))
def test_asking_for_a_callback_changes_nobodys_turn(seed: int, callbacks: set[str]) -> None:
    assert day(seed, callbacks) == day(seed, set())
