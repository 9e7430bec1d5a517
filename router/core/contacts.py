"""What happens to contacts: entering a queue, step after step, the last action, the end. See the table in `state`.

How a step ends. As soon as any of its `until` holds:

* its time has passed, by the clock of the step or of the contact's age; also while an offer rings (which goes on);
* while the contact waits and is not held for its preferred agent: no agent who may take it is signed in; none of
  them is free (looked at after it was tried to find one); it was refused often enough in this step; its estimated
  wait, at probability 0.8, is over the bound (looked at on entry and every EWT_CHECK_MS).

After the last step, or `longest_wait_ms` in the queue, comes the queue's last action; while an offer rings, it waits
for the end of the offer. Overflow cannot go round in circles, since a policy whose last actions do is not accepted.

Preferred agent. For `preferred_agent_ms` from entering the queue, only the preferred agent takes the contact,
provided that this agent is signed in and may take it. The window ends early when the agent signs out, refuses or
fails to take the contact, or may not take it in a later step.

Refusals. An agent who declined a contact or let it ring is passed over for it. A contact that still waits
`short_busy_retry_ms` after the latest refusal found nobody else, and forgets: everybody may be asked again. A new step
does not forget.
"""

from router.core.decisions import ContactFinished, ContactQueued, ContactReleased, Outcome, StepEntered
from router.core.events import ContactArrived
from router.core.index import Index
from router.core.lines import ContactClass
from router.core.places import estimated_wait
from router.core.policy import LastAction, Until
from router.core.state import Contact, State
from router.core.timers import Kind, Timers

EWT_CHECK_MS = 10_000


class Contacts:
    """Changes contacts that wait."""

    def __init__(self, state: State, index: Index, timers: Timers) -> None:
        self._state = state
        self._index = index
        self._timers = timers

    def arrive(self, event: ContactArrived) -> None:
        state = self._state
        now_ms = state.clock_ms
        state.arrivals += 1
        version = state.current.spec.version
        contact = Contact(
            id=event.contact,
            seq=state.arrivals,
            queue=event.queue,
            channel=event.channel,
            version=version,
            attributes=dict(event.attributes),
            own_priority=event.priority,
            preferred=event.preferred_agent,
            arrived_ms=now_ms if event.arrived_ms is None else event.arrived_ms,
            queued_ms=now_ms,
            step=0,
            step_ms=now_ms,
        )
        state.contacts[contact.id] = contact
        state.users[version] = state.users.get(version, 0) + 1
        self._enter(contact, event.queue, None, "")

    def move(self, contact: Contact, queue: str) -> None:
        """Moved by somebody: on the current policy, and even if the queue is full."""
        state = self._state
        moved_from = contact.queue
        state.estimator.contact_left(moved_from, state.clock_ms - contact.queued_ms, state.clock_ms)
        self._index.take(contact)
        self._index.leave(contact)
        self.set_version(contact, state.current.spec.version)
        self._enter(contact, queue, moved_from, "moved", even_if_full=True)

    def _enter(
        self, contact: Contact, queue: str, moved_from: str | None, reason: str, *, even_if_full: bool = False
    ) -> None:
        state = self._state
        now_ms = state.clock_ms
        arrived_ms = None if contact.arrived_ms == now_ms else contact.arrived_ms
        contact.queue, contact.queued_ms = queue, now_ms
        contact.told = None
        state.out.append(ContactQueued(contact.id, queue, moved_from, reason, arrived_ms))
        state.note(contact, f"queued in {queue}" + (f" from {moved_from}: {reason}" if moved_from else ""))
        spec = state.queue_of(contact).spec
        self._index.enter(contact)
        full = spec.full_at is not None and len(self._index.in_queue[queue]) > spec.full_at
        if full and spec.when_full is not None and not even_if_full:
            self._act(contact, spec.when_full, f"{queue} is full")
        else:
            contact.window_ms = now_ms + spec.preferred_agent_ms if contact.preferred is not None else None
            self._enter_step(contact, 0, "first step")

    def _enter_step(self, contact: Contact, step: int, reason: str) -> None:
        state = self._state
        self._index.take(contact)
        contact.step, contact.step_ms, contact.refusals = step, state.clock_ms, 0
        compiled = state.step_of(contact)
        looks_at_wait = compiled.spec.until.ewt_over_ms is not None
        contact.ewt_ms = state.clock_ms + EWT_CHECK_MS if looks_at_wait else None
        state.out.append(StepEntered(contact.id, contact.queue, compiled.spec.name, reason))
        state.note(contact, f"step {compiled.spec.name}: {reason}")
        self._check_window(contact)
        if contact.state == "queued":
            self._index.place(contact)
        state.dirty_contacts[contact.id] = contact
        self.set_timer(contact)

    def _check_window(self, contact: Contact) -> None:
        """Ends the window of the preferred agent if it is pointless. The contact is in no line."""
        if contact.window_ms is None:
            return
        preferred = contact.preferred
        agent = self._state.agents.get(preferred) if preferred is not None else None
        if (
            agent is None
            or agent.presence == "offline"
            or contact.window_ms <= self._state.clock_ms
            or agent.name in contact.refused
            or not self._index.may_take(agent.name, self._index.class_of(contact))
        ):
            contact.window_ms = None

    def end_window(self, contact: Contact) -> None:
        """The contact is no longer held for its preferred agent."""
        if contact.window_ms is not None:
            self._index.take(contact)
            contact.window_ms = None
            self.wait(contact)

    def agent_signed_out(self, name: str) -> None:
        """Nobody is held for this agent any more, and some may have nobody left."""
        contacts = self._state.contacts
        for line in list(self._index.held.get(name, {}).values()):
            for _, _, contact in list(line.entries):
                self.end_window(contacts[contact])
        for class_ in self._index.classes_of(name):
            self.nobody_signed_in(class_)

    def nobody_signed_in(self, class_: ContactClass) -> None:
        """Looks again at those whose step ends when nobody who may take them is signed in."""
        if class_.signed_in == 0 and class_.step.spec.until.none_logged_in:
            for line in class_.lines.values():
                for _, _, contact in line.entries:
                    self._state.dirty_contacts[contact] = self._state.contacts[contact]

    def recheck_window(self, contact: Contact) -> None:
        """After a new policy: whether holding the contact for its preferred agent still makes sense."""
        if contact.window_ms is not None and contact.state == "queued":
            self._index.take(contact)
            self._check_window(contact)
            self.wait(contact)

    def wait(self, contact: Contact) -> None:
        """The contact waits (again), with its age and at its place."""
        if contact.state == "queued":
            self._index.place(contact)
        self._state.dirty_contacts[contact.id] = contact
        self.set_timer(contact)

    def back_from_offer(self, contact: Contact, refused_by: str | None) -> None:
        """The offer came to nothing; `refused_by` an agent who did not want it."""
        state = self._state
        contact.state, contact.offer, contact.agent, contact.answered_ms = "queued", None, None, None
        contact.window_ms = None
        if refused_by is not None:
            contact.refusals += 1
            contact.refused = tuple(sorted({*contact.refused, refused_by}))
            contact.ask_again_ms = state.clock_ms + state.current.spec.short_busy_retry_ms
        if contact.due is None:
            self.wait(contact)
        else:
            reason, contact.due = contact.due, None
            self.last_action(contact, reason)

    def timer_due(self, contact: Contact) -> None:
        now_ms = self._state.clock_ms
        if contact.window_ms is not None and contact.window_ms <= now_ms:
            self.end_window(contact)
        if contact.ask_again_ms is not None and contact.ask_again_ms <= now_ms:
            self._index.take(contact)
            contact.refused, contact.ask_again_ms = (), None
            self.wait(contact)
        if contact.ewt_ms is not None and contact.ewt_ms <= now_ms:
            contact.ewt_ms = now_ms + EWT_CHECK_MS
        self._state.dirty_contacts[contact.id] = contact
        self.set_timer(contact)

    def progress(self, contact: Contact, *, tried: bool = False) -> None:
        """Goes on to the step that the contact is due in; `tried`: nobody free was found for it in this step."""
        while contact.id in self._state.contacts and contact.due is None:
            spec = self._state.queue_of(contact).spec
            waited_ms = self._state.clock_ms - contact.queued_ms
            if spec.longest_wait_ms is not None and waited_ms >= spec.longest_wait_ms:
                self.last_action(contact, "longest wait")
            else:
                reason = self._step_over(contact, spec.steps[contact.step].until, tried)
                if reason is None:
                    return
                if contact.step + 1 < len(spec.steps):
                    self._enter_step(contact, contact.step + 1, reason)
                else:
                    self.last_action(contact, reason)
            tried = False

    def still_waiting(self, contact: Contact) -> None:
        """Nobody free was found for the contact: its step may end for that; if not, it is told how long it may take."""
        self.progress(contact, tried=True)
        now_ms = self._state.clock_ms
        if contact.queued_ms == now_ms and contact.id in self._index.line_of:
            contact.told = estimated_wait(self._state, self._index, contact, now_ms)

    def _step_over(self, contact: Contact, until: Until, tried: bool) -> str | None:
        """Why the step has ended, or None."""
        now_ms = self._state.clock_ms
        if until.after_ms is not None:
            since_ms = contact.step_ms if until.clock == "step" else contact.arrived_ms
            if now_ms - since_ms >= until.after_ms:
                return f"{until.clock} {until.after_ms} ms"
        if contact.state != "queued" or contact.window_ms is not None:
            return None
        if until.none_logged_in and self._index.line_of[contact.id].of.signed_in == 0:
            return "nobody signed in"
        if until.refusals is not None and contact.refusals >= until.refusals:
            return f"{contact.refusals} refusals"
        if until.ewt_over_ms is not None:
            estimate = estimated_wait(self._state, self._index, contact, now_ms)
            if estimate is not None and estimate.p80_ms > until.ewt_over_ms:
                return f"estimated wait {estimate.p80_ms} ms"
        if tried and until.none_available:
            return "nobody available"
        return None

    def last_action(self, contact: Contact, reason: str) -> None:
        """The queue's last action, now or when the running offer has ended."""
        if contact.state == "offered":
            contact.due = reason
            self.set_timer(contact)
        else:
            now_ms = self._state.clock_ms
            self._state.estimator.contact_left(contact.queue, now_ms - contact.queued_ms, now_ms)
            self._act(contact, self._state.queue_of(contact).spec.last_action, reason)

    def _act(self, contact: Contact, action: LastAction, reason: str) -> None:
        state = self._state
        left = contact.queue
        self._index.take(contact)
        if action.kind == "exit":
            state.out.append(ContactReleased(contact.id, left, action, reason))
            self.finish(contact, "overflowed", reason)
        else:
            self._index.leave(contact)
            self._enter(contact, action.target, left, reason)

    def leave(self, contact: Contact, cause: Outcome) -> None:
        """A waiting contact goes away by itself."""
        state = self._state
        state.estimator.contact_left(contact.queue, state.clock_ms - contact.queued_ms, state.clock_ms)
        self._index.take(contact)
        self.finish(contact, cause, "")

    def finish(self, contact: Contact, outcome: Outcome, reason: str) -> None:
        """The contact is gone. It is in no line any more."""
        state = self._state
        now_ms = state.clock_ms
        talk_ms = 0 if contact.answered_ms is None else now_ms - contact.answered_ms
        wait_ms = now_ms - talk_ms - contact.arrived_ms
        state.out.append(
            ContactFinished(
                contact.id,
                contact.queue,
                outcome,
                contact.arrived_ms,
                wait_ms,
                talk_ms,
                contact.agent if outcome == "answered" else None,
                contact.offers,
            )
        )
        state.note(contact, outcome + (f": {reason}" if reason else ""))
        if contact.state != "connected":
            self._index.leave(contact)
        self._timers.set(Kind.CONTACT, contact.seq, contact.id, None)
        state.dirty_contacts.pop(contact.id, None)
        del state.contacts[contact.id]
        state.remember_finished(contact)
        self._unuse(contact.version)

    def set_version(self, contact: Contact, version: int) -> None:
        """From now on the contact is handled by this version of the policy."""
        if version != contact.version:
            before, contact.version = contact.version, version
            self._state.users[version] = self._state.users.get(version, 0) + 1
            self._unuse(before)

    def _unuse(self, version: int) -> None:
        """One contact fewer on this version; one that nobody uses any more is forgotten."""
        state = self._state
        state.users[version] -= 1
        if not state.users[version]:
            del state.users[version]
            if version != state.current.spec.version:
                del state.versions[version]
                self._index.retired()

    def set_timer(self, contact: Contact) -> None:
        if contact.due is not None or contact.state == "connected":
            self._timers.set(Kind.CONTACT, contact.seq, contact.id, None)
            return
        spec = self._state.queue_of(contact).spec
        until = spec.steps[contact.step].until
        due = [at for at in (contact.window_ms, contact.ask_again_ms, contact.ewt_ms) if at is not None]
        if until.after_ms is not None:
            due.append((contact.step_ms if until.clock == "step" else contact.arrived_ms) + until.after_ms)
        if spec.longest_wait_ms is not None:
            due.append(contact.queued_ms + spec.longest_wait_ms)
        self._timers.set(Kind.CONTACT, contact.seq, contact.id, min(due, default=None))
