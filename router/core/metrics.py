"""Collects the metrics (defined in `router.core.measures`) from the router's decisions, live and in simulation alike.

For the whole run and per interval. A contact counts in the interval in which it arrived, whatever becomes of it and
whenever; agents' time, queue lengths and flows count in the interval in which they pass.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic

import msgspec

from router.core import decisions
from router.core.ewt import EstimateError
from router.core.measures import Tally, Value, values
from router.core.policy import Goal, Policy
from router.core.tallies import AgentTally, ContactTally

_NO_GOAL = Goal(answered_within_ms=0, share=0.0)


class Section(msgspec.Struct, Generic[Tally], frozen=True):
    """The metrics of one queue or agent (or of all) by name, and the sums that they were made of."""

    values: dict[str, Value]
    tally: Tally


class Figures(msgspec.Struct, frozen=True):
    """All figures of the time from `start_ms` to before `end_ms`."""

    start_ms: int
    end_ms: int
    all_queues: Section[ContactTally]
    all_agents: Section[AgentTally]
    queues: dict[str, Section[ContactTally]]
    agents: dict[str, Section[AgentTally]]


class MetricsReport(msgspec.Struct, frozen=True):
    """The figures of the whole time and of each interval in it; the last interval may still be running."""

    whole: Figures
    intervals: tuple[Figures, ...]


class _Interval(msgspec.Struct):
    queues: dict[str, ContactTally] = {}
    agents: dict[str, AgentTally] = {}
    flows: int = 0
    contained: int = 0

    def queue(self, name: str) -> ContactTally:
        tally = self.queues.get(name)
        if tally is None:
            tally = self.queues[name] = ContactTally()
        return tally

    def agent(self, name: str) -> AgentTally:
        tally = self.agents.get(name)
        if tally is None:
            tally = self.agents[name] = AgentTally()
        return tally

    def add(self, other: "_Interval") -> None:
        for name, queue in other.queues.items():
            self.queue(name).add(queue)
        for name, agent in other.agents.items():
            self.agent(name).add(agent)
        self.flows += other.flows
        self.contained += other.contained


class _Contact(msgspec.Struct):
    """A contact that has not finished: where it waits or, since when, who has it."""

    queue: str
    goal: Goal
    arrived_ms: int
    agent: str | None = None
    answered_ms: int = 0
    wait_ms: int = 0


class _Line(msgspec.Struct):
    """How many wait in a queue, and until when that has been accounted for."""

    length: int
    since_ms: int


class _Agent(msgspec.Struct):
    """An agent's state, until when it has been accounted for, and the contact handled last."""

    state: decisions.AgentState
    since_ms: int
    handled: _Contact | None = None


class Metrics:
    """Feed it every decision, in order; ask for a report at any time.

    Intervals of `interval_ms` count from `start_ms`; without `interval_ms` there is only the whole run. The last
    `keep_intervals` are kept apart, older ones only in the whole, so memory is bounded by policy and contacts in hand.
    """

    def __init__(
        self, policy: Policy, start_ms: int = 0, interval_ms: int | None = None, keep_intervals: int = 96
    ) -> None:
        self._start_ms = start_ms
        self._interval_ms = interval_ms
        self._keep = keep_intervals
        self._first_kept = 0
        self._older = _Interval()
        self._intervals: dict[int, _Interval] = {}
        self._goals: dict[str, Goal] = {}
        self._lines: dict[str, _Line] = {}
        self._agents: dict[str, _Agent] = {}
        self._contacts: dict[str, _Contact] = {}
        self._observers: dict[type, Callable[[Any, int], None]] = {
            decisions.ContactQueued: self._queued,
            decisions.Offer: self._offered,
            decisions.OfferEnded: self._offer_ended,
            decisions.Connect: self._connected,
            decisions.ContactFinished: self._finished,
            decisions.AgentChanged: self._agent_changed,
        }
        self.policy_published(policy)

    def policy_published(self, policy: Policy) -> None:
        """From now on queues have these goals; contacts that wait keep the goal they came under."""
        self._goals |= {queue.name: queue.goal for queue in policy.queues}

    def observe(self, decision: decisions.Decision, now_ms: int) -> None:
        """Takes note of a decision made at `now_ms`."""
        observer = self._observers.get(type(decision))
        if observer is not None:
            observer(decision, now_ms)

    def flow_finished(self, contained: bool, now_ms: int) -> None:
        """A flow ended; `contained` if the caller was served by it and never needed an agent."""
        interval = self._at(now_ms)
        interval.flows += 1
        interval.contained += contained

    # Contacts

    def _queued(self, decision: decisions.ContactQueued, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is None:
            arrived_ms = now_ms if decision.arrived_ms is None else decision.arrived_ms
            self._arrive(decision.contact, decision.queue, arrived_ms)
        elif contact.agent is None and contact.queue != decision.queue:
            self._line_changes(contact.queue, -1, now_ms)
            self._tally(contact).moved_out += 1
            contact = self._arrive(decision.contact, decision.queue, contact.arrived_ms)
            self._tally(contact).moved_in += 1
        else:
            return
        self._line_changes(decision.queue, +1, now_ms)

    def _arrive(self, name: str, queue: str, arrived_ms: int) -> _Contact:
        contact = self._contacts[name] = _Contact(queue, self._goals.get(queue, _NO_GOAL), arrived_ms)
        self._tally(contact).arrived += 1
        return contact

    def _tally(self, contact: _Contact) -> ContactTally:
        return self._at(contact.arrived_ms).queue(contact.queue)

    def _offered(self, decision: decisions.Offer, now_ms: int) -> None:
        self._at(now_ms).agent(decision.agent).offers += 1
        contact = self._contacts.get(decision.contact)
        if contact is not None:
            self._tally(contact).offers += 1

    def _offer_ended(self, decision: decisions.OfferEnded, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        tallies: list[ContactTally | AgentTally] = [self._at(now_ms).agent(decision.agent)]
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
            contact.agent = None
            self._line_changes(contact.queue, +1, now_ms)

    def _connected(self, decision: decisions.Connect, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is None or contact.agent is not None:
            return
        self._line_changes(contact.queue, -1, now_ms)
        contact.agent, contact.answered_ms, contact.wait_ms = decision.agent, now_ms, now_ms - contact.arrived_ms
        self._answer(contact, +1)

    def _answer(self, contact: _Contact, sign: int) -> None:
        """Counts that the contact's agent answered it after its wait; `sign` -1 takes that back."""
        tally, wait_ms = self._tally(contact), contact.wait_ms
        self._at(contact.answered_ms).agent(contact.agent or "").answered += sign
        tally.answered += sign
        tally.wait_answered_ms += sign * wait_ms
        if wait_ms <= contact.goal.answered_within_ms:
            tally.answered_within += sign
        tally.count_wait(wait_ms, sign)

    def _finished(self, decision: decisions.ContactFinished, now_ms: int) -> None:
        contact = self._contacts.get(decision.contact)
        if contact is None:  # refused by a full queue, or taken over in the middle of a talk
            contact = self._arrive(decision.contact, decision.queue, decision.arrived_ms)
        elif contact.agent is None:
            self._line_changes(contact.queue, -1, now_ms)
        else:  # counted when it was connected; now all is known
            self._answer(contact, -1)
        del self._contacts[decision.contact]
        tally = self._tally(contact)
        if decision.outcome == "answered":
            contact.answered_ms = contact.answered_ms if contact.agent else now_ms
            contact.agent, contact.wait_ms = decision.agent, decision.wait_ms
            self._answer(contact, +1)
            tally.finished += 1
            tally.talk_ms += decision.talk_ms
            if decision.agent in self._agents:
                self._agents[decision.agent].handled = contact
            return
        if decision.outcome == "abandoned":
            tally.abandoned += 1
            tally.short_abandons += decision.wait_ms < contact.goal.short_abandon_ms
        elif decision.outcome == "left":
            tally.left += 1
        else:
            tally.overflowed += 1
        tally.count_wait(decision.wait_ms)

    def _line_changes(self, queue: str, by: int, now_ms: int) -> None:
        line = self._lines.get(queue)
        if line is None:
            line = self._lines[queue] = _Line(0, now_ms)
        self._account_line(queue, line, now_ms)
        line.length += by

    def _account_line(self, queue: str, line: _Line, now_ms: int) -> None:
        if line.length:
            for interval, span_ms in self._split(line.since_ms, now_ms):
                interval.queue(queue).waiting_ms += line.length * span_ms
        line.since_ms = now_ms

    # Agents

    def _agent_changed(self, decision: decisions.AgentChanged, now_ms: int) -> None:
        agent = self._agents.get(decision.agent)
        if agent is None:
            self._agents[decision.agent] = _Agent(decision.state, now_ms)
            return
        self._account_agent(decision.agent, agent, now_ms)
        agent.state = decision.state

    def _account_agent(self, name: str, agent: _Agent, now_ms: int) -> None:
        if agent.state != "offline" and now_ms > agent.since_ms:
            field = f"{agent.state}_ms"
            for interval, span_ms in self._split(agent.since_ms, now_ms):
                tally = interval.agent(name)
                setattr(tally, field, getattr(tally, field) + span_ms)
            if agent.state == "wrap_up" and agent.handled is not None:
                self._tally(agent.handled).wrap_up_ms += now_ms - agent.since_ms
        agent.since_ms = now_ms

    # Intervals

    def _index(self, at_ms: int) -> int:
        return 0 if self._interval_ms is None else max(0, at_ms - self._start_ms) // self._interval_ms

    def _at(self, at_ms: int) -> _Interval:
        return self._interval(self._index(at_ms))

    def _interval(self, index: int) -> _Interval:
        interval = self._intervals.get(index)
        if interval is not None:
            return interval
        if index < self._first_kept:
            return self._older
        interval = self._intervals[index] = _Interval()
        if index - self._first_kept >= self._keep:
            self._first_kept = index - self._keep + 1
            for old in sorted(i for i in self._intervals if i < self._first_kept):
                self._older.add(self._intervals.pop(old))
        return interval

    def _split(self, from_ms: int, to_ms: int) -> Iterator[tuple[_Interval, int]]:
        """The time between the two, cut at interval borders: each interval with its milliseconds of it."""
        last = self._index(max(from_ms, to_ms - 1))
        if self._interval_ms is None or self._index(from_ms) == last:
            yield self._interval(last), to_ms - from_ms
            return
        self._interval(last)
        while from_ms < to_ms:
            index = max(self._index(from_ms), self._first_kept - 1)
            border_ms = min(to_ms, self._start_ms + (index + 1) * self._interval_ms)
            yield self._interval(index), border_ms - from_ms
            from_ms = border_ms

    # Reports

    def report(
        self, now_ms: int, since_ms: int | None = None, estimate_errors: Mapping[str, EstimateError] | None = None
    ) -> MetricsReport:
        """All figures up to `now_ms`.

        With `since_ms` (the end of a warm-up, say) only intervals that begin then or later are in it. `estimate_errors`
        (from `WaitEstimator.errors`) are of the whole run. Raises ValueError if intervals since then are not kept.
        """
        for queue, line in self._lines.items():
            self._account_line(queue, line, now_ms)
        for name, agent in self._agents.items():
            self._account_agent(name, agent, now_ms)
        self._interval(self._index(now_ms - 1))
        begin_ms, first, whole = self._start_ms, self._first_kept, _Interval()
        if since_ms is None:
            whole.add(self._older)
        else:
            if self._interval_ms is None:
                raise ValueError("figures since some time need intervals (interval_ms)")
            first = max(0, -(-(since_ms - self._start_ms) // self._interval_ms))
            if first < self._first_kept:
                raise ValueError(f"of the intervals since {since_ms} ms only the last {self._keep} are kept")
            begin_ms += first * self._interval_ms
        kept = range(first, max(self._intervals, default=0) + 1)
        for index in kept:
            whole.add(self._intervals.get(index, _Interval()))
        for queue, error in (estimate_errors or {}).items():
            whole.queue(queue).estimates.add(error)
        return MetricsReport(self._figures(whole, begin_ms, now_ms), tuple(self._each(kept, now_ms)))

    def _each(self, indices: range, now_ms: int) -> Iterator[Figures]:
        if self._interval_ms is None:
            return
        for index in indices:
            begin_ms = self._start_ms + index * self._interval_ms
            copy = _Interval()
            copy.add(self._intervals.get(index, _Interval()))
            yield self._figures(copy, begin_ms, min(now_ms, begin_ms + self._interval_ms))

    def _figures(self, interval: _Interval, start_ms: int, end_ms: int) -> Figures:
        """`interval` must be a copy, as it goes into the result."""
        contacts, agents = ContactTally(flows=interval.flows, contained=interval.contained), AgentTally()
        for name in self._goals:
            interval.queue(name)
        for queue in interval.queues.values():
            contacts.add(queue)
        contacts.arrived -= contacts.moved_in  # a moved contact counts once, where it ended
        contacts.moved_out = 0
        for agent in interval.agents.values():
            agents.add(agent)
        for tally in (contacts, *interval.queues.values()):
            tally.span_ms = end_ms - start_ms
        return Figures(
            start_ms,
            end_ms,
            Section(values(contacts), contacts),
            Section(values(agents), agents),
            {name: Section(values(queue), queue) for name, queue in sorted(interval.queues.items())},
            {name: Section(values(agent), agent) for name, agent in sorted(interval.agents.items())},
        )
