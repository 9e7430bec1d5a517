"""Random policies, random events in any order, good and bad: what must always hold, holds after every one of them."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from router.core import events
from router.core.decisions import (
    AgentChanged,
    AnyDecision,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactParked,
    ContactQueued,
    ContactReleased,
    CustomerReached,
    EndTalk,
    HandOver,
    Offer,
    OfferEnded,
    QueueChanged,
    RingCustomer,
    StepEntered,
)
from router.core.policy_check import check_policy
from router.core.router import ImpossibleEvent, Router
from router.core.state import Contact
from tests.support.router_order import assert_best_first
from tests.support.router_policies import AGENTS, CALLERS, CONTACTS, NUMBERS, QUEUES, random_policy

# How often what is tried: mostly what happens in a call centre on a good day, and now and then everything else.
SEEDS = st.integers(0, 2**32 - 1)
FIRST = ("go on", "go on", "go on", "publish", "migrate", "restart")
MOVES = (
    *["arrive"] * 12,
    *["accept", "end", "ready"] * 6,
    *["wake", "pass_"] * 4,
    *["decline", "ring_out", "fail", "leave", "pause", "sign_out"] * 2,
    *["reach", "not_reach", "consult", "complete", "transfer", "hold", "resume", "switch"] * 2,
    *("move", "extend_wrap_up", "arrive_badly", "contact_event", "offer_event", "agent_event", "call_back"),
)


class RouterMachine(RuleBasedStateMachine):
    """Beside the router, a model of contacts, agents and offers made from its decisions alone."""

    sound = False

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        policy = random_policy(Random(seed))
        assert check_policy(policy) == []
        self.policy, self.seed = policy, seed
        self.router = Router(policy, seed)
        self.now_ms = 0
        self.sound = True
        self.log: list[tuple[events.Event, int, list[AnyDecision]]] = []
        self.arrived = self.finished = 0
        self.inside: dict[str, str] = {}
        self.steps: dict[str, tuple[str, str]] = {}
        self.agents: dict[str, tuple[str, str, str | None]] = {}
        self.offers: dict[str, str] = {}
        self.dead: list[str] = ["o77"]
        self.everybody_signs_in()

    def feed(self, event: events.Event) -> None:
        before = self.router.snapshot()
        self.sound = False
        try:
            decisions = self.router.handle(event, self.now_ms)
        except ImpossibleEvent:
            assert self.router.snapshot() == before
            self.sound = True
            return
        self.log.append((event, self.now_ms, decisions))
        for decision in decisions:
            self.observe(decision)
        self.router.check()
        assert self.arrived == self.finished + len(self.router.contacts())
        assert {offer.id: offer.state for offer in self.router.offers()} == self.offers
        assert {contact.id: contact.queue for contact in self.router.contacts()} == self.inside
        for agent in self.router.agents():
            shown = (agent.state, agent.shown_reason, agent.contact)
            assert self.agents.get(agent.name, ("offline", "", None)) == shown
        deadline_ms = self.router.next_deadline_ms()
        assert deadline_ms is None or deadline_ms > self.now_ms
        assert_best_first(self.router, decisions, self.now_ms)
        self.sound = True

    def observe(self, decision: AnyDecision) -> None:
        match decision:
            case ContactQueued(contact=contact, queue=queue, moved_from=moved_from):
                assert self.inside.get(contact) == moved_from
                self.arrived += moved_from is None
                self.inside[contact] = queue
                self.steps.pop(contact, None)
            case StepEntered(contact=contact, queue=queue, step=step):
                assert self.inside[contact] == queue
                assert self.steps.get(contact) != (queue, step)
                self.steps[contact] = (queue, step)
            case ContactReleased(contact=contact, queue=queue, action=action):
                assert self.inside[contact] == queue
                assert action.kind == "exit"
            case ContactFinished(contact=contact, queue=queue, wait_ms=wait_ms, talk_ms=talk_ms, hold_ms=hold_ms):
                assert self.inside.pop(contact) == queue
                assert wait_ms >= 0
                assert 0 <= hold_ms <= talk_ms
                self.finished += 1
                self.offers = {offer: state for offer, state in self.offers.items() if self.of[offer] != contact}
            case Offer(offer=offer, contact=contact, agent=agent, record=record):
                assert offer not in self.offers
                assert record.agents[0].name == agent or record.contacts[0].name == contact
                assert len(record.agents) <= 8
                assert len(record.contacts) <= 8
                assert len(record.not_chosen) <= 8
                self.offers[offer] = "ringing"
                self.of[offer] = contact
            case Connect(offer=offer) | RingCustomer(offer=offer):
                assert self.offers[offer] == "ringing"
                self.offers[offer] = "accepted"
            case EndTalk(offer=offer) | CustomerReached(offer=offer):
                assert self.offers[offer] == "accepted"
            case HandOver(offer=offer, contact=contact, consult=consult, talk_ms=talk_ms, hold_ms=hold_ms):
                assert self.of[offer] == consult
                assert 0 <= hold_ms <= talk_ms
                self.offers = {offer: state for offer, state in self.offers.items() if self.of[offer] != contact}
                self.of[offer] = contact
            case CancelOffer(offer=offer):
                assert self.offers[offer] == "ringing"
            case OfferEnded(offer=offer):
                del self.offers[offer]
                self.dead.append(offer)
            case ContactParked(contact=contact, queue=queue, until_ms=until_ms):
                assert self.inside[contact] == queue
                assert until_ms > self.now_ms
                self.steps.pop(contact, None)
            case QueueChanged(queue=queue, state=state):
                switch = self.router.switch(queue)
                assert state == ("open" if switch is None else switch.state)
            case AgentChanged(agent=agent, state=state, reason=reason, contact=contact):
                assert self.agents.get(agent, ("offline", "", None)) != (state, reason, contact)
                self.agents[agent] = (state, reason, contact)
            case _:
                pass

    @property
    def of(self) -> dict[str, str]:
        return self.__dict__.setdefault("_of", {})

    @rule(
        seed=SEEDS, count=st.integers(5, 40), first=st.sampled_from(("go on", "go on", "publish", "migrate", "restart"))
    )
    def hour(self, seed: int, count: int, first: str) -> None:
        rng = Random(seed)
        if first == "restart":
            self.restart()
        elif first != "go on":
            policy = random_policy(rng, self.router.policy.version + 1)
            self.feed(events.PolicyPublished(policy, migrate=first == "migrate"))
        for _ in range(count):
            getattr(self, rng.choice(MOVES))(rng)

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
            queue, directed_to = rng.choice(self.router.policy.queues), rng.choice((None, *AGENTS))
            self.feed(
                events.ContactArrived(
                    rng.choice(CONTACTS), queue.name, queue.channel, directed_to=directed_to, consult_of=contact.id
                )
            )

    def complete(self, rng: Random) -> None:
        consults = [contact for contact in self.router.contacts() if contact.consult_of is not None]
        if consults:
            consult = rng.choice(consults)
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
        kind = rng.choice((events.AgentSignedIn, events.AgentSignedOut, events.AgentReady))
        self.feed(kind(rng.choice((*AGENTS, "ana"))))

    # Time

    def pass_(self, rng: Random) -> None:
        self.now_ms += rng.choice((1, 300, 2_000, 7_000))

    def wake(self, rng: Random) -> None:
        deadline_ms = self.router.next_deadline_ms()
        if deadline_ms is not None:
            self.now_ms = max(self.now_ms, deadline_ms)
        self.feed(events.TimePassed())

    # Policies, restarts

    def restart(self) -> None:
        snapshot = self.router.snapshot()
        self.router = Router.restore(snapshot)
        self.router.check()
        assert self.router.snapshot() == snapshot

    def teardown(self) -> None:
        """The log, replayed without any restart, gives the same decisions."""
        if not self.sound:
            return
        fresh = Router(self.policy, self.seed)
        for event, now_ms, decisions in self.log:
            assert fresh.handle(event, now_ms) == decisions
        assert fresh.snapshot() == self.router.snapshot()


TestRouterMachine = RouterMachine.TestCase
TestRouterMachine.settings = settings(max_examples=60, stateful_step_count=10, deadline=None, derandomize=True)
