"""`router.core.agents`: what happens to agents."""

from numba import njit

from simulations.kernel.machine.base import add_span, feed, note, push, push_timer
from simulations.kernel.machine.layout import *
from simulations.kernel.machine.standing import set_free, set_not_free


@njit
def visible(agent, contact_state):
    """The state that everybody sees: work before presence."""
    if agent.contact != NONE:
        return BUSY if contact_state == CONNECTED else RINGING
    if agent.wrap_up_ms != NONE:
        return WRAP_UP
    return agent.presence


@njit
def changed(w, a, keeps_place):
    """After every change: tells of it, keeps the times, and makes the agent free or not."""
    c = w.clock[0]
    agent = w.agents[a]
    state = visible(agent, w.contacts[agent.contact].state if agent.contact != NONE else GONE)
    reason = agent.reason if state == PAUSED else 0
    about = NONE
    if agent.contact != NONE:
        about = w.contacts[agent.contact].seq
    elif state == WRAP_UP:
        about = agent.shown_contact
    if state != agent.state or reason != agent.shown_reason or about != agent.shown_contact:
        becomes(w, a, state, reason, about, keeps_place)
        show(w, a, state)
    if agent.wrap_up_ms == NONE:
        agent.timer_ms = NEVER
    elif agent.timer_ms != agent.wrap_up_ms:
        agent.timer_ms = agent.wrap_up_ms
        push_timer(w, 0, agent.order, a, agent.wrap_up_ms)
    free = agent.presence == IDLE and agent.wrap_up_ms == NONE and agent.contact == NONE
    if free and not agent.free:
        set_free(w, a)
        w.dirty_agents[c.dirty_agents] = a
        c.dirty_agents += 1
    elif agent.free and not free:
        set_not_free(w, a)


@njit(forceinline=True)
def becomes(w, a, state, reason, about, keeps_place):
    """The agent is seen in another state from now on."""
    c = w.clock[0]
    agent = w.agents[a]
    span_ms = c.now - agent.since_ms
    if agent.state == RINGING or agent.state == BUSY or agent.state == WRAP_UP:
        agent.handled_ms += span_ms
    elif agent.state == IDLE:
        agent.ready_ms += span_ms
    account(w, agent)
    agent.since_ms = c.now
    if state == IDLE and agent.state != IDLE:
        agent.turn += 1
        if not keeps_place:
            agent.idle_since_ms = c.now
    agent.state, agent.shown_reason, agent.shown_contact = state, reason, about
    agent.change += 1
    note(w, CHANGED, a, state, reason, about)


@njit(forceinline=True)
def account(w, agent):
    """Counts the time in the state that is now over."""
    c = w.clock[0]
    if agent.state != OFFLINE and c.now > agent.since_ms:
        add_span(w, w.worked, agent.group, agent.state, agent.since_ms, 1)
        if agent.state == WRAP_UP and agent.handled_interval != NONE:
            w.counted[agent.handled_interval, agent.handled_queue, WRAP] += c.now - agent.since_ms


@njit
def show(w, a, state):
    """The shell's side: what an agent does who is now in this state."""
    c = w.clock[0]
    agent = w.agents[a]
    if state == PAUSED:
        if agent.break_ms != NONE:
            push(w, c.now + agent.break_ms, BACK, a, agent.change)
            agent.break_ms = NONE
            return
        back_ms = agent.back_ms
        if back_ms == NONE:
            place = w.back_position[a]
            back_ms = w.back_draws[a, place]
            w.back_position[a] = place + 1
            if place + 1 == w.back_draws.shape[1]:
                c.back_short = a
        push(w, c.now + back_ms, BACK, a, agent.change)
        agent.pauses += 1
    elif state == WRAP_UP and agent.drawn_wrap_up_ms != NONE:
        allowed_ms = w.queues[agent.queue].wrap_up_ms
        if agent.drawn_wrap_up_ms > allowed_ms:
            feed(w, EXTENDED, a, agent.drawn_wrap_up_ms - allowed_ms)
        elif agent.break_ms == NONE:
            push(w, c.now + agent.drawn_wrap_up_ms, BACK, a, agent.change)


@njit
def sign_in(w, a):
    agent = w.agents[a]
    agent.presence, agent.reason = IDLE, 0
    agent.handled_ms = agent.ready_ms = agent.contacts = agent.last_offer = 0
    agent.no_answers = agent.declines = 0
    signed(w, agent.profile, 1)
    changed(w, a, False)


@njit
def sign_out(w, a):
    agent = w.agents[a]
    agent.presence, agent.reason = OFFLINE, 0
    signed(w, agent.profile, -1)
    changed(w, a, False)


@njit
def signed(w, p, by):
    for line in range(len(w.lines)):
        if w.fits[line, p] >= 0:
            w.lines[line].signed += by


@njit
def shift(w, a, begins):
    """The shell's side: the agent's shift begins or ends."""
    c = w.clock[0]
    agent = w.agents[a]
    agent.on_shift = begins
    if agent.down:
        return
    if begins:
        feed(w, SIGNED_IN, a, 0)
        return
    agent.break_ms = NONE
    feed(w, SIGNED_OUT, a, 0)
    if c.hands_back and w.hands[a] and agent.contact != NONE and w.contacts[agent.contact].state == CONNECTED:
        c.handing = a  # as soon as the core knows that the agent is gone


@njit(forceinline=True)
def is_here(agent):
    """On shift, and not struck by an outage."""
    return agent.on_shift and not agent.down


@njit
def take_break(w, a, length_ms):
    """The shell's side: a break that is due, longer if the agent comes late from it."""
    agent = w.agents[a]
    if is_here(agent):
        agent.break_ms = length_ms + w.break_late[a, agent.breaks]
        agent.breaks += 1
        feed(w, AGENT_PAUSED, a, 0)


@njit
def pause(w, a):
    agent = w.agents[a]
    agent.presence, agent.reason = PAUSED, w.clock[0].break_reason
    changed(w, a, False)


@njit
def ready(w, a):
    agent = w.agents[a]
    agent.presence, agent.reason = IDLE, 0
    agent.wrap_up_ms = NONE
    changed(w, a, False)


@njit
def offer_failed(w, a, cause):
    """A pause with its reason, at once or after so many failures in a row, or ready again."""
    c = w.clock[0]
    agent = w.agents[a]
    if cause == NO_ANSWER:
        agent.no_answers += 1
        failures, limit, pauses = agent.no_answers, c.no_answer_limit, c.pauses_no_answer
    elif cause == UNREACHABLE:
        failures, limit, pauses = 0, 1, 0  # who is gone is gone
    else:
        agent.declines += 1
        failures, limit, pauses = agent.declines, c.declined_limit, c.pauses_declined
    if agent.presence == IDLE and pauses and failures >= limit:
        agent.presence, agent.reason = PAUSED, c.declined_reason if cause == REFUSED else cause
        agent.no_answers = agent.declines = 0
        note(w, SUSPENDED, a, cause, failures)
    changed(w, a, False)
