"""Why a contact is where it is: complete, for people. The bounded account of one decision is `decisions.Record`."""

import msgspec

from router.core.entities import Contact, ContactState
from router.core.errors import Happening
from router.core.index import Index
from router.core.places import position
from router.core.policy import Agent as AgentSpec
from router.core.state import State

_DOES: dict[ContactState, str] = {
    "offered": "rings for it",
    "reaching": "waits while its customer is rung",
    "connected": "talks with it",
}


class Explanation(msgspec.Struct, frozen=True):
    """`agents`: every agent of the queue in the order of the policy, each with what keeps the agent from taking the
    contact ("may take it" if nothing). `eligible`: those whom the conditions allow. `position` is 0 for one that is in
    no line.
    """

    contact: str
    state: ContactState
    queue: str
    step: str
    policy: int
    since_ms: int
    arrived_ms: int
    position: int
    agent: str | None
    held_for: str | None
    eligible: tuple[str, ...]
    agents: tuple[tuple[str, str], ...]
    history: tuple[Happening, ...]


def explain(state: State, index: Index, contact: Contact) -> Explanation:
    """`since_ms` is when the contact entered its step."""
    class_ = index.class_of(contact)
    queue = contact.queue
    specs = [spec for spec in state.current.spec.agents if spec.queues is None or queue in spec.queues]
    return Explanation(
        contact=contact.id,
        state=contact.state,
        queue=queue,
        step=state.step_of(contact).spec.name,
        policy=contact.version,
        since_ms=contact.step_ms,
        arrived_ms=contact.arrived_ms,
        position=position(state, index, contact) if contact.waits else 0,
        agent=contact.agent,
        held_for=contact.held_for,
        eligible=tuple(spec.name for spec in specs if index.may_take(spec.name, class_)),
        agents=tuple((spec.name, _obstacle(state, index, contact, spec)) for spec in specs),
        history=tuple(contact.history),
    )


def _obstacle(state: State, index: Index, contact: Contact, spec: AgentSpec) -> str:
    class_ = index.class_of(contact)
    agent = state.agents[spec.name]
    if contact.agent == spec.name:
        return _DOES[contact.state]
    held_for = contact.held_for
    directed = held_for == spec.name and contact.directed_to is not None
    if not directed and not index.may_take(spec.name, class_):
        return class_.step.chain.why_not(spec, class_.view)
    if spec.name in contact.refused:
        does = "asks" if spec.name == state.asker(contact) else "refused this contact"
        return f"{does} ({agent.why_not_free()})"
    if contact.channel not in index.free.get(spec.name, ()):
        if contact.channel not in spec.capacity:
            return f"takes no {contact.channel} contacts"
        return agent.why_not_free()
    if not directed and (kept := index.kept_back(spec.name, class_)):
        return f"free, but {kept}"
    if held_for is not None and held_for != spec.name:
        return f"free, but the contact is held for {held_for}"
    return "may take it" if contact.state == "queued" else f"free, but the contact is {contact.state}"
