"""What happens to offers: a lease on one agent for one contact, with a deadline. See the table in `state`."""

from typing import Literal

from router.core.agents import Agents
from router.core.decisions import CancelOffer, Connect, EndTalk, Offer, OfferEnded, Record, ReleaseAgent, RingCustomer
from router.core.entities import Agent, Contact, LiveOffer
from router.core.goals import Goals
from router.core.index import Index
from router.core.state import State
from router.core.timers import Kind, Timers
from router.core.waiting import Waiting

Failure = Literal["declined", "no_answer", "busy", "unreachable", "congestion", "error"]
REFUSALS = ("declined", "no_answer")


class Offers:
    """Makes offers, and ends them before there is a talk."""

    def __init__(
        self, state: State, index: Index, timers: Timers, agents: Agents, waiting: Waiting, goals: Goals
    ) -> None:
        self._state = state
        self._index = index
        self._timers = timers
        self._agents = agents
        self._waiting = waiting
        self._goals = goals

    def make(self, contact: Contact, agent: Agent, record: Record) -> None:
        state = self._state
        state.offers_made += 1
        number = state.offers_made
        deadline_ms = state.clock_ms + state.queue_of(contact).ring_ms
        version = state.current.spec.version
        offer = LiveOffer(f"o{number}", number, contact.id, agent.name, version, state.clock_ms, deadline_ms)
        state.offers[offer.id] = offer
        self._index.take(contact)
        contact.state, contact.offer, contact.agent = "offered", offer.id, agent.name
        contact.offers += 1
        agent.offers[offer.id] = contact.id
        agent.last_offer = number
        if state.explains:
            state.note(contact, f"offered to {agent.name} ({offer.id})")
        state.out.append(Offer(offer.id, contact.id, agent.name, deadline_ms, record))
        self._timers.set(Kind.OFFER, number, offer.id, deadline_ms)
        self._agents.changed(agent)

    def accept(self, offer: LiveOffer) -> None:
        """Agent and contact are joined; for a callback, the customer is rung first."""
        state = self._state
        contact, agent = state.contacts[offer.contact], state.agents[offer.agent]
        now_ms = state.clock_ms
        offer.state = "accepted"
        contact.due = contact.window_ms = contact.directed_to = contact.ask_again_ms = contact.ewt_ms = None
        contact.refused = ()
        self._index.leave(contact)
        wait_ms = now_ms - contact.queued_ms
        if offer.made_ms > contact.queued_ms:
            state.estimator.contact_started(contact.queue, wait_ms, now_ms, now_ms - offer.made_ms)
        if contact.told is not None:
            state.estimator.record_error(contact.queue, contact.told, wait_ms)
        self._goals.answered(contact)
        callback = contact.callback
        if callback is None:
            self.answered(contact)
            if state.explains:
                state.note(contact, f"connected with {agent.name}")
            state.out.append(Connect(offer.id, contact.id, agent.name))
        else:
            contact.state = "reaching"
            callback.tries += 1
            state.note(contact, f"{agent.name} is there, the customer is rung (try {callback.tries})")
            state.out.append(RingCustomer(offer.id, contact.id, agent.name, callback.number, callback.tries))
        self._agents.take_up(agent, offer.id, contact)
        self._timers.stop(Kind.OFFER, offer.id)
        self._timers.stop(Kind.CONTACT, contact.id)
        self._agents.changed(agent)

    def answered(self, contact: Contact) -> None:
        """The talk begins."""
        now_ms = self._state.clock_ms
        contact.state, contact.answered_ms = "connected", now_ms
        contact.waited_ms = now_ms - self._state.wait_from_ms(contact)

    def release_late(self, offer: str) -> None:
        """An answer to an offer that no longer stands."""
        dead = self._state.dead_offers.get(offer)
        self._state.out.append(ReleaseAgent(offer, dead.reason if dead is not None else "the offer no longer stands"))

    def fail(self, offer: LiveOffer, cause: Failure) -> None:
        """The offer came to nothing: the contact waits again, the agent gets what the cause deserves."""
        contact, agent = self._state.contacts[offer.contact], self._state.agents[offer.agent]
        if contact.has_agent:
            self._index.enter(contact)
        if contact.state == "reaching" and contact.callback is not None:
            contact.callback.tries -= 1
        self._end(offer, agent, cause)
        self._waiting.back_from_offer(contact, agent.name if cause in REFUSALS else None)
        self._agents.offer_failed(agent, cause)

    def deadline(self, offer: LiveOffer) -> None:
        self._cancel(offer, "not answered in time")
        self.fail(offer, "no_answer")

    def withdraw(self, offer: LiveOffer, reason: str) -> None:
        """The contact no longer needs it; the agent did nothing wrong and keeps the place among the idle."""
        contact, agent = self._state.contacts[offer.contact], self._state.agents[offer.agent]
        self._cancel(offer, reason)
        self._end(offer, agent, "cancelled")
        contact.state, contact.offer, contact.agent, contact.due = "queued", None, None, None
        self._agents.changed(agent, keeps_place=True)

    def call_off(self, contact: Contact, reason: str) -> None:
        """The customer is not rung any longer; the agent is free at once. The callback is then in no line, parked."""
        assert contact.offer is not None
        offer = self._state.offers[contact.offer]
        agent = self._state.agents[offer.agent]
        self._state.out.append(EndTalk(offer.id, contact.id, agent.name, reason))
        self._end(offer, agent, "cancelled")
        contact.state, contact.offer, contact.agent = "parked", None, None
        self._agents.changed(agent)

    def _cancel(self, offer: LiveOffer, reason: str) -> None:
        self._state.out.append(CancelOffer(offer.id, offer.contact, offer.agent, reason))

    def _end(self, offer: LiveOffer, agent: Agent, cause: Failure | Literal["cancelled"]) -> None:
        state = self._state
        del state.offers[offer.id]
        self._timers.stop(Kind.OFFER, offer.id)
        if agent.offers.pop(offer.id, None) is None:
            self._agents.put_down(agent, state.contacts[offer.contact])
        state.remember_dead(offer, cause.replace("_", " "))
        state.note(state.contacts[offer.contact], f"offer {offer.id} to {agent.name} ended: {cause}")
        state.note(agent, f"offer {offer.id} of {offer.contact} ended: {cause}")
        state.out.append(OfferEnded(offer.id, offer.contact, offer.agent, cause))
