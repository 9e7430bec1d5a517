"""`router.core.waiting`: contacts that wait, step after step, and their end."""

from numba import njit

from simulations.kernel.machine.base import count_wait, leave_line, next_key, note, push_key, push_timer, wait_from_ms
from simulations.kernel.machine.callers import gone, identify, remember
from simulations.kernel.machine.estimates import left
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.pressing import begin_to_wait
from simulations.kernel.machine.standing import place, take


@njit(forceinline=True)
def queued(w, i, moved_from):
    """The shell's side of the entry into a queue, and what is counted of it."""
    c = w.clock[0]
    contact = w.contacts[i]
    note(w, QUEUED, contact.seq, contact.queue, moved_from)
    tally = w.counted[contact.interval, contact.queue]
    tally[ARRIVED_N] += 1
    contact.line_from_ms = c.now
    if c.presses:
        begin_to_wait(w, i)
    if moved_from != NONE:
        tally[MOVED_IN] += 1
        return
    if c.redials:
        identify(w, contact)
    if c.tells and w.announcements[contact.kind].tells:
        c.hearing, contact.patience_key = i, next_key(c, c.now)  # or later, when patience is known
    patience = w.variates[contact.kind, contact.queue, 1]
    if patience != NONE and w.draws[i, patience] != NONE:
        contact.gives_up_ms = c.now + w.draws[i, patience]
        contact.patience_key = next_key(c, contact.gives_up_ms)
        if c.hands_back:
            w.handed[i].patience_ms = w.draws[i, patience]
        c.patient = i


@njit(forceinline=True)
def await_patience(w):
    """The end of the patience of who has just come and was not answered at once, in the place that it has among
    SimPy's events since the entry into the queue."""
    c = w.clock[0]
    if c.patient != NONE:
        contact = w.contacts[c.patient]
        waits = contact.seq == c.arrivals and (contact.state == WAITING or contact.state == OFFERED)
        if waits or c.hands_back:  # for one that is handed back in this millisecond it is still the end of the patience
            push_key(w, contact.patience_key, PATIENCE, c.patient, contact.seq)
        else:
            at_ms = contact.patience_key >> SEQ_BITS
            if at_ms <= c.last_ms:
                c.quiet_ms = max(c.quiet_ms, at_ms)
        c.patient = NONE


@njit
def enter(w, i, moved_from):
    """The contact, in no queue so far, is now in this one; or in the one to which that sends it on."""
    c = w.clock[0]
    contact = w.contacts[i]
    while True:
        contact.queued_ms = c.now
        queued(w, i, moved_from)
        queue = w.queues[contact.queue]
        queue.inside += 1
        if queue.full_at == NONE or queue.inside <= queue.full_at:
            break
        moved_from = contact.queue
        if not act(w, i, queue.full_queue, queue.full_exit, FULL):
            return
    enter_step(w, i, 0, FIRST)


@njit
def act(w, i, to_queue, to_exit, reason):
    """A last action; True if the contact is to enter the queue that it now has."""
    contact = w.contacts[i]
    take(w, i)
    if to_queue == NONE:
        note(w, RELEASED, contact.seq, contact.queue, to_exit, reason)
        w.clock[0].alive -= 1
        finish(w, i, OVERFLOWED)
        return False
    w.queues[contact.queue].inside -= 1
    leave_line(w, contact)
    w.counted[contact.interval, contact.queue, MOVED_OUT] += 1
    contact.queue = to_queue
    return True


@njit
def enter_step(w, i, step, reason):
    c = w.clock[0]
    contact = w.contacts[i]
    take(w, i)
    contact.step, contact.step_ms, contact.refusals = step, c.now, 0
    note(w, STEP, contact.seq, contact.queue, step, reason)
    wait(w, i)


@njit
def wait(w, i):
    """The contact waits (again), with its age and at its place."""
    contact = w.contacts[i]
    if contact.state == WAITING:
        place(w, i)
    contact.line = w.line_of[contact.type, contact.queue, contact.step]
    set_dirty(w, i)
    set_timer(w, i)


@njit
def set_dirty(w, i):
    c = w.clock[0]
    contact = w.contacts[i]
    if not contact.next_mark:
        contact.next_mark = 1
        w.dirty_next[c.dirty_next] = i
        c.dirty_next += 1


@njit(forceinline=True)
def set_timer(w, i):
    contact = w.contacts[i]
    due_ms = NEVER
    if contact.due == NO_ACTION and contact.state != CONNECTED:
        queue = w.queues[contact.queue]
        step = w.steps[queue.first_step + contact.step]
        if contact.ask_again_ms != NONE:
            due_ms = contact.ask_again_ms
        if step.after_ms != NONE:
            due_ms = min(due_ms, (contact.arrived_ms if step.by_age else contact.step_ms) + step.after_ms)
        if queue.longest_ms != NONE:
            due_ms = min(due_ms, contact.queued_ms + queue.longest_ms)
    if due_ms != contact.timer_ms:
        contact.timer_ms = due_ms
        if due_ms != NEVER:
            push_timer(w, 2, contact.seq, i, due_ms)


@njit
def timer_due(w, i):
    c = w.clock[0]
    contact = w.contacts[i]
    if contact.ask_again_ms != NONE and contact.ask_again_ms <= c.now:
        take(w, i)
        forget_refusals(w, i)
        wait(w, i)
    set_dirty(w, i)
    set_timer(w, i)


@njit
def forget_refusals(w, i):
    w.contacts[i].refused = 0
    w.contacts[i].ask_again_ms = NONE


# From step to step


@njit
def progress(w, i, tried):
    """Goes on to the step that the contact is due in; `tried`: nobody free was found for it in this step."""
    contact = w.contacts[i]
    while contact.state != GONE and contact.due == NO_ACTION:
        queue = w.queues[contact.queue]
        action, reason = over(w, i, contact, queue)
        if action == NO_ACTION:
            reason = step_over(w, i, contact, w.steps[queue.first_step + contact.step], tried)
            if reason == NONE:
                return
            if contact.step + 1 < queue.steps:
                enter_step(w, i, contact.step + 1, reason)
                tried = False
                continue
            action = LAST_ACTION
        leave_by(w, i, action, reason)
        tried = False


@njit
def over(w, i, contact, queue):
    """The last action that is due whatever the step, and why."""
    c = w.clock[0]
    if contact.state == CONNECTED:
        return NO_ACTION, NONE
    if queue.longest_ms != NONE and c.now - contact.queued_ms >= queue.longest_ms:
        return LAST_ACTION, LONGEST_WAIT
    if not queue.unstaffed or contact.state != WAITING:
        return NO_ACTION, NONE
    if w.lines[contact.line].signed:
        return NO_ACTION, NONE
    for step in range(queue.steps):
        if w.lines[w.line_of[contact.type, contact.queue, step]].signed:
            return NO_ACTION, NONE
    return WHEN_UNSTAFFED, NOBODY_SIGNED_IN


@njit
def step_over(w, i, contact, step, tried):
    """Why the step has ended, or NONE."""
    c = w.clock[0]
    if step.after_ms != NONE:
        since_ms = contact.arrived_ms if step.by_age else contact.step_ms
        if c.now - since_ms >= step.after_ms:
            return AFTER_AGE if step.by_age else AFTER_STEP
    if contact.state != WAITING:
        return NONE
    if step.none_logged_in and w.lines[contact.line].signed == 0:
        return NOBODY_SIGNED_IN
    if step.refusals != NONE and contact.refusals >= step.refusals:
        return REFUSALS
    if tried and step.none_available:
        return NOBODY_AVAILABLE
    return NONE


@njit
def leave_by(w, i, action, reason):
    """A last action, now or when the running offer has ended."""
    contact = w.contacts[i]
    if contact.state == OFFERED:
        contact.due, contact.due_reason = action, reason
        set_timer(w, i)
        return
    due_action(w, i, action, reason)


@njit
def due_action(w, i, action, reason):
    """The last action of a contact that waits."""
    contact = w.contacts[i]
    queue = w.queues[contact.queue]
    came_from = contact.queue
    if w.clock[0].learns:
        left(w, i)
    if action == WHEN_UNSTAFFED:
        goes_on = act(w, i, queue.unstaffed_queue, queue.unstaffed_exit, reason)
    else:
        goes_on = act(w, i, queue.last_queue, queue.last_exit, reason)
    if goes_on:
        enter(w, i, came_from)


# The end


@njit(forceinline=True)
def finish(w, i, outcome):
    """The contact is gone. It is in no line any more."""
    c = w.clock[0]
    contact = w.contacts[i]
    tally = w.counted[contact.interval, contact.queue]
    if outcome == ANSWERED:
        talk_ms = c.now - contact.answered_ms
        note(w, FINISHED, contact.seq, contact.queue, outcome, contact.waited_ms, talk_ms, contact.agent)
        tally[FINISHED_N] += 1
        tally[TALK] += talk_ms
        agent = w.agents[contact.agent]
        agent.handled_interval, agent.handled_queue = contact.interval, contact.queue
        c.alive -= 1
    else:
        wait_ms = c.now - wait_from_ms(w, i)
        note(w, FINISHED, contact.seq, contact.queue, outcome, wait_ms, 0, NONE)
        leave_line(w, contact)
        if outcome == ABANDONED:
            tally[ABANDONED_N] += 1
            tally[SHORT_ABANDONS] += wait_ms < w.queues[contact.queue].short_ms
            tally[WAIT_ABANDONED] += wait_ms
            c.alive -= 1
        elif outcome == BY_KEY:
            tally[LEFT_N] += 1
            c.alive -= 1
        else:
            tally[OVERFLOWED_N] += 1
        count_wait(w, contact, wait_ms)
        w.queues[contact.queue].inside -= 1
    contact.state = GONE
    contact.timer_ms = NEVER
    if c.redials:
        remember(w, i, outcome)
    if c.outages and c.torn == i:
        c.torn = NONE
        outcome = CUT_OFF
    gone(w, i, outcome)
