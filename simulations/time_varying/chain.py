"""M_t/M/s_t+M over time: Kolmogorov's forward equations for the number of callers present.

Steps are by the Radau IIA method of two stages, whose rational function has one pair of complex poles: one tridiagonal
system a step, third order, and no step is too long to stay stable. Where agents leave, callers they talked with go back
to the head of the queue, as is usual in this model.
"""

from dataclasses import dataclass

import numpy
from scipy.linalg import solve_banded
from scipy.special import digamma

from simulations.erlang.base import Figures
from simulations.erlang.finite import answered_within
from simulations.erlang.numerics import Floats, floats
from simulations.time_varying.day import Day

STEPS_A_SERVICE = 20
"""Steps in a mean handle time. A step's error is about a millionth of what changes in it."""
_POLE = 2 + 1j * 2**0.5
_RESIDUE = (6 + 2 * _POLE) / (_POLE - _POLE.conjugate())
_NOTHING = 1e-10
_NEARLY_NOBODY = 1e-6
_MOST_STATES = 100_000


@dataclass(frozen=True, slots=True)
class Evolution:
    """`averages[i, n]`: the share of interval i in which n callers are present; `ends[i, n]`: P(n present) at its
    end."""

    averages: Floats
    ends: Floats


def evolve(day: Day, agents: Floats, start: Floats | None = None) -> Evolution:
    """How the number present develops with `agents` in each interval (whole numbers; infinite: always enough).

    `start`: the distribution at the beginning, by default nobody. Raises ValueError when the queue grows beyond
    100,000 callers.
    """
    present = numpy.ones(1) if start is None else start
    averages, ends = [], []
    for rate, there in zip(day.arrivals_per_s, floats(agents), strict=True):
        average, present = evolve_interval(day, float(rate), float(there), present)
        averages.append(average)
        ends.append(present)
    return Evolution(_table(averages), _table(ends))


def evolve_interval(day: Day, arrivals_per_s: float, agents: float, start: Floats) -> tuple[Floats, Floats]:
    """One interval that begins with the distribution `start`: the mean distribution in it, and that at its end.

    They have as many states as the queue needs. Raises as `evolve`.
    """
    states = max(len(start), int(2 * arrivals_per_s * day.aht_s) + 40)
    while True:
        average, end = _with_states(day, arrivals_per_s, agents, start, states)
        if max(average[-1], end[-1]) < _NOTHING:
            return average, end
        if states > _MOST_STATES:
            raise ValueError(f"the queue grows beyond {_MOST_STATES:,} callers")
        states *= 2


def _with_states(day: Day, rate: float, agents: float, start: Floats, states: int) -> tuple[Floats, Floats]:
    present = numpy.zeros(states)
    present[: len(start)] = start
    count = numpy.arange(states, dtype=numpy.float64)
    steps = 2 * max(1, int(numpy.ceil(day.interval_s / day.aht_s * STEPS_A_SERVICE / 2)))
    step_s = day.interval_s / steps
    leaving = numpy.minimum(count, agents) / day.aht_s + numpy.maximum(count - agents, 0.0) / day.patience_s
    bands = numpy.zeros((3, states), dtype=numpy.complex128)
    bands[0, 1:] = step_s * leaving[1:]
    bands[1] = -step_s * (leaving + numpy.where(count < states - 1, rate, 0.0)) - _POLE
    bands[2, :-1] = step_s * rate
    total = present / 3  # Simpson's rule: 1, 4, 2, 4, .. 2, 4, 1
    for step in range(steps):
        solved = solve_banded((1, 1), bands, present, check_finite=False)
        present = numpy.maximum(2 * (_RESIDUE * solved).real, 0.0)
        present /= present.sum()
        total += present * (2 if step % 2 else 4) / 3
    return (total - present / 3) / steps, present


def _table(rows: list[Floats]) -> Floats:
    """Rows of different lengths as one array, filled up with 0."""
    table = numpy.zeros((len(rows), max(map(len, rows))))
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def met_by_arrivals(day: Day, present: Floats, agents: Floats, within_s: float) -> Figures:
    """What those meet who arrive in each interval and find n callers with the probabilities `present[i, n]`.

    The staff of the interval is taken to stay as long as they wait.
    """
    some = agents > 0
    capacity = (agents / day.aht_s)[:, None]
    abandon = 1 / day.patience_s
    count = numpy.arange(present.shape[1], dtype=numpy.float64)
    waiting = numpy.maximum(count - agents[:, None], 0.0)
    must_wait = count >= agents[:, None]
    leaving = numpy.where(capacity > 0, capacity, 1.0) + (waiting + 1) * abandon
    with numpy.errstate(divide="ignore"):
        fate = numpy.where(capacity > 0, capacity / leaving, 0.0)
    delayed = present * must_wait
    served = delayed * fate
    position_wait = _sum_of_means(waiting, capacity, abandon)
    answered = (present * ~must_wait).sum(axis=1) + served.sum(axis=1)
    in_time = served * answered_within(floats(within_s), waiting, capacity, floats(abandon))
    waits = delayed.sum(axis=1)
    served_wait = (served * position_wait).sum(axis=1)
    mean_wait = numpy.where(some, (delayed * (waiting + 1) / leaving).sum(axis=1), day.patience_s)
    busy = (present * numpy.minimum(count, agents[:, None])).sum(axis=1)
    found = Figures(
        agents=agents,
        load=day.arrivals_per_s * day.aht_s,
        service_level_share=(present * ~must_wait).sum(axis=1) + in_time.sum(axis=1),
        wait_share=waits,
        asa_s=numpy.where(some, served_wait / numpy.where(answered > 0, answered, 1.0), numpy.inf),
        mean_wait_s=mean_wait,
        abandon_share=numpy.maximum(1 - answered, 0.0) if abandon > 0 else numpy.zeros_like(answered),
        blocked_share=numpy.zeros_like(answered),
        occupancy_share=busy / numpy.where(some, agents, numpy.inf),
        mean_queue=(present * waiting).sum(axis=1),
        tries=numpy.ones_like(answered),
        lost_share=numpy.maximum(1 - answered, 0.0) if abandon > 0 else numpy.zeros_like(answered),
    )
    nobody = (day.arrivals_per_s == 0) & (present[:, 0] > 1 - _NEARLY_NOBODY)
    return found.where(nobody, Figures.idle(agents))


def _sum_of_means(waiting: Floats, capacity: Floats, abandon: float) -> Floats:
    """The mean wait of one who is served after finding `waiting` callers: the sum of 1 / (capacity + i abandon), with i
    from 1 to waiting + 1."""
    safe = numpy.where(capacity > 0, capacity, 1.0)
    if abandon == 0:
        return (waiting + 1) / safe
    x = safe / abandon
    sums: Floats = (digamma(x + waiting + 2) - digamma(x + 1)) / abandon
    return sums


def performance(day: Day, agents: Floats, within_s: float = 20.0) -> Figures:
    """What callers and agents meet in each interval, one after the other, each beginning with what the last left."""
    agents = floats(agents)
    return met_by_arrivals(day, evolve(day, agents).averages, agents, within_s)
