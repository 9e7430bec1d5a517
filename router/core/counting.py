"""Counts contacts and agents from the router's decisions, into the tallies of their intervals.

A contact counts in the interval in which it arrived, whatever becomes of it and whenever; agents' time and queue
lengths count in the interval in which they pass. A consultation is no customer's contact: only the agents' side of it
counts. A contact that is transferred ends its stay in one queue and arrives anew in the other.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from router.core import decisions
from router.core.events import ContactArrived, Event
from router.core.intervals import Interval, Intervals
from router.core.policy import Goal
from router.core.repeats import Repeats
from router.core.tallies import AgentTally, ContactTally
from router.core.tallying import AgentSums, ContactSums, count_answer, count_unanswered

AGENT_CHANGED: Final = 1
QUEUED: Final = 2
OFFERED: Final = 3
CONNECTED: Final = 4
FINISHED: Final = 5
_COMMON: Final[dict[type, int]] = {
    decisions.AgentChanged: AGENT_CHANGED,
    decisions.ContactQueued: QUEUED,
    decisions.Offer: OFFERED,
    decisions.Connect: CONNECTED,
    decisions.ContactFinished: FINISHED,
}

NO_GOAL = Goal(answered_within_ms=0, share=0.0)


class _Contact:
    """A contact that has not finished: where it waits or, since when, who has it; and where it counts."""

    caller: str = ""
    callback: bool = False
    in_line: bool = False
    agent: str | None = None
    answered_ms: int = 0
    wait_ms: int = 0
    answered: bool = False

    def __init__(
        self, queue: str, goal: Goal, arrived_ms: int, interval: Interval, sums: ContactSums, consult: bool
    ) -> None:
        self.queue = queue
        self.goal = goal
        self.arrived_ms = arrived_ms
        self.interval = interval
        self.sums = sums
        self.consult = consult

    def answered_as(self, decision: decisions.ContactFinished) -> bool:
        """Whether what was counted when the talk began is what the end tells."""
        return (
            self.agent is not None
            and decision.outcome == "answered"
            and decision.wait_ms == self.wait_ms
            and decision.callback == self.callback
        )


class _Line:
    """How many wait in a queue, and until when that has been accounted for."""

    def __init__(self, since_ms: int) -> None:
        self.length = 0
        self.since_ms = since_ms


class _Agent:
    """An agent's state, until when it is accounted for, the contact handled last, and the sums in an interval."""

    handled: _Contact | None = None
    interval: Interval | None = None
    sums: AgentSums | None = None

    def __init__(self, state: decisions.AgentState, since_ms: int) -> None:
        self.state = state
        self.since_ms = since_ms


class Counting:
    """`goals` are those of the queues, `escalations` the second level of each queue that has one."""

    def __init__(self, intervals: Intervals, goals: Mapping[str, Goal], escalations: Mapping[str, str]) -> None:
        self._intervals = intervals
        self._goals = goals
        self.escalations = escalations
        self._lines: dict[str, _Line] = {}
        self._agents: dict[str, _Agent] = {}
        self._contacts: dict[str, _Contact] = {}
        self._sent_on: dict[str, str] = {}
        self._repeats: Repeats[_Contact] = Repeats()
        self._arriving: ContactArrived | None = None
        self._nowhere, self._uncounted = Interval(), ContactSums(ContactTally())
        self._observers: dict[type, Callable[[Any, int], None]] = {
            decisions.ContactParked: self._parked,
            decisions.OfferEnded: self._offer_ended,
            decisions.CustomerReached: self._reached,
            decisions.HandOver: self._handed_over,
        }

    def observe(self, decision: Any, now_ms: int) -> None:
        """What every contact has is called by name, which compiled code does at once; the rest is looked up."""
        kind = _COMMON.get(type(decision), 0)
        if kind == AGENT_CHANGED:
            self._agent_changed(decision, now_ms)
        elif kind == QUEUED:
            self._queued(decision, now_ms)
        elif kind == OFFERED:
            self._offered(decision, now_ms)
        elif kind == CONNECTED:
            self._connected(decision, now_ms)
        elif kind == FINISHED:
            self._finished(decision, now_ms)
        elif (observer := self._observers.get(type(decision))) is not None:
            observer(decision, now_ms)

    def handled(self, event: Event, decided: list[decisions.AnyDecision], now_ms: int) -> None:
        """The event, and each of the decisions that followed from it."""
        self._arriving = event if isinstance(event, ContactArrived) else None
        for decision in decided:
            self.observe(decision, now_ms)

    def account(self, now_ms: int) -> None:
        """Counts the time until now of all who wait and of all agents."""
        for queue, line in self._lines.items():
            self._account_line(queue, line, now_ms)
        for name, agent in self._agents.items():
            self._account_agent(name, agent, now_ms)

    # Contacts that wait

    def _queued(self, decision: decisions.ContactQueued, now_ms: int) -> None:
        name, queue = decision.contact, decision.queue
        contact = self._contacts.get(name)
        if contact is None:
            arrived_ms = decision.wait_from_ms
            if arrived_ms is None:
                arrived_ms = decision.arrived_ms
            if arrived_ms is None:
                arrived_ms = now_ms
            contact = self._arrive(name, queue, arrived_ms, decision.consult)
            self._identify(name, contact, now_ms)
        elif contact.agent is None and contact.queue != queue:
            self._leave_line(contact, now_ms)
            self._tally(contact).moved_out += 1
            caller = contact.caller
            contact = self._arrive(name, queue, contact.arrived_ms, contact.consult)
            contact.caller = caller
            self._tally(contact).moved_in += 1
        elif contact.agent is not None or contact.in_line:
            return
        self._enter_line(contact, now_ms)

    def _arrive(self, name: str, queue: str, arrived_ms: int, consult: bool) -> _Contact:
        if consult:
            interval, sums = self._nowhere, self._uncounted
        else:
            interval = self._intervals.at(arrived_ms)
            sums = interval.contact_sums(queue)
        goal = self._goals.get(queue, NO_GOAL)
        contact = self._contacts[name] = _Contact(queue, goal, arrived_ms, interval, sums, consult)
        sums.arrived += 1
        return contact

    def _identify(self, name: str, contact: _Contact, now_ms: int) -> None:
        """Whose contact it is, and whether the caller was here shortly before."""
        if name in self._sent_on:
            contact.caller = self._sent_on.pop(name)
        elif self._arriving is not None and self._arriving.contact == name and not contact.consult:
            contact.caller = self._arriving.caller
            if contact.caller:
                tally = self._tally(contact)
                tally.identified += 1
                earlier = self._repeats.arrived(name, contact.caller, now_ms)
                if earlier is not None:
                    tally.repeated += 1
                    self._tally(earlier).followed += earlier.answered

    def _tally(self, contact: _Contact) -> ContactTally:
        return self._sums(contact).of

    def _sums(self, contact: _Contact) -> ContactSums:
        if contact.interval.pooled:
            contact.interval = self._intervals.older
            contact.sums = contact.interval.contact_sums(contact.queue)
        return contact.sums

    def _parked(self, decision: decisions.ContactParked, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is not None:
            self._leave_line(contact, now_ms)

    def _enter_line(self, contact: _Contact, now_ms: int) -> None:
        contact.in_line = True
        self._line_changes(contact, +1, now_ms)

    def _leave_line(self, contact: _Contact, now_ms: int) -> None:
        if contact.in_line:
            contact.in_line = False
            self._line_changes(contact, -1, now_ms)

    def _line_changes(self, contact: _Contact, by: int, now_ms: int) -> None:
        if contact.consult:
            return
        line = self._lines.get(contact.queue)
        if line is None:
            line = self._lines[contact.queue] = _Line(now_ms)
        if line.length:
            self._account_line(contact.queue, line, now_ms)
        else:
            line.since_ms = now_ms
        line.length += by

    def _account_line(self, queue: str, line: _Line, now_ms: int) -> None:
        if line.length:
            latest = self._intervals.all_in_latest(line.since_ms, now_ms)
            if latest is not None:
                latest.contact_sums(queue).waiting_ms += line.length * (now_ms - line.since_ms)
            else:
                for interval, span_ms in self._intervals.split(line.since_ms, now_ms):
                    interval.contact_sums(queue).waiting_ms += line.length * span_ms
        line.since_ms = now_ms

    # Offers and talks

    def _offered(self, decision: decisions.Offer, now_ms: int) -> None:
        self._intervals.at(now_ms).agent_sums(decision.agent).offers += 1
        contact = self._contacts.get(decision.contact)
        if contact is not None:
            self._sums(contact).offers += 1

    def _offer_ended(self, decision: decisions.OfferEnded, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        tallies: list[ContactTally | AgentTally] = [self._intervals.at(now_ms).agent(decision.agent)]
        if contact is not None:
            tallies.append(self._tally(contact))
        for tally in tallies:
            if decision.cause == "declined":
                tally.declined += 1
            elif decision.cause == "no_answer":
                tally.no_answer += 1
            elif decision.cause != "cancelled":
                tally.offer_failed += 1
        if contact is not None and contact.agent is not None:  # joining the two failed: the contact waits again
            self._answer(contact, -1)
            self._intervals.at(contact.answered_ms).agent_sums(contact.agent).answered -= 1
            contact.agent = None
            self._enter_line(contact, now_ms)

    def _connected(self, decision: decisions.Connect, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is not None:
            self._talk_begins(contact, decision.agent, now_ms - contact.arrived_ms, now_ms)

    def _reached(self, decision: decisions.CustomerReached, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is not None:
            contact.callback = True
            self._talk_begins(contact, decision.agent, decision.wait_ms, now_ms)

    def _talk_begins(self, contact: _Contact, agent: str, wait_ms: int, now_ms: int) -> None:
        if contact.agent is not None:
            return
        self._leave_line(contact, now_ms)
        contact.agent, contact.answered_ms, contact.wait_ms = agent, now_ms, wait_ms
        self._intervals.at(now_ms).agent_sums(agent).answered += 1
        self._answer(contact, +1)

    def _answer(self, contact: _Contact, sign: int) -> None:
        """Counts that the contact was answered after its wait; `sign` -1 takes that back."""
        sums, within_ms = self._sums(contact), contact.goal.answered_within_ms
        if contact.callback:
            count_answer(sums.of, contact.wait_ms, within_ms, True, sign)
        else:
            sums.answer(contact.wait_ms, within_ms, sign)

    def _handed_over(self, decision: decisions.HandOver, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is None:
            return
        tally = self._tally(contact)
        tally.handed_over += 1
        tally.talk_ms += decision.talk_ms
        tally.hold_ms += decision.hold_ms
        if decision.from_agent in self._agents:
            self._agents[decision.from_agent].handled = contact

    def _finished(self, decision: decisions.ContactFinished, now_ms: int) -> None:
        name, outcome, transferred_to = decision.contact, decision.outcome, decision.transferred_to
        contact = self._contacts.get(name)
        if contact is None:  # taken over in the middle of its life
            contact = self._arrive(name, decision.queue, decision.arrived_ms, decision.consult)
        stands = contact.answered_as(decision)
        if contact.agent is not None and not stands:  # counted when the talk began; now all is known
            self._answer(contact, -1)
        self._leave_line(contact, now_ms)
        del self._contacts[name]
        contact.callback = decision.callback
        contact.answered = outcome == "answered"
        sums = self._sums(contact)
        if contact.answered:
            self._talked(decision, contact, sums, now_ms)
            if not stands:
                self._answer(contact, +1)
        else:
            short_ms = contact.goal.short_abandon_ms
            count_unanswered(sums.of, outcome, decision.wait_ms, short_ms, contact.callback)
        if transferred_to is not None:
            self._sent_on[name] = contact.caller
        elif contact.caller:
            sums.of.identified_answered += contact.answered
            self._repeats.ended(name, contact.caller, now_ms, contact)

    def _talked(self, decision: decisions.ContactFinished, contact: _Contact, sums: ContactSums, now_ms: int) -> None:
        agent, hold_ms, transferred_to = decision.agent or "", decision.hold_ms, decision.transferred_to
        if contact.agent is None:
            contact.answered_ms = now_ms
            self._intervals.at(now_ms).agent_sums(agent).answered += 1
        contact.agent, contact.wait_ms = agent, decision.wait_ms
        sums.finished += 1
        sums.talk_ms += decision.talk_ms
        if hold_ms:
            sums.of.hold_ms += hold_ms
        if transferred_to is not None:
            sums.of.transferred += 1
            sums.of.escalated += self.escalations.get(decision.queue) == transferred_to
        known = self._agents.get(agent)
        if known is not None and not contact.consult:
            known.handled = contact

    # Agents

    def _agent_changed(self, decision: decisions.AgentChanged, now_ms: int) -> None:
        name, state = decision.agent, decision.state
        agent = self._agents.get(name)
        if agent is None:
            self._agents[name] = _Agent(state, now_ms)
            return
        self._account_agent(name, agent, now_ms)
        agent.state = state

    def _account_agent(self, name: str, agent: _Agent, now_ms: int) -> None:
        if agent.state != "offline" and now_ms > agent.since_ms:
            latest = self._intervals.all_in_latest(agent.since_ms, now_ms)
            if latest is not None:
                if agent.interval is not latest or agent.sums is None:
                    agent.interval, agent.sums = latest, latest.agent_sums(name)
                agent.sums.span(agent.state, now_ms - agent.since_ms)
            else:
                for interval, span_ms in self._intervals.split(agent.since_ms, now_ms):
                    interval.agent_sums(name).span(agent.state, span_ms)
            if agent.state == "wrap_up" and agent.handled is not None:
                self._tally(agent.handled).wrap_up_ms += now_ms - agent.since_ms
        agent.since_ms = now_ms
