"""Whether queues keep their service goals of late: what "below its goal" means to steps and lenders.

Only queues on which a decision depends are watched (`CompiledPolicy.watched`). In each, every contact counts once:

* as kept, when an agent takes it within `answered_within_ms` of its wait;
* as missed, at the moment at which it has waited longer, whether or not it is answered later; or before, when it gives
  up (not within `short_abandon_ms`), leaves or is sent away unanswered.

So trouble is seen when it begins, and not when the late ones are answered at last. Callbacks, consultations, those who
are moved in time and those whom a full or closed queue turns away do not count, as in the metric `service_level_share`
but for the last.

Counted are the last `window_ms`, in SLOTS parts, the oldest of which is forgotten as a whole. A queue is below its goal
while kept / (kept + missed) < `share`; then it keeps the goal again only at `share + margin` (at most 1), or when
nothing is left to count. Two thresholds, so that agents are not lent and called back with every call: as those for
activation and for release in O. Perry and W. Whitt, "Achieving Rapid Recovery in an Overload Control for Large-Scale
Service Systems", INFORMS Journal on Computing 27 (2015).
"""

from router.core.decisions import GoalChanged, Outcome
from router.core.entities import Contact
from router.core.index import Index
from router.core.parts import Service, Slot
from router.core.policy import Goal
from router.core.state import State
from router.core.timers import Kind, Timers

SLOTS = 60
"""The window is forgotten in so many parts."""


class Goals:
    """Counts what becomes of contacts, and tells of every change."""

    def __init__(self, state: State, index: Index, timers: Timers) -> None:
        self._state = state
        self._index = index
        self._timers = timers

    # Contacts

    def entered(self, contact: Contact) -> None:
        """The contact waits in its queue from now on; it may have waited too long already, elsewhere."""
        contact.judged = contact.consult_of is not None or contact.callback is not None
        self.look_at(contact)

    def due_ms(self, contact: Contact) -> int | None:
        """When the contact will have waited longer than its queue's goal, if that counts."""
        watched = self._state.current.watched
        if not watched or contact.queue not in watched or contact.judged or contact.callback is not None:
            return None
        return self._state.wait_from_ms(contact) + self._state.queue_of(contact).spec.goal.answered_within_ms + 1

    def look_at(self, contact: Contact) -> None:
        """Counts the contact as missed when it has waited too long."""
        due_ms = self.due_ms(contact)
        if due_ms is not None and due_ms <= self._state.clock_ms:
            self._judge(contact, kept=False)

    def answered(self, contact: Contact) -> None:
        """An agent has taken the contact, in time if it has not been counted yet."""
        if self.due_ms(contact) is not None:
            self._judge(contact, kept=True)
        contact.judged = True  # also when it comes back, because the two could not be joined

    def unanswered(self, contact: Contact, outcome: Outcome) -> None:
        """The contact is gone without an agent."""
        if self.due_ms(contact) is None or outcome not in ("abandoned", "left", "overflowed"):
            return
        waited_ms = self._state.clock_ms - self._state.wait_from_ms(contact)
        if outcome != "abandoned" or waited_ms >= self._state.queue_of(contact).spec.goal.short_abandon_ms:
            self._judge(contact, kept=False)

    def _judge(self, contact: Contact, *, kept: bool) -> None:
        contact.judged = True
        service = self._state.services.setdefault(contact.queue, Service())
        now_ms = self._state.clock_ms
        begun_ms = now_ms - now_ms % max(1, self._goal(contact.queue).window_ms // SLOTS)
        if not service.slots or service.slots[-1].at_ms < begun_ms:
            service.slots.append(Slot(begun_ms))
        if kept:
            service.slots[-1].kept += 1
        else:
            service.slots[-1].missed += 1
        self.timer_due(contact.queue)

    # Queues

    def timer_due(self, queue: str) -> None:
        """Forgets what is too old, and looks whether the queue keeps its goal."""
        state = self._state
        service = state.services.get(queue)
        if service is None:
            return
        goal = self._goal(queue)
        service.slots = [slot for slot in service.slots if slot.at_ms + goal.window_ms > state.clock_ms]
        kept = sum(slot.kept for slot in service.slots)
        contacts = kept + sum(slot.missed for slot in service.slots)
        share = kept / contacts if contacts else None
        below = is_below(share, goal, service.below)
        if below != service.below:
            service.below = below
            state.out.append(GoalChanged(queue, below, share, contacts))
            self._concern(queue, below)
        self.set_timer(queue)

    def _concern(self, queue: str, below: bool) -> None:
        """Looks again at those in the queue whose step ends for it, or at those for whom lenders are now free."""
        contacts, dirty = self._state.contacts, self._state.dirty_contacts
        if below:
            for name in self._index.in_queue.get(queue, ()):
                if self._state.step_of(contacts[name]).spec.until.below_goal:
                    dirty[name] = contacts[name]
            return
        for class_ in self._index.reserving.values():
            if any(step is not None and queue in step.lent_by for step in class_.step.chain.reserving):
                for line in class_.all_lines():
                    dirty[line.entries[0][2]] = contacts[line.entries[0][2]]

    def published(self) -> None:
        """After a new policy: other queues may be watched, and goals may be others."""
        state = self._state
        watched = state.current.watched
        for queue in [queue for queue in state.services if queue not in watched]:
            if state.services.pop(queue).below:
                state.out.append(GoalChanged(queue, False, None, 0))
        for queue in sorted(watched):
            for name in self._index.in_queue.get(queue, ()):
                self.look_at(state.contacts[name])
            self.timer_due(queue)

    def set_timer(self, queue: str) -> None:
        """For when the oldest part is to be forgotten."""
        service = self._state.services[queue]
        due_ms = service.slots[0].at_ms + self._goal(queue).window_ms if service.slots else None
        self._timers.set(Kind.QUEUE, 0, queue, due_ms)

    def _goal(self, queue: str) -> Goal:
        return self._state.current.queues[queue].spec.goal


def is_below(share: float | None, goal: Goal, was_below: bool) -> bool:
    """Whether a queue with this share of late (None: nobody came) is below its goal."""
    if share is None:
        return False
    wanted = min(1.0, round(goal.share + goal.margin, 9)) if was_below else goal.share
    return share < wanted
