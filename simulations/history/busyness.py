"""How much days differ beyond a Poisson process: a test, and the factor that each day has (gamma-Poisson).

A day's count of a weekday with the mean m is Poisson(m W), W a gamma factor with mean 1 and squared coefficient of
variation `scv`; so the count is negative binomial with variance m + m^2 scv.

* Test: the Pearson statistic of the days' counts is chi-squared if there is no such factor (R. A. Fisher's index of
  dispersion, pooled over weekdays).
* Estimate: the `scv` for which the Pearson statistic equals its degrees of freedom, so that the means that were
  estimated from the same days do not bias it (N. E. Breslow, "Extra-Poisson variation in log-linear models", Applied
  Statistics 33, 1984); its standard error is that of the statistic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy.optimize import brentq
from scipy.stats import chi2

from simulations.history.form import Floats, Ints

SIGNIFICANT = 0.05


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
