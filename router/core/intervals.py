"""The intervals in which metrics are counted: tallies by name, the latest kept apart, the older ones pooled."""

from collections.abc import Iterator

from router.core.tallies import AgentTally, ContactTally
from router.core.tallying import AgentSums, ContactSums


class Interval:
    """What was counted in one interval; `pooled` when it has been added to the older ones and is kept no longer.
    `surveys` are of answers that belong to no queue."""

    flows: int = 0
    contained: int = 0
    pooled: bool = False

    def __init__(self) -> None:
        self.queues: dict[str, ContactTally] = {}
        self.agents: dict[str, AgentTally] = {}
        self.surveys = ContactTally()
        self._contact_sums: dict[str, ContactSums] = {}
        self._agent_sums: dict[str, AgentSums] = {}

    def contact_sums(self, queue: str) -> ContactSums:
        """For what nearly every contact adds to the tally of this queue."""
        sums = self._contact_sums.get(queue)
        if sums is None:
            sums = self._contact_sums[queue] = ContactSums(self.queue(queue))
        return sums

    def agent_sums(self, agent: str) -> AgentSums:
        """The like for the tally of this agent."""
        sums = self._agent_sums.get(agent)
        if sums is None:
            sums = self._agent_sums[agent] = AgentSums(self.agent(agent))
        return sums

    def _settle(self) -> None:
        """All that was counted is in the tallies."""
        for queue in self._contact_sums.values():
            queue.settle()
        for agent in self._agent_sums.values():
            agent.settle()

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

    def add(self, other: "Interval") -> None:
        other._settle()
        for name, queue in other.queues.items():
            self.queue(name).add(queue)
        for name, agent in other.agents.items():
            self.agent(name).add(agent)
        self.flows += other.flows
        self.contained += other.contained
        self.surveys.add(other.surveys)


class Intervals:
    """Intervals of `interval_ms` from `start_ms` on; without `interval_ms` there is one for the whole run. The last
    `keep` are kept apart, so memory is bounded."""

    def __init__(self, start_ms: int, interval_ms: int | None, keep: int) -> None:
        self.start_ms = start_ms
        self.interval_ms = interval_ms
        self.keep = keep
        self.first_kept = 0
        self.older = Interval()
        self.kept: dict[int, Interval] = {}
        self._latest, self._latest_from_ms, self._latest_to_ms = self.older, 0, 0

    def index(self, at_ms: int) -> int:
        return 0 if self.interval_ms is None else max(0, at_ms - self.start_ms) // self.interval_ms

    def at(self, at_ms: int) -> Interval:
        if self._latest_from_ms <= at_ms < self._latest_to_ms:
            return self._latest
        return self.number(self.index(at_ms))

    def number(self, index: int) -> Interval:
        interval = self.kept.get(index)
        if interval is not None:
            return interval
        if index < self.first_kept:
            return self.older
        interval = self.kept[index] = Interval()
        self._remember(index, interval)
        if index - self.first_kept >= self.keep:
            self.first_kept = index - self.keep + 1
            for old in sorted(i for i in self.kept if i < self.first_kept):
                pooled = self.kept.pop(old)
                pooled.pooled = True
                self.older.add(pooled)
        return interval

    def _remember(self, index: int, interval: Interval) -> None:
        """The interval that began last is the one most asked for."""
        if self.interval_ms is not None:
            self._latest, self._latest_from_ms = interval, self.start_ms + index * self.interval_ms
            self._latest_to_ms = self._latest_from_ms + self.interval_ms

    def all_in_latest(self, from_ms: int, to_ms: int) -> Interval | None:
        """The interval that began last, if all the time between the two is in it."""
        return self._latest if self._latest_from_ms <= from_ms and to_ms <= self._latest_to_ms else None

    def split(self, from_ms: int, to_ms: int) -> Iterator[tuple[Interval, int]]:
        """The time between the two, cut at interval borders: each interval with its milliseconds of it."""
        last = self.index(max(from_ms, to_ms - 1))
        if self.interval_ms is None or self.index(from_ms) == last:
            yield self.number(last), to_ms - from_ms
            return
        self.number(last)
        while from_ms < to_ms:
            index = max(self.index(from_ms), self.first_kept - 1)
            border_ms = min(to_ms, self.start_ms + (index + 1) * self.interval_ms)
            yield self.number(index), border_ms - from_ms
            from_ms = border_ms
