"""Callers who call again after giving up, where the records know who called.

A contact is a redial if the same caller's last contact in the same queue was abandoned (or overflowed) and ended at
most WITHIN_S before. The share is that of such contacts whose caller is known and who had the time to call again; the
others are first calls, and only those make up the arrival rates (S. Ding, G. Koole and R. van der Mei, "On the
estimation of the true demand in call centers with redials and reconnects", EJOR 246, 2015).
"""

from dataclasses import dataclass
from typing import Any

import numpy

from simulations.history.durations import Fit, fit_durations
from simulations.history.form import History, Ints
from simulations.history.zones import Bools

WITHIN_S = 3_600
LEAST = 30
"""With fewer abandoned contacts of known callers nothing is said."""


@dataclass(frozen=True, slots=True)
class Redialling:
    """Who called again after each fate. `again` marks the contacts that are redials."""

    again: Bools
    after: dict[str, tuple[int, int]]
    delays: dict[str, Fit | None]

    def document(self, fate: str) -> dict[str, Any] | None:
        """As a scenario writes it; None: too few to tell, or nobody."""
        known, again = self.after[fate]
        fit = self.delays[fate]
        if known < LEAST or not again or fit is None:
            return None
        return {"share": round(again / known, 4), "delay_s": fit.document}


def redials_of(history: History) -> Redialling:
    """Over the whole history, by caller and queue."""
    callers, queues = history.texts("caller"), history.texts("queue")
    arrived, wait = history.ints("arrived_ms"), history.ints("wait_ms")
    outcomes = history.texts("outcome")
    again = numpy.zeros(len(arrived), bool)
    counts = {fate: [0, 0] for fate in ("abandoned", "overflowed")}
    delays: dict[str, list[float]] = {fate: [] for fate in counts}
    last: dict[tuple[str, str], int] = {}
    ends_ms = int((arrived + numpy.maximum(wait, 0)).max()) if len(arrived) else 0
    for place in range(len(arrived)):
        caller = callers[place]
        if not caller:
            continue
        key = (caller, queues[place])
        before = last.get(key)
        if before is not None and outcomes[before] in counts:
            gap_s = (arrived[place] - arrived[before] - max(0, wait[before])) / 1000
            if 0 <= gap_s <= WITHIN_S:
                again[place] = True
                if _in_time(arrived, wait, before, ends_ms):
                    counts[outcomes[before]][1] += 1
                    delays[outcomes[before]].append(gap_s)
        if outcomes[place] in counts and _in_time(arrived, wait, place, ends_ms):
            counts[outcomes[place]][0] += 1
        last[key] = place
    fits = {fate: fit_durations(numpy.array(values)) for fate, values in delays.items()}
    return Redialling(again, {fate: (known, called) for fate, (known, called) in counts.items()}, fits)


def _in_time(arrived: Ints, wait: Ints, place: int, ends_ms: int) -> bool:
    """Whether the records go on long enough behind it to see a redial."""
    return int(arrived[place]) + max(0, int(wait[place])) + WITHIN_S * 1000 <= ends_ms
