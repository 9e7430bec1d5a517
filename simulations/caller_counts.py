"""Counts callers by interval and kind, see `tallies`."""

from simulations.tallies import CallerTally


class CallerCounts:
    """The tallies of a run: by interval (from 0), then by kind."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._intervals: dict[int, dict[str, CallerTally]] = {}
        self._number, self._latest = -1, dict[str, CallerTally]()

    def at(self, kind: str, now_ms: int) -> CallerTally:
        """The tally for what callers of this kind do now."""
        number = now_ms // self._interval_ms
        if number != self._number:
            self._number, self._latest = number, self._intervals.setdefault(number, {})
        tally = self._latest.get(kind)
        if tally is None:
            tally = self._latest[kind] = CallerTally()
        return tally

    def of_interval(self, start_ms: int) -> dict[str, CallerTally]:
        """What was counted in the interval that begins at `start_ms`."""
        return self._intervals.get(start_ms // self._interval_ms, {})
