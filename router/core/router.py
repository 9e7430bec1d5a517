"""The router: events in, decisions out, one deadline. See DESIGN §4, and `state` for the rules and the table.

Pure: it knows no clock, no thread and no random source. The shell passes `now_ms` with every event and sends
`TimePassed` at `next_deadline_ms()`. The same seed, policy and events give the same decisions, bit for bit, also
across a snapshot.
"""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from documents import nearest
from router.core import events
from router.core.agents import Agents
from router.core.compiled import CompiledPolicy
from router.core.contacts import Contacts
from router.core.decisions import AnyDecision
from router.core.errors import ImpossibleEvent, PolicyError, impossible
from router.core.ewt import WaitEstimate
from router.core.explain import Explanation, explain
from router.core.index import Index
from router.core.invariants import check_invariants
from router.core.matcher import Matcher
from router.core.offers import Failure, Offers
from router.core.places import estimated_wait, position
from router.core.policy import Policy
from router.core.policy_check import check_policy
from router.core.publishing import Publishing
from router.core.state import Agent, Contact, LiveOffer, State
from router.core.timers import Kind, Timers

CarryOut = Callable[[], None]

__all__ = ["ImpossibleEvent", "PolicyError", "Router"]


class Router:
    """One routing core.

    Objects that its views return are its own state: read them, never change them, and do not keep them.
    """

    def __init__(self, policy: Policy, seed: int = 0) -> None:
        """Raises PolicyError for a policy that cannot be used."""
        _refuse_bad(policy)
        self._start(State(seed, CompiledPolicy(policy)))

    def _start(self, state: State) -> None:
        self._state = state
        self._timers = Timers()
        self._index = Index(state)
        self._agents = Agents(state, self._index, self._timers)
        self._contacts = Contacts(state, self._index, self._timers)
        self._offers = Offers(state, self._index, self._timers, self._agents, self._contacts)
        self._matcher = Matcher(state, self._index, self._offers)
        self._publishing = Publishing(state, self._index, self._timers, self._agents, self._contacts)
        self._publishing.reset_timers()
        self._judges: dict[type[events.Event], Callable[[Any], CarryOut | None]] = {
            events.ContactArrived: self._contact_arrived,
            events.ContactLeft: self._contact_left,
            events.ContactMoved: self._contact_moved,
            events.ContactEnded: self._contact_ended,
            events.OfferAccepted: self._offer_accepted,
            events.OfferDeclined: self._offer_declined,
            events.OfferNotAnswered: self._offer_not_answered,
            events.OfferFailed: self._offer_failed,
            events.AgentSignedIn: self._agent_signed_in,
            events.AgentSignedOut: self._agent_signed_out,
            events.AgentPaused: self._agent_paused,
            events.AgentReady: self._agent_ready,
            events.WrapUpExtended: self._wrap_up_extended,
            events.PolicyPublished: self._policy_published,
            events.TimePassed: lambda event: None,
        }

    # Events

    def handle(self, event: events.Event, now_ms: int) -> list[AnyDecision]:
        """What follows from `event` at `now_ms`, after the timers that are due.

        Raises ImpossibleEvent for an event that the table forbids, PolicyError for a policy that cannot be used,
        ValueError for a time before that of the last event; the state is then as it was. An event that a timer of the
        same call has made impossible (the wrap-up ended just before it was to be extended) lost a fair race: ignored.
        """
        state = self._state
        before_ms = state.now_ms
        if before_ms is not None and now_ms < before_ms:
            raise ValueError(f"time runs backwards: {now_ms} ms after {before_ms} ms")
        state.now_ms = now_ms
        judge = self._judges[type(event)]
        try:
            carry_out = judge(event)
        except (ImpossibleEvent, PolicyError):
            state.now_ms = before_ms
            raise
        if self._process_timers():
            try:
                carry_out = judge(event)
            except ImpossibleEvent:
                carry_out = None
        if carry_out is not None:
            carry_out()
            self._settle()
        decisions, state.out = state.out, []
        return decisions

    def next_deadline_ms(self) -> int | None:
        """When the router wants `TimePassed`, if nothing happens before."""
        return self._timers.next_ms()

    def _process_timers(self) -> bool:
        """Works in all timers that are due, then what follows from them together; whether there were any."""
        state = self._state
        any_due = False
        while due := self._timers.pop_due(state.clock_ms):
            any_due = True
            for kind, name in due:  # what one timer ends need not be there for the next
                if kind is Kind.AGENT and (agent := state.agents.get(name)) is not None:
                    self._agents.timer_due(agent)
                elif kind is Kind.OFFER and (offer := state.offers.get(name)) is not None:
                    self._offers.deadline(offer)
                elif kind is Kind.CONTACT and (contact := state.contacts.get(name)) is not None:
                    self._contacts.timer_due(contact)
            self._settle()
        return any_due

    def _settle(self) -> None:
        """Steps and matches until nothing more follows."""
        state = self._state
        while state.dirty_contacts or state.dirty_agents:
            agents = state.dirty_agents
            contacts = state.dirty_contacts
            state.dirty_agents, state.dirty_contacts = {}, {}
            for contact in _by_age(contacts.values()):
                self._contacts.progress(contact)
            contacts |= state.dirty_contacts
            state.dirty_contacts = {}
            self._matcher.match(agents, contacts)
            for contact in _by_age(contacts.values()):
                if contact.id in self._index.line_of:
                    self._contacts.still_waiting(contact)
        if self._index.stale:
            self._index.rebuild()

    # Each judges its event by the table, changing nothing, and returns what to do about it (None: it is ignored).

    def _contact_arrived(self, event: events.ContactArrived) -> CarryOut:
        state = self._state
        contact = state.contacts.get(event.contact)
        if contact is not None:
            impossible(f"the contact {event.contact!r} is already {contact.state}", contact)
        self._check_queue(event.queue, event.channel)
        if event.arrived_ms is not None and event.arrived_ms > state.clock_ms:
            impossible(f"the contact {event.contact!r} arrives at {event.arrived_ms} ms, in the future")
        for name, value in event.attributes.items():
            if isinstance(value, float) and not isfinite(value):
                impossible(f"the attribute {name!r} of the contact {event.contact!r} is {value}")
        return lambda: self._contacts.arrive(event)

    def _contact_left(self, event: events.ContactLeft) -> CarryOut | None:
        contact = self._contact(event.contact)
        if contact is None:
            return None
        if contact.state == "connected":
            return lambda: self._offers.end_talk(contact)

        def leave() -> None:
            self._withdraw_offer(contact, "the caller is gone")
            self._contacts.leave(contact, event.cause)

        return leave

    def _contact_moved(self, event: events.ContactMoved) -> CarryOut:
        contact = self._contact(event.contact)
        if contact is None:
            impossible(f"the contact {event.contact!r} is finished", self._state.finished[event.contact])
        if contact.state == "connected":
            impossible(f"the contact {event.contact!r} talks: it can no longer be moved", contact)
        self._check_queue(event.queue, contact.channel)

        def move() -> None:
            self._withdraw_offer(contact, f"moved to {event.queue}")
            self._contacts.move(contact, event.queue)

        return move

    def _withdraw_offer(self, contact: Contact, reason: str) -> None:
        if contact.offer is not None:
            self._offers.withdraw(self._state.offers[contact.offer], reason)

    def _contact_ended(self, event: events.ContactEnded) -> CarryOut | None:
        contact = self._contact(event.contact)
        if contact is None:
            return None
        if contact.state != "connected":
            impossible(f"the contact {event.contact!r} is {contact.state}: it has no talk to end", contact)
        return lambda: self._offers.end_talk(contact)

    def _offer_accepted(self, event: events.OfferAccepted) -> CarryOut | None:
        offer = self._state.offers.get(event.offer)
        if offer is None:
            return lambda: self._offers.release_late(event.offer)
        return None if offer.state == "accepted" else lambda: self._offers.accept(offer)

    def _offer_declined(self, event: events.OfferDeclined) -> CarryOut | None:
        return self._refused(event.offer, "declined")

    def _offer_not_answered(self, event: events.OfferNotAnswered) -> CarryOut | None:
        return self._refused(event.offer, "no_answer")

    def _refused(self, name: str, cause: Failure) -> CarryOut | None:
        offer = self._state.offers.get(name)
        if offer is None:
            return None
        if offer.state == "accepted":
            impossible(f"the offer {name!r} was accepted", self._state.contacts[offer.contact])
        return lambda: self._offers.fail(offer, cause)

    def _offer_failed(self, event: events.OfferFailed) -> CarryOut | None:
        offer = self._state.offers.get(event.offer)
        return None if offer is None else lambda: self._offers.fail(offer, event.cause)

    def _agent_signed_in(self, event: events.AgentSignedIn) -> CarryOut:
        agent = self._agent(event.agent)
        if agent.presence != "offline":
            impossible(f"the agent {agent.name!r} is already signed in ({agent.state})", agent)
        if event.pause_reason is not None:
            self._check_reason(event.pause_reason)
        return lambda: self._agents.sign_in(agent, event.pause_reason)

    def _agent_signed_out(self, event: events.AgentSignedOut) -> CarryOut:
        agent = self._signed_in(event.agent)

        def sign_out() -> None:
            self._agents.sign_out(agent)
            self._contacts.agent_signed_out(agent.name)

        return sign_out

    def _agent_paused(self, event: events.AgentPaused) -> CarryOut:
        agent = self._signed_in(event.agent)
        self._check_reason(event.reason)
        return lambda: self._agents.pause(agent, event.reason)

    def _agent_ready(self, event: events.AgentReady) -> CarryOut:
        agent = self._signed_in(event.agent)
        return lambda: self._agents.ready(agent)

    def _wrap_up_extended(self, event: events.WrapUpExtended) -> CarryOut:
        agent = self._agent(event.agent)
        if agent.wrap_up_ms is None:
            impossible(f"the agent {agent.name!r} is {agent.state}, not in wrap-up", agent)
        if event.extra_ms <= 0:
            impossible(f"wrap-up can only be extended, not by {event.extra_ms} ms", agent)
        return lambda: self._agents.extend_wrap_up(agent, event.extra_ms)

    def _policy_published(self, event: events.PolicyPublished) -> CarryOut:
        version = self._state.current.spec.version
        if event.policy.version <= version:
            impossible(f"policy version {event.policy.version} is not newer than {version}, the current one")
        _refuse_bad(event.policy)
        return lambda: self._publishing.publish(event.policy, event.migrate)

    # What events name

    def _contact(self, name: str) -> Contact | None:
        """The contact, None if it is finished."""
        contact = self._state.contacts.get(name)
        if contact is None and name not in self._state.finished:
            impossible(f"there is no contact {name!r}")
        return contact

    def _agent(self, name: str) -> Agent:
        agent = self._state.agents.get(name)
        if agent is None or agent.removed:
            impossible(f"there is no agent {name!r} ({nearest(name, self._state.current.agents)})")
        return agent

    def _signed_in(self, name: str) -> Agent:
        agent = self._agent(name)
        if agent.presence == "offline":
            impossible(f"the agent {name!r} is not signed in", agent)
        return agent

    def _check_queue(self, name: str, channel: str) -> None:
        queue = self._state.current.queues.get(name)
        if queue is None:
            impossible(f"there is no queue {name!r} ({nearest(name, self._state.current.queues)})")
        if queue.spec.channel != channel:
            impossible(f"the queue {name!r} takes {queue.spec.channel} contacts, not {channel}")

    def _check_reason(self, reason: str) -> None:
        reasons = self._state.current.spec.pause_reasons
        if reasons and reason not in reasons:
            impossible(f"there is no pause reason {reason!r} ({nearest(reason, reasons)})")

    # Views

    @property
    def policy(self) -> Policy:
        """The current one."""
        return self._state.current.spec

    @property
    def seed(self) -> int:
        return self._state.seed

    def contact(self, name: str) -> Contact | None:
        """The contact while it is in the router, else None."""
        return self._state.contacts.get(name)

    def contacts(self) -> tuple[Contact, ...]:
        """All contacts in the router: queued, offered, connected."""
        return tuple(self._state.contacts.values())

    def agent(self, name: str) -> Agent | None:
        return self._state.agents.get(name)

    def agents(self) -> tuple[Agent, ...]:
        """All agents in the order of the policy; last, those of an earlier policy who still finish."""
        return tuple(self._state.agents.values())

    def offer(self, name: str) -> LiveOffer | None:
        return self._state.offers.get(name)

    def offers(self) -> tuple[LiveOffer, ...]:
        """All offers that ring or whose talk is under way (`accepted`)."""
        return tuple(self._state.offers.values())

    def queues(self) -> tuple[str, ...]:
        """The queues of the current policy, and those of earlier ones where somebody still waits."""
        extra = sorted(name for name, inside in self._index.in_queue.items() if inside)
        return tuple(dict.fromkeys([*self._state.current.queues, *extra]))

    def waiting(self, queue: str) -> list[str]:
        """Who waits in the queue (offered ones too), first the one that goes first; see `position`."""
        contacts = [self._state.contacts[name] for name in self._index.in_queue.get(queue, ())]
        return [contact.id for contact in sorted(contacts, key=self._matcher.plain_rank)]

    def position(self, contact: str) -> int:
        """1 for the contact that goes first of those that wait in its queue, at the time of the last event.

        Raises KeyError for a contact that does not wait.
        """
        return position(self._state, self._index, self._waiting(contact))

    def estimated_wait(self, contact: str, now_ms: int) -> WaitEstimate | None:
        """The wait still to come, None while too little is known. Raises KeyError for one that does not wait."""
        return estimated_wait(self._state, self._index, self._waiting(contact), now_ms)

    def _waiting(self, name: str) -> Contact:
        contact = self._state.contacts[name]
        if contact.state == "connected":
            raise KeyError(name)
        return contact

    # The whole state

    def snapshot(self) -> bytes:
        """All that later decisions depend on, as JSON."""
        return self._state.save()

    @classmethod
    def restore(cls, snapshot: bytes) -> "Router":
        """A router that decides from here on exactly as the one that made the snapshot."""
        router = cls.__new__(cls)
        router._start(State.load(snapshot))
        return router

    def check(self) -> None:
        """For tests: raises AssertionError if an invariant of DESIGN §4 does not hold."""
        check_invariants(self._state, self._index)

    def explain(self, contact: str) -> Explanation:
        """The whole story of one that waits, and what keeps each agent of its queue from taking it.

        Raises KeyError for a contact that is not in the router.
        """
        return explain(self._state, self._index, self._state.contacts[contact])


def _refuse_bad(policy: Policy) -> None:
    errors = [problem for problem in check_policy(policy) if problem.severity == "error"]
    if errors:
        raise PolicyError(errors)


def _by_age(contacts: Iterable[Contact]) -> list[Contact]:
    """In an order that does not depend on how they were found."""
    return sorted(contacts, key=lambda contact: (contact.arrived_ms, contact.seq))
