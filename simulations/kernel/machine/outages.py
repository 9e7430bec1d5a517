"""Outages, `simulations.agents`: who works there is gone, one after the other; what they had rings elsewhere or ends.

The shell tells the core of one thing at a time, and what follows from that comes first. So an outage is gone on with
whenever the core has nothing to do.
"""

from simulations.kernel.machine.base import call_interval, feed, lose_end
from simulations.kernel.machine.handing import hand_back
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.structure import not_plain

GO, END, COME = range(3)
"""What happens to all who are struck: first they are gone, then what they had ends; later they come back."""


@not_plain
def begin_outage(w, outage, ends):
    """The outage begins, or (`ends`) is over."""
    c = w.clock[0]
    c.outage, c.outage_phase, c.outage_place = outage, COME if ends else GO, 0


@not_plain
def strike(w):
    """Goes on until there is something for the core, or nothing more."""
    c = w.clock[0]
    while c.outage != NONE and not c.fed:
        a = NONE
        if c.outage_place < w.struck.shape[1]:
            a = w.struck[c.outage, c.outage_place]
        c.outage_place += 1
        if a != NONE:
            if c.outage_phase == GO:
                is_gone(w, a)
            elif c.outage_phase == END:
                drops(w, a)
            else:
                is_back(w, a)
        elif c.outage_phase == GO:
            c.outage_phase, c.outage_place = END, 0
        else:
            c.outage = NONE


@not_plain
def is_gone(w, a):
    agent = w.agents[a]
    agent.down += 1
    if agent.down == 1 and agent.on_shift:
        agent.break_ms = NONE
        feed(w, SIGNED_OUT, a, 0)


@not_plain
def is_back(w, a):
    agent = w.agents[a]
    agent.down -= 1
    if agent.down == 0 and agent.on_shift:
        feed(w, SIGNED_IN, a, 0)


@not_plain
def drops(w, a):
    """What the agent had in hand."""
    c = w.clock[0]
    i = w.agents[a].contact
    if i == NONE:
        return
    contact = w.contacts[i]
    if contact.state == OFFERED:
        feed(w, OFFER_FAILED, i, contact.offer)
    elif w.outage_talks[c.outage] == LOST_TALKS:
        lose_end(w, a)
        w.callers[call_interval(w, i), contact.kind, TORN] += 1
        c.torn = i
        feed(w, ENDED, i, 0)
    elif w.outage_talks[c.outage] == HANDED_TALKS:
        hand_back(w, a)
