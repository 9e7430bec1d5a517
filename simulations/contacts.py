"""Contacts in the simulation: they come, press keys, wait, hear announcements, lose patience, and come again. What
happens between is `simulations.talks`.

Nothing here routes. The router decides, and this does what callers and ringing phones do.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import simpy

from ivr.flow.effects import Enqueue
from ivr.flow.inputs import Dequeued, HungUp, Input, WayOut
from router.core.decisions import (
    ContactFinished,
    ContactQueued,
    ContactReleased,
    Decision,
    RingCustomer,
)
from router.core.events import (
    Attribute,
    ContactArrived,
    ContactLeft,
    ContactMoved,
)
from router.core.policy import Queue
from simulations.agents import Agent
from simulations.callers import IvrCallers
from simulations.calling_back import RUNG_BACK, CallingBack
from simulations.contact import Contact, Times
from simulations.features.announcement import Announcement
from simulations.features.lines import Trunk
from simulations.features.redials import Fate
from simulations.features.self_service import SelfService
from simulations.run import Run
from simulations.scenario import Kind
from simulations.shell import Act
from simulations.streams import choose, milliseconds
from simulations.talks import Talks
from simulations.traced import TracedContact
from simulations.waiting_keys import WAY, WaitingKeys, waits_on_the_line

GONE = ""
"""Instead of an exit: the caller hung up."""
ANSWERED = "answered"

SERVED: tuple[Fate, ...] = ("answered", "served_by_flow")

Life = Generator[simpy.Event, str, None]
"""What a SimPy process of ours is: it waits for events, which may tell by which exit a caller comes back."""


def _back_in_the_flow(exit: str) -> Input:
    """What the flow hears of a caller who waits no more."""
    if exit.startswith(WAY):
        return WayOut(exit.removeprefix(WAY))
    return HungUp() if exit == GONE else Dequeued(exit)


class Ways:
    """What contacts of a kind do, taken out of the scenario once, since its fields take long to read."""

    def __init__(self, kind: Kind, queues: Mapping[str, Queue]) -> None:
        self.kind = kind
        self.queue, self.priority = kind.queue, kind.priority
        self.channel = "voice" if kind.queue is None else queues[kind.queue].channel
        self.in_flow = kind.number is not None
        self.fixed: dict[str, Attribute] = {
            n: value for n, value in kind.attributes.items() if not isinstance(value, dict)
        }
        self.drawn = {name: value for name, value in kind.attributes.items() if isinstance(value, dict)}
        self.named = kind.redials is not None or kind.callbacks is not None
        self.announcement, self.callbacks, self.redials = kind.announcement, kind.callbacks, kind.redials
        self.has_keys = kind.waiting_keys is not None
        self.self_service = kind.self_service


class Contacts:
    """The contacts of one replication."""

    def __init__(self, run: Run, agents: Mapping[str, Agent]) -> None:
        setting = run.setting
        self._run, self._shell, self._streams = run, run.shell, run.streams
        self._kinds = setting.scenario.kinds
        library = setting.centre.library
        self._ivr = IvrCallers(setting, run.streams, library) if library is not None else None
        self._queues = {queue.name: queue for queue in setting.policy.queues}
        self._ways = {name: Ways(kind, self._queues) for name, kind in self._kinds.items()}
        self._trunk = Trunk(setting.scenario.lines, self._kinds) if setting.scenario.lines else None
        self._inside: dict[str, Contact] = {}
        self._calling_again: dict[str, Contact] = {}
        self._times = Times(run)
        self._loses_patience: Act = self._lose_patience
        self._keys = WaitingKeys(run)
        self._calling_back = CallingBack(run, self._queues, self._inside, self._ivr, self._hang_up_line)
        self._talks = talks = Talks(run, agents, self._inside, self._times)
        self.hand_back, self.cut_off = talks.hand_back, talks.cut_off
        self.hands: dict[type[Decision], Callable[[Any], None]] = {
            **talks.hands,
            RingCustomer: self._calling_back.ring_customer,
            ContactQueued: self._queued,
            ContactReleased: self._released,
            ContactFinished: self._finished,
        }

    def __len__(self) -> int:
        return len(self._inside)

    def lowest(self, kind: str, following: int) -> int:
        """The number of the first caller of this kind whose draws may still be asked for; `following` comes next."""
        alive = (*self._inside.values(), *self._calling_again.values())
        return min((contact.number for contact in alive if contact.kind == kind), default=following)

    # Coming in

    def arrive(self, kind: str, number: int, traced: TracedContact | None) -> None:
        """Caller `number` (from 0) of this kind calls for the first time."""
        tally = self._run.counts.at(kind, self._shell.now_ms)
        tally.callers += 1
        self._call(Contact(f"{kind}-{number + 1}", kind, number, traced, tally))

    def _call(self, contact: Contact) -> None:
        contact.tally.calls += 1
        ways = self._ways[contact.kind]
        if self._trunk is not None and ways.channel == "voice":
            came_in, contact.line = self._trunk.take(contact.kind)
            if not came_in:
                contact.tally.blocked += 1
                contact.fate = "blocked"
                self._call_again(contact)
                return
        self._inside[contact.name] = contact
        if ways.in_flow:
            self._shell.env.process(self._flow(contact, ways.kind))
        elif ways.self_service is not None:
            self._in_self_service(contact, ways, ways.self_service)
        else:
            self._enter(contact, ways)

    def _in_self_service(self, contact: Contact, ways: Ways, ivr: SelfService) -> None:
        """Until the IVR has served the contact, or lets it into its queue."""
        stream = f"{contact.kind}/self-service/{contact.attempt}"
        takes_s = self._streams.draws(f"{stream}/takes", ivr.takes_s).at(contact.number)
        served = self._streams.uniforms(stream).at(contact.number) < ivr.served

        def comes_out() -> None:
            self._run.metrics.flow_finished(contained=served, now_ms=self._shell.now_ms)
            if served:
                contact.fate = "served_by_flow"
                self._gone(contact)
            else:
                self._enter(contact, ways)

        self._shell.after(milliseconds(takes_s), comes_out)

    def _enter(self, contact: Contact, ways: Ways) -> None:
        """A contact that needs no flow enters its queue."""
        traced, queue, channel, attributes = contact.traced, ways.queue, ways.channel, ways.fixed
        priority, preferred = ways.priority, None
        if ways.drawn:
            drawn = {name: self._drawn_attribute(contact, name, shares) for name, shares in ways.drawn.items()}
            attributes = {**attributes, **drawn}
        if traced is not None:
            queue, attributes, preferred = traced.queue or queue, attributes | traced.attributes, traced.preferred_agent
            priority = priority if traced.priority is None else traced.priority
            channel = self._queues[queue].channel if queue is not None else channel
        assert queue is not None
        caller = self._caller(contact) if ways.named else ""
        self._shell.feed(ContactArrived(contact.name, queue, channel, attributes, priority, preferred, caller=caller))

    def _caller(self, contact: Contact) -> str:
        """Who it is, where that matters: the router knows who comes again, and whom it rings back."""
        return f"{contact.kind}-{contact.number + 1}" if self._ways[contact.kind].named else ""

    def _drawn_attribute(self, contact: Contact, name: str, shares: dict[str, float]) -> str:
        uniform = self._streams.uniforms(f"{contact.kind}/attribute/{name}").at(contact.number)
        return choose(shares, uniform)

    def _flow(self, contact: Contact, kind: Kind) -> Life:
        """A caller who has dialled the kind's number goes through the flow."""
        assert self._ivr is not None, "only a centre has numbers"
        shell, caller = self._shell, self._ivr.caller(contact.kind, contact.number)
        step = caller.dial(shell.now_ms)
        queued = False
        while step is not None:
            if step.enqueue is not None:
                queued = True
                exit = yield self._waits(contact, kind, step.enqueue)
                if exit == RUNG_BACK:
                    break
                answer = _back_in_the_flow(exit)
            elif step.book is not None:
                answer = self._calling_back.book(contact, kind, self._caller(contact), step.book)
            else:
                yield shell.timeout(step.delay_ms)
                assert step.answer is not None
                answer = step.answer
                if contact.kept is not None and self._is_taken(contact):
                    kept, contact.kept, contact.place = contact.kept, None, ""
                    answer = _back_in_the_flow((yield kept))
            step = caller.go_on(answer, shell.now_ms)
        if contact.kept is not None and waits_on_the_line(self._run, contact.name):
            shell.feed(ContactLeft(contact.name, "left"))  # the flow has ended while the caller still had a place
        contained = not queued and not contact.callback and caller.served
        if contained:
            contact.fate = "served_by_flow"
        if contact.callback:  # it is over when the router says so
            self._hang_up_line(contact)
        else:
            self._gone(contact)
        self._run.metrics.flow_finished(contained=contained, now_ms=shell.now_ms)

    def _waits(self, contact: Contact, kind: Kind, enqueue: Enqueue) -> simpy.Event:
        """Lets the caller wait where the flow says; what brings it back. A place that was kept is kept on, or moved to
        the other queue; the exit of a queue that has let the caller go meanwhile is taken now."""
        kept, place, released = contact.kept, contact.place, contact.released
        contact.kept, contact.place, contact.released = None, enqueue.queue, None
        back = contact.back = kept if kept is not None and released is None else self._shell.env.event()
        if kept is not None and released is not None and place == enqueue.queue:
            contact.back = None
            back.succeed(released)
            return back
        if kept is not None and released is None:
            if place != enqueue.queue:
                self._shell.feed(ContactMoved(contact.name, enqueue.queue, priority=enqueue.priority))
        else:
            self._shell.feed(
                ContactArrived(
                    contact.name,
                    enqueue.queue,
                    self._queues[enqueue.queue].channel,
                    enqueue.attributes,
                    kind.priority if enqueue.priority is None else enqueue.priority,
                    enqueue.preferred_agent,
                    caller=self._caller(contact),
                )
            )
        contact.waits += 1
        self._keys.begin(contact, kind, enqueue.queue, enqueue.keys, enqueue.keep_place)
        return back

    def _is_taken(self, contact: Contact) -> bool:
        """Whether somebody has answered, or the caller has hung up, while the place was kept."""
        assert contact.kept is not None
        known = self._shell.router.contact(contact.name)
        return contact.kept.triggered or (known is not None and known.has_agent)

    # Waiting

    def _queued(self, decision: ContactQueued) -> None:
        contact, queue = self._inside[decision.contact], decision.queue
        self._times.enters(contact, queue)
        if contact.callback:
            return
        ways = self._ways[contact.kind]
        if not ways.in_flow:
            contact.waits += 1
            if ways.has_keys:
                self._keys.begin(contact, ways.kind, queue)
        if decision.moved_from is not None:
            return
        now_ms = self._shell.now_ms
        contact.since_ms = now_ms
        contact.visits += 1
        if contact.patience_ms is None:
            contact.patience_ms = self._times.drawn_ms(contact, "patience", contact.attempt - 1)
        if ways.announcement is not None and self._leaves_at_once(contact, ways.announcement):
            self._shell.feed(ContactLeft(contact.name))
            return
        if ways.callbacks is not None:
            self._calling_back.may_ask(contact, ways.callbacks)
        if contact.patience_ms is not None:
            contact.gives_up_ms = now_ms + contact.patience_ms
            self._shell.wake(contact.patience_ms, self._loses_patience, contact)

    def _lose_patience(self, contact: Contact) -> None:
        if contact.gives_up_ms == self._shell.now_ms:
            self._shell.feed(ContactLeft(contact.name))

    def _leaves_at_once(self, contact: Contact, announcement: Announcement) -> bool:
        """The caller hears how long it will take, and leaves, or stays with another patience."""
        router = self._shell.router
        known = router.contact(contact.name)
        if known is None or known.state != "queued":
            return False  # somebody's phone rings already
        by = announcement.by  # what is not looked at need not be found out
        told_ms = announcement.told_ms(
            router.estimated_wait(contact.name, self._shell.now_ms) if by == "estimate" else None,
            router.position(contact.name) - 1 if by == "ahead" else 0,
            self._talks.last_waits_ms.get(contact.queue) if by == "last" else None,
        )
        if told_ms is None:
            return False
        stream = f"{contact.kind}/announcement/{contact.attempt}.{contact.visits}"
        if announcement.leaves(told_ms, contact.patience_ms, self._streams.uniforms(stream)[contact.number]):
            contact.tally.left_at_once += 1
            return True
        contact.patience_ms = announcement.patience_ms(
            told_ms,
            contact.patience_ms,
            lambda ending, law: self._streams.draws(f"{stream}/{ending}", law)[contact.number],
        )
        return False

    def _released(self, decision: ContactReleased) -> None:
        contact = self._inside[decision.contact]
        contact.gives_up_ms = None
        contact.fate = "overflowed"
        if contact.patience_ms is not None:
            contact.patience_ms = max(0, contact.patience_ms - self._shell.now_ms + contact.since_ms)
        self._goes_on(contact, decision.action.target)

    def _finished(self, decision: ContactFinished) -> None:
        outcome = decision.outcome
        if outcome == "overflowed" or decision.transferred_to is not None:
            return  # released, or queued again
        contact = self._inside[decision.contact]
        contact.gives_up_ms = None
        self._talks.is_over(contact)
        if outcome == "answered":
            self._goes_on(contact, ANSWERED)
        else:
            contact.fate = "abandoned" if outcome == "abandoned" else "none"
            pressed, contact.pressed = contact.pressed, ""
            self._goes_on(contact, WAY + pressed if pressed else GONE)

    def _goes_on(self, contact: Contact, exit: str) -> None:
        """Back to the flow, or, for a contact without one, away."""
        if contact.back is None:
            self._gone(contact)
        elif contact.kept is not None and exit not in (GONE, ANSWERED):
            contact.released = exit  # the caller is elsewhere in the flow, and hears of it on coming back
        else:
            back, contact.back = contact.back, None
            back.succeed(exit)

    # Going away, and coming again

    def _gone(self, contact: Contact) -> None:
        del self._inside[contact.name]
        self._hang_up_line(contact)
        self._call_again(contact)

    def _hang_up_line(self, contact: Contact) -> None:
        if contact.line is not None:
            contact.line.give_back()
            contact.line = None

    def _call_again(self, contact: Contact) -> None:
        """Later, or never."""
        redials, now_ms = self._ways[contact.kind].redials, self._shell.now_ms
        after_ms = None
        if redials is not None:
            fate, kind, number, attempt = contact.fate, contact.kind, contact.number, contact.attempt
            after_ms = redials.again_after_ms(fate, kind, number, attempt, self._streams)
        if after_ms is None or now_ms + after_ms >= self._run.end_ms:
            if contact.fate not in SERVED:
                contact.tally.never_served += 1
            return
        again = Contact(
            f"{contact.kind}-{contact.number + 1}.{contact.attempt + 1}",
            contact.kind,
            contact.number,
            contact.traced,
            contact.tally,
            contact.attempt + 1,
            offers=contact.offers,
            talks=contact.talks + (contact.fate == "answered"),
        )
        self._calling_again[again.name] = again
        self._shell.after(after_ms, lambda: self._calls_again(again))

    def _calls_again(self, contact: Contact) -> None:
        del self._calling_again[contact.name]
        contact.tally = self._run.counts.at(contact.kind, self._shell.now_ms)
        self._call(contact)
