"""Agents for each interval of a day: SIPP, lagged SIPP and ISA.

- **SIPP**, stationary independent period by period: each interval as if its rate had always been so. Good where the
  rate changes little during a call.
- **Lagged SIPP** (L. V. Green, P. J. Kolesar, J. Soares, "Improving the SIPP approach for staffing service systems that
  have cyclic demands", 2001): the same with arrivals a mean handle time later, since the agents are busy that much
  later than callers come.
- **ISA**, the iterative staffing algorithm (Z. Feldman, A. Mandelbaum, W. A. Massey, W. Whitt, "Staffing of
  time-varying queues to achieve time-stable performance", Management Science 54, 2008): the least staff that
  meets the goals for the number present under that very staff. The paper iterates over whole days, with the number
  present simulated. Here it is computed exactly (so handle times and patience are exponential), and since nothing
  depends on what comes later, the fixed point is found interval by interval.
"""

from collections.abc import Callable

import numpy

from simulations.erlang import Goals, Traffic, Unreachable, agents_for
from simulations.erlang.numerics import Floats
from simulations.time_varying.chain import evolve_interval, met_by_arrivals
from simulations.time_varying.day import Day


def sipp(day: Day, goals: Goals) -> Floats:
    """The agents of each interval for its own rate. Raises Unreachable, and ValueError without a goal."""
    return agents_for(day.model, day.traffic, goals)


def lagged(day: Day, goals: Goals) -> Floats:
    """The agents of each interval for the rate a mean handle time before. Raises as `sipp`."""
    return agents_for(day.model, Traffic.of(day.delayed(day.aht_s), day.aht_s), goals)


def isa(day: Day, goals: Goals) -> Floats:
    """The least agents with which the goals hold on average over each interval. Raises as `sipp`."""
    found, present = [], numpy.ones(1)
    for rate, guess in zip(day.arrivals_per_s, lagged(day, goals), strict=True):
        agents, present = _least(day, float(rate), present, goals, float(guess))
        found.append(agents)
    return numpy.array(found)


def _least(day: Day, rate: float, start: Floats, goals: Goals, guess: float) -> tuple[float, Floats]:
    """The least agents that meet the goals in an interval that begins with `start`, and how it then ends."""
    only = Day(numpy.array([rate]), day.interval_s, day.aht_s, day.patience_s)
    ends: dict[float, Floats] = {}

    def met(agents: float) -> bool:
        average, ends[agents] = evolve_interval(day, rate, agents, start)
        return bool(goals.met(met_by_arrivals(only, average[None], numpy.array([agents]), goals.within_s))[0])

    low, high, step = -1.0, guess, 1.0
    while not met(high):
        low, high, step = high, high + step, step * 2
        if step > 1e6:
            raise Unreachable(f"no number of agents keeps {goals.describe()}")
    step = 1.0
    while high - step > low and met(high - step):
        high, step = high - step, step * 2
    low = max(low, high - step)
    while high - low > 1:
        middle = float((low + high) // 2)
        low, high = (low, middle) if met(middle) else (middle, high)
    return high, ends[high]


METHODS: dict[str, Callable[[Day, Goals], Floats]] = {"sipp": sipp, "lagged": lagged, "isa": isa}
