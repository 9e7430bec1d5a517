"""The engine's clock: milliseconds that people can read as Unix time, that never go back and never jump."""

import time


class EngineClock:
    """Unix milliseconds taken once at the start, then counted by the monotonic clock.

    A change of the machine's wall clock while the engine runs therefore moves no timer. `not_before` is the last
    time of the journal that is continued, so that time does not run backwards over a restart either.
    """

    def __init__(self, not_before: int = 0) -> None:
        self._base = max(time.time_ns() // 1_000_000, not_before) - time.monotonic_ns() // 1_000_000

    def now_ms(self) -> int:
        return self._base + time.monotonic_ns() // 1_000_000
