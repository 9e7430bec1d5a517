"""What happens to offers: a lease on one agent for one contact, with a deadline. See the table in `state`."""

from typing import Literal

from router.core.agents import Agents
from router.core.contacts import Contacts
from router.core.decisions import CancelOffer, Connect, Offer, OfferEnded, Record, ReleaseAgent
from router.core.index import Index
from router.core.state import Agent, Contact, LiveOffer, State
from router.core.timers import Kind, Timers

Failure = Literal["declined", "no_answer", "busy", "unreachable", "congestion", "error"]
REFUSALS = ("declined", "no_answer")


class Offers:
    """Makes, ends and joins."""

    def __init__(self, state: State, index: Index, timers: Timers, agents: Agents, contacts: Contacts) -> None:
        self._state = state
        self._index = index
        self._timers = timers
        self._agents = agents
        self._contacts = contacts

    def make(self, contact: Contact, agent: Agent, record: Record) -> None:
        state = self._state
        state.offers_made += 1
        number = state.offers_made
        deadline_ms = state.clock_ms + state.queue_of(contact).spec.ring_ms
        version = state.current.spec.version
        offer = LiveOffer(f"o{number}", number, contact.id, agent.name, version, state.clock_ms, deadline_ms)
        state.offers[offer.id] = offer
        self._index.take(contact)
        contact.state, contact.offer, contact.agent = "offered", offer.id, agent.name
        contact.offers += 1
        agent.offers[offer.id] = contact.id
        agent.channel, agent.last_offer = contact.channel, number
        state.note(contact, f"offered to {agent.name} ({offer.id})")
        state.out.append(Offer(offer.id, contact.id, agent.name, deadline_ms, record))
        self._timers.set(Kind.OFFER, number, offer.id, deadline_ms)
        self._agents.changed(agent)

    def accept(self, offer: LiveOffer) -> None:
        state = self._state
        contact, agent = state.contacts[offer.contact], state.agents[offer.agent]
        now_ms = state.clock_ms
        offer.state = "accepted"
        contact.state, contact.answered_ms = "connected", now_ms
        contact.due = contact.window_ms = contact.ask_again_ms = contact.ewt_ms = None
        contact.refused = ()
        self._index.leave(contact)
        self._timers.set(Kind.OFFER, offer.seq, offer.id, None)
        self._contacts.set_timer(contact)
        del agent.offers[offer.id]
        agent.contacts.append(contact.id)
        agent.answered += 1
        wait_ms = now_ms - contact.queued_ms
        state.estimator.contact_started(contact.queue, wait_ms, now_ms, now_ms - offer.made_ms)
        state.estimator.record_error(contact.queue, contact.told, wait_ms)
        state.note(contact, f"connected with {agent.name}")
        state.out.append(Connect(offer.id, contact.id, agent.name))
        self._agents.changed(agent)

    def release_late(self, offer: str) -> None:
        """An answer to an offer that no longer stands."""
        dead = self._state.dead_offers.get(offer)
        self._state.out.append(ReleaseAgent(offer, dead.reason if dead is not None else "the offer no longer stands"))

    def fail(self, offer: LiveOffer, cause: Failure) -> None:
        """The offer came to nothing: the contact waits again, the agent gets what the cause deserves."""
        contact, agent = self._state.contacts[offer.contact], self._state.agents[offer.agent]
        if contact.state == "connected":
            self._index.enter(contact)
        self._end(offer, agent, cause)
        self._contacts.back_from_offer(contact, agent.name if cause in REFUSALS else None)
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

    def end_talk(self, contact: Contact) -> None:
        """The talk is over; the agent's wrap-up begins."""
        state = self._state
        assert contact.offer is not None
        offer = state.offers.pop(contact.offer)
        agent = state.agents[offer.agent]
        state.remember_dead(offer, "the talk is over")
        agent.contacts.remove(contact.id)
        self._agents.wrap_up(agent, state.queue_of(contact).spec.wrap_up_ms)
        self._contacts.finish(contact, "answered", "")
        self._agents.changed(agent)

    def _cancel(self, offer: LiveOffer, reason: str) -> None:
        self._state.out.append(CancelOffer(offer.id, offer.contact, offer.agent, reason))

    def _end(self, offer: LiveOffer, agent: Agent, cause: Failure | Literal["cancelled"]) -> None:
        state = self._state
        del state.offers[offer.id]
        self._timers.set(Kind.OFFER, offer.seq, offer.id, None)
        if agent.offers.pop(offer.id, None) is None:
            agent.contacts.remove(offer.contact)
        state.remember_dead(offer, cause.replace("_", " "))
        state.note(state.contacts[offer.contact], f"offer {offer.id} to {agent.name} ended: {cause}")
        state.note(agent, f"offer {offer.id} of {offer.contact} ended: {cause}")
        state.out.append(OfferEnded(offer.id, offer.contact, offer.agent, cause))
