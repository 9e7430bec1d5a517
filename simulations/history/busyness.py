"""How much days differ beyond a Poisson process: a test, and the factor that each day has (gamma-Poisson).

A day's count of a weekday with the mean m is Poisson(m W), W a gamma factor with mean 1 and squared coefficient of
variation `scv`; so the count is negative binomial with variance m + m^2 scv.

* Test: the Pearson statistic of the days' counts is chi-squared if there is no such factor (R. A. Fisher's index of
  dispersion, pooled over weekdays).
* Estimate: the `scv` for which the Pearson statistic equals its degrees of freedom, so that the means that were
  estimated from the same days do not bias it (N. E. Breslow, "Extra-Poisson variation in log-linear models", Applied
  Statistics 33, 1984); its standard error is that of the statistic.

The same within a day: its intervals have further factors of their own, each of which resembles the one before. Given
the day's total, its intervals are compared with their weekday's shares of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy.optimize import brentq
from scipy.stats import chi2

from simulations.history.form import Floats, Ints

SIGNIFICANT = 0.05
SIGNIFICANT_WITHIN = 0.01
"""Stricter: with hundreds of degrees of freedom the smallest difference is seen, and is not worth a field."""
LEAST_EXPECTED = 2.0
"""So many contacts must be expected in an interval on every day; or its counts say nothing, and the test is not one."""
LEAST_INTERVALS = 4
MOST_ALIKE = 0.95
"""More than that cannot be told from a factor of the whole day."""
BLOCKS = 20


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Of one kind, or all together. `p_value`: how often days of a plain Poisson process would differ so much."""

    days: int
    degrees: int
    index: float | None
    p_value: float | None
    scv: float | None
    scv_error: float | None

    @property
    def found(self) -> bool:
        return self.p_value is not None and self.p_value < SIGNIFICANT and bool(self.scv)


def dispersion(totals: Ints, weekdays: Ints) -> Dispersion:
    """Of `totals[day]`. Days of a weekday that is there once say nothing."""
    count, mean = _with_means(totals, weekdays)
    groups = len(numpy.unique(weekdays[_repeated(weekdays)])) if len(count) else 0
    degrees = len(count) - groups
    if degrees < 1 or not mean.any():
        return Dispersion(len(totals), 0, None, None, None, None)
    count, mean = count[mean > 0], mean[mean > 0]

    def pearson(scv: float) -> float:
        return float((((count - mean) ** 2) / (mean + mean**2 * scv)).sum())

    plain = pearson(0.0)
    p_value = float(chi2.sf(plain, degrees))
    scv = 0.0
    if plain > degrees:
        high = 1.0
        while pearson(high) > degrees and high < 1e6:
            high *= 4
        scv = float(brentq(lambda value: pearson(value) - degrees, 0.0, high))
    slope = float((mean / (1 + mean * scv)).sum())
    error = (2 * degrees) ** 0.5 / slope if slope > 0 else None
    return Dispersion(len(totals), degrees, plain / degrees, p_value, scv, error)


@dataclass(frozen=True, slots=True)
class Within:
    """Of the intervals of a day. `index` and `p_value`: of the Pearson statistic given each day's total. `scv` and
    `correlation`, from an interval to the next, are those of the factors; `of_days`: what they add to the scv of whole
    days."""

    index: float
    p_value: float
    scv: float
    scv_error: float | None
    correlation: float
    of_days: float

    @property
    def found(self) -> bool:
        return self.p_value < SIGNIFICANT_WITHIN and self.scv > 0


def within_days(counts: Ints, weekdays: Ints) -> Within | None:
    """Of `counts[day, interval]`, all kinds together; None where too little is known."""
    used = _repeated(weekdays) & (counts.sum(axis=1) > 0)
    seen, weekdays = counts[used].astype(float), weekdays[used]
    if not len(seen):
        return None
    expected = _expected_within(seen, weekdays)
    there = expected.min(axis=0) >= LEAST_EXPECTED
    intervals, groups = int(there.sum()), len(numpy.unique(weekdays))
    degrees = (len(seen) - groups) * (intervals - 1)
    if intervals < LEAST_INTERVALS or degrees < 1:
        return None
    seen, at = seen[:, there], numpy.flatnonzero(there)
    expected = _expected_within(seen, weekdays)
    index = float(((seen - expected) ** 2 / expected).sum()) / degrees
    found = _factors_within(seen, expected, at, degrees)
    scv, correlation, of_days = (0.0, 0.0, 0.0) if found is None else found
    error = None if found is None else _scv_error(seen, expected, at, degrees)
    return Within(index, float(chi2.sf(index * degrees, degrees)), scv, error, correlation, of_days)


def _expected_within(counts: Floats, weekdays: Ints) -> Floats:
    """Each day's total, divided as all days of its weekday are."""
    weekday = {day: counts[weekdays == day].sum(axis=0) for day in numpy.unique(weekdays).tolist()}
    shares = numpy.array([weekday[day] / weekday[day].sum() for day in weekdays.tolist()])
    expected: Floats = shares * counts.sum(axis=1, keepdims=True)
    return expected


def _scv_error(counts: Floats, expected: Floats, at: Ints, degrees: int) -> float:
    """By the jackknife over blocks of days."""
    blocks = min(BLOCKS, len(counts))
    of = numpy.arange(len(counts)) % blocks
    left = [
        _factors_within(counts[of != block], expected[of != block], at, degrees * float((of != block).mean()))
        for block in range(blocks)
    ]
    scv = numpy.array([0.0 if one is None else one[0] for one in left])
    return float(((blocks - 1) / blocks * ((scv - scv.mean()) ** 2).sum()) ** 0.5)


def _factors_within(counts: Floats, expected: Floats, at: Ints, degrees: float) -> tuple[float, float, float] | None:
    """The scv of the factors, their correlation from one to the next, and what they add to that of the day; None where
    chance explains all. `at`: which intervals of the day these are.

    What is seen given the day's total is how far the factors are from their mean of the day. With A, the mean of
    correlation^|i - j| over pairs of a day's contacts, the intervals' scv is seen (1 - A) times, and the covariance of
    neighbours (correlation - A) times. The correlation comes out somewhat too small: of 120 days by 0.02 where it is
    0.6, by 0.04 where it is 0.8.
    """

    def pearson(scv: float) -> float:
        return float(((counts - expected) ** 2 / (expected + expected**2 * scv)).sum())

    if pearson(0.0) <= degrees:
        return None
    share = expected.sum(axis=0) / expected.sum()
    apart = numpy.abs(numpy.subtract.outer(at, at))

    def alike(correlation: float) -> float:
        return float(numpy.sum(share[:, None] * share * numpy.power(correlation, apart)))

    # The degrees are those of independent factors, of which a day's total hides as much as of a Poisson process.
    seen = float(brentq(lambda scv: pearson(scv) - degrees, 0.0, 1e6)) * (1 - alike(0.0))
    relative = counts / expected - 1
    weight = numpy.minimum(expected[:, :-1], expected[:, 1:]) * (numpy.diff(at) == 1)
    with_next = float((weight * (relative[:, :-1] * relative[:, 1:] + 1 / expected.sum(axis=1)[:, None])).sum())
    with_next *= len(counts) * (counts.shape[1] - 1) / degrees / max(1.0, float(weight.sum()))

    def excess(correlation: float) -> float:
        return float((correlation - alike(correlation)) / (1 - alike(correlation)) - with_next / seen)

    correlation = 0.0
    if excess(0.0) < 0:
        correlation = MOST_ALIKE if excess(MOST_ALIKE) < 0 else float(brentq(excess, 0.0, MOST_ALIKE))
    scv = seen / (1 - alike(correlation))
    return scv, correlation, scv * alike(correlation)


def _repeated(weekdays: Ints) -> numpy.ndarray:
    found, counts = numpy.unique(weekdays, return_counts=True)
    return numpy.isin(weekdays, found[counts > 1])


def _with_means(totals: Ints, weekdays: Ints) -> tuple[Floats, Floats]:
    """The counts of weekdays that are there more than once, and the mean of each one's weekday."""
    repeated = _repeated(weekdays)
    count, of = totals[repeated].astype(float), weekdays[repeated]
    mean = numpy.array([count[of == weekday].mean() for weekday in of]) if len(of) else numpy.zeros(0)
    return count, mean


def correlation(totals: Sequence[Ints], weekdays: Ints, scv: Sequence[float]) -> float | None:
    """How the factors of the kinds go together: the pooled covariance of their relative counts (a Poisson process adds
    none) over that of equal factors. None with fewer than two kinds that have factors."""
    having = [place for place, value in enumerate(scv) if value > 0]
    if len(having) < 2:
        return None
    covariance = expected = 0.0
    relative = []
    for place in having:
        count, mean = _with_means(totals[place], weekdays)
        relative.append(numpy.divide(count - mean, mean, out=numpy.zeros(len(count)), where=mean > 0))
    for i, first in enumerate(having):
        for j, second in enumerate(having[:i]):
            covariance += float(relative[i] @ relative[j])
            expected += (scv[first] * scv[second]) ** 0.5
    groups = len(numpy.unique(weekdays[_repeated(weekdays)]))
    degrees = len(relative[0]) - groups
    return float(min(1.0, max(0.0, covariance / degrees / expected))) if degrees > 0 and expected > 0 else None
