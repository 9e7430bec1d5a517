"""The plain course of things in one go: a contact who is taken at once, or waits for the first who is free, and an
agent who takes the next or is idle.

It is what the long way round comes to (an event for the core, steps and matching until nothing more follows, an offer,
the event of its answer), in the same order and with the same lines in the log. The long way is gone wherever more could
happen: timers that are due, phones that ring, wrap-up, steps that end at once.
"""

from numba import njit

from simulations.kernel.machine.agents import becomes
from simulations.kernel.machine.base import arm, note, set_end, wait_from_ms
from simulations.kernel.machine.estimates import started
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.matching import best_agent, best_contact
from simulations.kernel.machine.offers import offered, talk
from simulations.kernel.machine.standing import NOWHERE, place, set_free, set_not_free, take
from simulations.kernel.machine.waiting import await_patience, finish, queued, set_timer


@njit(forceinline=True)
def at_once(w, agent):
    """Whether what is offered to the agent now is answered now, and no timer comes before."""
    c = w.clock[0]
    return agent.answers and agent.delay_ms == 0 and (c.timers == 0 or w.timer_ms[0] > c.now)


@njit(forceinline=True)
def arrives(w, i):
    """Contact `i`, of whom there are only the draws so far, comes; False if that is no plain matter."""
    c = w.clock[0]
    contact = w.contacts[i]
    contact.queue, contact.step, contact.refused = w.type_queue[contact.type], 0, 0
    queue = w.queues[contact.queue]
    if c.tells or not queue.plain:
        return False
    contact.line = w.line_of[contact.type, contact.queue, 0]
    a = best_agent(w, i)
    if (a == NONE and not queue.plain_wait) or (a != NONE and not at_once(w, w.agents[a])):
        return False
    if c.timers and w.timer_ms[0] <= c.now:
        return False
    c.arrivals += 1
    contact.seq, contact.interval = c.arrivals, c.interval
    contact.arrived_ms = contact.queued_ms = contact.step_ms = c.now
    contact.state, contact.offer, contact.agent = WAITING, NONE, NONE
    contact.refusals, contact.due, contact.placed = 0, NO_ACTION, NOWHERE
    contact.ask_again_ms, contact.gives_up_ms, contact.timer_ms = NONE, NONE, NEVER
    contact.now_mark = contact.next_mark = 0
    note(w, ARRIVED, contact.seq, contact.queue)
    queued(w, i, NONE)
    queue.inside += 1
    note(w, STEP, contact.seq, contact.queue, 0, FIRST)
    if a == NONE:
        place(w, i)
        set_timer(w, i)
    else:
        serve(w, i, a)
        set_not_free(w, a)
    await_patience(w)
    if c.timers:
        arm(w)
    return True


@njit(forceinline=True)
def ends(w, i):
    """The talk is over; False if that is no plain matter."""
    c = w.clock[0]
    contact = w.contacts[i]
    a = contact.agent
    agent = w.agents[a]
    if w.queues[contact.queue].wrap_up_ms > 0 or agent.wrap_up_ms != NONE or agent.presence != IDLE:
        return False
    if c.special or not at_once(w, agent):
        return False
    note(w, ENDED, contact.seq)
    agent.contact = NONE
    finish(w, i, ANSWERED)
    becomes(w, a, IDLE, 0, NONE, False)
    following = best_contact(w, a)
    if following == NONE:
        set_end(w, a, NO_KEY)
        set_free(w, a)
    else:
        take(w, following)
        serve(w, following, a)
    return True


@njit(forceinline=True)
def serve(w, i, a):
    """Contact and agent are joined: an offer and its answer."""
    c = w.clock[0]
    contact, agent = w.contacts[i], w.agents[a]
    queue = w.queues[contact.queue]
    c.offers += 1
    contact.offer, contact.agent, contact.deadline_ms = c.offers, a, c.now + queue.ring_ms
    agent.contact, agent.last_offer = i, c.offers
    note(w, OFFER, c.offers, contact.seq, a, contact.deadline_ms)
    w.counted[contact.interval, contact.queue, OFFERS_N] += 1
    w.worked[c.interval, agent.group, W_OFFERS] += 1
    becomes(w, a, RINGING, 0, contact.seq, False)
    note(w, ACCEPTED, c.offers)
    if c.redials or c.hands_back:
        offered(w, contact)
    if c.learns:
        started(w, i, 0)
    queue.inside -= 1
    contact.state, contact.answered_ms, contact.waited_ms = CONNECTED, c.now, c.now - wait_from_ms(w, i)
    contact.ask_again_ms, contact.timer_ms = NONE, NEVER
    note(w, CONNECT, c.offers, contact.seq, a)
    talk(w, i)
    agent.contacts += 1
    agent.no_answers = agent.declines = 0
    becomes(w, a, BUSY, 0, contact.seq, False)
