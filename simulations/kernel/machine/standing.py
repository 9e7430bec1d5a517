"""Where everybody stands: the lines of contacts, and the free agents of each profile in the order of each ranking."""

from numba import njit

from simulations.kernel.machine.base import clear_bit, has_bit, set_bit
from simulations.kernel.machine.keys import agent_value
from simulations.kernel.machine.layout import *

NOWHERE, IN_LINE, APART = range(3)
"""Where a contact is: `APART` are those whom somebody refused."""


@njit(forceinline=True)
def place(w, i):
    """Puts a waiting contact into the line of its step, by age; one that agents refused stands apart."""
    c = w.clock[0]
    contact = w.contacts[i]
    contact.line = w.line_of[contact.type, contact.queue, contact.step]
    if contact.refused:
        contact.placed = APART
        contact.place = c.special
        w.special[c.special] = i
        c.special += 1
        return
    contact.placed = IN_LINE
    line = w.lines[contact.line]
    if line.tail == NONE:
        set_bit(w.waiting, contact.line)
        line.head = line.tail = i
        contact.previous = contact.next = NONE
        return
    after = line.tail
    if contact.seq < w.contacts[line.head].seq:
        after = NONE
    else:
        while w.contacts[after].seq > contact.seq:
            after = w.contacts[after].previous
    contact.previous = after
    if after == NONE:
        contact.next = line.head
        line.head = i
    else:
        contact.next = w.contacts[after].next
        w.contacts[after].next = i
    if contact.next == NONE:
        line.tail = i
    else:
        w.contacts[contact.next].previous = i


@njit(forceinline=True)
def take(w, i):
    """Takes a contact out of its line, if it is in one."""
    c = w.clock[0]
    contact = w.contacts[i]
    if contact.placed == APART:
        c.special -= 1
        moved = w.special[c.special]
        w.special[contact.place] = moved
        w.contacts[moved].place = contact.place
    elif contact.placed == IN_LINE:
        line = w.lines[contact.line]
        if contact.previous == NONE:
            line.head = contact.next
        else:
            w.contacts[contact.previous].next = contact.next
        if contact.next == NONE:
            line.tail = contact.previous
        else:
            w.contacts[contact.next].previous = contact.previous
        if line.head == NONE:
            clear_bit(w.waiting, contact.line)
    contact.placed = NOWHERE


@njit(forceinline=True)
def refused_by(w, i, a):
    return w.contacts[i].refused != 0 and has_bit(w.refused[i], a)


@njit(forceinline=True)
def set_free(w, a):
    """The agent takes contacts from now on: into the order of every ranking of the profile."""
    c = w.clock[0]
    agent = w.agents[a]
    p = agent.profile
    agent.free = 1
    for r in range(c.order_count):
        for k in range(w.orders.shape[1]):
            if w.orders[r, k] == NONE:
                break
            w.standing[a, r, k] = agent_value(w.orders[r, k], agent, c.seed, w.order_parameters[r, k])
        after = w.last[p, r]
        while after != NONE and stands_before(w, r, a, after):
            after = w.before[after, r]
        w.before[a, r] = after
        if after == NONE:
            w.following[a, r] = w.first[p, r]
            w.first[p, r] = a
        else:
            w.following[a, r] = w.following[after, r]
            w.following[after, r] = a
        if w.following[a, r] == NONE:
            w.last[p, r] = a
        else:
            w.before[w.following[a, r], r] = a
    set_bit(w.ready, p)


@njit(forceinline=True)
def stands_before(w, r, a, other):
    for k in range(w.orders.shape[1]):
        if w.orders[r, k] == NONE:
            break
        mine, theirs = w.standing[a, r, k], w.standing[other, r, k]
        if mine != theirs:
            return mine < theirs
    return w.agents[a].order < w.agents[other].order


@njit(forceinline=True)
def set_not_free(w, a):
    c = w.clock[0]
    agent = w.agents[a]
    p = agent.profile
    agent.free = 0
    for r in range(c.order_count):
        before, following = w.before[a, r], w.following[a, r]
        if before == NONE:
            w.first[p, r] = following
        else:
            w.following[before, r] = following
        if following == NONE:
            w.last[p, r] = before
        else:
            w.before[following, r] = before
    if w.first[p, 0] == NONE:
        clear_bit(w.ready, p)
