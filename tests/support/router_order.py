"""Whether the router's choices were the best ones, judged by brute force from policy and state."""

from collections.abc import Sequence

from router.core.decisions import AgentChanged, AnyDecision, ContactQueued, Offer, OfferEnded, StepEntered
from router.core.entities import Agent as Worker
from router.core.entities import Contact
from router.core.policy import Agent
from router.core.pools import Post
from router.core.rankings import ContactRanking
from router.core.router import Router
from router.core.strategies import FitKey


def assert_best_first(router: Router, decisions: Sequence[AnyDecision], now_ms: int) -> None:
    """Of all contacts that still wait as they did before the event and that an offered agent may take, none goes before
    the one that was offered; nor does any agent who is still as free as before go before the offered one."""
    state = router._state
    touched = {d.contact for d in decisions if isinstance(d, (StepEntered, ContactQueued, OfferEnded))}
    changed = {d.agent for d in decisions if isinstance(d, AgentChanged)}
    ranking = state.current.contact_ranking
    for offer in (d for d in decisions if isinstance(d, Offer)):
        chosen = state.contacts.get(offer.contact)
        if chosen is None or chosen.offer != offer.offer or chosen.due is not None:
            continue
        if offer.record.step != state.step_of(chosen).spec.name:
            continue
        if state.offers[offer.offer].policy != state.current.spec.version:
            continue  # a timer made it just before the new policy came
        agent = state.current.agents[offer.agent]
        step = state.step_of(chosen)
        own = _contact_rank(router, ranking, chosen, offer.agent, now_ms)
        bid = next((one.keys for one in offer.record.contacts if one.name == chosen.id), own[0])
        if bid != own[0]:
            continue  # it fitted another freed agent better, whose bid for it was taken up by this one
        for other in state.contacts.values():
            if other.state != "queued" or other.id in touched or other.channel != chosen.channel:
                continue
            if offer.agent in other.refused or other.held_for not in (None, offer.agent):
                continue
            if _is_reserved(router, other, agent):
                continue  # whether it was kept back then cannot be told afterwards
            if _may_take(router, other, agent):
                rank = _contact_rank(router, ranking, other, offer.agent, now_ms)
                assert own < rank, f"{offer.agent} got {chosen.id} {own} before {other.id} {rank}"
        for name, spec in state.current.agents.items():
            free = state.free_channels(state.agents[name])
            if (
                name in changed
                or name == offer.agent
                or chosen.channel not in free
                or name in chosen.refused
                or chosen.window_ms is not None
            ):
                continue
            if step.chain.holds(spec, _view(chosen)) and not _is_reserved(router, chosen, spec):
                facts = router._index._facts_of(state.agents[name], _post(state.agents[name]))
                fit = step.chain.fit(spec, _view(chosen))
                rank = step.ranking.rank(step.ranking.standing(facts), fit, name == chosen.preferred)
                taken = (offer.record.agents[0].keys, state.current.order[offer.agent])
                assert taken < (rank, facts.order), f"{chosen.id} went to {offer.agent} {taken} before {name} {rank}"


def _post(agent: Worker) -> Post:
    assert agent.post is not None
    return agent.post


def _may_take(router: Router, contact: Contact, agent: Agent) -> bool:
    directed = contact.held_for == agent.name == contact.directed_to
    return directed or router._state.step_of(contact).chain.holds(agent, _view(contact))


def _is_reserved(router: Router, contact: Contact, agent: Agent) -> bool:
    """Whether the agent may take the contact only by conditions that reserve."""
    chain = router._state.step_of(contact).chain
    truths = chain.truths(agent, _view(contact))
    return not chain.fold(true and step is None for true, step in zip(truths, chain.reserving, strict=True))


def _view(contact: Contact) -> dict[str, str | int | float | bool]:
    return {**contact.attributes, "queue": contact.queue, "channel": contact.channel}


def _contact_rank(
    router: Router, ranking: ContactRanking, contact: Contact, agent: str, now_ms: int
) -> tuple[tuple[float, ...], int, int]:
    state = router._state
    chain, spec = state.step_of(contact).chain, state.current.agents[agent]
    fit = chain.fit(spec, _view(contact)) if chain.holds(spec, _view(contact)) else 0
    facts = state.facts_of(contact)
    values = [
        key.value(fit) if isinstance(key, FitKey) else key.value(facts, contact.arrived_ms, now_ms)
        for key in ranking.keys
    ]
    return tuple(values), contact.arrived_ms, contact.seq
