"""The state of the router: contacts, agents, offers, and how they may change.

Theory. Three machines run side by side, coupled by offers.

* A *contact* waits in a queue (queued), is reserved for one agent whose phone rings (offered), talks (connected) and
  is then gone; what is left of it is a line in `State.finished`. A callback may also rest until its time (parked), and
  its customer is rung while its agent waits (reaching).
* An *agent* has a *presence*, which is what the agent wants (ready, paused, offline), and *work*, which is what the
  agent has (offers, talks, wrap-up). Presence changes at once, work runs to its end, and the visible state is work
  before presence. So a pause or a sign-out during a talk needs no memory of its own: it shows when the work is over.
* An *offer* rings until it is accepted, fails in one of several ways, is withdrawn, or meets its deadline. An accepted
  offer lives on with its talk, because the joining of the two can still fail.

Rules.

1. An event that the table does not list is impossible: an error, and nothing changes. "ignored" is in the table
   where the two sides of a race both act in good faith. What a person asks for a contact that is gone (move, hold,
   transfer, callback) is impossible, so that the person is told.
2. Timers that are due are processed before the event of the same instant.
3. A contact keeps its age (`arrived_ms`) and its place through offers, moves, overflow, callback and, if so asked,
   transfer. The wait that is counted may begin later (`wait_from_ms`): with a transfer, with the return of a caller
   who was cut off, at the time chosen for a callback.
4. An agent takes at most `capacity[channel]` contacts of a channel, of one channel at a time unless the policy's
   channels say otherwise (`channels`), and none during wrap-up. A contact that is interrupted rests until what
   interrupted it and its wrap-up are over; the time of its rest is no handling time.
5. Last actions (of the queue, when full, closed, unstaffed) are for those on the line. A callback meets none of them:
   it stays in its last step until it is served or expires.
6. A callback stands in its line like anybody else, so it never overtakes an earlier caller of equal rank; and its
   customer is rung only when an agent has accepted it, so callbacks never exceed the agents there are.
7. A consultation is a contact without a customer. It ends with the talk that it asks about, and leaves no wrap-up.
8. No agent is free for a contact that waits and that the agent may take, unless a step reserves the agent for others;
   then the first in line is told so (ContactHeldBack).

Contacts:

    state       event                         becomes     with
    ---------   ---------------------------   ---------   ------------------------------------------------------------
    unknown     ContactArrived                queued      (or gone at once: full or closed queue, or a last action that
                                                          is due; or parked: a callback before its time)
    queued      matched with an agent         offered     Offer
    queued      ContactLeft                   gone        ContactFinished (abandoned or left)
    queued      ContactMoved                  queued      in the other queue, on the current policy
    queued      last action due               gone        ContactReleased, ContactFinished; or ContactQueued elsewhere
    queued      CallbackRequested             queued      or parked: ContactParked
    queued      callback expires              gone        ContactFinished (unreached)
    offered     OfferAccepted                 connected   Connect
                    of a callback             reaching    RingCustomer
    offered     Declined, NotAnswered,        queued      OfferEnded
                Failed, deadline
    offered     ContactLeft, ContactMoved     as queued   CancelOffer, OfferEnded (cancelled)
    offered     CallbackRequested             offered     the offer goes on, and becomes that of a callback: the agent
                                                          loses nothing, the caller no second. For a later time it is
                                                          withdrawn: CancelOffer, OfferEnded, ContactParked
    offered     last action due               offered     the last action waits for the end of the offer (not in an
                                                          emergency: CancelOffer, OfferEnded)
    parked      its time comes                queued      ContactQueued
    parked      CallbackRequested             parked      for the new time, or queued
    parked      ContactLeft, ContactMoved     as queued   (one that is moved stays parked)
    parked      callback expires              gone        ContactFinished (unreached)
    reaching    CallbackReached               connected   CustomerReached
    reaching    CallbackFailed                parked      EndTalk, OfferEnded (cancelled), ContactParked
                    the last try              gone        EndTalk, OfferEnded (cancelled), ContactFinished (unreached)
    reaching    ContactLeft                   gone        EndTalk, OfferEnded (cancelled), ContactFinished
    reaching    OfferFailed                   queued      OfferEnded; the try does not count
    waiting     the same caller in person,    gone        ContactFinished (merged), after what ends an offer
    callback    or another, older callback
    connected   OfferFailed                   queued      OfferEnded: they could not be joined
    connected   ContactHeld, ContactResumed   connected   Hold, Resume; ignored when it is so already
    connected   ContactTransferred            queued      EndTalk, ContactFinished (answered), ContactQueued
    connected   TransferCompleted             connected   HandOver; the consultation: ContactFinished (answered)
    connected   ContactEnded, ContactLeft     gone        ContactFinished (answered); the agent's wrap-up; first its
                                                          consultation: CancelOffer or EndTalk, and ContactFinished
    finished    ContactEnded, ContactLeft     finished    ignored
    finished    ContactArrived                queued      it came back
    any other   CallbackReached, -Failed      same        ignored

Offers:

    ringing     OfferAccepted                 accepted    Connect, RingCustomer
    ringing     Declined, NotAnswered, Failed dead        OfferEnded; refused it: declined, no answer
    ringing     deadline                      dead        CancelOffer, OfferEnded (no answer)
    ringing     the contact is gone           dead        CancelOffer, OfferEnded (cancelled)
    accepted    OfferAccepted                 accepted    ignored
    accepted    OfferFailed                   dead        OfferEnded
    accepted    the talk ends, is handed over dead
    dead        OfferAccepted                 dead        ReleaseAgent
    dead        Declined, NotAnswered, Failed dead        ignored

Agents (presence; work shows first: busy, ringing, wrap_up):

    offline     AgentSignedIn                 ready       or paused
    ready       AgentPaused                   paused
    paused      AgentPaused                   paused      for another reason
    ready       AgentReady                    ready       ends wrap-up and retry delay; else ignored
    paused      AgentReady                    ready       ends wrap-up
    not offline AgentUnreachable              paused      as the policy says: at once, after several, or never
    not offline AgentSignedOut                offline     wrap-up under way runs to its end
    any         WrapUpExtended                same        only during wrap-up

Queues (all are open at first):

    any         QueueSwitched                 as told     QueueChanged; ignored when it is so already
                    closed                                those on the line: `at_closing`, if there is one
                    emergency                             those on the line: `when_closed`, if there is one
    any         a policy without it           forgotten
    any         its goal is missed of late,   same        GoalChanged; steps that end by it end, agents whom it lends
                or kept again                             come back, or are lent again (see `goals`)
"""

from collections.abc import Iterable
from typing import TypeVar

from router.core.compiled import CompiledPolicy, CompiledQueue, CompiledStep
from router.core.decisions import AnyDecision
from router.core.drains import WaitEstimator
from router.core.entities import Agent, Contact, LiveOffer
from router.core.errors import Happening
from router.core.parts import CutOff, DeadOffer, Finished, Service, Switch
from router.core.strategies import ContactFacts

HISTORY = 16
REMEMBERED = 512
"""So many happenings are kept of each thing; so many finished contacts and dead offers are remembered at least."""

NOTHING_TOLD = Finished([])
"""Of every contact, where nobody asks why."""

Kept = TypeVar("Kept")
CUT_OFF_REMEMBERED = 4_096
"""How many callers who were cut off are remembered, all queues together."""


class State:
    """Everything the router knows, and what the event under way has changed so far (`out`, `dirty_*`).

    `now_ms` is the time of the last event, None before the first; `clock_ms` the same as a number.
    `users` counts the contacts on each policy version. `switches` are the queues that are not open. `cut_off` are the
    callers, by queue and caller, whom `reentry` remembers. `services` are those of the queues that are watched.
    """

    def __init__(self, seed: int, current: CompiledPolicy, *, explains: bool = True) -> None:
        self.seed = seed
        self.now_ms: int | None = None
        self.clock_ms = 0
        self.current = current
        self.versions: dict[int, CompiledPolicy] = {current.spec.version: current}
        self.contacts: dict[str, Contact] = {}
        self.agents: dict[str, Agent] = {agent.name: Agent(agent.name) for agent in current.spec.agents}
        self.offers: dict[str, LiveOffer] = {}
        self.finished: dict[str, Finished] = {}
        self.dead_offers: dict[str, DeadOffer] = {}
        self.arrivals = 0
        self.offers_made = 0
        self.estimator = WaitEstimator()
        self.users: dict[int, int] = {}
        self.switches: dict[str, Switch] = {}
        self.cut_off: dict[tuple[str, str], CutOff] = {}
        self.services: dict[str, Service] = {}
        self.out: list[AnyDecision] = []
        self.explains = explains
        self._at_most = 2 * REMEMBERED if explains else 4 * REMEMBERED
        self.dirty_contacts: dict[str, Contact] = {}
        self.dirty_agents: dict[str, Agent] = {}

    def set_clock(self, now_ms: int | None) -> None:
        self.now_ms = now_ms
        self.clock_ms = now_ms or 0

    def queue_of(self, contact: Contact) -> CompiledQueue:
        """Its queue, by the version of the policy that it is on."""
        rules = contact.rules
        if rules is None:
            rules = contact.rules = self.versions[contact.version].queues[contact.queue]
        return rules

    def step_of(self, contact: Contact) -> CompiledStep:
        return self.queue_of(contact).steps[contact.step]

    def facts_of(self, contact: Contact) -> ContactFacts:
        spec = self.queue_of(contact).spec
        return ContactFacts(spec, spec.priority if contact.own_priority is None else contact.own_priority)

    def below_goal(self, queue: str) -> bool:
        """Whether the queue, if its goal is watched, is below it."""
        service = self.services.get(queue)
        return service is not None and service.below

    def wait_from_ms(self, contact: Contact) -> int:
        """When the wait that is counted began."""
        return contact.arrived_ms if contact.wait_from_ms is None else contact.wait_from_ms

    def asker(self, contact: Contact) -> str | None:
        """Who asks in this consultation."""
        return None if contact.consult_of is None else self.contacts[contact.consult_of].agent

    def free_channels(self, agent: Agent) -> tuple[str, ...]:
        """The channels of which the agent takes one more contact now, by capacity and by what goes together."""
        if agent.presence != "ready" or agent.wrap_up_ms is not None or agent.retry_ms is not None:
            return ()
        if not agent.offers and not agent.contacts:
            return self.current.takes.get(agent.name, ())
        if agent.name in self.current.single:
            return ()
        spec = self.current.agents.get(agent.name)
        if spec is None:
            return ()
        had = self.channels_of((*agent.offers.values(), *agent.contacts))
        free = [channel for channel, capacity in spec.capacity.items() if capacity > had.count(channel)]
        if not free:
            return ()
        ringing, working = self.channels_of(agent.offers.values()), self.channels_of(agent.active)
        may_come = self.current.channels.may_come
        return tuple([channel for channel in free if may_come(channel, working, ringing)])

    def channels_of(self, contacts: Iterable[str]) -> list[str]:
        """The channel of each."""
        return [self.contacts[contact].channel for contact in contacts]

    def note(self, thing: Contact | Agent, what: str) -> None:
        """Adds a line to the story of a contact or an agent."""
        if not self.explains:
            return
        history = thing.history
        history.append(Happening(self.clock_ms, what))
        if len(history) > HISTORY:
            del history[0]

    def remember_finished(self, contact: Contact) -> None:
        if contact.id in self.finished:
            del self.finished[contact.id]
        self.finished[contact.id] = Finished(contact.history) if self.explains else NOTHING_TOLD
        if len(self.finished) > self._at_most:
            self.finished = _latest(self.finished)

    def remember_dead(self, offer: LiveOffer, reason: str) -> None:
        self.dead_offers[offer.id] = DeadOffer(offer.agent, reason)
        if len(self.dead_offers) > self._at_most:
            self.dead_offers = _latest(self.dead_offers)


def _latest(remembered: dict[str, Kept]) -> dict[str, Kept]:
    """Those who came last. One after the other would take long: a dictionary looks for its first key where the others
    have been."""
    return dict(list(remembered.items())[-REMEMBERED:])
