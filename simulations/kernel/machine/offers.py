"""`router.core.offers`: a lease on one agent for one contact, with a deadline."""

import numpy
from numba import njit

from simulations.kernel.machine.agents import changed, offer_failed
from simulations.kernel.machine.base import (
    count_wait,
    feed,
    leave_line,
    next_key,
    note,
    push,
    push_timer,
    set_bit,
    set_end,
    wait_from_ms,
)
from simulations.kernel.machine.estimates import left, started
from simulations.kernel.machine.handing import go_on_talking
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.standing import take
from simulations.kernel.machine.structure import not_plain
from simulations.kernel.machine.waiting import due_action, enter_step, forget_refusals, queued, set_timer, wait


@njit
def make(w, i, a):
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[a]
    c.offers += 1
    take(w, i)
    contact.state, contact.offer, contact.agent = OFFERED, c.offers, a
    contact.deadline_ms = c.now + w.queues[contact.queue].ring_ms
    agent.contact = i
    agent.last_offer = c.offers
    note(w, OFFER, c.offers, contact.seq, a, contact.deadline_ms)
    w.counted[contact.interval, contact.queue, OFFERS_N] += 1
    w.worked[c.interval, agent.group, W_OFFERS] += 1
    if ring(w, i, a):
        push_timer(w, 1, c.offers, i, contact.deadline_ms)
    changed(w, a, False)


@njit
def offered(w, contact):
    """Once more; there must be a lane for the next time."""
    c = w.clock[0]
    contact.offers += 1
    if contact.offers + 1 >= c.lanes and w.lanes.shape[1] > 0:
        c.lanes_short = 1


@njit
def ring(w, i, a):
    """The shell's side: the agent's phone rings, and is answered or not. Whether that takes time: otherwise the offer
    is over before its deadline could come."""
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[a]
    lane = contact.offers
    offered(w, contact)
    width = w.lanes.shape[1] // c.lanes if c.lanes else 0
    event, wakes = ACCEPTED, ANSWER
    if agent.answers == 0:  # not every offer is taken
        uniform = w.lanes[i, lane * width]
        if uniform < agent.no_answer:
            return True
        if uniform < agent.no_answer + agent.declined:
            event, wakes = DECLINED, DECLINE
    delay_ms = agent.delay_ms
    if delay_ms == NONE:
        delay_ms = numpy.int64(w.lanes[i, lane * width + agent.delay_lane])
    if delay_ms:
        push(w, c.now + delay_ms, wakes, i, contact.offer)
        return True
    feed(w, event, i, contact.offer)
    return False


@njit
def accept(w, i):
    """Agent and contact are joined."""
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[contact_agent(w, i)]
    contact.due = NO_ACTION
    if contact.refused:
        forget_refusals(w, i)
    contact.ask_again_ms = NONE
    if c.learns:
        started(w, i, c.now - contact.deadline_ms + w.queues[contact.queue].ring_ms)
    w.queues[contact.queue].inside -= 1
    contact.state, contact.answered_ms = CONNECTED, c.now
    contact.waited_ms = c.now - wait_from_ms(w, i)
    note(w, CONNECT, contact.offer, contact.seq, contact.agent)
    talk(w, i)
    agent.contacts += 1
    agent.no_answers = agent.declines = 0
    set_timer(w, i)
    changed(w, contact.agent, False)


@njit(forceinline=True)
def contact_agent(w, i):
    return w.contacts[i].agent


@njit(forceinline=True)
def talk(w, i):
    """The shell's side: the talk begins and lasts as long as was drawn."""
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[contact_agent(w, i)]
    leave_line(w, contact)
    tally = w.counted[contact.interval, contact.queue]
    tally[ANSWERED_N] += 1
    tally[WAIT_ANSWERED] += contact.waited_ms
    tally[ANSWERED_WITHIN] += contact.waited_ms <= w.queues[contact.queue].answered_within_ms
    count_wait(w, contact, contact.waited_ms)
    w.worked[c.interval, agent.group, W_ANSWERED] += 1
    contact.gives_up_ms = NONE
    agent.queue = contact.queue
    wrap_up = w.variates[contact.kind, contact.queue, 2]
    agent.drawn_wrap_up_ms = NONE if wrap_up == NONE else w.draws[i, wrap_up]
    if c.hands_back and w.handed[i].left_ms != NONE:
        go_on_talking(w, i)
        return
    handle_ms = w.draws[i, w.variates[contact.kind, contact.queue, 0]]
    if agent.factor != 1.0:
        handle_ms = paced(w, i, agent)
    set_end(w, contact.agent, next_key(c, c.now + handle_ms))


@njit
def paced(w, i, agent):
    """What the work of this contact takes an agent who is slower or faster than others; maybe only for some work, or
    as somebody who has just begun."""
    c = w.clock[0]
    contact = w.contacts[i]
    if agent.pace == NONE:
        return numpy.int64(numpy.rint(w.draws[i, w.variates[contact.kind, contact.queue, 0]] * agent.factor))
    factor = w.pace[agent.pace, contact.kind, contact.queue]
    column = w.pace_column[agent.pace, contact.kind, contact.queue]
    if column == NONE:
        column = w.variates[contact.kind, contact.queue, 0]
    if agent.seated:
        factor *= w.seats[agent.order, (c.now - c.midnight_ms) // DAY_MS]
    return numpy.int64(numpy.rint(w.draws[i, column] * factor))


@njit
def end_offer(w, i, a, cause):
    """The offer is dead."""
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[a]
    note(w, OFFER_ENDED, contact.offer, contact.seq, a, cause)
    agent.contact = NONE
    worked = w.worked[c.interval, agent.group]
    worked[W_SEEN] = 1
    if cause == NO_ANSWER:
        worked[W_NO_ANSWER] += 1
        w.counted[contact.interval, contact.queue, NO_ANSWER_N] += 1
    elif cause == REFUSED:
        worked[W_DECLINED] += 1
        w.counted[contact.interval, contact.queue, DECLINED_N] += 1
    elif cause == UNREACHABLE:
        worked[W_OFFER_FAILED] += 1
        w.counted[contact.interval, contact.queue, OFFERS_FAILED] += 1
    contact.state, contact.offer, contact.agent = WAITING, NONE, NONE


@njit
def fail(w, i, cause):
    """The offer came to nothing: the contact waits again, the agent gets what the cause deserves."""
    c = w.clock[0]
    contact = w.contacts[i]
    a = contact.agent
    end_offer(w, i, a, cause)
    if cause != UNREACHABLE:
        if not contact.refused:
            w.refused[i, :] = 0
        contact.refusals += 1
        contact.refused += 1
        set_bit(w.refused[i], a)
        contact.ask_again_ms = c.now + c.retry_ms
    if contact.due == NO_ACTION:
        wait(w, i)
    else:
        action, contact.due = contact.due, NO_ACTION
        due_action(w, i, action, contact.due_reason)
    offer_failed(w, a, cause)


@njit
def deadline(w, i):
    contact = w.contacts[i]
    note(w, CANCEL, contact.offer, contact.seq, contact.agent)
    fail(w, i, NO_ANSWER)


@njit
def withdraw(w, i):
    """The caller is gone; the agent did nothing wrong and keeps the place among the idle."""
    contact = w.contacts[i]
    a = contact.agent
    note(w, CANCEL, contact.offer, contact.seq, a)
    end_offer(w, i, a, CANCELLED)
    contact.due = NO_ACTION
    changed(w, a, True)


@not_plain
def move(w, i, to):
    """The contact goes to another queue by its own choice, even if that is full."""
    contact = w.contacts[i]
    if contact.state == OFFERED:
        withdraw(w, i)
    if w.clock[0].learns:
        left(w, i)
    take(w, i)
    moved_from = contact.queue
    w.queues[moved_from].inside -= 1
    leave_line(w, contact)
    w.counted[contact.interval, moved_from, MOVED_OUT] += 1
    contact.queue, contact.queued_ms = to, w.clock[0].now
    queued(w, i, moved_from)
    w.queues[to].inside += 1
    enter_step(w, i, 0, FIRST)
