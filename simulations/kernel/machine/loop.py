"""The kernel's loop: the SimPy shell and the router core (`machine.router`) as one function over flat arrays.

It is to be read beside `simulations.driver` and `simulations.shell`: the same things happen in the same order, under
the same names, so that equal callers give an equal log, decision by decision. What the core tells its shell is carried
out on the spot here, which comes to the same: what a shell does for a decision never changes the core before its next
event.

What is done for every contact is compiled into the loop itself (`forceinline`): a call takes as long as many of these
functions.
"""

from numba import njit

from simulations.kernel.machine import plain
from simulations.kernel.machine.agents import account, is_here, shift, take_break
from simulations.kernel.machine.base import (
    add_span,
    arm,
    drop_first,
    feed,
    next_deadline_ms,
    next_key,
    set_arrival,
    set_end,
    set_interval,
)
from simulations.kernel.machine.callers import (
    begin_self_service,
    blocked,
    contained,
    first_call,
    fresh,
    next_call,
    take_trunk,
)
from simulations.kernel.machine.estimates import hear
from simulations.kernel.machine.handing import hand_back
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.outages import begin_outage, strike
from simulations.kernel.machine.pressing import press
from simulations.kernel.machine.router import handle
from simulations.kernel.machine.structure import world_at
from simulations.kernel.machine.waiting import await_patience


@njit(nogil=True)
def run(arrays, table):
    """`go` for the arrays of a `World`, described by the table."""
    return go(world_at(arrays, table, False))


@njit(nogil=True)
def run_plain(arrays, table):
    """`go` for a world for which `PLAIN` holds."""
    return go(world_at(arrays, table, True))


@njit(_nrt=False)
def go(w):
    """Goes on until the end, or until somebody must bring something: (what, for which kind or agent)."""
    c = w.clock[0]
    while True:
        while c.pending_head != c.pending_tail:
            if c.lanes_short:
                return MORE_LANES, 0
            if c.back_short != NONE:
                return MORE_BACK, c.back_short
            if c.keep_log and c.logged > len(w.log) // 2:
                return MORE_LOG, 0
            place = c.pending_head & (len(w.pending) - 1)
            c.pending_head += 1
            handle(w, w.pending[place, 0], w.pending[place, 1], w.pending[place, 2])
            if c.tells and c.hearing != NONE:
                hear(w)
        if c.back_short != NONE:
            return MORE_BACK, c.back_short
        if c.fed:
            c.fed = 0
            await_patience(w)
            arm(w)
        if c.keep_log and c.logged > len(w.log) // 2:
            return MORE_LOG, 0
        if c.heap + c.alive + 4 * len(w.agents) + 64 > len(w.heap_key):
            return MORE_ROOM, 0
        if c.seq >= (1 << SEQ_BITS) - 8 * len(w.agents) - 64:
            return MORE_NUMBERS, 0
        if c.arriving != NONE:
            kind = w.kinds[c.arriving]
            if kind.position == kind.filled and not kind.complete:
                return MORE_ARRIVALS, c.arriving
            if kind.position == kind.filled or w.arrival_ms[c.arriving, kind.position] > c.now:
                if kind.position < kind.filled:
                    set_arrival(w, c.arriving, next_key(c, w.arrival_ms[c.arriving, kind.position]))
                else:
                    set_arrival(w, c.arriving, NO_KEY)
                c.arriving = NONE
            elif c.free == 0:
                return MORE_ROOM, 0
            else:
                tell_arrival(w, c.arriving)
        elif c.hands_back and c.handing != NONE:
            hand_back(w, c.handing)
            c.handing = NONE
        elif c.outages and c.outage != NONE:
            strike(w)
        elif c.started < len(w.kinds):  # the processes of arrivals begin before anything else
            c.arriving = c.started
            c.started += 1
        elif not go_on(w):
            close(w)
            return DONE, 0


@njit(forceinline=True)
def tell_arrival(w, k):
    """The next contact of the kind exists, and is told to the core."""
    c = w.clock[0]
    kind = w.kinds[k]
    at = kind.position
    kind.position += 1
    c.free -= 1
    i = w.free[c.free]
    contact = w.contacts[i]
    contact.kind, contact.number = k, kind.number
    kind.number += 1
    contact.type = w.arrival_type[k, at]
    for v in range(w.draws.shape[1]):
        w.draws[i, v] = w.arrival_draws[k, at, v]
    if c.lanes:
        for v in range(w.lanes.shape[1]):
            w.lanes[i, v] = w.arrival_lanes[k, at, v]
    if c.tells or c.presses or c.self_service:
        for v in range(w.hears.shape[1]):
            w.hears[i, v] = w.arrival_hears[k, at, v]
    contact.offers = 0
    w.callers[c.interval, k, CALLERS] += 1
    if c.redials:
        first_call(w, i, at)
    call(w, i)


@njit
def call(w, i):
    """The contact is told to the core, if it comes in, and when the IVR lets it go."""
    c = w.clock[0]
    if c.hands_back:
        fresh(w, i)
    if c.presses:
        w.began[i] = 0
    if c.self_service:
        w.contacts[i].called = c.interval
    if c.trunks and not take_trunk(w, i):
        blocked(w, i)
        return
    c.alive += 1
    if c.self_service and begin_self_service(w, i):
        return
    if not plain.arrives(w, i):
        feed(w, ARRIVED, i, 0)


@njit(forceinline=True)
def go_on(w):
    """The next of SimPy's events; False when there is none that is still to happen."""
    c = w.clock[0]
    is_arrival, is_end = False, w.ends[1] < w.heap_key[0]
    key = w.ends[1] if is_end else w.heap_key[0]
    if w.arrivals[1] < key:
        is_arrival, key = True, w.arrivals[1]
    at_ms = key >> SEQ_BITS
    if not c.over and at_ms >= c.end_ms:
        c.over = 1
        c.now = max(c.now, c.end_ms)
        set_interval(c)
    if c.over and (c.alive == 0 or at_ms > c.last_ms or key >= NO_KEY):
        return False
    c.now = at_ms
    if c.hands_back:
        c.key = key
    if at_ms >= c.to_ms:
        set_interval(c)
    if is_arrival:
        c.arriving = w.arrivals_of[1]
        return True
    if is_end:
        a = w.ends_of[1]
        if not plain.ends(w, w.agents[a].contact):
            set_end(w, a, NO_KEY)
            feed(w, ENDED, w.agents[a].contact, 0)
        return True
    what, about, check = w.heap_what[0] & ((1 << WHAT_BITS) - 1), w.heap_what[0] >> WHAT_BITS, w.heap_check[0]
    drop_first(w)
    if what == PATIENCE:
        contact = w.contacts[about]
        if contact.seq == check and contact.state != GONE and contact.gives_up_ms == c.now:
            feed(w, LEFT, about, check)
    elif what == ANSWER or what == DECLINE:
        if w.contacts[about].state == OFFERED and w.contacts[about].offer == check:
            feed(w, ACCEPTED if what == ANSWER else DECLINED, about, check)
    elif what == BACK:
        if w.agents[about].change == check and is_here(w.agents[about]):
            feed(w, READY, about, 0)
    elif what == WAKE:
        if check == c.wake_ms:
            c.wake_ms = NEVER
            if next_deadline_ms(w) <= c.now:
                feed(w, TIME_PASSED, 0, 0)
            else:
                arm(w)
    elif what == REDIAL:
        next_call(w, about)
        call(w, about)
    elif what == BREAK:
        take_break(w, about, check)
    elif what == SIGN_IN or what == SIGN_OUT:
        shift(w, about, what == SIGN_IN)
    elif c.self_service and what == SELF_SERVICE_OVER:
        if not contained(w, about) and not plain.arrives(w, about):
            feed(w, ARRIVED, about, 0)
    elif c.presses and what == KEY:
        press(w, about, check)
    elif c.outages:
        begin_outage(w, about, what == UP)
    return True


@njit
def close(w):
    """Counts the time until the end of all who wait and of all agents. If somebody is still there, SimPy has gone on to
    its last event, be it one that nothing came of."""
    c = w.clock[0]
    if c.alive:
        c.now = max(c.now, c.quiet_ms)
        set_interval(c)
    for a in range(len(w.agents)):
        account(w, w.agents[a])
    for i in range(len(w.contacts)):
        contact = w.contacts[i]
        if contact.state == WAITING or contact.state == OFFERED:
            add_span(w, w.counted, contact.queue, WAITING_TIME, contact.line_from_ms, 1)
