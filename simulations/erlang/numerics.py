"""What the closed forms share: Erlang B for any real number of servers, and the wait that a caller is offered.

Everything is computed in logarithms and with positive terms only, so nothing overflows or cancels with thousands of
servers, a load far above or far below them, or patience near 0 or near infinity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc, loggamma

Floats = NDArray[numpy.float64]
Bools = NDArray[numpy.bool_]
Function = Callable[[Floats], Floats]

_BELOW = 45.0
"""A density is cut where it has fallen to exp(-45) of its peak: below what a double can tell from nothing."""
_STIRLING_FROM = 15.0


def floats(value: ArrayLike) -> Floats:
    return numpy.asarray(value, dtype=numpy.float64)


def log_poisson(count: ArrayLike, mean: ArrayLike) -> Floats:
    """The logarithm of mean^count exp(-mean) / Gamma(count + 1), for real counts from 0 and means above 0.

    By the deviance from the peak and Stirling's error, as in C. Loader, "Fast and accurate computation of binomial
    probabilities" (2000): the plain sum of three large terms would lose as many digits as they have.
    """
    k, mean = numpy.broadcast_arrays(floats(count), floats(mean))
    with numpy.errstate(divide="ignore", invalid="ignore"):
        small = numpy.where(k > 0, k * numpy.log(mean), 0.0) - mean - loggamma(k + 1)
        large = -_stirling_error(k) - _deviance(k, mean) - 0.5 * numpy.log(2 * numpy.pi * k)
    return numpy.where(k < _STIRLING_FROM, small, large)


def _stirling_error(k: Floats) -> Floats:
    """log Gamma(k + 1) less Stirling's formula; its series to 1e-16 from 15 on."""
    k = numpy.maximum(k, _STIRLING_FROM)
    square = k * k
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / k


def _deviance(k: Floats, mean: Floats) -> Floats:
    """k log(k / mean) + mean - k, without cancellation where k is near the mean (Loader's bd0)."""
    v = (k - mean) / (k + mean)
    near = numpy.abs(v) < 0.1
    square = numpy.where(near, v * v, 0.0)
    series, power = numpy.zeros_like(v), numpy.ones_like(v)
    for term in range(1, 9):  # 0.1^16 / 17 is nothing beside 1 / 3
        power = power * square
        series = series + power / (2 * term + 1)
    close = (k - mean) * v + 2 * k * v * series
    return numpy.where(near, close, k * numpy.log(numpy.where(mean > 0, k / mean, 1.0)) + mean - k)


def log_erlang_b(load: ArrayLike, servers: ArrayLike) -> Floats:
    """The logarithm of Erlang's loss probability for real numbers of servers from 0 (D. L. Jagerman, "Some properties
    of the Erlang loss function", 1974): B(c, a) = a^c exp(-a) / Gamma(c + 1, a). The load is above 0."""
    a, c = numpy.broadcast_arrays(floats(load), floats(servers))
    above = gammaincc(c + 1, a)
    usable = above > 1e-280
    with numpy.errstate(divide="ignore"):
        log_b = log_poisson(c, a) - numpy.log(numpy.where(usable, above, 1.0))
    if not usable.all():  # a load far above the servers
        log_b = numpy.where(usable, log_b, -_log_of_continued_fraction(a, c))
    return numpy.minimum(log_b, 0.0)


def _log_of_continued_fraction(a: Floats, c: Floats) -> Floats:
    """log(1 / B) for a far above c: a exp(a) a^-(c + 1) Gamma(c + 1, a) as Legendre's continued fraction, by Lentz."""
    a = numpy.where(a > c + 10, a, c + 10)
    b = a - c
    d = 1 / b
    value, numerator = d, numpy.full_like(b, 1e300)
    for n in range(1, 500):
        factor = -n * (n - (c + 1))
        b = b + 2
        d = 1 / (factor * d + b)
        numerator = b + factor / numerator
        change = d * numerator
        value = value * change
        if (numpy.abs(change - 1) < 1e-15).all():
            break
    return numpy.log(a * value)


@cache
def _nodes() -> tuple[Floats, Floats]:
    """Gauss and Legendre's on (0, 1). Exponentials and bells between a peak and its cut need about forty."""
    nodes, weights = numpy.polynomial.legendre.leggauss(64)
    return (nodes + 1) / 2, weights / 2


@dataclass(frozen=True, slots=True)
class OfferedWait:
    """The wait of a caller without limit of patience in M/M/c+M, given that there is one.

    Its density is proportional to exp(E(v)), E(v) = arrivals (1 - exp(-abandon v)) / abandon - capacity v, where
    `capacity` is the rate at which busy agents finish and `abandon` that at which one caller gives up (F. Baccelli and
    G. Hebuterne, 1981; S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers: many-server asymptotics of
    the M/M/n+G queue", 2005). All figures are integrals of it with positive integrands, by quadrature.
    """

    arrivals: Floats
    capacity: Floats
    abandon: Floats
    peak: Floats
    before: Floats
    behind: Floats
    """How far from the peak the density reaches, on either side."""

    @classmethod
    def of(cls, arrivals: Floats, capacity: Floats, abandon: Floats) -> "OfferedWait":
        """With `abandon` 0 the capacity must be above the arrivals."""
        with numpy.errstate(divide="ignore", invalid="ignore"):
            peak = numpy.where(arrivals > capacity, numpy.log(arrivals / capacity) / abandon, 0.0)
        wait = cls(arrivals, capacity, abandon, peak, peak, peak)
        behind = wait._reach(numpy.full_like(peak, numpy.inf), 1.0)
        return cls(arrivals, capacity, abandon, peak, wait._reach(peak, -1.0), behind)

    def _reach(self, most: Floats, sign: float) -> Floats:
        reach = numpy.minimum(1 / self.capacity, most)
        for _ in range(200):
            short = (self.exponent(sign * reach) > -_BELOW) & (reach < most)
            if not short.any():
                break
            reach = numpy.where(short, numpy.minimum(reach * 1.5, most), reach)
        return reach

    def exponent(self, after: Floats) -> Floats:
        """E(peak + after) - E(peak); at a peak above 0 as many arrivals are still patient as there is capacity."""
        still = numpy.minimum(self.arrivals, self.capacity)
        return (still * _part_of_patience(self.abandon * after) - self.capacity) * after

    def log_mass(self) -> Floats:
        """log(arrivals x integral of exp(E)): what all waits weigh."""
        whole = self._integral(numpy.zeros_like(self.peak), numpy.ones_like)
        at_peak = (self.arrivals * _part_of_patience(self.abandon * self.peak) - self.capacity) * self.peak
        return numpy.log(self.arrivals * whole) + at_peak

    def longer(self, than: Floats) -> Floats:
        """P(offered wait > than | it is above 0)."""
        return self._share(than, numpy.ones_like)

    def served_after(self, than: Floats) -> Floats:
        """P(served after a wait > than | the offered wait is above 0)."""
        return self._share(than, self._still_there)

    def abandoned(self) -> Floats:
        """P(abandoned | the offered wait is above 0)."""
        return self._share(numpy.zeros_like(self.peak), lambda wait: -numpy.expm1(-self.abandon[..., None] * wait))

    def served_wait(self) -> Floats:
        """E[wait; served | the offered wait is above 0]."""
        return self._share(numpy.zeros_like(self.peak), lambda wait: wait * self._still_there(wait))

    def mean_wait(self) -> Floats:
        """E[wait | the offered wait is above 0] of all, served or not."""

        def spent(wait: Floats) -> Floats:
            return wait * _part_of_patience(self.abandon[..., None] * wait)

        return self._share(numpy.zeros_like(self.peak), spent)

    def _still_there(self, wait: Floats) -> Floats:
        return numpy.exp(-self.abandon[..., None] * wait)

    def _share(self, start: Floats, of: Function) -> Floats:
        return self._integral(start, of) / self._integral(numpy.zeros_like(start), numpy.ones_like)

    def _integral(self, start: Floats, of: Function) -> Floats:
        """The integral of `of` x exp(E - E(peak)) from `start` on, in parts within which all is smooth: before the
        peak, behind it while callers still give up, and when nobody is left who would."""
        first = numpy.minimum(numpy.maximum(start - self.peak, -self.before), self.behind)
        peak = numpy.maximum(first, 0.0)
        with numpy.errstate(divide="ignore"):
            alone = numpy.minimum(numpy.maximum(peak, _BELOW / self.abandon), self.behind)
        return self._part(first, peak, of) + self._part(peak, alone, of) + self._part(alone, self.behind, of)

    def _part(self, start: Floats, end: Floats, of: Function) -> Floats:
        nodes, weights = _nodes()
        width = numpy.maximum(end - start, 0.0)
        after = start[..., None] + width[..., None] * nodes
        fields = (self.arrivals, self.capacity, self.abandon, self.peak, self.before, self.behind)
        density = numpy.exp(OfferedWait(*(field[..., None] for field in fields)).exponent(after))
        integral: Floats = (of(self.peak[..., None] + after) * density) @ weights * width
        return integral


def _part_of_patience(waits: Floats) -> Floats:
    """(1 - exp(-z)) / z: of a wait of z mean patiences the part that a caller spends, on average."""
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return numpy.where(waits != 0, -numpy.expm1(-waits) / waits, 1.0)
