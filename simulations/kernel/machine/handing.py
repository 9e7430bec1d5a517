"""Talks that are handed back, because a shift ends or an outage begins: the contact waits again, for the rest of them.

The shell's side is `simulations.agents` and `simulations.talks`, the core's `router.core.talks`. Of a contact that may
be handed back more is known than of others, in a record of its own (`layout.HANDED`):

* `from_ms`: since when it waits again; its age remains. `left_ms`: what is left of its talk.
* `patience_ms`: what was drawn when it first came, and begins anew.
* `interval`: that of the call; the contact counts as one that has come anew.
* `end_key`: when its talk would have ended. SimPy still has that event, and if the talk goes on at once, and so ends in
  the very same millisecond, it is the one that ends it.
"""

from numba import njit

from simulations.kernel.machine.agents import changed
from simulations.kernel.machine.base import feed, lose_end, next_key, note, push, set_bit, set_end
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.structure import not_plain
from simulations.kernel.machine.waiting import enter_step


@not_plain
def hand_back(w, a):
    """The shell's side: the talk that the agent has is broken off."""
    c = w.clock[0]
    i = w.agents[a].contact
    handed = w.handed[i]
    handed.end_key = w.ends[(len(w.ends) >> 1) + a]
    handed.left_ms = (handed.end_key >> SEQ_BITS) - c.now
    lose_end(w, a)
    feed(w, TRANSFERRED, i, 0)


@not_plain
def go_on_talking(w, i):
    """The shell's side: the rest of the talk begins."""
    c = w.clock[0]
    handed = w.handed[i]
    key = next_key(c, c.now + handed.left_ms)
    if key >> SEQ_BITS == handed.end_key >> SEQ_BITS and handed.end_key > c.key:
        key = handed.end_key
    handed.left_ms = NONE
    set_end(w, w.contacts[i].agent, key)


@not_plain
def transfer(w, i):
    """The talk has ended as far as the agent goes, and the contact comes anew, with its age."""
    c = w.clock[0]
    contact = w.contacts[i]
    a = contact.agent
    agent, queue = w.agents[a], w.queues[contact.queue]
    note(w, END_TALK, contact.offer, contact.seq, a)
    agent.contact = NONE
    if queue.wrap_up_ms > 0:
        agent.wrap_up_ms = max(agent.wrap_up_ms, c.now + queue.wrap_up_ms)
    talk_ms = c.now - contact.answered_ms
    note(w, FINISHED, contact.seq, contact.queue, ANSWERED, contact.waited_ms, talk_ms, a)
    tally = w.counted[contact.interval, contact.queue]
    tally[FINISHED_N] += 1
    tally[TALK] += talk_ms
    tally[TRANSFERRED_N] += 1
    agent.handled_interval, agent.handled_queue = contact.interval, contact.queue
    changed(w, a, False)
    comes_anew(w, i, a)


@njit
def comes_anew(w, i, sender):
    """The contact waits again; the agent who had it is passed over."""
    c = w.clock[0]
    contact, handed = w.contacts[i], w.handed[i]
    if handed.interval == NONE:
        handed.interval = contact.interval
    handed.from_ms = contact.queued_ms = contact.line_from_ms = c.now
    contact.interval = c.interval
    contact.state, contact.offer, contact.agent = WAITING, NONE, NONE
    contact.refused = 1
    w.refused[i, :] = 0
    set_bit(w.refused[i], sender)
    contact.ask_again_ms = c.now + c.retry_ms
    note(w, QUEUED, contact.seq, contact.queue, NONE)
    w.counted[contact.interval, contact.queue, ARRIVED_N] += 1
    if handed.patience_ms == NONE:
        patience = w.variates[contact.kind, contact.queue, 1]
        if patience != NONE:
            handed.patience_ms = w.draws[i, patience]
    if handed.patience_ms != NONE:
        contact.gives_up_ms = c.now + handed.patience_ms
        push(w, contact.gives_up_ms, PATIENCE, i, contact.seq)
    w.queues[contact.queue].inside += 1
    enter_step(w, i, 0, FIRST)
