"""Small centres whose cheapest staff can be found by trying every one: two queues with callers who lose patience
(Erlang A, so service rises with the staff in the usual S), one group for each queue, and one for both whose members are
worth a part of a specialist to each. What is drawn: the work of each interval, patience, wages, and that part."""

from typing import Any

import numpy
from numpy.typing import NDArray

from router.core.tallies import AgentTally, ContactTally
from simulations.erlang import ErlangA, Traffic
from simulations.replications import Outcome, Span
from simulations.setting import MINUTE_MS, Setting

INTERVALS, MINUTES, MOST = 3, 30, 16
SCALE = 1_000
"""Contacts of the tallies for one of the centre's, so that rounding to whole ones does not matter."""
QUEUES = {"sales": ("sellers", 180 + 20, 20, 0.8, (8, 45)), "support": ("helpers", 300, 30, 0.7, (6, 25))}
"""Own group, seconds of work, the goal's seconds and share, and between which numbers an interval's calls are."""
FIRST_OF_BOTH = 1
"""The first interval in which those who can do both are there."""


class World:
    """One centre, the same for the same `seed`."""

    def __init__(self, seed: int) -> None:
        random = numpy.random.default_rng(seed)
        drawn = (random.integers(24, 52, 3) / 2).tolist()
        self.wages = dict(zip(("sellers", "helpers", "both"), drawn, strict=True))
        self.calls = {name: random.integers(*of[4], INTERVALS) for name, of in QUEUES.items()}
        self.patience_s = {name: float(random.uniform(100, 400)) for name in QUEUES}
        self.worth = float(random.uniform(0.4, 0.9))
        self.in_time = {name: self._in_time(name) for name in QUEUES}

    def _in_time(self, name: str) -> NDArray[numpy.int64]:
        """Contacts answered in time, times SCALE: intervals x own agents x those for both."""
        _, work_s, within_s, _, _ = QUEUES[name]
        calls = self.calls[name][:, None, None].astype(float)
        counts = numpy.arange(MOST)
        agents = counts[:, None] + self.worth * counts[None, :]
        traffic = Traffic.of(calls, float(work_s), MINUTES * 60.0)
        figures = ErlangA(self.patience_s[name]).figures(traffic, agents[None], float(within_s))
        return numpy.rint(figures.service_level_share * calls * SCALE).astype(numpy.int64)

    def changes(self) -> dict[str, Any]:
        """What it changes of the scenario in `test_staffing`."""
        kinds = {
            name: {
                "queue": name,
                "arrivals": {"per_interval": self.calls[name].tolist()},
                "handle_time_s": {"sales": 180, "support": 300}[name],
                "patience_s": {"distribution": "exponential", "mean": self.patience_s[name]},
            }
            for name in QUEUES
        }
        return {"kinds": kinds, "money": {"wages_per_hour": self.wages}}

    def simulate(self, setting: Setting, number: int) -> Outcome:
        """In the place of a replication."""
        length = MINUTES * MINUTE_MS
        spans = []
        for i in range(INTERVALS):
            there = dict.fromkeys(self.wages, 0)
            for worker in setting.workers:
                there[worker.group] += any(first <= i * length < last for first, last in worker.shifts_ms)
            queues = {}
            for name, (own, *_) in QUEUES.items():
                within = self.in_time[name][i, min(there[own], MOST - 1), min(there["both"], MOST - 1)]
                queues[name] = ContactTally(answered=int(self.calls[name][i]) * SCALE, answered_within=int(within))
            whole = ContactTally()
            for tally in queues.values():
                whole.add(tally)
            spans.append(Span(i * length, (i + 1) * length, whole, queues, AgentTally(), {}))
        return Outcome(number, spans[0], tuple(spans), 0)

    def cheapest(self) -> float:
        """Of every staff in every interval; they do not touch each other here."""
        sellers, helpers, both = numpy.indices((MOST, MOST, MOST))
        per_hour = sellers * self.wages["sellers"] + helpers * self.wages["helpers"] + both * self.wages["both"]
        total = 0.0
        for i in range(INTERVALS):
            enough = numpy.ones((MOST, MOST, MOST), dtype=numpy.bool_)
            for name, (_, _, _, share, _) in QUEUES.items():
                holds = self.in_time[name][i] >= share * self.calls[name][i] * SCALE
                enough &= holds[:, None, :] if name == "sales" else holds[None, :, :]
            if i < FIRST_OF_BOTH:
                enough[:, :, 1:] = False
            total += float(per_hour[enough].min()) * MINUTES / 60
        return total
