"""The kernel's loop: the SimPy shell and the router core as one function over flat arrays.

It is to be read beside `simulations.driver`, `simulations.shell` and `router.core`: the same things happen in the same
order, under the same names, so that equal callers give an equal log, decision by decision. What the core tells its
shell is carried out on the spot here, which comes to the same: what a shell does for a decision never changes the core
before its next event.

What is done for every contact is compiled into the loop itself (`forceinline`): a call takes as long as many of these
functions.
"""

from numba import njit

from simulations.kernel.machine import plain
from simulations.kernel.machine.agents import (
    account,
    changed,
    is_here,
    pause,
    ready,
    shift,
    sign_in,
    sign_out,
    take_break,
)
from simulations.kernel.machine.base import (
    add_span,
    arm,
    drop_first,
    drop_timer,
    feed,
    next_deadline_ms,
    next_key,
    note,
    set_arrival,
    set_end,
    set_interval,
)
from simulations.kernel.machine.callers import blocked, first_call, fresh, next_call, take_trunk
from simulations.kernel.machine.estimates import hear, left
from simulations.kernel.machine.handing import hand_back, transfer
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.matching import match
from simulations.kernel.machine.offers import accept, deadline, fail, move, withdraw
from simulations.kernel.machine.outages import begin_outage, strike
from simulations.kernel.machine.pressing import press
from simulations.kernel.machine.standing import NOWHERE, take
from simulations.kernel.machine.structure import world_at
from simulations.kernel.machine.waiting import await_patience, enter, finish, progress, set_dirty, timer_due


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
    if c.tells or c.presses:
        for v in range(w.hears.shape[1]):
            w.hears[i, v] = w.arrival_hears[k, at, v]
    contact.offers = 0
    w.callers[c.interval, k, CALLERS] += 1
    if c.redials:
        first_call(w, i, at)
    call(w, i)


@njit
def call(w, i):
    """The contact is told to the core, if it comes in."""
    c = w.clock[0]
    if c.hands_back:
        fresh(w, i)
    if c.presses:
        w.began[i] = 0
    if c.trunks and not take_trunk(w, i):
        blocked(w, i)
        return
    c.alive += 1
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


# Router.handle


@njit
def handle(w, event, about, check):
    """What follows from the event, after the timers that are due."""
    c = w.clock[0]
    if event == ARRIVED:
        w.contacts[about].seq = c.arrivals + 1
        note(w, event, c.arrivals + 1, w.type_queue[w.contacts[about].type])
    elif event == LEFT or event == ENDED:
        note(w, event, w.contacts[about].seq)
    elif event == ACCEPTED or event == DECLINED or event == OFFER_FAILED:
        note(w, event, check)
    elif event == EXTENDED:
        note(w, event, about, check)
    elif event == TRANSFERRED:
        note(w, event, w.contacts[about].seq, w.contacts[about].queue)
    elif event == WENT:
        note(w, event, w.contacts[about].seq)
    elif event == MOVED:
        note(w, event, w.contacts[about].seq, check)
    else:
        note(w, event, about)
    while process_timers(w):
        pass
    if event == ARRIVED:
        arrive(w, about)
    elif event == ENDED:
        end_talk(w, about)
    elif event == ACCEPTED or event == DECLINED or event == OFFER_FAILED:
        contact = w.contacts[about]
        if contact.state != OFFERED or contact.offer != check:
            if event == ACCEPTED:
                note(w, RELEASE_AGENT, check)
            return
        if event == ACCEPTED:
            accept(w, about)
        else:
            fail(w, about, REFUSED if event == DECLINED else UNREACHABLE)
    elif event == LEFT or event == WENT:
        contact = w.contacts[about]
        if contact.seq != check or contact.state == GONE:
            return
        if contact.state == CONNECTED:
            end_talk(w, about)
        else:
            if contact.state == OFFERED:
                withdraw(w, about)
            if c.learns:
                left(w, about)
            take(w, about)
            finish(w, about, ABANDONED if event == LEFT else BY_KEY)
    elif event == MOVED:
        if w.contacts[about].state != WAITING and w.contacts[about].state != OFFERED:
            return
        move(w, about, check)
    elif event == READY:
        ready(w, about)
    elif event == EXTENDED:
        agent = w.agents[about]
        if agent.wrap_up_ms == NONE:
            return
        agent.wrap_up_ms += check
        changed(w, about, False)
    elif event == TRANSFERRED:
        transfer(w, about)
    elif event == AGENT_PAUSED:
        pause(w, about)
    elif event == SIGNED_IN:
        sign_in(w, about)
    elif event == SIGNED_OUT:
        sign_out(w, about)
        look_for_staff(w)
    else:
        return
    settle(w)


@njit
def process_timers(w):
    """Works in all timers that are due, then what follows from them together; whether there were any."""
    c = w.clock[0]
    if next_deadline_ms(w) > c.now:
        return False
    count = 0
    while next_deadline_ms(w) <= c.now:
        kind, number, of = w.timer_order[0] >> 50, w.timer_order[0] & ((1 << 50) - 1), w.timer_of[0]
        w.due[count, 0], w.due[count, 1], w.due[count, 2] = kind, number, of
        count += 1
        if kind == 0:
            w.agents[of].timer_ms = NEVER
        elif kind == 2:
            w.contacts[of].timer_ms = NEVER
        drop_timer(w)
    for k in range(count):
        kind, number, of = w.due[k, 0], w.due[k, 1], w.due[k, 2]
        if kind == 0:
            agent = w.agents[of]
            if agent.wrap_up_ms != NONE and agent.wrap_up_ms <= c.now:
                agent.wrap_up_ms = NONE
            changed(w, of, False)
        elif kind == 1:
            if w.contacts[of].state == OFFERED and w.contacts[of].offer == number:
                deadline(w, of)
        elif w.contacts[of].state != GONE and w.contacts[of].seq == number:
            timer_due(w, of)
    settle(w)
    return True


@njit
def arrive(w, i):
    c = w.clock[0]
    contact = w.contacts[i]
    c.arrivals += 1
    contact.queue = w.type_queue[contact.type]
    contact.seq = c.arrivals
    contact.arrived_ms, contact.interval = c.now, c.interval
    contact.state, contact.offer, contact.agent = WAITING, NONE, NONE
    contact.refusals = contact.refused = 0
    contact.ask_again_ms = contact.gives_up_ms = NONE
    contact.due, contact.placed, contact.timer_ms = NO_ACTION, NOWHERE, NEVER
    contact.now_mark = contact.next_mark = 0
    enter(w, i, NONE)


@njit
def end_talk(w, i):
    """The talk is over; the agent's wrap-up begins."""
    c = w.clock[0]
    contact = w.contacts[i]
    a = contact.agent
    agent = w.agents[a]
    agent.contact = NONE
    for_ms = w.queues[contact.queue].wrap_up_ms
    if for_ms > 0:
        agent.wrap_up_ms = max(agent.wrap_up_ms, c.now + for_ms)
    finish(w, i, ANSWERED)
    changed(w, a, False)


@njit
def look_for_staff(w):
    """Looks again at those to whom something happens when nobody who may take them is signed in."""
    c = w.clock[0]
    for line in range(len(w.lines)):
        if w.lines[line].signed == 0:
            i = w.lines[line].head
            if i != NONE and minds(w, i):
                while i != NONE:
                    set_dirty(w, i)
                    i = w.contacts[i].next
    for s in range(c.special):
        i = w.special[s]
        if w.lines[w.contacts[i].line].signed == 0 and minds(w, i):
            set_dirty(w, i)


@njit
def minds(w, i):
    queue = w.queues[w.contacts[i].queue]
    return w.steps[queue.first_step + w.contacts[i].step].none_logged_in or queue.unstaffed


@njit
def settle(w):
    """Steps and matches until nothing more follows."""
    c = w.clock[0]
    while c.dirty_next or c.dirty_agents:
        agents, c.dirty_agents = c.dirty_agents, 0
        take_over(w)
        by_age(w)
        for k in range(c.dirty_now):
            progress(w, w.dirty_now[k], False)
        if c.dirty_next:
            take_over(w)
            by_age(w)
        # What becomes dirty from here on is for the next round; agents only become less free by offers.
        match(w, agents, c.dirty_now)
        for k in range(c.dirty_now):
            i = w.dirty_now[k]
            if w.contacts[i].placed != NOWHERE:
                progress(w, i, True)
        for k in range(c.dirty_now):
            w.contacts[w.dirty_now[k]].now_mark = 0
        c.dirty_now = 0


@njit
def take_over(w):
    """The contacts that have become dirty join those that are looked at in this round."""
    c = w.clock[0]
    for k in range(c.dirty_next):
        contact = w.contacts[w.dirty_next[k]]
        contact.next_mark = 0
        if not contact.now_mark:
            contact.now_mark = 1
            w.dirty_now[c.dirty_now] = w.dirty_next[k]
            c.dirty_now += 1
    c.dirty_next = 0


@njit
def by_age(w):
    """The contacts of this round in the order of their arrival."""
    for k in range(1, w.clock[0].dirty_now):
        i = w.dirty_now[k]
        seq = w.contacts[i].seq
        place = k
        while place > 0 and w.contacts[w.dirty_now[place - 1]].seq > seq:
            w.dirty_now[place] = w.dirty_now[place - 1]
            place -= 1
        w.dirty_now[place] = i
