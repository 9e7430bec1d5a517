"""What everything in the kernel stands on: the log, SimPy's events, the core's timers, and what is counted."""

import numpy
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from simulations.kernel.machine.layout import *


@intrinsic
def lowest_bit(typingctx, word):
    """The place of the lowest bit that is set in a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


@intrinsic
def highest_bit(typingctx, word):
    """The place of the highest bit that is set in a word that is not 0."""

    def generate(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], context.get_constant(types.boolean, True))
        return builder.sub(context.get_constant(types.int64, 63), zeros)

    return types.int64(types.int64), generate


@njit(forceinline=True)
def set_bit(words, place):
    words[place >> 6] |= numpy.uint64(1) << numpy.uint64(place & 63)


@njit(forceinline=True)
def clear_bit(words, place):
    words[place >> 6] &= ~(numpy.uint64(1) << numpy.uint64(place & 63))


@njit(forceinline=True)
def has_bit(words, place):
    return (words[place >> 6] >> numpy.uint64(place & 63)) & numpy.uint64(1) != 0


@njit(forceinline=True)
def note(w, code, a, b=NONE, d=NONE, e=NONE, f=NONE, g=NONE):
    """A line of the log, if there is one."""
    c = w.clock[0]
    if c.keep_log and c.logged < len(w.log):
        row = w.log[c.logged]
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7] = c.now, code, a, b, d, e, f, g
        c.logged += 1


# SimPy's events


@njit(forceinline=True)
def next_key(c, at_ms):
    c.seq += 1
    return at_ms << SEQ_BITS | c.seq


@njit(forceinline=True)
def push(w, at_ms, what, about, check):
    """Something that will happen: `what` of the contact or agent `about`, if `check` still holds by then."""
    push_key(w, next_key(w.clock[0], at_ms), what, about, check)


@njit(forceinline=True)
def push_key(w, key, what, about, check):
    """As `push`, in the place of this key."""
    c = w.clock[0]
    place = c.heap
    c.heap += 1
    keys = w.heap_key
    while place > 0:
        parent = (place - 1) >> 2
        if keys[parent] <= key:
            break
        keys[place] = keys[parent]
        w.heap_what[place] = w.heap_what[parent]
        w.heap_check[place] = w.heap_check[parent]
        place = parent
    keys[place] = key
    w.heap_what[place] = about << WHAT_BITS | what
    w.heap_check[place] = check


@njit(forceinline=True)
def drop_first(w):
    """Takes the first event off the heap. Behind the last there are keys that are greater than any."""
    c = w.clock[0]
    keys = w.heap_key
    c.heap -= 1
    count = c.heap
    key, what, check = keys[count], w.heap_what[count], w.heap_check[count]
    keys[count] = NO_KEY
    place, child = 0, 1
    while child < count:
        first = child + (keys[child + 1] < keys[child])
        second = child + 2 + (keys[child + 3] < keys[child + 2])
        best = second if keys[second] < keys[first] else first
        if keys[best] >= key:
            break
        keys[place] = keys[best]
        w.heap_what[place] = w.heap_what[best]
        w.heap_check[place] = w.heap_check[best]
        place, child = best, 4 * best + 1
    if count:
        keys[place] = key
        w.heap_what[place] = what
        w.heap_check[place] = check


# The ends of talks, one for each agent, and the arrivals, one for each kind: leaves of a tree in which every place
# above has the lesser of its two keys, and whose it is. A change takes as many steps as the tree is high, no branch.


@njit(forceinline=True)
def set_leaf(keys, whose, which, key):
    """Which agent's or kind's event has this key; NO_KEY for none."""
    place = (len(keys) >> 1) + which
    keys[place] = key
    who = numpy.int64(which)
    while place > 1:
        # Written as a choice it would be compiled to a branch, and guessed wrong.
        difference = keys[place ^ 1] - key
        less = difference >> 63  # all bits if the other is less, otherwise none
        key += difference & less
        who += (whose[place ^ 1] - who) & less
        place >>= 1
        keys[place] = key
        whose[place] = who


@njit(forceinline=True)
def set_end(w, a, key):
    """The key of the end of the agent's talk."""
    set_leaf(w.ends, w.ends_of, a, key)


@njit
def lose_end(w, a):
    """The talk will not come to its end. SimPy has the event still, and nothing comes of it."""
    c = w.clock[0]
    at_ms = w.ends[(len(w.ends) >> 1) + a] >> SEQ_BITS
    if at_ms <= c.last_ms:
        c.quiet_ms = max(c.quiet_ms, at_ms)
    set_end(w, a, NO_KEY)


@njit(forceinline=True)
def set_arrival(w, k, key):
    """The key of the next arrival of the kind."""
    set_leaf(w.arrivals, w.arrivals_of, k, key)


@njit(forceinline=True)
def feed(w, event, about, check):
    """An event for the core; it waits its turn."""
    c = w.clock[0]
    place = c.pending_tail & (len(w.pending) - 1)
    c.pending_tail += 1
    w.pending[place, 0] = event
    w.pending[place, 1] = about
    w.pending[place, 2] = check
    c.fed = 1


# Contacts that may be handed back, see `handing`


@njit(forceinline=True)
def wait_from_ms(w, i):
    """When the wait that is counted began."""
    if w.clock[0].hands_back and w.handed[i].from_ms != NONE:
        return w.handed[i].from_ms
    return w.contacts[i].arrived_ms


@njit(forceinline=True)
def call_interval(w, i):
    """The interval in which the call was made."""
    if w.clock[0].self_service:
        return numpy.int64(w.contacts[i].called)
    if w.clock[0].hands_back and w.handed[i].interval != NONE:
        return w.handed[i].interval
    return numpy.int64(w.contacts[i].interval)


# The core's timers: agents (0), offers (1), contacts (2); of each, the order that it has among its like.


@njit
def timer_before(w, i, j):
    return w.timer_ms[i] < w.timer_ms[j] or (w.timer_ms[i] == w.timer_ms[j] and w.timer_order[i] < w.timer_order[j])


@njit
def timer_swap(w, i, j):
    w.timer_ms[i], w.timer_ms[j] = w.timer_ms[j], w.timer_ms[i]
    w.timer_order[i], w.timer_order[j] = w.timer_order[j], w.timer_order[i]
    w.timer_of[i], w.timer_of[j] = w.timer_of[j], w.timer_of[i]


@njit
def push_timer(w, kind, number, of, due_ms):
    c = w.clock[0]
    if c.timers == len(w.timer_ms):
        sweep_timers(w)
    place = c.timers
    c.timers += 1
    w.timer_ms[place], w.timer_order[place], w.timer_of[place] = due_ms, kind << 50 | number, of
    while place > 0 and timer_before(w, place, (place - 1) >> 1):
        timer_swap(w, place, (place - 1) >> 1)
        place = (place - 1) >> 1


@njit
def timer_holds(w, place):
    """Whether the timer is still set."""
    kind, number = w.timer_order[place] >> 50, w.timer_order[place] & ((1 << 50) - 1)
    of = w.timer_of[place]
    if kind == 0:
        return w.agents[of].timer_ms == w.timer_ms[place]
    contact = w.contacts[of]
    if kind == 1:
        return contact.state == OFFERED and contact.offer == number
    return contact.state != GONE and contact.seq == number and contact.timer_ms == w.timer_ms[place]


@njit
def drop_timer(w):
    c = w.clock[0]
    c.timers -= 1
    timer_swap(w, 0, c.timers)
    place = 0
    while True:
        child = 2 * place + 1
        if child >= c.timers:
            return
        if child + 1 < c.timers and timer_before(w, child + 1, child):
            child += 1
        if not timer_before(w, child, place):
            return
        timer_swap(w, place, child)
        place = child


@njit
def sweep_timers(w):
    c = w.clock[0]
    count = c.timers
    c.timers = 0
    for place in range(count):
        if timer_holds(w, place):
            # What is put in has a place at or before this one.
            due_ms, order, of = w.timer_ms[place], w.timer_order[place], w.timer_of[place]
            at = c.timers
            c.timers += 1
            w.timer_ms[at], w.timer_order[at], w.timer_of[at] = due_ms, order, of
            while at > 0 and timer_before(w, at, (at - 1) >> 1):
                timer_swap(w, at, (at - 1) >> 1)
                at = (at - 1) >> 1


@njit
def next_deadline_ms(w):
    c = w.clock[0]
    while c.timers > 0:
        if timer_holds(w, 0):
            return w.timer_ms[0]
        drop_timer(w)
    return NEVER


@njit
def arm(w):
    """One wake-up at a time is armed; see `SimulatedRouter`."""
    c = w.clock[0]
    deadline = next_deadline_ms(w)
    if deadline < c.wake_ms:
        c.wake_ms = deadline
        push(w, max(c.now, deadline), WAKE, 0, deadline)


# What is counted


@njit(forceinline=True)
def set_interval(c):
    c.interval = c.now // c.interval_ms
    c.from_ms = c.interval * c.interval_ms
    c.to_ms = c.from_ms + c.interval_ms


@njit(forceinline=True)
def add_span(w, table, place, column, since_ms, weight):
    """The time from `since_ms` until now, cut at the borders of intervals."""
    c = w.clock[0]
    if since_ms >= c.from_ms:
        table[c.interval, place, column] += (c.now - since_ms) * weight
        return
    while since_ms < c.now:
        interval = since_ms // c.interval_ms
        border = min(c.now, (interval + 1) * c.interval_ms)
        table[interval, place, column] += (border - since_ms) * weight
        since_ms = border


@njit(forceinline=True)
def wait_bucket(w, wait_ms):
    """1 + the bucket of `Waits`, which for no wait is -1: the leading bits of the wait leave two to choose from."""
    below = highest_bit(wait_ms | 1 << LEADING_BITS) - LEADING_BITS
    bucket = numpy.int64(w.bucket_of[(below << LEADING_BITS) + (wait_ms >> below)])
    return bucket + (wait_ms >= w.bucket_from[bucket])


@njit(forceinline=True)
def count_wait(w, contact, wait_ms):
    tally = w.counted[contact.interval, contact.queue]
    tally[WAIT_ALL] += wait_ms
    tally[HAD_TO_WAIT] += wait_ms > 0
    tally[LONGEST] = max(tally[LONGEST], wait_ms)
    w.waits[contact.interval, contact.queue, wait_bucket(w, wait_ms)] += 1


@njit(forceinline=True)
def leave_line(w, contact):
    """The contact's wait in its queue is over, as far as the length of the queue goes."""
    add_span(w, w.counted, contact.queue, WAITING_TIME, contact.line_from_ms, 1)
