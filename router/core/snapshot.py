"""The snapshot of a router: its state as JSON, and back."""

from typing import Any

import msgspec

from router.core.compiled import CompiledPolicy
from router.core.policy import Policy
from router.core.state import Agent, Contact, CutOff, DeadOffer, Finished, LiveOffer, Service, State, Switch


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
            contacts=list(state.contacts.values()),
            agents=list(state.agents.values()),
            offers=list(state.offers.values()),
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
    state.contacts = {contact.id: contact for contact in saved.contacts}
    state.agents = {agent.name: agent for agent in saved.agents}
    state.offers = {offer.id: offer for offer in saved.offers}
    state.finished, state.dead_offers = saved.finished, saved.dead_offers
    state.arrivals, state.offers_made = saved.arrivals, saved.offers_made
    for contact in saved.contacts:
        state.users[contact.version] = state.users.get(contact.version, 0) + 1
    state.estimator.restore(saved.estimator)
    state.switches = saved.switches
    state.cut_off = {(one.queue, one.caller): one for one in saved.cut_off}
    state.services = saved.services
    return state
