"""The difference between two settings that met the same callers, replication by replication.

With common random numbers the two figures of a replication go up and down together, so their difference is known much
better than either. For a count the differences of the replications are averaged (the paired-t interval); for a ratio of
sums (service level, ASA) the two ratios of all replications are subtracted and the jackknife leaves the same
replication out of both. A. M. Law, Simulation Modeling and Analysis (5th edition, 2015), sections 10.2.1 and 11.2.

Several intervals that shall hold together are each made at 1 - (1 - confidence) / number (Bonferroni; section 10.4).
"""

from collections.abc import Sequence
from typing import Any

import numpy

from router.core.measures import AGENT_METRICS, Metric
from simulations.statistics import CONTACT_FIGURES, Estimate, Tally, is_ratio, mean_estimate, ratio_estimate

_ALL: list[Metric[Any]] = [*CONTACT_FIGURES, *AGENT_METRICS]
_METRICS = {metric.name: metric for metric in _ALL}


def simultaneous(confidence: float, number: int) -> float:
    """The confidence of each of `number` intervals that hold together at `confidence`."""
    return 1 - (1 - confidence) / max(1, number)


def difference(name: str, tallies: Sequence[Tally], others: Sequence[Tally], confidence: float) -> Estimate:
    """The metric `name` of the first less that of the others, which are of the same replications."""
    compute = _METRICS[name].compute
    if not is_ratio(name):
        return mean_estimate(
            [
                None if (mine := compute(a)) is None or (theirs := compute(b)) is None else mine - theirs
                for a, b in zip(tallies, others, strict=True)
            ],
            confidence,
        )
    mine_all, theirs_all = (_with_each_left_out(name, side) for side in (tallies, others))
    differences = [None if a is None or b is None else a - b for a, b in zip(mine_all, theirs_all, strict=True)]
    return ratio_estimate(differences[0], differences[1:], confidence)


def _with_each_left_out(name: str, tallies: Sequence[Any]) -> list[float | None]:
    """The ratio of all, then those without each one."""
    kind = type(tallies[0])
    names = [field for field in kind.__struct_fields__ if isinstance(getattr(tallies[0], field), int)]
    sums = numpy.array([[getattr(tally, field) for field in names] for tally in tallies], dtype=numpy.int64)
    whole = sums.sum(axis=0)
    rows = [whole.tolist(), *(whole - sums).tolist()]
    return [_METRICS[name].compute(kind(**dict(zip(names, row, strict=True)))) for row in rows]
