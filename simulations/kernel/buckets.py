"""The buckets of `router.core.tallies.Waits`, as tables in which the kernel looks up the one of a wait."""

from functools import cache
from typing import Any

import numpy

from router.core.tallying import bucket_of
from simulations.kernel.machine.layout import LEADING_BITS

LONGEST_BITS = 36


@cache
def wait_bounds() -> Any:
    """The least wait of each bucket of `Waits`, from bucket 0 on (1 ms)."""
    longest, found = 1 << LONGEST_BITS, [1]
    while found[-1] <= longest:
        bucket, low = len(found), found[-1] - 1
        high = low + max(3, low // 8)
        while low + 1 < high:  # the least wait in this bucket or a later one
            middle = (low + high) // 2
            low, high = (low, middle) if bucket_number(middle) >= bucket else (middle, high)
        found.append(high)
    return numpy.array(found, dtype=numpy.int64)


@cache
def leading_buckets() -> Any:
    """1 + the bucket of the least wait with the same leading bits, in the places where `wait_bucket` looks."""
    place = numpy.arange((LONGEST_BITS - LEADING_BITS + 2) << LEADING_BITS)
    below = numpy.maximum(0, (place >> LEADING_BITS) - 1)
    least = (place - (below << LEADING_BITS)) << below
    return numpy.searchsorted(wait_bounds(), least, side="right").astype(numpy.int16)


def bucket_number(wait_ms: int) -> int:
    """The bucket that `Waits` has for this wait."""
    return bucket_of(wait_ms)
