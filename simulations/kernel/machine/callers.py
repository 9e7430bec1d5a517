"""`simulations.contacts` and `features.lines`: what becomes of a call before the core hears of it, and after."""

from numba import njit

from simulations.kernel.machine.layout import *


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
def give_back_trunk(w, contact):
    if contact.trunk != NONE:
        w.trunk_free[contact.trunk] += 1


@njit
def blocked(w, i):
    """The caller hears the busy tone; the core never hears of the call."""
    c = w.clock[0]
    tally = w.callers[c.interval, w.contacts[i].kind]
    tally[BLOCKED] += 1
    tally[LOST] += 1
    w.contacts[i].state = GONE
    w.free[c.free] = i
    c.free += 1
