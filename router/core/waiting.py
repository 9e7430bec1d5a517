"""Contacts that wait: entering a queue, step after step, the last action. See the table in `state`.

How a step ends. As soon as any of its `until` holds:

* its time has passed, by the clock of the step or of the contact's age; also while an offer rings (which goes on);
* while the contact waits and is held for nobody: no agent who may take it is signed in; none of them is free (looked
  at after it was tried to find one); it was refused often enough in this step; its estimated wait, at probability 0.8,
  is over the bound (looked at on entry and every EWT_CHECK_MS); its queue is below its goal (`goals`).

After the last step, or `longest_wait_ms` in the queue, comes the queue's last action; while an offer rings, it waits
for the end of the offer. Overflow cannot go round in circles, since a policy whose last actions do is not accepted.
Without an agent signed in who could take it in any step comes `when_unstaffed`, if there is one.

Who comes to a closed queue meets `when_closed` at once, and to a full queue `when_full`. Whom somebody in the centre
sends (moved, transferred, a consultation) is let into a full queue, and for an agent who is signed in also into a
closed one, but not in an emergency. A closed queue without `when_closed` lets in as if it were open.

Held contacts. For `directed_ms` from entering the queue, only the agent it was directed to takes the contact, whatever
the conditions say; or else, for `preferred_agent_ms`, only the preferred agent, who must be allowed to. The window ends
early when that agent is not signed in, refuses or fails to take the contact; that of a preferred agent also in a step
that does not allow it. Then it is a contact of its queue like any other.

Refusals. An agent who declined a contact, let it ring or sent it back is passed over for it. A contact that still waits
`short_busy_retry_ms` after the latest refusal found nobody else, and forgets: everybody may be asked again. A new step
does not forget.
"""

from router.core.decisions import ContactParked, ContactQueued, ContactReleased, StepEntered
from router.core.endings import Endings
from router.core.entities import AT_AGENT, Contact
from router.core.goals import Goals
from router.core.index import Index
from router.core.parts import Due
from router.core.places import estimated_wait
from router.core.policy import LastAction, Queue, Until
from router.core.state import State
from router.core.timers import Kind, Timers

EWT_CHECK_MS = 10_000


class Waiting:
    """Changes contacts that wait."""

    def __init__(self, state: State, index: Index, timers: Timers, endings: Endings, goals: Goals) -> None:
        self._state = state
        self._index = index
        self._timers = timers
        self._endings = endings
        self._goals = goals

    # Entering a queue

    def enter(
        self,
        contact: Contact,
        queue: str,
        moved_from: str | None = None,
        reason: str = "",
        *,
        sent: bool = False,
        directed_to: str | None = None,
    ) -> None:
        """The contact, in no queue so far, is now in this one; `sent` by somebody in the centre."""
        state = self._state
        now_ms = state.clock_ms
        contact.queue, contact.queued_ms, contact.step, contact.told, contact.rules = queue, now_ms, 0, None, None
        contact.window_ms, contact.directed_to, contact.judged = None, directed_to, True
        state.out.append(
            ContactQueued(
                contact.id,
                queue,
                moved_from,
                reason,
                None if contact.arrived_ms == now_ms else contact.arrived_ms,
                contact.wait_from_ms,
                contact.callback is not None,
                contact.consult_of is not None,
            )
        )
        if state.explains:
            state.note(contact, f"queued in {queue}" + (f" from {moved_from}: {reason}" if moved_from else ""))
        callback = contact.callback
        if callback is not None and callback.until_ms is not None and callback.until_ms > now_ms:
            self.park(contact, callback.until_ms, "before its time")
            return
        rules = state.queue_of(contact)
        spec = rules.spec
        self._index.enter(contact)
        refusal = None if rules.always_open or callback is not None else self._turned_away(contact, spec, sent)
        if refusal is not None:
            self._act(contact, *refusal)
            return
        self._goals.entered(contact)
        if directed_to is not None:
            contact.window_ms = now_ms + spec.directed_ms
            self._forget_refusals(contact, directed_to)
        elif contact.preferred is not None:
            contact.window_ms = now_ms + spec.preferred_agent_ms
        self._enter_step(contact, 0, "first step")

    def _turned_away(self, contact: Contact, spec: Queue, sent: bool) -> tuple[LastAction, str] | None:
        """What the contact meets at once, and why."""
        switch = self._state.switches.get(contact.queue)
        let_in = switch is None or (switch.state == "closed" and self._signed_in(contact.directed_to))
        if switch is not None and spec.when_closed is not None and not let_in:
            return spec.when_closed, switch.reason or f"{contact.queue}: {switch.state}"
        full = spec.full_at is not None and len(self._index.in_queue[contact.queue]) > spec.full_at
        if full and spec.when_full is not None and not sent:
            return spec.when_full, f"{contact.queue} is full"
        return None

    def _enter_step(self, contact: Contact, step: int, reason: str) -> None:
        state = self._state
        self._index.take(contact)
        contact.step, contact.step_ms, contact.refusals, contact.held_back = step, state.clock_ms, 0, ""
        compiled = state.step_of(contact)
        contact.ewt_ms = state.clock_ms + EWT_CHECK_MS if compiled.looks_at_wait else None
        state.out.append(StepEntered(contact.id, contact.queue, compiled.name, reason))
        if state.explains:
            state.note(contact, f"step {compiled.name}: {reason}")
        if contact.window_ms is not None:
            self._check_window(contact)
        self.wait(contact)

    def wait(self, contact: Contact) -> None:
        """The contact waits (again), with its age and at its place."""
        if contact.state == "queued":
            self._index.place(contact)
        self._state.dirty_contacts[contact.id] = contact
        self.set_timer(contact)

    # Held for one agent

    def _check_window(self, contact: Contact) -> None:
        """Ends the window of the agent it is held for if it is pointless. The contact is in no line."""
        if contact.window_ms is None or (name := contact.held_for) is None:
            return
        if (
            not self._signed_in(name)
            or contact.window_ms <= self._state.clock_ms
            or name in contact.refused
            or not (contact.directed_to or self._index.may_take(name, self._index.class_of(contact)))
        ):
            contact.window_ms = contact.directed_to = None

    def _signed_in(self, name: str | None) -> bool:
        agent = self._state.agents.get(name) if name is not None else None
        return agent is not None and agent.presence != "offline"

    def end_window(self, contact: Contact) -> None:
        """The contact is no longer held for an agent."""
        if contact.window_ms is not None:
            self._index.take(contact)
            contact.window_ms = contact.directed_to = None
            self.wait(contact)

    def recheck_window(self, contact: Contact) -> None:
        """After a new policy: whether holding the contact for one agent still makes sense."""
        if contact.window_ms is not None and contact.state == "queued":
            self._index.take(contact)
            self._check_window(contact)
            self.wait(contact)

    def agent_signed_out(self, name: str) -> None:
        """Nobody is held for this agent any more, and some may have nobody left."""
        contacts = self._state.contacts
        for line in list(self._index.held.get(name, {}).values()):
            for _, _, contact in list(line.entries):
                self.end_window(contacts[contact])
        self.look_for_staff()

    def look_for_staff(self) -> None:
        """Looks again at those to whom something happens when nobody who may take them is signed in."""
        for class_ in self._index.waiting.values():
            minds = class_.step.spec.until.none_logged_in or class_.queue.spec.when_unstaffed is not None
            if class_.signed_in == 0 and minds:
                for line in class_.lines.values():
                    for _, _, contact in line.entries:
                        self._state.dirty_contacts[contact] = self._state.contacts[contact]

    # Offers that came to nothing

    def back_from_offer(self, contact: Contact, refused_by: str | None) -> None:
        """The contact waits again; `refused_by` an agent who did not want it."""
        contact.state, contact.offer, contact.agent = "queued", None, None
        contact.answered_ms = contact.waited_ms = contact.held_since_ms = None
        contact.hold_ms = 0
        contact.window_ms = contact.directed_to = None
        if refused_by is not None:
            contact.refusals += 1
            self.pass_over(contact, refused_by)
        if contact.due is None:
            self.wait(contact)
        else:
            due, contact.due = contact.due, None
            self.leave_by(contact, due.action, due.reason)

    def pass_over(self, contact: Contact, agent: str) -> None:
        """The agent is not asked for it until nobody else was found. The contact is in no line."""
        contact.refused = tuple(sorted({*contact.refused, agent}))
        contact.ask_again_ms = self._state.clock_ms + self._state.current.spec.short_busy_retry_ms

    def _forget_refusals(self, contact: Contact, of: str | None = None) -> None:
        """Of one agent, or of all; but who asks in a consultation never answers it."""
        asker = self._state.asker(contact)
        contact.refused = tuple(name for name in contact.refused if name == asker or name != (of or name))
        if not contact.refused or contact.refused == (asker,):
            contact.ask_again_ms = None

    # Time

    def timer_due(self, contact: Contact) -> None:
        now_ms = self._state.clock_ms
        if contact.state == "parked":
            self._rested(contact)
            return
        if contact.window_ms is not None and contact.window_ms <= now_ms:
            self.end_window(contact)
        if contact.ask_again_ms is not None and contact.ask_again_ms <= now_ms:
            self._index.take(contact)
            self._forget_refusals(contact)
            self.wait(contact)
        if contact.ewt_ms is not None and contact.ewt_ms <= now_ms:
            contact.ewt_ms = now_ms + EWT_CHECK_MS
        self._goals.look_at(contact)
        self._state.dirty_contacts[contact.id] = contact
        self.set_timer(contact)

    def set_timer(self, contact: Contact) -> None:
        self._timers.set(Kind.CONTACT, contact.seq, contact.id, self._next_ms(contact))

    def _next_ms(self, contact: Contact) -> int | None:
        callback = contact.callback
        if contact.state == "parked" and callback is not None:
            return min((at for at in (callback.until_ms, callback.expires_ms) if at is not None), default=None)
        if contact.due is not None or contact.state in AT_AGENT:
            return None
        rules = self._state.queue_of(contact)
        windowed = contact.window_ms is not None or contact.ask_again_ms is not None or contact.ewt_ms is not None
        if rules.plain and callback is None and not windowed and rules.steps[contact.step].endless:
            return self._goals.due_ms(contact)
        spec = rules.spec
        until = spec.steps[contact.step].until
        due: list[int] = []
        if contact.window_ms is not None:
            due.append(contact.window_ms)
        if contact.ask_again_ms is not None:
            due.append(contact.ask_again_ms)
        if contact.ewt_ms is not None:
            due.append(contact.ewt_ms)
        if (goal_ms := self._goals.due_ms(contact)) is not None:
            due.append(goal_ms)
        if until.after_ms is not None and (callback is None or contact.step + 1 < len(spec.steps)):
            due.append((contact.step_ms if until.clock == "step" else contact.arrived_ms) + until.after_ms)
        if callback is None:
            if spec.longest_wait_ms is not None:
                due.append(contact.queued_ms + spec.longest_wait_ms)
        elif callback.expires_ms is not None and contact.state == "queued":
            due.append(callback.expires_ms)
        return min(due) if due else None

    # From step to step

    def progress(self, contact: Contact, *, tried: bool = False) -> None:
        """Goes on to the step that the contact is due in; `tried`: nobody free was found for it in this step."""
        while contact.id in self._state.contacts and contact.due is None:
            rules = self._state.queue_of(contact)
            if rules.plain and contact.callback is None and rules.steps[contact.step].endless:
                return
            spec = rules.spec
            over = None if rules.plain else self._over(contact, spec)
            if over is not None:
                self.leave_by(contact, *over)
            elif contact.callback is not None and self._expires(contact):
                return
            else:
                reason = self._step_over(contact, spec.steps[contact.step].until, tried)
                if reason is None:
                    return
                if contact.step + 1 < len(spec.steps):
                    self._enter_step(contact, contact.step + 1, reason)
                elif contact.callback is not None:
                    return
                else:
                    self.leave_by(contact, spec.last_action, reason)
            tried = False

    def still_waiting(self, contact: Contact) -> None:
        """Nobody free was found for the contact: its step may end for that; if not, it is told how long it may take."""
        self.progress(contact, tried=True)
        if not self._state.explains:
            return  # how well the estimate holds is not asked either
        now_ms = self._state.clock_ms
        if contact.queued_ms == now_ms and contact.line is not None:
            contact.told = estimated_wait(self._state, self._index, contact, now_ms)

    def _over(self, contact: Contact, spec: Queue) -> tuple[LastAction, str] | None:
        """The last action that is due whatever the step, and why."""
        if contact.callback is not None:
            return None
        if spec.longest_wait_ms is not None and self._state.clock_ms - contact.queued_ms >= spec.longest_wait_ms:
            return spec.last_action, "longest wait"
        if spec.when_unstaffed is None or contact.state != "queued" or contact.window_ms is not None:
            return None
        return None if self._staffed(contact, spec) else (spec.when_unstaffed, "nobody signed in")

    def _staffed(self, contact: Contact, spec: Queue) -> bool:
        """Whether somebody is signed in who may take the contact, in whatever step."""
        if contact.line is not None and contact.line.of.signed_in:
            return True
        return any(self._index.class_of(contact, step).signed_in for step in range(len(spec.steps)))

    def _step_over(self, contact: Contact, until: Until, tried: bool) -> str | None:
        """Why the step has ended, or None."""
        now_ms = self._state.clock_ms
        if until.after_ms is not None:
            since_ms = contact.step_ms if until.clock == "step" else contact.arrived_ms
            if now_ms - since_ms >= until.after_ms:
                return f"{until.clock} {until.after_ms} ms"
        if contact.state != "queued" or contact.window_ms is not None:
            return None
        if until.none_logged_in and contact.line is not None and contact.line.of.signed_in == 0:
            return "nobody signed in"
        if until.refusals is not None and contact.refusals >= until.refusals:
            return f"{contact.refusals} refusals"
        if until.ewt_over_ms is not None:
            estimate = estimated_wait(self._state, self._index, contact, now_ms)
            if estimate is not None and estimate.p80_ms > until.ewt_over_ms:
                return f"estimated wait {estimate.p80_ms} ms"
        if until.below_goal and self._state.below_goal(contact.queue):
            return "service level below the goal"
        if tried and until.none_available:
            return "nobody available"
        return None

    # Out of the queue

    def leave_by(self, contact: Contact, action: LastAction, reason: str) -> None:
        """A last action, now or when the running offer has ended."""
        if contact.state == "offered":
            contact.due = Due(action, reason)
            self.set_timer(contact)
        else:
            self._note_departure(contact)
            self._act(contact, action, reason)

    def _act(self, contact: Contact, action: LastAction, reason: str) -> None:
        left = contact.queue
        self._index.take(contact)
        if action.kind == "exit":
            self._state.out.append(ContactReleased(contact.id, left, action, reason))
            self._endings.finish(contact, "overflowed", reason)
        else:
            self._index.leave(contact)
            self.enter(contact, action.target, left, reason)

    def withdraw(self, contact: Contact) -> None:
        """Takes a contact that waits (or is parked) out of its queue, to be put elsewhere or finished as it is."""
        if contact.waits:
            self._note_departure(contact)
            self._index.take(contact)

    def _note_departure(self, contact: Contact) -> None:
        now_ms = self._state.clock_ms
        self._state.estimator.contact_left(contact.queue, now_ms - contact.queued_ms, now_ms)

    # Callbacks before their time

    def park(self, contact: Contact, until_ms: int, reason: str) -> None:
        """The callback, in no line and in no queue, rests until then."""
        assert contact.callback is not None
        contact.state, contact.callback.until_ms = "parked", until_ms
        contact.offer = contact.agent = contact.window_ms = contact.ewt_ms = None
        self._forget_refusals(contact)
        self._state.dirty_contacts.pop(contact.id, None)
        self._state.out.append(ContactParked(contact.id, contact.queue, until_ms, reason))
        self._state.note(contact, f"parked until {until_ms} ms: {reason}")
        self.set_timer(contact)

    def _rested(self, contact: Contact) -> None:
        if not self._expires(contact):
            self.unpark(contact)

    def unpark(self, contact: Contact) -> None:
        """The callback's time has come: it waits, with its age. The wait for a chosen time does not count."""
        callback = contact.callback
        assert callback is not None
        contact.state, callback.until_ms = "queued", None
        if not callback.tries:
            contact.wait_from_ms = self._state.clock_ms
        self.enter(contact, contact.queue, contact.queue, "its time has come", directed_to=contact.directed_to)

    def _expires(self, contact: Contact) -> bool:
        """Whether the callback has expired; then it is finished, unless it is being offered."""
        callback = contact.callback
        if callback is None or callback.expires_ms is None or self._state.clock_ms < callback.expires_ms:
            return False
        if contact.state == "offered":
            return False
        self.withdraw(contact)
        self._endings.finish(contact, "unreached", "expired")
        return True
