"""The router core in the kernel: what follows from an event.

To be read beside `router.core.router`: the event itself, the timers that are due before it, and then steps and matches
until nothing more follows.
"""

from numba import njit

from simulations.kernel.machine.agents import changed, pause, ready, sign_in, sign_out
from simulations.kernel.machine.base import drop_timer, next_deadline_ms, note
from simulations.kernel.machine.estimates import left
from simulations.kernel.machine.handing import transfer
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.matching import match
from simulations.kernel.machine.offers import accept, deadline, fail, move, withdraw
from simulations.kernel.machine.standing import NOWHERE, take
from simulations.kernel.machine.waiting import enter, finish, progress, set_dirty, timer_due


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
