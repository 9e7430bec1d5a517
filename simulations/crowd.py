"""Scenarios in which more callers wait at once than memory holds: told beforehand.

Who waits is held in memory, about 1.2 kB each. Where callers come faster than all agents together could ever take them,
how many wait follows from the rates alone: what is left over piles up, until patience or the longest wait ends it. That
is less than chance, breaks, skills and traces make of it, so nobody is refused wrongly.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from documents import DocumentError, Source
from simulations.arrivals import rates_per_hour
from simulations.memory import free_bytes, needs_more
from simulations.traced import Quantity

if TYPE_CHECKING:
    from simulations.setting import Setting

WAITING_BYTES = 1_200
_ENDLESS = float("inf")


def check_crowd(source: Source, setting: "Setting") -> None:
    """Raises DocumentError when those who wait at once need more memory than is free."""
    scenario, free = setting.scenario, free_bytes()
    bounded = scenario.lines or any(queue.full_at is not None for queue in setting.policy.queues)
    hours = scenario.interval_minutes / 60
    drawn = {name: kind.arrivals for name, kind in scenario.kinds.items() if kind.arrivals.trace is None}
    rates = {name: rates_per_hour(arrivals, scenario) for name, arrivals in drawn.items()}
    if bounded or sum(map(sum, rates.values())) * hours * WAITING_BYTES <= free:
        return
    most = most_waiting(setting, rates)
    if most * WAITING_BYTES > free:
        kind = max(rates, key=lambda name: max(rates[name]))
        agents = len(setting.workers)
        what = f"callers come faster than {agents:,} agents can take them; those who wait, {most:,.0f} at once,"
        hint = "one rate may be a slip; or give them a patience, or the queue a longest wait"
        said = needs_more(f"{what} need", most * WAITING_BYTES, free)
        raise DocumentError([source.problem(("kinds", kind, "arrivals"), said, hint)])


def most_waiting(setting: "Setting", rates: dict[str, list[float]]) -> float:
    """How many wait at once at the worst, by the rates (an hour, in each interval) alone: every agent is there all the
    time and can do everything, and who takes the least work goes first."""
    hours = setting.scenario.interval_minutes / 60
    capacity_s = hours * 3600 * sum(1 / worker.handle_time_factor for worker in setting.workers)
    work_s = {name: min(_averages(setting, "handle time", name, 0)) for name in rates}
    limit_s = {name: _longest_wait_s(setting, name) for name in rates}
    waiting, most = dict.fromkeys(rates, 0.0), 0.0
    for interval in range(setting.scenario.intervals):
        left_s = capacity_s
        for name in sorted(rates, key=lambda each: work_s[each]):
            there = waiting[name] + rates[name][interval] * hours
            taken = min(there, left_s / work_s[name]) if work_s[name] else there
            left_s -= taken * work_s[name]
            waiting[name] = there - taken
            if limit_s[name] < _ENDLESS:
                waiting[name] = min(waiting[name], rates[name][interval] / 3600 * limit_s[name])
        most = max(most, sum(waiting.values()))
    return most


def _longest_wait_s(setting: "Setting", kind: str) -> float:
    queues = [queue for queue in setting.policy.queues if queue.name in _queues(setting, kind)]
    ends = [_ENDLESS if queue.longest_wait_ms is None else queue.longest_wait_ms / 1000 for queue in queues]
    return min(max(ends, default=_ENDLESS), max(_averages(setting, "patience", kind, _ENDLESS)))


def _averages(setting: "Setting", what: Quantity, kind: str, unknown: float) -> list[float]:
    found = (setting.distribution(what, kind, queue) for queue in _queues(setting, kind))
    return [unknown if one is None else one.average for one in found] or [unknown]


def _queues(setting: "Setting", kind: str) -> Iterable[str]:
    """Where contacts of this kind may wait; any queue for those who come through a flow."""
    own = setting.scenario.kinds[kind].queue
    return [own] if own is not None else [queue.name for queue in setting.policy.queues]
