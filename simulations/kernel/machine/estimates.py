"""Estimated waits, `router.core.ewt` and `router.core.places`, and callers who hear of them, `simulations.contacts`.

The estimates are the very numbers of the core, so nothing may be added up in another order or raised to a power in
another way. A power with a constant base or exponent is one that compilers replace (0.5 ** x by exp2(-x), x ** 3 by
products), with another last digit; so these numbers are kept in the clock, where no compiler sees them.
"""

import math

import numpy
from numba import njit

from router.core import ewt
from router.core.ewt import HALF_LIFE_MS, LEAST_STARTS
from simulations.kernel.machine.base import call_interval, feed
from simulations.kernel.machine.keys import FIT, contact_value
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.structure import not_plain

until_reached = njit(ewt.until_reached)


# What is learnt


@not_plain
def started(w, i, ring_ms):
    """The contact is connected; of its wait an agent's phone rang for so long."""
    contact = w.contacts[i]
    wait_ms = w.clock[0].now - contact.queued_ms
    if wait_ms > ring_ms:
        departed(w, contact.queue, wait_ms)
        w.drains[contact.queue].starts += 1.0


@not_plain
def left(w, i):
    """The contact goes away or on."""
    contact = w.contacts[i]
    departed(w, contact.queue, w.clock[0].now - contact.queued_ms)
    w.drains[contact.queue].leaves += 1.0


@njit
def departed(w, queue, wait_ms):
    c = w.clock[0]
    drain = w.drains[queue]
    if not drain.known:
        drain.known, drain.at_ms, drain.departed_ms = 1, c.now, c.now - wait_ms
    if c.now > drain.at_ms:
        weight = c.half ** ((c.now - drain.at_ms) / HALF_LIFE_MS)
        drain.starts *= weight
        drain.leaves *= weight
        drain.busy_ms *= weight
        drain.waited_ms *= weight
        drain.at_ms = c.now
    drain.busy_ms += max(0, min(c.now - drain.departed_ms, wait_ms))
    drain.waited_ms += wait_ms
    drain.departed_ms = max(c.now, drain.departed_ms)


# What follows


@njit
def estimated_ms(w, i, z):
    """The wait still to come of a contact in line that is not exceeded with the probability that belongs to `z`; NONE
    while too little is known."""
    c = w.clock[0]
    contact = w.contacts[i]
    drain = w.drains[contact.queue]
    if not drain.known:
        return NONE
    weight = c.half ** (max(0, c.now - drain.at_ms) / HALF_LIFE_MS)
    starts = drain.starts * weight
    if starts < LEAST_STARTS:
        return NONE
    open_gap_ms = max(0, min(c.now - drain.departed_ms, c.now - contact.queued_ms))
    start_rate = starts / max(1.0, drain.busy_ms * weight + open_gap_ms)
    leave_rate = drain.leaves / max(1.0, drain.waited_ms)
    mean, variance = until_reached(ahead_of(w, i), start_rate, leave_rate)
    variance += mean * mean / starts
    ninth = variance / (9.0 * mean * mean)
    return numpy.int64(numpy.rint(mean * max(0.0, 1.0 - ninth + z * math.sqrt(ninth)) ** c.three))


@njit
def ahead_of(w, i):
    """How many of its queue wait before the contact."""
    queue, ahead = w.contacts[i].queue, 0
    for line in range(len(w.lines)):
        if w.lines[line].queue == queue:
            other = w.lines[line].head
            while other != NONE:
                ahead += stands_before(w, other, i)
                other = w.contacts[other].next
    for s in range(w.clock[0].special):
        if w.contacts[w.special[s]].queue == queue:
            ahead += stands_before(w, w.special[s], i)
    return ahead


@njit
def stands_before(w, one, other):
    """By the contact ranking without what depends on the agent, then age; of equal priority only the age can differ."""
    c = w.clock[0]
    mine, theirs = w.contacts[one], w.contacts[other]
    my_line, their_line = w.lines[mine.line], w.lines[theirs.line]
    if my_line.priority != their_line.priority:
        queue = w.queues[mine.queue]
        for k in range(c.contact_keys):
            code, parameters = w.contact_keys[k], w.contact_parameters[k]
            if code < FIT:
                my_value = contact_value(code, my_line, queue, mine.arrived_ms, c.now, parameters)
                their_value = contact_value(code, their_line, queue, theirs.arrived_ms, c.now, parameters)
                if my_value != their_value:
                    return my_value < their_value
    return mine.seq < theirs.seq


# Announcements


@not_plain
def hear(w):
    """A caller who waits now hears how long it will take, and leaves, or stays with another patience."""
    c = w.clock[0]
    i = c.hearing
    c.hearing = NONE
    contact = w.contacts[i]
    if contact.state != WAITING:
        return
    said = w.announcements[contact.kind]
    told_ms = estimated_ms(w, i, said.z)
    if told_ms == NONE or told_ms < said.from_ms:
        return
    lane = c.hear_width * (contact.attempt - 1) if c.redials else 0
    patience_ms = contact.gives_up_ms - c.now if contact.gives_up_ms != NONE else NONE
    if w.hears[i, lane] < leaving_share(w, contact.kind, told_ms, patience_ms):
        w.callers[call_interval(w, i), contact.kind, AT_ONCE] += 1
        contact.gives_up_ms = c.patient = NONE
        feed(w, LEFT, i, contact.seq)
        return
    if said.draws:
        patience_ms = numpy.int64(w.hears[i, lane + 1])
    elif patience_ms != NONE:
        patience_ms = numpy.int64(numpy.rint(patience_ms * said.factor))
    else:
        return
    contact.gives_up_ms = c.now + patience_ms
    contact.patience_key = contact.gives_up_ms << SEQ_BITS | contact.patience_key & ((1 << SEQ_BITS) - 1)
    c.patient = i


@njit
def leaving_share(w, k, told_ms, patience_ms):
    """How many of those who hear this leave at once."""
    said = w.announcements[k]
    share = said.leave_at_once if patience_ms != NONE and patience_ms < told_ms else 0.0
    if said.points:
        share = max(share, interpolated(w.leaving[k], said.points, told_ms / 1000))
    return share


@njit
def interpolated(points, count, x):
    """`numpy.interp`."""
    if x < points[0, 0]:
        return points[0, 1]
    for j in range(count - 1):
        if points[j, 0] == x:
            return points[j, 1]
        if x < points[j + 1, 0]:
            slope = (points[j + 1, 1] - points[j, 1]) / (points[j + 1, 0] - points[j, 0])
            return slope * (x - points[j, 0]) + points[j, 1]
    return points[count - 1, 1]
