"""What always holds (DESIGN §4), checked from the state by brute force: tests ask after every event.

Nothing here believes the index: who may take whom is judged anew from the policy, and the index must agree.
"""

from itertools import combinations

from router.core.entities import Agent, Contact
from router.core.index import Index
from router.core.policy import Agent as AgentSpec
from router.core.state import State


def check_invariants(state: State, index: Index) -> None:
    """Raises AssertionError, saying what does not hold. Costs waiting x agents."""
    assert not state.out, f"undelivered decisions {state.out}"
    assert not state.dirty_contacts, f"unsettled contacts {list(state.dirty_contacts)}"
    assert not state.dirty_agents, f"unsettled agents {list(state.dirty_agents)}"
    _check_agents(state)
    _check_contacts(state)
    _check_callbacks(state)
    _check_consultations(state)
    _check_switches(state)
    _check_goals(state)
    _check_nobody_idle(state, index)
    _check_staff(state)
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
            _check_load(state, agent, spec)
        resting = {contact for contact in agent.contacts if state.contacts[contact].rests_since_ms is not None}
        assert set(agent.resting) == resting, f"{name} lets {agent.resting} rest, the contacts say {resting}"
        for offer, contact in agent.offers.items():
            assert state.offers[offer].agent == name, f"{name} rings for {offer} of {state.offers[offer].agent}"
            assert state.contacts[contact].agent == name, f"{name} rings for {contact}, which does not know"
        for contact in agent.contacts:
            assert state.contacts[contact].agent == name, f"{name} talks with {contact}, which does not know"
            assert state.contacts[contact].has_agent, f"{name} talks with {contact}, which waits"


def _check_load(state: State, agent: Agent, spec: AgentSpec) -> None:
    """Of each channel no more than the capacity; together only what goes together; at rest only what has to."""
    rules = state.current.channels
    active, ringing = state.channels_of(agent.active), state.channels_of(agent.offers.values())
    had = [*ringing, *state.channels_of(agent.contacts)]
    for channel in had:
        capacity = spec.capacity.get(channel, 0)
        assert had.count(channel) <= capacity, f"{agent.name} has {had} with a capacity of {capacity} for {channel}"
    for one, other in combinations([*active, *ringing], 2):
        fits = rules.together(one, other) or (one in active and other in ringing and rules.interrupts(other, one))
        assert fits, f"{agent.name} works on {active}, is offered {ringing}"
    for channel in state.channels_of(agent.resting) if agent.wrap_up_ms is None else []:
        alone = all(rules.together(channel, other) for other in (*active, *ringing))
        assert not alone, f"{channel} rests with {agent.name} beside {active} and {ringing}"


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
        if contact.state in ("queued", "parked"):
            assert contact.offer is None, f"{name} waits and has the offer {contact.offer}"
            assert contact.agent is None, f"{name} waits and has the agent {contact.agent}"
        else:
            offer_ = ringing.get(name)
            assert offer_ is not None, f"{name} is {contact.state} without an offer"
            assert offer_.agent == contact.agent, f"{name} has {contact.agent}, its offer {offer_.agent}"
            assert (offer_.state == "accepted") == contact.has_agent, f"{name}: {offer_.state}"
            agent = state.agents[offer_.agent]
            held = agent.contacts if contact.has_agent else agent.offers.values()
            assert name in held, f"{name} is {contact.state} with {agent.name}, who does not know"
        forgiven = set(contact.refused) - {state.asker(contact)}
        assert (contact.ask_again_ms is None) <= (not forgiven), f"{name} never asks {forgiven} again"
        if contact.state == "queued":
            assert contact.due is None, f"{name} waits although its last action is due"


def _check_callbacks(state: State) -> None:
    """One for each caller in a queue, and the customer is rung only for an agent who has accepted."""
    seen: dict[tuple[str, str], str] = {}
    for name, contact in state.contacts.items():
        callback = contact.callback
        if contact.state in ("parked", "reaching"):
            assert callback is not None, f"{name} is {contact.state} and no callback"
        if callback is None or contact.state == "connected":
            continue
        assert state.queue_of(contact).spec.callback is not None, f"{contact.queue} has no callbacks, but {name}"
        assert contact.due is None, f"nobody is on the line of {name} for its last action"
        for who in {contact.caller, callback.number} - {""}:
            other = seen.setdefault((contact.queue, who), name)
            assert other == name, f"{who} has the callbacks {other} and {name} in {contact.queue}"
        if contact.state == "parked":
            assert callback.until_ms is not None, f"{name} is parked for ever"
            assert callback.until_ms > state.clock_ms, f"{name} is still parked"
        else:
            assert callback.until_ms is None, f"{name} is {contact.state} before its time"
        if contact.state == "reaching":  # within its agent's capacity, like everything accepted
            assert callback.tries > 0, f"{name} is being rung for the first time uncounted"


def _check_consultations(state: State) -> None:
    for name, contact in state.contacts.items():
        assert contact.held_since_ms is None or contact.state == "connected", f"{name} is on hold and {contact.state}"
        assert (contact.answered_ms is not None) == (contact.state == "connected"), f"{name}: {contact.answered_ms}"
        if contact.consult is not None:
            assert contact.state == "connected", f"{name} is {contact.state} and has the consultation {contact.consult}"
            assert state.contacts[contact.consult].consult_of == name, f"{contact.consult} does not know of {name}"
        if contact.consult_of is not None:
            about = state.contacts.get(contact.consult_of)
            assert about is not None, f"{name} asks about {contact.consult_of}, which is gone"
            assert about.consult == name, f"{name} asks about {about.id}, which has {about.consult}"
            assert contact.agent is None or contact.agent != about.agent, f"{about.agent} asks themself in {name}"


def _check_switches(state: State) -> None:
    for name, switch in state.switches.items():
        assert name in state.current.queues, f"{name} is {switch.state}, and no queue"
        assert switch.state != "open", f"{name} is remembered as open"


def _may_take(state: State, contact: Contact, name: str) -> bool:
    """Judged from the policy alone."""
    spec = state.current.agents[name]
    view = {**contact.attributes, "queue": contact.queue, "channel": contact.channel}
    return state.step_of(contact).chain.holds(spec, view)


def _kept_back(state: State, contact: Contact, name: str) -> bool:
    """Whether a reservation keeps this agent, who may take the contact, from it. Judged from the policy alone."""
    chain = state.step_of(contact).chain
    view = {**contact.attributes, "queue": contact.queue, "channel": contact.channel}
    free = [
        chain.truths(spec, view)
        for other, spec in state.current.agents.items()
        if contact.channel in state.free_channels(state.agents[other]) and chain.holds(spec, view)
    ]
    let_in = []
    for link, true in enumerate(chain.truths(state.current.agents[name], view)):
        step = chain.reserving[link]
        if step is not None and true:
            enough = step.keep_free is None or sum(truths[link] for truths in free) > step.keep_free
            true = enough and not any(state.below_goal(lender) for lender in step.lent_by)
        let_in.append(true)
    return not chain.fold(let_in)


def _check_goals(state: State) -> None:
    """What is below its goal is so by what was counted, and everybody who waited too long has been counted."""
    watched = state.current.watched
    assert set(state.services) <= watched, f"watched for nothing: {set(state.services) - watched}"
    for queue, service in state.services.items():
        goal = state.current.queues[queue].spec.goal
        kept, missed = sum(slot.kept for slot in service.slots), sum(slot.missed for slot in service.slots)
        share = kept / (kept + missed) if kept + missed else 1.0
        if service.below:
            assert share < goal.share + goal.margin or share < 1.0, f"{queue} is below its goal with {share}"
            assert kept + missed, f"{queue} is below its goal without anybody"
        else:
            assert share >= goal.share, f"{queue} keeps its goal with {share}"
    for name, contact in state.contacts.items():
        counts = contact.queue in watched and contact.callback is None and contact.consult_of is None
        if contact.waits and contact.due is None and counts:
            waited_ms = state.clock_ms - state.wait_from_ms(contact)
            late = waited_ms > state.queue_of(contact).spec.goal.answered_within_ms
            assert contact.judged or not late, f"{name} waits for {waited_ms} ms and was not counted"


def _check_nobody_idle(state: State, index: Index) -> None:
    """No agent is free for a contact that waits and that the agent may take, unless that agent refused it just now or
    the contact is held for another; or a reservation says so, and then the first in line was told so."""
    for name in state.current.agents:
        free = state.free_channels(state.agents[name])
        if not free:
            continue
        for contact in state.contacts.values():
            if contact.state != "queued" or contact.channel not in free or name in contact.refused:
                continue
            if contact.held_for not in (None, name):
                continue
            directed = contact.held_for == name == contact.directed_to
            may_take = directed or _may_take(state, contact, name)
            if may_take and not directed and _kept_back(state, contact, name):
                assert contact.line is not None
                first = state.contacts[contact.line.entries[0][2]]
                assert first.held_back, f"{name} is kept from {first.id}, and nothing says so"
                continue
            assert not may_take, f"{name} is free and {contact.id} waits"


def _check_staff(state: State) -> None:
    """Nobody on the line waits for agents of whom none is there, where the policy says what happens then."""
    signed_in = [spec for name, spec in state.current.agents.items() if state.agents[name].presence != "offline"]
    for name, contact in state.contacts.items():
        queue = state.queue_of(contact)
        minds = queue.spec.when_unstaffed is not None and contact.callback is None
        if minds and contact.state == "queued" and contact.held_for is None:
            view = {**contact.attributes, "queue": contact.queue, "channel": contact.channel}
            staff = any(step.chain.holds(spec, view) for step in queue.steps for spec in signed_in)
            assert staff, f"{name} waits in {contact.queue} for nobody"


def _check_index(state: State, index: Index) -> None:
    queued = {name for name, contact in state.contacts.items() if contact.state == "queued"}
    entered = [entry[2] for line in index.lines.values() for entry in line.entries]
    assert sorted(entered) == sorted(queued), f"in lines: {set(entered) ^ queued} wrong"
    waiting = {name for name, contact in state.contacts.items() if contact.waits}
    inside = {name for queue, names in index.in_queue.items() for name in names if state.contacts[name].queue == queue}
    assert inside == waiting, f"in queues: {inside ^ waiting} wrong"
    for name in queued:
        contact = state.contacts[name]
        line = contact.line
        assert line is not None, f"{name} is in no line"
        assert index.lines.get(line.number) is line, f"the line of {name} is unknown"
        class_ = line.of
        signed_in = 0
        for agent in state.current.agents:
            may = _may_take(state, contact, agent)
            assert index.may_take(agent, class_) == may, f"the index says {not may} of {agent} for {name}"
            signed_in += may and state.agents[agent].presence != "offline"
        assert class_.signed_in == signed_in, f"{name}: {class_.signed_in} signed in, not {signed_in}"
        entries = line.entries
        assert entries == sorted(entries), f"the line of {name} is out of order"
        if contact.window_ms is not None:
            held_for = contact.held_for
            assert held_for is not None, f"{name} is held for nobody"
            assert state.agents[held_for].presence != "offline", f"{name} is held for {held_for}, who is gone"
    for agent in state.current.agents:
        free = state.free_channels(state.agents[agent])
        assert index.free.get(agent, ()) == free, f"{agent} is free for {free}, the index says {index.free.get(agent)}"
        pool = index.pool_of[agent]
        for channel in free:
            assert index.ready_pools[channel][pool.number] is pool, f"the pool of {agent} is not ready"


def _check_versions(state: State) -> None:
    users: dict[int, int] = {}
    for contact in state.contacts.values():
        rules = state.versions[contact.version].queues[contact.queue]
        assert contact.rules in (None, rules), f"{contact.id} is not handled by the rules of its queue"
        users[contact.version] = users.get(contact.version, 0) + 1
    assert state.users == users, f"contacts per version: {state.users}, not {users}"
    needed = {*users, state.current.spec.version}
    assert set(state.versions) == needed, f"versions kept: {set(state.versions)}, needed: {needed}"
