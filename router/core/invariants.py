"""What always holds (DESIGN §4), checked from the state by brute force: tests ask after every event.

Nothing here believes the index: who may take whom is judged anew from the policy, and the index must agree.
"""

from router.core.index import Index
from router.core.state import Contact, State


def check_invariants(state: State, index: Index) -> None:
    """Raises AssertionError, saying what does not hold. Costs waiting x agents."""
    assert not state.out, f"undelivered decisions {state.out}"
    assert not state.dirty_contacts, f"unsettled contacts {list(state.dirty_contacts)}"
    assert not state.dirty_agents, f"unsettled agents {list(state.dirty_agents)}"
    _check_agents(state)
    _check_contacts(state)
    _check_nobody_idle(state)
    _check_index(state, index)
    _check_versions(state)


def _check_agents(state: State) -> None:
    for name, agent in state.agents.items():
        spec = state.current.agents.get(name)
        assert agent.removed == (spec is None), f"{name}: removed is {agent.removed}"
        assert not agent.removed or agent.working, f"{name} has gone from the policy, is free, and is still here"
        assert agent.visible() == (agent.state, agent.shown_reason, agent.contact), f"{name}: an untold change"
        load = [*agent.offers.values(), *agent.contacts]
        assert len(set(load)) == len(load), f"{name} has a contact twice: {load}"
        offers = [offer for offer in state.offers.values() if offer.agent == name]
        assert len(offers) == len(load), f"{name} has the offers {offers} and the contacts {load}"
        if spec is not None and load and all(offer.policy == state.current.spec.version for offer in offers):
            capacity = spec.capacity.get(agent.channel or "", 0)
            assert len(load) <= capacity, f"{name} has {len(load)} contacts of {agent.channel}, capacity {capacity}"
        channels = {state.contacts[contact].channel for contact in load}
        assert channels <= {agent.channel}, f"{name} works on {channels} at once"
        for offer, contact in agent.offers.items():
            assert state.offers[offer].agent == name, f"{name} rings for {offer} of {state.offers[offer].agent}"
            assert state.contacts[contact].agent == name, f"{name} rings for {contact}, which does not know"
        for contact in agent.contacts:
            assert state.contacts[contact].agent == name, f"{name} talks with {contact}, which does not know"
            assert state.contacts[contact].state == "connected", f"{name} talks with {contact}, which waits"


def _check_contacts(state: State) -> None:
    ringing = {}
    for offer in state.offers.values():
        contact = state.contacts.get(offer.contact)
        assert contact is not None, f"{offer.id} is for {offer.contact}, who is gone"
        assert contact.offer == offer.id, f"{offer.id} is for {contact.id}, which has {contact.offer}"
        assert offer.contact not in ringing, f"{offer.contact} has two offers"
        ringing[offer.contact] = offer
    for name, contact in state.contacts.items():
        assert contact.id == name
        if contact.state == "queued":
            assert contact.offer is None, f"{name} waits and has the offer {contact.offer}"
            assert contact.agent is None, f"{name} waits and has the agent {contact.agent}"
        else:
            offer_ = ringing.get(name)
            assert offer_ is not None, f"{name} is {contact.state} without an offer"
            assert offer_.agent == contact.agent, f"{name} has {contact.agent}, its offer {offer_.agent}"
            assert (offer_.state == "accepted") == (contact.state == "connected"), f"{name}: {offer_.state}"
            agent = state.agents[offer_.agent]
            held = agent.contacts if contact.state == "connected" else agent.offers.values()
            assert name in held, f"{name} is {contact.state} with {agent.name}, who does not know"
        assert (contact.ask_again_ms is None) <= (not contact.refused), f"{name} never asks {contact.refused} again"
        if contact.state == "queued":
            assert contact.due is None, f"{name} waits although its last action is due"


def _may_take(state: State, contact: Contact, name: str) -> bool:
    """Judged from the policy alone."""
    spec = state.current.agents[name]
    view = {**contact.attributes, "queue": contact.queue, "channel": contact.channel}
    return state.step_of(contact).chain.holds(spec, view)


def _check_nobody_idle(state: State) -> None:
    """No agent is free for a contact that waits and that the agent may take, unless that agent refused it just now or
    the contact is held for another."""
    for name, spec in state.current.agents.items():
        free = state.agents[name].free_channels(spec)
        if not free:
            continue
        for contact in state.contacts.values():
            if contact.state != "queued" or contact.channel not in free or name in contact.refused:
                continue
            if contact.window_ms is not None and contact.preferred != name:
                continue
            assert not _may_take(state, contact, name), f"{name} is free and {contact.id} waits"


def _check_index(state: State, index: Index) -> None:
    queued = {name for name, contact in state.contacts.items() if contact.state == "queued"}
    assert set(index.line_of) == queued, f"in lines: {set(index.line_of) ^ queued} wrong"
    waiting = {name for name, contact in state.contacts.items() if contact.state != "connected"}
    inside = {name for queue, names in index.in_queue.items() for name in names if state.contacts[name].queue == queue}
    assert inside == waiting, f"in queues: {inside ^ waiting} wrong"
    for name in queued:
        contact = state.contacts[name]
        class_ = index.line_of[name].of
        signed_in = 0
        for agent in state.current.agents:
            may = _may_take(state, contact, agent)
            assert index.may_take(agent, class_) == may, f"the index says {not may} of {agent} for {name}"
            signed_in += may and state.agents[agent].presence != "offline"
        assert class_.signed_in == signed_in, f"{name}: {class_.signed_in} signed in, not {signed_in}"
        entries = index.line_of[name].entries
        assert entries == sorted(entries), f"the line of {name} is out of order"
        if contact.window_ms is not None:
            preferred = contact.preferred
            assert preferred is not None, f"{name} is held for nobody"
            assert state.agents[preferred].presence != "offline", f"{name} is held for {preferred}, who is gone"
    for agent, spec in state.current.agents.items():
        free = state.agents[agent].free_channels(spec)
        assert index.free.get(agent, ()) == free, f"{agent} is free for {free}, the index says {index.free.get(agent)}"
        pool = index.pool_of[agent]
        for channel in free:
            assert index.ready_pools[channel][pool.number] is pool, f"the pool of {agent} is not ready"


def _check_versions(state: State) -> None:
    users: dict[int, int] = {}
    for contact in state.contacts.values():
        users[contact.version] = users.get(contact.version, 0) + 1
    assert state.users == users, f"contacts per version: {state.users}, not {users}"
    needed = {*users, state.current.spec.version}
    assert set(state.versions) == needed, f"versions kept: {set(state.versions)}, needed: {needed}"
