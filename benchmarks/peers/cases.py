"""The two cases of `benchmarks.kernel`, which every peer simulates. Times are minutes."""

from collections.abc import Callable

A_AGENTS, A_PER_MINUTE, A_SERVICE, A_PATIENCE = 84, 20.0, 4.0, 3.0
B_KINDS, B_PER_PAIR, B_PER_MINUTE, B_SERVICE = 6, 3, 8.4, 10.0
B_PAIRS = [(one, other) for one in range(B_KINDS) for other in range(B_KINDS) if one != other]
B_AGENTS = [pair for pair in B_PAIRS for _ in range(B_PER_PAIR)]
"""By agent: the own kind of calls, and the other."""

Found = tuple[float, int]
"""The share of calls that had to wait, and how many calls there were."""

Run = Callable[[int], Found]
"""One run with the streams of this number."""
