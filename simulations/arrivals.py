"""When contacts come."""

from collections.abc import Iterator

import numpy

from simulations.distributions.base import Floats
from simulations.scenario import Arrivals, Scenario
from simulations.streams import Streams

BLOCK = 1024
ALIKE: Floats = numpy.ones(1)
"""The factor on the rates of intervals that differ by nothing else."""


def rates_per_hour(arrivals: Arrivals, scenario: Scenario) -> list[float]:
    """The expected arrivals per hour in each interval; of a trace, what it holds."""
    count, hours = scenario.intervals, scenario.interval_minutes / 60
    if arrivals.per_interval is not None:
        return [number / hours for number in arrivals.per_interval]
    if isinstance(arrivals.per_hour, tuple):
        return list(arrivals.per_hour)
    if arrivals.per_hour is not None:
        return [arrivals.per_hour] * count
    found = [0.0] * count
    for at_s in arrivals.traced.times_s():
        found[min(count - 1, int(at_s / 60 / scenario.interval_minutes))] += 1 / hours
    return found


def unit_gaps(arrivals: Arrivals, generator: numpy.random.Generator, blocks: int) -> Floats:
    """Gaps of mean 1 between arrivals, so many rows of BLOCK."""
    if arrivals.interarrival is None:
        return generator.standard_exponential((blocks, BLOCK))
    rows = [arrivals.interarrival.sample(generator, BLOCK) for _ in range(blocks)]
    return numpy.stack(rows) / arrivals.interarrival.average


def expected_by(arrivals: Arrivals, scenario: Scenario, busy: Floats = ALIKE) -> tuple[Floats, Floats]:
    """The borders of the intervals in ms, from 0, and how many arrivals are expected by each of them, the rates of each
    interval times its factor `busy`."""
    rates = numpy.array(rates_per_hour(arrivals, scenario)) * busy
    borders_ms = numpy.arange(len(rates) + 1, dtype=numpy.float64) * scenario.interval_minutes * 60_000
    return borders_ms, numpy.concatenate(([0.0], numpy.cumsum(rates) * scenario.interval_minutes / 60))


def busy_factors(scenario: Scenario, kind: str, streams: Streams) -> Floats:
    """On the rates of this kind in each interval of the replication."""
    return ALIKE if scenario.busyness is None else scenario.busyness.factors(kind, scenario.intervals, streams)


def arrivals_ms(
    arrivals: Arrivals, scenario: Scenario, generator: numpy.random.Generator, busy: Floats = ALIKE
) -> Iterator[int]:
    """One day's arrivals, in order, the rates of each interval times its factor `busy` (a trace is as it is).

    A Poisson process of rate 1, or a renewal process with other gaps, is carried over to the day by the inverse of the
    cumulative rate (E. Çinlar, Introduction to Stochastic Processes, 1975, section 4.7; for other gaps W. Whitt,
    "Heavy-traffic limits for queues with periodic arrival processes", Operations Research Letters 42, 2014), so a
    change of rate moves arrivals and reorders nothing. They are drawn as they are asked for: memory does not grow with
    their number.
    """
    if arrivals.trace is not None:
        yield from (round(at_s * 1000) for at_s in arrivals.traced.times_s())
        return
    borders_ms, expected = expected_by(arrivals, scenario, busy)
    reached = 0.0
    while reached < expected[-1]:
        unit = reached + numpy.cumsum(unit_gaps(arrivals, generator, 1)[0])
        reached = float(unit[-1])
        times = numpy.interp(unit[unit < expected[-1]], expected, borders_ms)
        yield from numpy.rint(times).astype(numpy.int64).tolist()


def arrival_times_ms(arrivals: Arrivals, scenario: Scenario, generator: numpy.random.Generator) -> list[int]:
    """One day's arrivals as a list."""
    return list(arrivals_ms(arrivals, scenario, generator))
