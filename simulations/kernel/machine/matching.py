"""`router.core.matcher`: who gets whom, in both regimes and across queues. See there for the rules."""

import numpy
from numba import njit

from simulations.kernel.machine.base import lowest_bit
from simulations.kernel.machine.keys import FIT, contact_value, fit_value
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.offers import make
from simulations.kernel.machine.standing import NOWHERE, refused_by


@njit(forceinline=True)
def contact_key(w, k, i, profile):
    """The value of the contact ranking's key `k` of this contact, for agents of the profile."""
    c = w.clock[0]
    contact = w.contacts[i]
    code = w.contact_keys[k]
    if code >= FIT:
        return fit_value(code - FIT, max(0, w.fits[contact.line, profile]), w.contact_parameters[k])
    line = w.lines[contact.line]
    return contact_value(code, line, w.queues[contact.queue], contact.arrived_ms, c.now, w.contact_parameters[k])


@njit(forceinline=True)
def goes_before(w, i, other, profile):
    """Whether the contact goes before the other, for agents of the profile."""
    for k in range(w.clock[0].contact_keys):
        mine, theirs = contact_key(w, k, i, profile), contact_key(w, k, other, profile)
        if mine != theirs:
            return mine < theirs
    return w.contacts[i].seq < w.contacts[other].seq


@njit(forceinline=True)
def best_contact(w, a):
    """The contact that goes first of those that the agent may take, or NONE."""
    c = w.clock[0]
    profile = w.agents[a].profile
    best = NONE
    can = w.can[profile]
    for word in range(len(w.waiting)):
        bits = w.waiting[word] & can[word]
        while bits:
            i = w.lines[word << 6 | numpy.int64(lowest_bit(bits))].head
            bits &= bits - numpy.uint64(1)
            if best == NONE or goes_before(w, i, best, profile):
                best = i
    for s in range(c.special):
        i = w.special[s]
        may = w.fits[w.contacts[i].line, profile] >= 0 and not refused_by(w, i, a)
        if may and (best == NONE or goes_before(w, i, best, profile)):
            best = i
    return best


@njit(forceinline=True)
def best_agent(w, i):
    """The agent who goes first of those free for the contact, or NONE."""
    contact = w.contacts[i]
    line = contact.line
    queue = w.queues[contact.queue]
    ranking = w.steps[queue.first_step + contact.step].ranking
    order = w.rankings[ranking].order
    best = NONE
    for word in range(len(w.ready)):
        bits = w.ready[word] & w.able[line, word]
        while bits:
            p = word << 6 | numpy.int64(lowest_bit(bits))
            bits &= bits - numpy.uint64(1)
            a = w.first[p, order]
            while a != NONE and refused_by(w, i, a):
                a = w.following[a, order]
            if a != NONE and (best == NONE or takes_before(w, ranking, order, line, a, best)):
                best = a
    return best


@njit(forceinline=True)
def takes_before(w, ranking, order, line, a, other):
    own = 0
    for k in range(w.rankings[ranking].keys):
        code = w.ranking_keys[ranking, k]
        if code == NONE:
            mine, theirs = w.standing[a, order, own], w.standing[other, order, own]
            own += 1
        else:
            parameters = w.ranking_parameters[ranking, k]
            mine = fit_value(code, w.fits[line, w.agents[a].profile], parameters)
            theirs = fit_value(code, w.fits[line, w.agents[other].profile], parameters)
        if mine != theirs:
            return mine < theirs
    return w.agents[a].order < w.agents[other].order


@njit
def bid(w, i, a, profile):
    """A bid for the contact; by the agent, or (NONE) by the contact for itself, ranked for the profile."""
    c = w.clock[0]
    place = c.bids
    c.bids += 1
    w.bid_contact[place], w.bid_agent[place] = i, a
    for k in range(c.contact_keys):
        w.bid_rank[place, k] = contact_key(w, k, i, profile)


@njit
def bid_before(w, one, other):
    c = w.clock[0]
    for k in range(c.contact_keys):
        if w.bid_rank[one, k] != w.bid_rank[other, k]:
            return w.bid_rank[one, k] < w.bid_rank[other, k]
    i, j = w.bid_contact[one], w.bid_contact[other]
    if i != j:
        return w.contacts[i].seq < w.contacts[j].seq
    a, b = w.bid_agent[one], w.bid_agent[other]
    if a == NONE or b == NONE:
        return a == NONE and b != NONE
    return w.agents[a].order < w.agents[b].order


@njit
def agent_bids(w, a):
    if w.agents[a].free:
        i = best_contact(w, a)
        if i != NONE:
            bid(w, i, a, w.agents[a].profile)


@njit
def match(w, agents, contacts):
    """Makes all offers that are now due: to the first `agents` newly free, for the `contacts` that newly wait."""
    c = w.clock[0]
    if agents + contacts == 1:  # as below, with one bid
        if agents:
            taker = w.dirty_agents[0]
            i = best_contact(w, taker) if w.agents[taker].free else NONE
        else:
            i = w.dirty_now[0]
            taker = best_agent(w, i) if w.contacts[i].placed != NOWHERE else NONE
        if i != NONE and taker != NONE:
            make(w, i, taker)
        return
    c.bids = 0
    for k in range(agents):
        agent_bids(w, w.dirty_agents[k])
    if w.ready.any():
        for k in range(contacts):
            i = w.dirty_now[k]
            if w.contacts[i].placed != NOWHERE:
                a = best_agent(w, i)
                if a != NONE:
                    bid(w, i, NONE, w.agents[a].profile)
    while c.bids:
        best = 0
        for other in range(1, c.bids):
            if bid_before(w, other, best):
                best = other
        i, bidder = w.bid_contact[best], w.bid_agent[best]
        waits = w.contacts[i].placed != NOWHERE
        if bidder == NONE:
            taker = best_agent(w, i) if waits else NONE
            if taker != NONE and not same_rank(w, best, w.agents[taker].profile):
                for k in range(c.contact_keys):
                    w.bid_rank[best, k] = contact_key(w, k, i, w.agents[taker].profile)
                continue
        else:
            taker = NONE
            if waits and w.agents[bidder].free:
                alone = agents == 1 and not w.contacts[i].now_mark
                taker = bidder if alone else best_agent(w, i)
        c.bids -= 1
        w.bid_contact[best], w.bid_agent[best] = w.bid_contact[c.bids], w.bid_agent[c.bids]
        for k in range(c.contact_keys):
            w.bid_rank[best, k] = w.bid_rank[c.bids, k]
        if taker != NONE:
            make(w, i, taker)
        if bidder != NONE:
            agent_bids(w, bidder)


@njit
def same_rank(w, place, profile):
    i = w.bid_contact[place]
    for k in range(w.clock[0].contact_keys):
        if w.bid_rank[place, k] != contact_key(w, k, i, profile):
            return False
    return True
