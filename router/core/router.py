"""The router: events in, decisions out, one deadline. See DESIGN §4, and `state` for the rules and the table.

Pure: it knows no clock, no thread and no random source. The shell passes `now_ms` with every event and sends
`TimePassed` at `next_deadline_ms()`. The same seed, policy and events give the same decisions, bit for bit, also
across a snapshot.
"""

from collections.abc import Callable
from typing import Any

from router.core import events, snapshot
from router.core.agent_events import AgentEvents, refuse_bad
from router.core.agents import Agents
from router.core.callbacks import Callbacks
from router.core.compiled import CompiledPolicy
from router.core.contact_events import ContactEvents
from router.core.contacts import Contacts
from router.core.decisions import AnyDecision
from router.core.departures import Departures
from router.core.duplicates import Duplicates
from router.core.endings import Endings
from router.core.entities import Agent, Contact, LiveOffer
from router.core.errors import ImpossibleEvent, PolicyError
from router.core.ewt import EstimateError, WaitEstimate
from router.core.explain import Explanation, explain
from router.core.goals import Goals
from router.core.index import Index
from router.core.invariants import check_invariants
from router.core.judging import CarryOut
from router.core.matcher import Matcher
from router.core.offers import Offers
from router.core.parts import Switch
from router.core.places import estimated_wait, position
from router.core.policy import Policy
from router.core.publishing import Publishing
from router.core.state import State
from router.core.switches import Switches
from router.core.talks import Talks
from router.core.timers import Kind, Timers
from router.core.waiting import Waiting

__all__ = ["ImpossibleEvent", "PolicyError", "Router"]


class Router:
    """One routing core.

    Objects that its views return are its own state: read them, never change them, and do not keep them.
    """

    def __init__(self, policy: Policy | State, seed: int = 0, *, explains: bool = True) -> None:
        """Raises PolicyError for a policy that cannot be used. Without `explains` (for simulations, which nobody asks
        why) the decisions are the same, but the records of offers are empty, nothing tells what came before, and no
        `estimate_errors` are kept. In place of a policy, a state that was saved (see `restore`)."""
        if isinstance(policy, State):
            state = policy
        else:
            refuse_bad(policy)
            state = State(seed, CompiledPolicy(policy), explains=explains)
        self._state = state
        self._timers = timers = Timers()
        self._index = index = Index(state)
        duplicates = Duplicates(state)
        self._goals = goals = Goals(state, index, timers)
        endings = Endings(state, index, timers, duplicates, goals)
        self._agents = agents = Agents(state, index, timers)
        self._waiting = waiting = Waiting(state, index, timers, endings, goals)
        self._offers = offers = Offers(state, index, timers, agents, waiting, goals)
        self._matcher = Matcher(state, index, offers)
        departures = Departures(state, endings, waiting, offers)
        callbacks = Callbacks(state, index, duplicates, endings, waiting, offers, departures)
        contacts = Contacts(state, index, endings, waiting, departures, callbacks)
        talks = Talks(state, agents, endings, waiting, offers, departures, callbacks)
        switches = Switches(state, index, waiting, departures)
        publishing = Publishing(state, index, timers, agents, endings, waiting, switches, goals)
        publishing.reset_timers()
        self._judges: dict[type[events.Event], Callable[[Any], CarryOut | None]] = {
            **ContactEvents(state, contacts, departures, callbacks, offers, talks).judges,
            **AgentEvents(state, agents, waiting, switches, publishing).judges,
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
        state.set_clock(now_ms)
        judge = self._judges[type(event)]
        try:
            carry_out = judge(event)
        except (ImpossibleEvent, PolicyError):
            state.set_clock(before_ms)
            raise
        if self._timers.may_be_due(now_ms):
            self._process_timers()
            try:
                carry_out = judge(event)
            except ImpossibleEvent:
                carry_out = None
        if carry_out is not None:
            carry_out.do()
            self._settle()
        decisions, state.out = state.out, []
        return decisions

    def next_deadline_ms(self) -> int | None:
        """When the router wants `TimePassed`, if nothing happens before."""
        return self._timers.next_ms()

    def _process_timers(self) -> None:
        """Works in all timers that are due, then what follows from them together."""
        state = self._state
        while due := self._timers.pop_due(state.clock_ms):
            for kind, name in due:  # what one timer ends need not be there for the next
                if kind == Kind.AGENT and (agent := state.agents.get(name)) is not None:
                    self._agents.timer_due(agent)
                elif kind == Kind.OFFER and (offer := state.offers.get(name)) is not None:
                    self._offers.deadline(offer)
                elif kind == Kind.CONTACT and (contact := state.contacts.get(name)) is not None:
                    self._waiting.timer_due(contact)
                elif kind == Kind.QUEUE:
                    self._goals.timer_due(name)
            self._settle()

    def _settle(self) -> None:
        """Steps and matches until nothing more follows."""
        state, waiting = self._state, self._index.lines
        while state.dirty_contacts or state.dirty_agents:
            agents = state.dirty_agents
            contacts = state.dirty_contacts
            state.dirty_agents, state.dirty_contacts = {}, {}
            if contacts:
                for contact in _by_age(contacts):
                    self._waiting.progress(contact)
                if state.dirty_contacts:
                    contacts |= state.dirty_contacts
                    state.dirty_contacts = {}
            if waiting:
                self._matcher.match(agents, contacts)
                if waiting and contacts:
                    for contact in _by_age(contacts):
                        if contact.line is not None:
                            self._waiting.still_waiting(contact)
        if self._index.reserving:
            self._matcher.tell_held_back()
        if self._index.stale:
            self._index.rebuild()

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
        """All contacts in the router, whatever their state."""
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

    def switch(self, queue: str) -> Switch | None:
        """How and why the queue is closed; None if it is open."""
        return self._state.switches.get(queue)

    def below_goal(self, queue: str) -> bool:
        """Whether the queue does not keep its goal of late; False as well where no decision depends on it."""
        return self._state.below_goal(queue)

    def waiting(self, queue: str) -> list[str]:
        """Who waits in the queue (offered ones too), first the one that goes first; see `position`."""
        contacts = [self._state.contacts[name] for name in self._index.in_queue.get(queue, ())]
        return [contact.id for contact in sorted(contacts, key=self._matcher.plain_rank)]

    def position(self, contact: str) -> int:
        """1 for the contact that goes first of those that wait in its queue, at the time of the last event.

        Raises KeyError for a contact that does not wait.
        """
        return position(self._state, self._index, self._in_queue(contact))

    def estimated_wait(self, contact: str, now_ms: int) -> WaitEstimate | None:
        """The wait still to come, None while too little is known. Raises KeyError for one that does not wait."""
        return estimated_wait(self._state, self._index, self._in_queue(contact), now_ms)

    def _in_queue(self, name: str) -> Contact:
        contact = self._state.contacts[name]
        if not contact.waits:
            raise KeyError(name)
        return contact

    def estimate_errors(self) -> dict[str, EstimateError]:
        """By queue, how what contacts were told on entry has held."""
        return self._state.estimator.errors()

    # The whole state

    def snapshot(self) -> bytes:
        """All that later decisions depend on, as JSON."""
        return snapshot.save(self._state)

    @classmethod
    def restore(cls, saved: bytes) -> "Router":
        """A router that decides from here on exactly as the one that made the snapshot."""
        return cls(snapshot.load(saved))

    def check(self) -> None:
        """For tests: raises AssertionError if an invariant of DESIGN §4 does not hold."""
        check_invariants(self._state, self._index)

    def explain(self, contact: str) -> Explanation:
        """The whole story of one that waits, and what keeps each agent of its queue from taking it.

        Raises KeyError for a contact that is not in the router.
        """
        return explain(self._state, self._index, self._state.contacts[contact])


def _by_age(contacts: dict[str, Contact]) -> list[Contact]:
    """In an order that does not depend on how they were found."""
    if len(contacts) < 2:
        return list(contacts.values())
    return sorted(contacts.values(), key=lambda contact: (contact.arrived_ms, contact.seq))
