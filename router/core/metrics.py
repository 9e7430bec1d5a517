"""Collects the metrics (defined in `router.core.measures`) from the router's decisions, live and in simulation alike.

For the whole run and per interval; `router.core.counting` says what counts when and where. Reports from stored records
use the same tallies and `measures.values`: whoever fills a `ContactTally` per queue, channel, skill or intent by the
rules of `router.core.tallying` has all the metrics of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic

import msgspec

from router.core import decisions
from router.core.counting import Counting
from router.core.events import Event
from router.core.ewt import EstimateError
from router.core.intervals import Interval, Intervals
from router.core.measures import Tally, Value, values
from router.core.policy import Goal, Policy
from router.core.tallies import AgentTally, ContactTally


class Section(msgspec.Struct, Generic[Tally], frozen=True):
    """The metrics of one queue or agent (or of all) by name, and the sums that they were made of."""

    values: dict[str, Value]
    tally: Tally


class Figures(msgspec.Struct, frozen=True):
    """All figures of the time from `start_ms` to before `end_ms`. `channels` pools the queues of each channel, since an
    hour is long for a call and short for an e-mail."""

    start_ms: int
    end_ms: int
    all_queues: Section[ContactTally]
    all_agents: Section[AgentTally]
    queues: dict[str, Section[ContactTally]]
    agents: dict[str, Section[AgentTally]]
    channels: dict[str, Section[ContactTally]]


class MetricsReport(msgspec.Struct, frozen=True):
    """The figures of the whole time and of each interval in it; the last interval may still be running."""

    whole: Figures
    intervals: tuple[Figures, ...]


class Metrics:
    """Feed it every event with its decisions (`handled`), or the decisions alone (`observe`), in order; ask for a
    report at any time. Without the events nobody's callers are known, and so no repeats.

    Intervals of `interval_ms` count from `start_ms`; without `interval_ms` there is only the whole run. The last
    `keep_intervals` are kept apart, older ones only in the whole, so memory is bounded by policy and contacts in hand.
    `escalations` names the second level of each queue that has one.
    """

    def __init__(
        self,
        policy: Policy,
        start_ms: int = 0,
        interval_ms: int | None = None,
        keep_intervals: int = 96,
        escalations: Mapping[str, str] | None = None,
    ) -> None:
        self._intervals = Intervals(start_ms, interval_ms, keep_intervals)
        self._goals: dict[str, Goal] = {}
        self._channels: dict[str, str] = {}
        self.counting = Counting(self._intervals, self._goals, escalations or {})
        self.policy_published(policy)

    def policy_published(self, policy: Policy, escalations: Mapping[str, str] | None = None) -> None:
        """From now on queues have these goals (and second levels); contacts that wait keep the goal they came under."""
        self._goals |= {queue.name: queue.goal for queue in policy.queues}
        self._channels |= {queue.name: queue.channel for queue in policy.queues}
        if escalations is not None:
            self.counting.escalations = escalations

    def handled(self, event: Event, decided: Iterable[decisions.AnyDecision], now_ms: int) -> None:
        """Takes note of an event at `now_ms` and of all that was decided about it."""
        self.counting.handled(event, list(decided), now_ms)

    def observe(self, decision: decisions.Decision, now_ms: int) -> None:
        """Takes note of a decision made at `now_ms`."""
        self.counting.observe(decision, now_ms)

    def flow_finished(self, contained: bool, now_ms: int) -> None:
        """A flow ended; `contained` if the caller was served by it and never needed an agent."""
        interval = self._intervals.at(now_ms)
        interval.flows += 1
        interval.contained += contained

    def survey_answered(self, question: str, score: int, queue: str, now_ms: int) -> None:
        """A caller answered a question (`ContactTally.count_survey`) about a talk in this queue, or without one."""
        interval = self._intervals.at(now_ms)
        (interval.queue(queue) if queue in self._goals else interval.surveys).count_survey(question, score)

    def report(
        self, now_ms: int, since_ms: int | None = None, estimate_errors: Mapping[str, EstimateError] | None = None
    ) -> MetricsReport:
        """All figures up to `now_ms`.

        With `since_ms` (the end of a warm-up, say) only intervals that begin then or later are in it. `estimate_errors`
        (from `WaitEstimator.errors`) are of the whole run. Raises ValueError if intervals since then are not kept.
        """
        intervals = self._intervals
        self.counting.account(now_ms)
        intervals.number(intervals.index(now_ms - 1))
        begin_ms, first, whole = intervals.start_ms, intervals.first_kept, Interval()
        if since_ms is None:
            whole.add(intervals.older)
        else:
            if intervals.interval_ms is None:
                raise ValueError("figures since some time need intervals (interval_ms)")
            first = max(0, -(-(since_ms - intervals.start_ms) // intervals.interval_ms))
            if first < intervals.first_kept:
                raise ValueError(f"of the intervals since {since_ms} ms only the last {intervals.keep} are kept")
            begin_ms += first * intervals.interval_ms
        kept = range(first, max(intervals.kept, default=0) + 1)
        for index in kept:
            whole.add(intervals.kept.get(index, Interval()))
        for queue, error in (estimate_errors or {}).items():
            whole.queue(queue).estimates.add(error)
        return MetricsReport(self._figures(whole, begin_ms, now_ms), tuple(self._each(kept, now_ms)))

    def _each(self, indices: range, now_ms: int) -> Iterator[Figures]:
        intervals = self._intervals
        if intervals.interval_ms is None:
            return
        for index in indices:
            begin_ms = intervals.start_ms + index * intervals.interval_ms
            copy = Interval()
            copy.add(intervals.kept.get(index, Interval()))
            yield self._figures(copy, begin_ms, min(now_ms, begin_ms + intervals.interval_ms))

    def _figures(self, interval: Interval, start_ms: int, end_ms: int) -> Figures:
        """`interval` must be a copy, as it goes into the result."""
        contacts, agents = ContactTally(flows=interval.flows, contained=interval.contained), AgentTally()
        contacts.add(interval.surveys)
        channels: dict[str, ContactTally] = {}
        for name in self._goals:
            interval.queue(name)
        for name, queue in interval.queues.items():
            contacts.add(queue)
            channels.setdefault(self._channels.get(name, "voice"), ContactTally()).add(queue)
        for pooled in (contacts, *channels.values()):
            pooled.arrived -= pooled.moved_in  # a moved contact counts once, where it ended
            pooled.moved_out = 0
        for agent in interval.agents.values():
            agents.add(agent)
        for tally in (contacts, *channels.values(), *interval.queues.values()):
            tally.span_ms = end_ms - start_ms
        return Figures(
            start_ms,
            end_ms,
            _section(contacts),
            _section(agents),
            {name: _section(queue) for name, queue in sorted(interval.queues.items())},
            {name: _section(agent) for name, agent in sorted(interval.agents.items())},
            {name: _section(channel) for name, channel in sorted(channels.items())},
        )


def _section(tally: Tally) -> Section[Tally]:
    return Section(values(tally), tally)
