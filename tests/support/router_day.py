"""A call centre's day in a hurry: random events, good and bad, at a watched router."""

from random import Random

from router.core import events
from router.core.entities import Contact
from tests.support.router_model import WatchedRouter
from tests.support.router_policies import AGENTS, CALLERS, CONTACTS, NUMBERS, QUEUES, random_policy

# How often what is tried: mostly what happens in a call centre on a good day, and now and then everything else.
MOVES = (
    *["arrive"] * 12,
    *["accept", "end", "ready"] * 6,
    *["wake", "pass_"] * 4,
    *["decline", "ring_out", "fail", "leave", "pause", "sign_out"] * 2,
    *["consult", "complete"] * 6,
    *["reach", "not_reach", "transfer", "hold", "resume"] * 2,
    *("switch", "move", "extend_wrap_up", "arrive_badly", "contact_event", "offer_event", "agent_event", "call_back"),
)


class RouterDay(WatchedRouter):
    """Makes a move after another; each takes its choices from `rng`."""

    def go_on(self, rng: Random, count: int) -> None:
        for _ in range(count):
            getattr(self, rng.choice(MOVES))(rng)

    def publish(self, rng: Random, *, migrate: bool) -> None:
        policy = random_policy(rng, self.router.policy.version + 1)
        self.feed(events.PolicyPublished(policy, migrate))

    # Contacts

    def arrive(self, rng: Random) -> None:
        queue = rng.choice(self.router.policy.queues)
        attributes = {
            "language": rng.choice(("fr", "a", "de")),
            "site": rng.choice(("s1", "s2")),
            "level": rng.choice((1, 2)),
            "vip": rng.choice((True, False)),
            "owner": rng.choice(AGENTS),
        }
        for name in rng.choice(((), (), ("language", "site"), ("owner",))):
            del attributes[name]
        arrived_ms = rng.choice((None, None, None, self.now_ms - 2_500))
        contact, priority = rng.choice(CONTACTS), rng.choice((None, None, 2))
        preferred = rng.choice((None, None, "anna", "bob", "nobody"))
        self.feed(
            events.ContactArrived(
                *(contact, queue.name, queue.channel, attributes, priority, preferred, arrived_ms),
                caller=rng.choice(("", *CALLERS)),
                callback=self.wish(rng) if queue.callback is not None and rng.random() < 0.3 else None,
                directed_to=rng.choice((*[None] * 6, "anna", "bob", "nobody")),
            )
        )

    def arrive_badly(self, rng: Random) -> None:
        self.feed(
            events.ContactArrived(
                rng.choice(CONTACTS),
                rng.choice((*QUEUES, "biling")),
                rng.choice(("voice", "chat", "fax")),
                arrived_ms=rng.choice((None, self.now_ms + 1, 0)),
            )
        )

    def leave(self, rng: Random) -> None:
        waiting = [contact.id for contact in self.router.contacts() if contact.state != "connected"]
        self.feed(events.ContactLeft(rng.choice(waiting or CONTACTS), rng.choice(("abandoned", "left"))))

    def end(self, rng: Random) -> None:
        talking = [contact.id for contact in self.router.contacts() if contact.state == "connected"]
        self.feed(events.ContactEnded(rng.choice(talking or CONTACTS)))

    def move(self, rng: Random) -> None:
        directed_to, priority = rng.choice((None, None, *AGENTS)), rng.choice((None, 5))
        self.feed(events.ContactMoved(rng.choice(CONTACTS), rng.choice(QUEUES), directed_to, priority))

    def contact_event(self, rng: Random) -> None:
        self.feed(rng.choice((events.ContactLeft, events.ContactEnded))(rng.choice(CONTACTS)))

    # Callbacks

    def wish(self, rng: Random) -> events.Callback:
        return events.Callback(rng.choice(NUMBERS), rng.choice((None, None, self.now_ms, self.now_ms + 4_000)))

    def call_back(self, rng: Random) -> None:
        waiting = [contact.id for contact in self.router.contacts() if not contact.has_agent]
        self.feed(events.CallbackRequested(rng.choice(waiting or CONTACTS), self.wish(rng)))

    def reaching(self, rng: Random) -> str:
        reaching = [contact.id for contact in self.router.contacts() if contact.state == "reaching"]
        return rng.choice(reaching or CONTACTS)

    def reach(self, rng: Random) -> None:
        self.feed(events.CallbackReached(self.reaching(rng)))

    def not_reach(self, rng: Random) -> None:
        self.feed(events.CallbackFailed(self.reaching(rng), rng.choice(("busy", "no_answer", "declined"))))

    # Talks

    def talking(self, rng: Random) -> Contact | None:
        return rng.choice([contact for contact in self.router.contacts() if contact.state == "connected"] or [None])

    def hold(self, rng: Random) -> None:
        if contact := self.talking(rng):
            self.feed(events.ContactHeld(contact.id, "looks it up"))

    def resume(self, rng: Random) -> None:
        if contact := self.talking(rng):
            self.feed(events.ContactResumed(contact.id))

    def transfer(self, rng: Random) -> None:
        if contact := self.talking(rng):
            directed_to, keeps_age = rng.choice((None, None, *AGENTS)), rng.random() < 0.7
            self.feed(
                events.ContactTransferred(
                    *(contact.id, rng.choice(QUEUES), {"vip": True}, directed_to, rng.choice((None, 5)), keeps_age)
                )
            )

    def consult(self, rng: Random) -> None:
        if contact := self.talking(rng):
            queue = rng.choice(self.router.policy.queues)
            ready = [agent.name for agent in self.router.agents() if agent.state == "ready"]
            directed_to = rng.choice((None, *(ready or AGENTS)))
            self.feed(
                events.ContactArrived(
                    rng.choice(CONTACTS), queue.name, queue.channel, directed_to=directed_to, consult_of=contact.id
                )
            )

    def complete(self, rng: Random) -> None:
        consults = [contact for contact in self.router.contacts() if contact.consult_of is not None]
        if consults:
            consult = rng.choice(consults)
            if consult.state == "offered" and consult.offer is not None:
                self.feed(events.OfferAccepted(consult.offer))
            self.feed(events.TransferCompleted(consult.consult_of or "", consult.id))

    # Queues

    def switch(self, rng: Random) -> None:
        self.feed(events.QueueSwitched(rng.choice(QUEUES), rng.choice(("open", "open", "closed", "emergency"))))

    # Offers, living and dead

    def ringing(self, rng: Random) -> str:
        return rng.choice([offer.id for offer in self.router.offers() if offer.state == "ringing"] or self.dead[-2:])

    def accept(self, rng: Random) -> None:
        self.feed(events.OfferAccepted(self.ringing(rng)))

    def decline(self, rng: Random) -> None:
        self.feed(events.OfferDeclined(self.ringing(rng)))

    def ring_out(self, rng: Random) -> None:
        self.feed(events.OfferNotAnswered(self.ringing(rng)))

    def fail(self, rng: Random) -> None:
        offers = [*(offer.id for offer in self.router.offers()), *self.dead[-1:]]
        self.feed(events.OfferFailed(rng.choice(offers), rng.choice(("busy", "unreachable", "congestion", "error"))))

    def offer_event(self, rng: Random) -> None:
        kind = rng.choice((events.OfferAccepted, events.OfferDeclined, events.OfferNotAnswered, events.OfferFailed))
        self.feed(kind(rng.choice([*(offer.id for offer in self.router.offers()), *self.dead[-2:]])))

    # Agents

    def ready(self, rng: Random) -> None:
        agent = rng.choice(self.router.agents())
        kind = events.AgentSignedIn if agent.presence == "offline" else events.AgentReady
        self.feed(kind(agent.name))

    def everybody_signs_in(self) -> None:
        for agent in self.router.agents():
            self.feed(events.AgentSignedIn(agent.name))

    def pause(self, rng: Random) -> None:
        self.feed(events.AgentPaused(rng.choice(AGENTS), rng.choice(("lunch", "training"))))

    def sign_out(self, rng: Random) -> None:
        self.feed(events.AgentSignedOut(rng.choice(AGENTS)))

    def extend_wrap_up(self, rng: Random) -> None:
        self.feed(events.WrapUpExtended(rng.choice(AGENTS), rng.choice((0, 2_000))))

    def agent_event(self, rng: Random) -> None:
        kind = rng.choice((events.AgentSignedIn, events.AgentSignedOut, events.AgentReady, events.AgentUnreachable))
        self.feed(kind(rng.choice((*AGENTS, "ana"))))

    # Time

    def pass_(self, rng: Random) -> None:
        self.now_ms += rng.choice((1, 300, 2_000, 7_000))

    def wake(self, rng: Random) -> None:
        deadline_ms = self.router.next_deadline_ms()
        if deadline_ms is not None:
            self.now_ms = max(self.now_ms, deadline_ms)
        self.feed(events.TimePassed())
