"""`simulations.contacts` and `features.lines`: what becomes of a call before the core hears of it, and after."""

import numpy
from numba import njit

from simulations.kernel.machine.base import call_interval, push
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.structure import not_plain


@njit
def take_trunk(w, i):
    """A line for the call, if it needs one: False if all are busy, so that it does not come in."""
    contact = w.contacts[i]
    contact.trunk = NONE
    for place in range(w.trunk_of.shape[1]):
        group = w.trunk_of[contact.kind, place]
        if group == NONE:
            return place == 0
        if w.trunk_free[group] > 0:
            w.trunk_free[group] -= 1
            contact.trunk = group
            return True
    return False


@njit
def blocked(w, i):
    """The caller hears the busy tone; the core never hears of the call."""
    contact = w.contacts[i]
    contact.interval = w.clock[0].interval
    w.callers[contact.interval, contact.kind, BLOCKED] += 1
    contact.state = GONE
    gone(w, i, TURNED_AWAY)


@njit
def gone(w, i, fate):
    """The call is over: its line is free, and the caller calls again or never."""
    c = w.clock[0]
    contact = w.contacts[i]
    if c.trunks and contact.trunk != NONE:
        w.trunk_free[contact.trunk] += 1
    if c.redials:
        if calls_again(w, i, fate):
            return
        if contact.recall != NONE:
            w.recall[contact.recall & (len(w.recall) - 1)] = NOBODY
    if fate != ANSWERED and fate != SERVED_BY_FLOW:
        w.callers[call_interval(w, i), contact.kind, LOST] += 1
    w.free[c.free] = i
    c.free += 1


@not_plain
def fresh(w, i):
    """A call that was never handed back so far."""
    handed = w.handed[i]
    handed.from_ms = handed.left_ms = handed.patience_ms = handed.interval = NONE
    handed.end_key = NO_KEY


# `features.self_service`


@not_plain
def begin_self_service(w, i):
    """Whether the caller is in the IVR first."""
    c = w.clock[0]
    contact = w.contacts[i]
    if not w.kinds[contact.kind].self_service:
        return False
    push(w, c.now + numpy.int64(w.hears[i, self_service_lane(w, i) + 1]), SELF_SERVICE_OVER, i, 0)
    return True


@not_plain
def contained(w, i):
    """The IVR lets the caller go: whether that was all."""
    c = w.clock[0]
    contact = w.contacts[i]
    w.callers[c.interval, contact.kind, IN_SELF_SERVICE] += 1
    if w.hears[i, self_service_lane(w, i)] >= w.kinds[contact.kind].served:
        return False
    w.callers[c.interval, contact.kind, CONTAINED] += 1
    c.alive -= 1
    gone(w, i, SERVED_BY_FLOW)
    return True


@not_plain
def self_service_lane(w, i):
    c = w.clock[0]
    return c.self_service_first + (c.hear_width * (w.contacts[i].attempt - 1) if c.redials else 0)


# Redials


@njit
def first_call(w, i, at):
    """The contact has what is drawn for its later calls."""
    contact = w.contacts[i]
    contact.attempt, contact.talks, contact.recall = 1, 0, NONE
    for v in range(w.tries.shape[1]):
        w.tries[i, v] = w.arrival_tries[contact.kind, at, v]


@njit
def calls_again(w, i, fate):
    """Whether the caller will call again; if so, that is in the calendar."""
    c = w.clock[0]
    contact = w.contacts[i]
    if contact.attempt >= w.kinds[contact.kind].most_calls:
        return False
    first = (contact.attempt - 1) * (w.tries.shape[1] // c.tries)
    if w.tries[i, first] >= w.redial_share[contact.kind, fate]:
        return False
    at_ms = c.now + numpy.int64(w.tries[i, first + w.redial_delay[contact.kind, fate]])
    if at_ms >= c.end_ms:
        return False
    contact.talks += fate == ANSWERED
    push(w, at_ms, REDIAL, i, 0)
    return True


@njit
def next_call(w, i):
    """The same caller with a new patience, and, after an answer, with other work."""
    c = w.clock[0]
    contact = w.contacts[i]
    contact.attempt += 1
    if contact.attempt == c.tries and contact.attempt < w.kinds[contact.kind].most_calls:
        c.back_short = TRIES
    width = w.tries.shape[1] // c.tries
    first = 1 + c.tries_delays
    for v in range(w.draws.shape[1]):
        if w.quantities[contact.kind, v] == 1:
            w.draws[i, v] = numpy.int64(w.tries[i, (contact.attempt - 2) * width + first + v])
        elif contact.talks:
            w.draws[i, v] = numpy.int64(w.tries[i, (contact.talks - 1) * width + first + v])
    w.callers[c.interval, contact.kind, AGAIN] += 1


# Repeats, `router.core.repeats`: the latest so many named callers whose contact is over are remembered. They stand in a
# ring in the order of their ends, as the slot of a caller who will call again, or NOBODY; FORGOTTEN are those who came.

NOBODY, FORGOTTEN = -1, -2


@njit
def identify(w, contact):
    """Counts a named caller who comes, and whether that is a repeat."""
    c = w.clock[0]
    if w.kinds[contact.kind].most_calls == 0:
        return
    tally = w.counted[contact.interval, contact.queue]
    tally[IDENTIFIED] += 1
    if contact.recall != NONE:
        w.recall[contact.recall & (len(w.recall) - 1)] = FORGOTTEN
        c.recalled -= 1
        contact.recall = NONE
        if c.now - contact.ended_ms <= c.within_ms:
            tally[REPEATED] += 1
            w.counted[contact.ended_interval, contact.ended_queue, FOLLOWED] += contact.ended_answered


@njit
def remember(w, i, outcome):
    """A named caller's contact is over."""
    c = w.clock[0]
    contact = w.contacts[i]
    if w.kinds[contact.kind].most_calls == 0:
        return
    w.counted[contact.interval, contact.queue, IDENTIFIED_ANSWERED] += outcome == ANSWERED
    contact.ended_ms, contact.ended_interval, contact.ended_queue = c.now, contact.interval, contact.queue
    contact.ended_answered = outcome == ANSWERED
    mask = len(w.recall) - 1
    if c.recall_next - c.recall_first > mask:
        close_ranks(w)
    contact.recall = c.recall_next
    w.recall[c.recall_next & mask] = i
    c.recall_next += 1
    c.recalled += 1
    if c.recalled > c.remembers:
        while w.recall[c.recall_first & mask] == FORGOTTEN:
            c.recall_first += 1
        oldest = w.recall[c.recall_first & mask]
        if oldest != NOBODY:
            w.contacts[oldest].recall = NONE
        c.recall_first += 1
        c.recalled -= 1


@njit
def close_ranks(w):
    """Takes those who are forgotten out of the ring."""
    c = w.clock[0]
    mask = len(w.recall) - 1
    place = c.recall_first
    for k in range(c.recall_first, c.recall_next):
        who = w.recall[k & mask]
        if who != FORGOTTEN:
            w.recall[place & mask] = who
            if who != NOBODY:
                w.contacts[who].recall = place
            place += 1
    c.recall_next = place
