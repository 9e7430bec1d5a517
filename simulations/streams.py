"""Random streams with names. A stream is seeded by its name, and a contact's draw is found by the contact's number.

So a new stream disturbs no other, the order in which draws are used does not matter, and two scenarios that differ in
one thing meet the same callers with the same work and the same patience (common random numbers).
"""

import hashlib
import math
from collections.abc import Callable, Mapping

import numpy

from simulations.distributions.base import Distribution, Floats

BLOCK = 256


def generator(seed: int, replication: int, name: str) -> numpy.random.Generator:
    """The generator of the stream `name` in this replication."""
    digest = hashlib.sha256(f"{seed}/{replication}/{name}".encode()).digest()
    return numpy.random.default_rng(int.from_bytes(digest))


class Draws:
    """The draws of one stream by position, made in growing blocks as they are asked for."""

    def __init__(self, sample: Callable[[int], Floats]) -> None:
        self._sample = sample
        self._values: list[float] = []
        self._first = 0

    def __getitem__(self, position: int) -> float:
        """Raises IndexError for a position that was forgotten."""
        return self.at(position)

    def at(self, position: int) -> float:
        """As by index, which compiled code does not call directly."""
        at = position - self._first
        if at < 0:
            raise IndexError(f"the draw {position} was forgotten; the first that is known is {self._first}")
        while at >= len(self._values):
            # Blocks of one size: a draw never depends on how far the stream is used.
            self._values.extend(self._sample(BLOCK).tolist())
        return self._values[at]

    def forget(self, below: int) -> None:
        """Positions below this one, as far as they were drawn, are not asked for any more."""
        count = min(below - self._first, len(self._values))
        if count > 0:
            del self._values[:count]
            self._first += count


class Streams:
    """All streams of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self._seed, self._replication = seed, replication
        self._draws: dict[tuple[str, int], Draws] = {}

    def generator(self, name: str) -> numpy.random.Generator:
        """A fresh generator at the start of the stream `name`."""
        return generator(self._seed, self._replication, name)

    def draws(self, name: str, distribution: Distribution) -> Draws:
        """Draws of `distribution` in the stream `name`; two distributions in one stream share its randomness."""
        key = (name, id(distribution))  # its hash takes longer than the draw; the sampler keeps it alive
        found = self._draws.get(key)
        if found is None:
            source = self.generator(name)
            found = self._draws[key] = Draws(lambda size: distribution.sample(source, size))
        return found

    def uniforms(self, name: str) -> Draws:
        """Draws between 0 and 1 in the stream `name`."""
        key = (name, 0)
        found = self._draws.get(key)
        if found is None:
            found = self._draws[key] = Draws(self.generator(name).random)
        return found

    def forget(self, beginning: str, below: int) -> None:
        """In all streams whose name begins so, the draws at positions below this one are not asked for any more."""
        for (name, _), draws in self._draws.items():
            if name.startswith(beginning):
                draws.forget(below)


def milliseconds(seconds: float) -> int:
    """round(seconds * 1000), to even where it is half way; written out, since compiled code calls `round` slowly."""
    exact = seconds * 1000
    below = math.floor(exact)
    over = exact - below
    return below + (over > 0.5 or (over == 0.5 and below % 2 == 1))


def choose(shares: Mapping[str, float], uniform: float) -> str:
    """Which alternative a uniform draw picks, given their shares (which add up to 1)."""
    for name, share in shares.items():
        uniform -= share
        if uniform < 0:
            return name
    return max(shares, key=shares.__getitem__)
