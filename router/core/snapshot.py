"""The snapshot of a router: its state as JSON, and back. The form is stated here, apart from the classes at work."""

from typing import Any, Literal, TypeVar

import msgspec

from router.core.compiled import CompiledPolicy
from router.core.decisions import AgentState
from router.core.entities import Agent, Contact, ContactState, LiveOffer
from router.core.errors import Happening
from router.core.events import Attribute
from router.core.ewt import WaitEstimate
from router.core.parts import CutOff, DeadOffer, Due, Finished, PendingCallback, Service, Switch
from router.core.policy import Policy
from router.core.state import State

Thing = TypeVar("Thing", Contact, Agent, LiveOffer)


class SavedContact(msgspec.Struct):
    """A contact: see `entities.Contact`."""

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
    due: Due | None = None
    history: list[Happening] = []
    caller: str = ""
    wait_from_ms: int | None = None
    waited_ms: int | None = None
    directed_to: str | None = None
    hold_ms: int = 0
    held_since_ms: int | None = None
    callback: PendingCallback | None = None
    consult_of: str | None = None
    consult: str | None = None
    rests_since_ms: int | None = None
    judged: bool = True
    held_back: str = ""


class SavedAgent(msgspec.Struct):
    """An agent: see `entities.Agent`."""

    name: str
    presence: Literal["offline", "ready", "paused"] = "offline"
    reason: str = ""
    offers: dict[str, str] = {}
    contacts: list[str] = []
    resting: list[str] = []
    wrap_up_ms: int | None = None
    retry_ms: int | None = None
    retry_reason: str = ""
    failures: dict[str, int] = {}
    suspended_after: int = 0
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


class SavedOffer(msgspec.Struct):
    """An offer: see `entities.LiveOffer`."""

    id: str
    seq: int
    contact: str
    agent: str
    policy: int
    made_ms: int
    deadline_ms: int
    state: Literal["ringing", "accepted"] = "ringing"


class Saved(msgspec.Struct):
    """A snapshot: all that later decisions depend on."""

    format: int
    seed: int
    now_ms: int | None
    current: int
    policies: list[Policy]
    contacts: list[SavedContact]
    agents: list[SavedAgent]
    offers: list[SavedOffer]
    finished: dict[str, Finished]
    dead_offers: dict[str, DeadOffer]
    arrivals: int
    offers_made: int
    estimator: dict[str, Any]
    switches: dict[str, Switch] = {}
    cut_off: list[CutOff] = []
    services: dict[str, Service] = {}


def save(state: State) -> bytes:
    """The snapshot as JSON."""
    return msgspec.json.encode(
        Saved(
            format=1,
            seed=state.seed,
            now_ms=state.now_ms,
            current=state.current.spec.version,
            policies=[policy.spec for policy in state.versions.values()],
            contacts=[SavedContact(**_fields(contact, SavedContact)) for contact in state.contacts.values()],
            agents=[SavedAgent(**_fields(agent, SavedAgent)) for agent in state.agents.values()],
            offers=[SavedOffer(**_fields(offer, SavedOffer)) for offer in state.offers.values()],
            finished=state.finished,
            dead_offers=state.dead_offers,
            arrivals=state.arrivals,
            offers_made=state.offers_made,
            estimator=state.estimator.snapshot(),
            switches=state.switches,
            cut_off=list(state.cut_off.values()),
            services=state.services,
        )
    )


def load(snapshot: bytes) -> State:
    """The state that `save` wrote. Raises msgspec.DecodeError for anything else."""
    saved = msgspec.json.decode(snapshot, type=Saved)
    compiled = {policy.version: CompiledPolicy(policy) for policy in saved.policies}
    state = State(saved.seed, compiled[saved.current])
    state.set_clock(saved.now_ms)
    state.versions = compiled
    state.contacts = {one.id: _filled(_contact(one), one) for one in saved.contacts}
    state.agents = {one.name: _filled(Agent(one.name), one) for one in saved.agents}
    state.offers = {one.id: _filled(_offer(one), one) for one in saved.offers}
    state.finished, state.dead_offers = saved.finished, saved.dead_offers
    state.arrivals, state.offers_made = saved.arrivals, saved.offers_made
    for contact in state.contacts.values():
        state.users[contact.version] = state.users.get(contact.version, 0) + 1
    state.estimator.restore(saved.estimator)
    state.switches = saved.switches
    state.cut_off = {(one.queue, one.caller): one for one in saved.cut_off}
    state.services = saved.services
    return state


def _fields(thing: object, form: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in form.__struct_fields__}


def _filled(thing: Thing, saved: msgspec.Struct) -> Thing:
    for name in saved.__struct_fields__:
        setattr(thing, name, getattr(saved, name))
    return thing


def _contact(one: SavedContact) -> Contact:
    return Contact(
        one.id,
        one.seq,
        one.queue,
        one.channel,
        one.version,
        one.attributes,
        one.own_priority,
        one.preferred,
        one.arrived_ms,
        one.queued_ms,
        one.step,
        one.step_ms,
    )


def _offer(one: SavedOffer) -> LiveOffer:
    return LiveOffer(one.id, one.seq, one.contact, one.agent, one.policy, one.made_ms, one.deadline_ms)
