"""Waiting callers who press keys, `simulations.waiting_keys`: they leave, or go to another queue with their age."""

import numpy

from simulations.kernel.machine.base import call_interval, feed, push
from simulations.kernel.machine.estimates import estimated_ms
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.structure import not_plain

WAITS_BITS, KEY_BITS = 8, 4


@not_plain
def begin_to_wait(w, i):
    """The contact begins to wait in the queue that it has; one of the keys may be in the calendar now."""
    c = w.clock[0]
    contact = w.contacts[i]
    w.began[i] += 1
    count = w.key_count[contact.kind]
    if count == 0:
        return
    call = contact.attempt - 1 if c.redials else 0
    lane = call * c.hear_width + c.keys_first + (w.began[i] - 1) * (1 + w.keys.shape[1])
    uniform, reached = w.hears[i, lane], 0.0
    for k in range(count):
        key = w.keys[contact.kind, k]
        if key.queue == NONE or key.queue == contact.queue:
            reached += key.share
            if uniform < reached:
                check = (contact.seq << WAITS_BITS | w.began[i]) << KEY_BITS | k
                push(w, c.now + numpy.int64(w.hears[i, lane + 1 + k]), KEY, i, check)
                return


@not_plain
def press(w, i, check):
    """The key is pressed, if the contact still waits as it did, and for too long."""
    contact = w.contacts[i]
    if check >> KEY_BITS != contact.seq << WAITS_BITS | w.began[i]:
        return
    if contact.state != WAITING and contact.state != OFFERED:
        return
    key = w.keys[contact.kind, check & ((1 << KEY_BITS) - 1)]
    if key.over_ms > 0 and not estimated_ms(w, i, 0.0) > key.over_ms:
        return
    w.callers[call_interval(w, i), contact.kind, PRESSED] += 1
    if key.to_queue == NONE:
        feed(w, WENT, i, contact.seq)
    else:
        feed(w, MOVED, i, key.to_queue)
