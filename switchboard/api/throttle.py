"""Slows down who guesses passwords: each failure in a row doubles the wait before the next try.

One count for the account and one for the address, so that neither one account tried from everywhere nor one address
trying every account gets far. Accounts that do not exist are counted alike. The wait for an account is short, so that
nobody is locked out for long by somebody else's guesses.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

FORGET_AFTER_S = 3600.0
MOST_KEYS = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0


class Throttle:
    """Failed tries by key; the first `free` cost nothing, and no wait is longer than `longest_s`. Bounded: the key
    longest unused is forgotten first."""

    def __init__(self, free: int, longest_s: float, now: Callable[[], float] = monotonic) -> None:
        self._free = free
        self._longest_s = longest_s
        self._now = now
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long `key` has to wait before its next try."""
        failures = self._failures.get(key)
        if failures is None or failures.count < self._free:
            return 0.0
        delay = min(self._longest_s, 2.0 ** min(failures.count - self._free, 30))
        return max(0.0, failures.last + delay - self._now())

    def tried(self, key: str) -> None:
        """A try begins, and counts as failed until it has succeeded, so that tries at the same time count too."""
        failures = self._failures.setdefault(key, _Failures())
        if self._now() - failures.last > FORGET_AFTER_S:
            failures.count = 0
        failures.count += 1
        failures.last = self._now()
        self._failures.move_to_end(key)
        if len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def forgive(self, key: str) -> None:
        """All that `key` failed is forgotten."""
        self._failures.pop(key, None)

    def forgive_one(self, key: str) -> None:
        """The last try was none of a guesser; those before it stand."""
        if failures := self._failures.get(key):
            failures.count -= 1
