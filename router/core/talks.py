"""Talks: hold, transfer, consultation, end. See the table in `state`.

A transferred contact is finished here, for what the records say of this agent, and arrives anew in the other queue. The
agent who sent it on is passed over like one who refused it; a wish for a preferred agent has been fulfilled.

A consultation asks about one talk, and a talk has one consultation at a time. When it is completed as a transfer, the
talk goes on with the agent consulted: in the contact's own queue, and as the consultation's offer.
"""

from router.core.agents import Agents
from router.core.callbacks import Callbacks
from router.core.decisions import EndTalk, HandOver, Hold, Resume
from router.core.departures import Departures
from router.core.endings import Endings
from router.core.entities import Contact, LiveOffer
from router.core.events import ContactTransferred
from router.core.offers import Failure, Offers
from router.core.state import State
from router.core.waiting import Waiting


class Talks:
    """Changes contacts that talk."""

    def __init__(
        self,
        state: State,
        agents: Agents,
        endings: Endings,
        waiting: Waiting,
        offers: Offers,
        departures: Departures,
        callbacks: Callbacks,
    ) -> None:
        self._state = state
        self._agents = agents
        self._endings = endings
        self._waiting = waiting
        self._offers = offers
        self._departures = departures
        self._callbacks = callbacks

    def hold(self, contact: Contact, reason: str) -> None:
        assert contact.agent is not None
        contact.held_since_ms = self._state.clock_ms
        self._state.note(contact, "on hold" + (f": {reason}" if reason else ""))
        self._state.out.append(Hold(contact.id, contact.agent, reason))

    def resume(self, contact: Contact) -> None:
        assert contact.agent is not None
        contact.hold_ms, contact.held_since_ms = contact.held_ms(self._state.clock_ms), None
        self._state.note(contact, "off hold")
        self._state.out.append(Resume(contact.id, contact.agent))

    def end(self, contact: Contact, transferred_to: str | None = None) -> None:
        """The talk is over; the agent's wrap-up begins."""
        state = self._state
        self._end_consultation(contact)
        assert contact.offer is not None
        offer = state.offers[contact.offer]
        del state.offers[offer.id]
        agent = state.agents[offer.agent]
        state.remember_dead(offer, "the talk is over")
        self._agents.put_down(agent, contact)
        if contact.consult_of is None:
            self._agents.wrap_up(agent, state.queue_of(contact).wrap_up_ms)
        self._endings.finish(contact, "answered", "", transferred_to)
        self._agents.changed(agent)

    def break_off(self, offer: LiveOffer, cause: Failure) -> None:
        """The two could not be joined: the contact waits again."""
        contact = self._state.contacts[offer.contact]
        self._end_consultation(contact)
        self._offers.fail(offer, cause)
        if contact.callback is not None:
            self._callbacks.merge(contact)

    def transfer(self, contact: Contact, event: ContactTransferred) -> None:
        state = self._state
        assert contact.offer is not None
        assert contact.agent is not None
        sender = contact.agent
        state.out.append(EndTalk(contact.offer, contact.id, sender, f"transferred to {event.queue}"))
        self.end(contact, event.queue)
        now_ms = state.clock_ms
        seq = contact.seq
        if not event.keeps_age:
            state.arrivals += 1
            seq = state.arrivals
        version = state.current.spec.version
        anew = Contact(
            id=contact.id,
            seq=seq,
            queue=event.queue,
            channel=contact.channel,
            version=version,
            attributes={**contact.attributes, **event.attributes},
            own_priority=contact.own_priority if event.priority is None else event.priority,
            preferred=None,
            arrived_ms=contact.arrived_ms if event.keeps_age else now_ms,
            queued_ms=now_ms,
            step=0,
            step_ms=now_ms,
            caller=contact.caller,
            wait_from_ms=now_ms if event.keeps_age else None,
            history=list(contact.history),
        )
        state.contacts[anew.id] = anew
        state.users[version] = state.users.get(version, 0) + 1
        if sender != event.directed_to:
            self._waiting.pass_over(anew, sender)
        self._waiting.enter(anew, event.queue, sent=True, directed_to=event.directed_to)

    # Consultations

    def hand_over(self, contact: Contact, consult: Contact) -> None:
        """The agent who asked leaves, the agent consulted goes on."""
        state = self._state
        now_ms = state.clock_ms
        assert contact.offer is not None
        assert contact.answered_ms is not None
        assert consult.offer is not None
        left, taken = state.offers.pop(contact.offer), state.offers[consult.offer]
        asker, asked = state.agents[left.agent], state.agents[taken.agent]
        self._agents.put_down(asker, contact)
        talk_ms, hold_ms = now_ms - contact.answered_ms, contact.held_ms(now_ms)
        state.out.append(HandOver(taken.id, contact.id, consult.id, asker.name, asked.name, talk_ms, hold_ms))
        state.remember_dead(left, f"handed over to {asked.name}")
        self._agents.wrap_up(asker, state.queue_of(contact).wrap_up_ms)
        self._agents.change_over(asked, consult, contact)
        taken.contact = contact.id
        self._endings.finish(consult, "answered", f"{contact.id} was handed over")
        contact.offer, contact.agent, contact.answered_ms = taken.id, asked.name, now_ms
        contact.hold_ms, contact.held_since_ms = 0, None
        state.note(contact, f"handed over to {asked.name}")
        self._agents.changed(asker)
        self._agents.changed(asked)

    def _end_consultation(self, contact: Contact) -> None:
        """The talk that it asks about is over."""
        consult = self._state.contacts.get(contact.consult) if contact.consult is not None else None
        if consult is None:
            return
        reason = "the talk it asks about is over"
        if consult.state == "connected":
            assert consult.offer is not None
            assert consult.agent is not None
            self._state.out.append(EndTalk(consult.offer, consult.id, consult.agent, reason))
            self.end(consult)
        else:
            self._departures.leave(consult, "left", reason, reason)
