"""Random policies, random events in any order, good and bad: what must always hold, holds after every one of them."""

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
    ContactQueued,
    ContactReleased,
    Offer,
    OfferEnded,
    StepEntered,
)
from router.core.policy import Policy
from router.core.policy_check import check_policy
from router.core.router import ImpossibleEvent, Router
from tests.support.router_order import assert_best_first
from tests.support.router_policies import AGENTS, CONTACTS, QUEUES, attributes, policies

CAUSES = st.sampled_from(("busy", "unreachable", "congestion", "error"))


class RouterMachine(RuleBasedStateMachine):
    """Beside the router, a model of contacts, agents and offers made from its decisions alone."""

    sound = False

    @initialize(policy=policies(), seed=st.integers(0, 3))
    def start(self, policy: Policy, seed: int) -> None:
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
        if isinstance(event, events.ContactArrived):
            self.arrived += 1
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
                self.inside[contact] = queue
                self.steps.pop(contact, None)
            case StepEntered(contact=contact, queue=queue, step=step):
                assert self.inside[contact] == queue
                assert self.steps.get(contact) != (queue, step)
                self.steps[contact] = (queue, step)
            case ContactReleased(contact=contact, queue=queue, action=action):
                assert self.inside[contact] == queue
                assert action.kind == "exit"
            case ContactFinished(contact=contact, queue=queue, wait_ms=wait_ms, talk_ms=talk_ms):
                assert self.inside.pop(contact) == queue
                assert wait_ms >= 0
                assert talk_ms >= 0
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
            case Connect(offer=offer):
                assert self.offers[offer] == "ringing"
                self.offers[offer] = "accepted"
            case CancelOffer(offer=offer):
                assert self.offers[offer] == "ringing"
            case OfferEnded(offer=offer):
                del self.offers[offer]
                self.dead.append(offer)
            case AgentChanged(agent=agent, state=state, reason=reason, contact=contact):
                assert self.agents.get(agent, ("offline", "", None)) != (state, reason, contact)
                self.agents[agent] = (state, reason, contact)
            case _:
                pass

    @property
    def of(self) -> dict[str, str]:
        return self.__dict__.setdefault("_of", {})

    # Contacts

    @rule(
        contact=st.sampled_from(CONTACTS),
        queue=st.sampled_from(QUEUES),
        attributes=attributes(),
        priority=st.none() | st.integers(0, 2),
        preferred=st.sampled_from((None, *AGENTS, "nobody")),
        age_ms=st.sampled_from((None, None, 0, 2_500, -5)),
    )
    def arrive(
        self,
        contact: str,
        queue: str,
        attributes: dict[str, str | int | bool],
        priority: int | None,
        preferred: str | None,
        age_ms: int | None,
    ) -> None:
        arrived_ms = None if age_ms is None else self.now_ms - age_ms
        channel = "chat" if queue == "chat" else "voice"
        self.feed(events.ContactArrived(contact, queue, channel, attributes, priority, preferred, arrived_ms))

    @rule(
        queue=st.sampled_from(QUEUES),
        language=st.sampled_from(("fr", "de")),
        contacts=st.sets(st.sampled_from(CONTACTS)),
    )
    def rush(self, queue: str, language: str, contacts: set[str]) -> None:
        for contact in sorted(contacts):
            channel = "chat" if queue == "chat" else "voice"
            self.feed(events.ContactArrived(contact, queue, channel, {"language": language}))

    @rule(contact=st.sampled_from(CONTACTS), cause=st.sampled_from(("abandoned", "left")))
    def leave(self, contact: str, cause: str) -> None:
        self.feed(events.ContactLeft(contact, cause))

    @rule(contact=st.sampled_from(CONTACTS), queue=st.sampled_from(QUEUES))
    def move(self, contact: str, queue: str) -> None:
        self.feed(events.ContactMoved(contact, queue))

    @rule(contact=st.sampled_from(CONTACTS))
    def end(self, contact: str) -> None:
        self.feed(events.ContactEnded(contact))

    @rule(data=st.data())
    def end_a_talk(self, data: st.DataObject) -> None:
        talking = [contact.id for contact in self.router.contacts() if contact.state == "connected"]
        if talking:
            self.feed(events.ContactEnded(data.draw(st.sampled_from(talking))))

    # Offers, living and dead

    def an_offer(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*(offer.id for offer in self.router.offers()), *self.dead[-2:]]))

    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        self.feed(events.OfferAccepted(self.an_offer(data)))

    @rule(data=st.data())
    def decline(self, data: st.DataObject) -> None:
        self.feed(events.OfferDeclined(self.an_offer(data)))

    @rule(data=st.data())
    def ring_out(self, data: st.DataObject) -> None:
        self.feed(events.OfferNotAnswered(self.an_offer(data)))

    @rule(data=st.data(), cause=CAUSES)
    def fail(self, data: st.DataObject, cause: str) -> None:
        self.feed(events.OfferFailed(self.an_offer(data), cause))

    # Agents

    @rule(agent=st.sampled_from(AGENTS), reason=st.sampled_from((None, None, "training")))
    def sign_in(self, agent: str, reason: str | None) -> None:
        self.feed(events.AgentSignedIn(agent, reason))

    @rule()
    def everybody_signs_in(self) -> None:
        for agent in AGENTS:
            self.feed(events.AgentSignedIn(agent))

    @rule(agent=st.sampled_from(AGENTS))
    def sign_out(self, agent: str) -> None:
        self.feed(events.AgentSignedOut(agent))

    @rule(agent=st.sampled_from(AGENTS))
    def pause(self, agent: str) -> None:
        self.feed(events.AgentPaused(agent, "lunch"))

    @rule(agent=st.sampled_from(AGENTS))
    def ready(self, agent: str) -> None:
        self.feed(events.AgentReady(agent))

    @rule(agent=st.sampled_from(AGENTS), extra_ms=st.sampled_from((0, 2_000)))
    def extend_wrap_up(self, agent: str, extra_ms: int) -> None:
        self.feed(events.WrapUpExtended(agent, extra_ms))

    # Time, policies, restarts

    @rule(ms=st.sampled_from((1, 500, 2_000, 7_000)))
    def pass_time(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def wake(self) -> None:
        deadline_ms = self.router.next_deadline_ms()
        if deadline_ms is not None:
            self.now_ms = max(self.now_ms, deadline_ms)
        self.feed(events.TimePassed())

    @rule(data=st.data(), migrate=st.booleans())
    def publish(self, data: st.DataObject, migrate: bool) -> None:
        version = self.router.policy.version + 1
        self.feed(events.PolicyPublished(data.draw(policies(version)), migrate))

    @rule()
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
TestRouterMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
