"""Beside the router, a model of contacts, agents and offers made from its decisions alone; and what always holds."""

from copy import copy

from router.core import events
from router.core.decisions import (
    AgentChanged,
    AnyDecision,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactHeldBack,
    ContactParked,
    ContactQueued,
    ContactReleased,
    CustomerReached,
    EndTalk,
    GoalChanged,
    HandOver,
    Offer,
    OfferEnded,
    QueueChanged,
    RingCustomer,
    StepEntered,
)
from router.core.policy import Policy
from router.core.router import ImpossibleEvent, Router
from tests.support.router_order import assert_best_first


class WatchedRouter:
    """A router all of whose decisions are held against the model; `log` is what it was told and what it decided.

    `inside`: the queue of each contact. `steps`: the step of each. `agents`: what was last told of each. `offers`: the
    state of each that lives, and `of`, the contact of each. `dead`: those that live no more.
    """

    def __init__(self, policy: Policy, seed: int = 0) -> None:
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
        self.of: dict[str, str] = {}
        self.dead: list[str] = ["o77"]
        self.below: set[str] = set()

    def feed(self, event: events.Event) -> list[AnyDecision] | None:
        """What the router decided; None if the event was impossible, and nothing changed."""
        before = self.router.snapshot()
        self.sound = False
        try:
            decisions = self.router.handle(event, self.now_ms)
        except ImpossibleEvent:
            assert self.router.snapshot() == before
            self.sound = True
            return None
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
        return decisions

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
            case GoalChanged(queue=queue, below=below):
                assert below != (queue in self.below)
                (self.below.add if below else self.below.discard)(queue)
            case ContactHeldBack(contact=contact, queue=queue, step=step):
                assert self.inside[contact] == queue
                assert self.steps[contact] == (queue, step)
            case AgentChanged(agent=agent, state=state, reason=reason, contact=contact):
                assert self.agents.get(agent, ("offline", "", None)) != (state, reason, contact)
                self.agents[agent] = (state, reason, contact)
            case _:
                pass

    def restart(self) -> None:
        snapshot = self.router.snapshot()
        self.router = Router.restore(snapshot)
        self.router.check()
        assert self.router.snapshot() == snapshot

    def fork(self) -> "WatchedRouter":
        """One that goes on from here by itself."""
        other = copy(self)
        other.router = Router.restore(self.router.snapshot())
        other.log, other.dead, other.below = list(self.log), list(self.dead), set(self.below)
        for name in ("inside", "steps", "agents", "offers", "of"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    def assert_replays(self) -> None:
        """The log, replayed without any restart, gives the same decisions and the same state."""
        fresh = Router(self.policy, self.seed)
        for event, now_ms, decisions in self.log:
            assert fresh.handle(event, now_ms) == decisions
        assert fresh.snapshot() == self.router.snapshot()
