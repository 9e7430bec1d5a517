"""The state of the router: contacts, agents, offers, and how they may change.

Theory. Three machines run side by side, coupled by offers.

* A *contact* waits in a queue (queued), is reserved for one agent whose phone rings (offered), talks (connected) and
  is then gone; what is left of it is a line in `State.finished`.
* An *agent* has a *presence*, which is what the agent wants (ready, paused, offline), and *work*, which is what the
  agent has (offers, talks, wrap-up). Presence changes at once, work runs to its end, and the visible state is work
  before presence. So a pause or a sign-out during a talk needs no memory of its own: it shows when the work is over.
* An *offer* rings until it is accepted, fails in one of several ways, is withdrawn, or meets its deadline. An accepted
  offer lives on with its talk, because the joining of the two can still fail.

Rules.

1. An event that the table does not list is impossible: an error, and nothing changes. "ignored" is in the table
   where the two sides of a race both act in good faith.
2. Timers that are due are processed before the event of the same instant.
3. A contact keeps its age (`arrived_ms`) and its place through offers, moves and overflow.
4. An agent takes contacts of one channel at a time, at most `capacity[channel]`, and none during wrap-up.

Contacts:

    state       event                         becomes     with
    ---------   ---------------------------   ---------   ------------------------------------------------------------
    unknown     ContactArrived                queued      (or gone at once: full queue, or a last action that is due)
    queued      matched with an agent         offered     Offer
    queued      ContactLeft                   gone        ContactFinished (abandoned or left)
    queued      ContactMoved                  queued      in the other queue, on the current policy
    queued      last action due               gone        ContactReleased, ContactFinished; or ContactQueued elsewhere
    offered     OfferAccepted                 connected   Connect
    offered     Declined, NotAnswered,        queued      OfferEnded
                Failed, deadline
    offered     ContactLeft, ContactMoved     as queued   CancelOffer, OfferEnded (cancelled)
    offered     last action due               offered     the last action waits for the end of the offer
    connected   OfferFailed                   queued      OfferEnded: they could not be joined
    connected   ContactEnded, ContactLeft     gone        ContactFinished (answered); the agent's wrap-up
    finished    ContactEnded, ContactLeft     finished    ignored
    finished    ContactArrived                queued      it came back

Offers:

    ringing     OfferAccepted                 accepted    Connect
    ringing     Declined, NotAnswered, Failed dead        OfferEnded; refused it: declined, no answer
    ringing     deadline                      dead        CancelOffer, OfferEnded (no answer)
    ringing     the contact is gone           dead        CancelOffer, OfferEnded (cancelled)
    accepted    OfferAccepted                 accepted    ignored
    accepted    OfferFailed                   dead        OfferEnded
    accepted    the talk ends                 dead
    dead        OfferAccepted                 dead        ReleaseAgent
    dead        Declined, NotAnswered, Failed dead        ignored

Agents (presence; work shows first: ringing, busy, wrap_up):

    offline     AgentSignedIn                 ready       or paused
    ready       AgentPaused                   paused
    paused      AgentPaused                   paused      for another reason
    ready       AgentReady                    ready       ends wrap-up and retry delay; else ignored
    paused      AgentReady                    ready       ends wrap-up
    not offline AgentSignedOut                offline     wrap-up under way runs to its end
    any         WrapUpExtended                same        only during wrap-up
"""

from typing import Any, Literal

import msgspec

from router.core.compiled import CompiledPolicy, CompiledQueue, CompiledStep
from router.core.decisions import AgentState, AnyDecision
from router.core.errors import Happening
from router.core.events import Attribute
from router.core.ewt import WaitEstimate, WaitEstimator
from router.core.policy import Agent as AgentSpec
from router.core.policy import Policy
from router.core.strategies import ContactFacts

ContactState = Literal["queued", "offered", "connected"]
HISTORY = 16
REMEMBERED = 512
"""How many happenings are kept of each thing, and how many finished contacts and dead offers are remembered."""


# gc=False below: these are many and never part of a cycle, and looking at them would make a full garbage collection
# the longest pause of the router.
class Contact(msgspec.Struct, gc=False):
    """A contact in the router. Times are ms; `seq` numbers the arrivals.

    `version`: the policy it began with. `step_ms`: when it entered its step. `refusals`: in this step. `refused`: the
    agents who did, until `ask_again_ms`. `window_ms`: until then only the preferred agent takes it. `ewt_ms`: when its
    estimated wait is looked at again. `told`: the wait it was told on entering the queue. `due`: the reason for which
    its last action waits for the running offer to end.
    """

    id: str
    seq: int
    queue: str
    channel: str
    version: int
    attributes: dict[str, Attribute]
    own_priority: int | None
    preferred: str | None
    arrived_ms: int
    queued_ms: int
    step: int
    step_ms: int
    state: ContactState = "queued"
    offer: str | None = None
    agent: str | None = None
    offers: int = 0
    refusals: int = 0
    refused: tuple[str, ...] = ()
    ask_again_ms: int | None = None
    window_ms: int | None = None
    ewt_ms: int | None = None
    told: WaitEstimate | None = None
    answered_ms: int | None = None
    due: str | None = None
    history: list[Happening] = []


class Agent(msgspec.Struct):
    """An agent of the policy (or, `removed`, of an earlier one, who finishes what is under way).

    `offers` ring (each with its contact), `contacts` talk, all of `channel`. `wrap_up_ms`: when the wrap-up ends.
    `retry_ms`: no offers until then, because the last one met a busy phone or an error; shown as a pause.
    `handled_ms` and `ready_ms` add up since sign-in until `since_ms`, the last change of the visible `state`.
    `turn`: how often the agent became ready.
    """

    name: str
    presence: Literal["offline", "ready", "paused"] = "offline"
    reason: str = ""
    offers: dict[str, str] = {}
    contacts: list[str] = []
    channel: str | None = None
    wrap_up_ms: int | None = None
    retry_ms: int | None = None
    retry_reason: str = ""
    removed: bool = False
    state: AgentState = "offline"
    shown_reason: str = ""
    contact: str | None = None
    since_ms: int = 0
    handled_ms: int = 0
    ready_ms: int = 0
    idle_since_ms: int = 0
    occupancy: float = 0.0
    answered: int = 0
    last_offer: int = 0
    turn: int = 0
    history: list[Happening] = []

    @property
    def working(self) -> bool:
        return bool(self.offers or self.contacts) or self.wrap_up_ms is not None

    def visible(self) -> tuple[AgentState, str, str | None]:
        """State, reason and contact as everybody sees them."""
        if self.offers:
            return "ringing", "", next(reversed(self.offers.values()))
        if self.contacts:
            return "busy", "", self.contacts[-1]
        if self.wrap_up_ms is not None:
            return "wrap_up", "", self.contact
        if self.presence == "ready" and self.retry_ms is not None:
            return "paused", self.retry_reason, None
        return self.presence, self.reason, None

    def why_not_free(self) -> str:
        """For people: what keeps the agent from taking a contact."""
        text = self.state.replace("_", " ")
        return f"{text}: {self.shown_reason}" if self.shown_reason else text

    def free_channels(self, spec: AgentSpec) -> tuple[str, ...]:
        """The channels of which the agent takes one more contact now."""
        if self.presence != "ready" or self.wrap_up_ms is not None or self.retry_ms is not None:
            return ()
        load = len(self.offers) + len(self.contacts)
        if load:
            return (self.channel,) if self.channel and spec.capacity.get(self.channel, 0) > load else ()
        return tuple(channel for channel, capacity in spec.capacity.items() if capacity > 0)


class LiveOffer(msgspec.Struct, gc=False):
    """An offer that rings or whose talk is under way; `policy` is the version that was current when it was made."""

    id: str
    seq: int
    contact: str
    agent: str
    policy: int
    made_ms: int
    deadline_ms: int
    state: Literal["ringing", "accepted"] = "ringing"


class Finished(msgspec.Struct, gc=False):
    """What is remembered of a contact that is gone."""

    history: list[Happening]


class DeadOffer(msgspec.Struct, gc=False):
    """What is remembered of an offer that no longer stands."""

    agent: str
    reason: str


class Saved(msgspec.Struct):
    """A snapshot: all that later decisions depend on."""

    format: int
    seed: int
    now_ms: int | None
    current: int
    policies: list[Policy]
    contacts: list[Contact]
    agents: list[Agent]
    offers: list[LiveOffer]
    finished: dict[str, Finished]
    dead_offers: dict[str, DeadOffer]
    arrivals: int
    offers_made: int
    estimator: dict[str, Any]


class State:
    """Everything the router knows, and what the event under way has changed so far (`out`, `dirty_*`).

    `users` counts the contacts on each policy version.
    """

    def __init__(self, seed: int, current: CompiledPolicy) -> None:
        self.seed = seed
        self.now_ms: int | None = None
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
        self.out: list[AnyDecision] = []
        self.dirty_contacts: dict[str, Contact] = {}
        self.dirty_agents: dict[str, Agent] = {}

    @property
    def clock_ms(self) -> int:
        return self.now_ms or 0

    def queue_of(self, contact: Contact) -> CompiledQueue:
        return self.versions[contact.version].queues[contact.queue]

    def step_of(self, contact: Contact) -> CompiledStep:
        return self.versions[contact.version].queues[contact.queue].steps[contact.step]

    def facts_of(self, contact: Contact) -> ContactFacts:
        spec = self.queue_of(contact).spec
        return ContactFacts(spec, spec.priority if contact.own_priority is None else contact.own_priority)

    def note(self, thing: Contact | Agent, what: str) -> None:
        """Adds a line to the story of a contact or an agent."""
        history = thing.history
        history.append(Happening(self.clock_ms, what))
        if len(history) > HISTORY:
            del history[0]

    def remember_finished(self, contact: Contact) -> None:
        self.finished.pop(contact.id, None)
        self.finished[contact.id] = Finished(contact.history)
        if len(self.finished) > REMEMBERED:
            del self.finished[next(iter(self.finished))]

    def remember_dead(self, offer: LiveOffer, reason: str) -> None:
        self.dead_offers[offer.id] = DeadOffer(offer.agent, reason)
        if len(self.dead_offers) > REMEMBERED:
            del self.dead_offers[next(iter(self.dead_offers))]

    def save(self) -> bytes:
        """The snapshot as JSON."""
        return msgspec.json.encode(
            Saved(
                format=1,
                seed=self.seed,
                now_ms=self.now_ms,
                current=self.current.spec.version,
                policies=[policy.spec for policy in self.versions.values()],
                contacts=list(self.contacts.values()),
                agents=list(self.agents.values()),
                offers=list(self.offers.values()),
                finished=self.finished,
                dead_offers=self.dead_offers,
                arrivals=self.arrivals,
                offers_made=self.offers_made,
                estimator=self.estimator.snapshot(),
            )
        )

    @classmethod
    def load(cls, snapshot: bytes) -> "State":
        """The state that `save` wrote. Raises msgspec.DecodeError for anything else."""
        saved = msgspec.json.decode(snapshot, type=Saved)
        compiled = {policy.version: CompiledPolicy(policy) for policy in saved.policies}
        state = cls(saved.seed, compiled[saved.current])
        state.now_ms = saved.now_ms
        state.versions = compiled
        state.contacts = {contact.id: contact for contact in saved.contacts}
        state.agents = {agent.name: agent for agent in saved.agents}
        state.offers = {offer.id: offer for offer in saved.offers}
        state.finished, state.dead_offers = saved.finished, saved.dead_offers
        state.arrivals, state.offers_made = saved.arrivals, saved.offers_made
        for contact in saved.contacts:
            state.users[contact.version] = state.users.get(contact.version, 0) + 1
        state.estimator.restore(saved.estimator)
        return state
