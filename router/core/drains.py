"""How each queue has lately drained: what estimated waits are made from (see `ewt`)."""

from typing import Any

import msgspec

from router.core.ewt import (
    HALF_LIFE_MS,
    LEAST_STARTS,
    Z50,
    Z80,
    Z95,
    EstimateError,
    WaitEstimate,
    gamma_quantile,
    until_reached,
)


class Drain:
    """What is known of one queue: sums in which older evidence weighs less."""

    starts: float = 0.0
    leaves: float = 0.0
    busy_ms: float = 0.0
    waited_ms: float = 0.0

    def __init__(self, at_ms: int, departed_ms: int) -> None:
        self.at_ms = at_ms
        self.departed_ms = departed_ms
        self.error = EstimateError()

    def fade(self, now_ms: int) -> None:
        if now_ms > self.at_ms:
            weight = 0.5 ** ((now_ms - self.at_ms) / HALF_LIFE_MS)
            self.starts *= weight
            self.leaves *= weight
            self.busy_ms *= weight
            self.waited_ms *= weight
            self.at_ms = now_ms

    def saved(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "at_ms": self.at_ms,
            "departed_ms": self.departed_ms,
            "starts": self.starts,
            "leaves": self.leaves,
            "busy_ms": self.busy_ms,
            "waited_ms": self.waited_ms,
            "error": msgspec.to_builtins(self.error),
        }


def restored(saved: dict[str, Any]) -> Drain:
    """From what `saved()` gave."""
    drain = Drain(saved["at_ms"], saved["departed_ms"])
    drain.starts, drain.leaves = float(saved["starts"]), float(saved["leaves"])
    drain.busy_ms, drain.waited_ms = float(saved["busy_ms"]), float(saved["waited_ms"])
    drain.error = msgspec.convert(saved["error"], EstimateError)
    return drain


class WaitEstimator:
    """Learns from every departure and answers for any place in a queue; constant time and memory per queue."""

    def __init__(self) -> None:
        self._drains: dict[str, Drain] = {}

    def contact_started(self, queue: str, wait_ms: int, now_ms: int, ring_ms: int = 0) -> None:
        """A contact that waited `wait_ms` is connected; `ring_ms` of it an agent's phone rang.

        A contact for whom an agent was free at once says nothing about how the queue drains, and is passed over.
        """
        if wait_ms > ring_ms:
            self._departed(queue, wait_ms, now_ms).starts += 1.0

    def contact_left(self, queue: str, wait_ms: int, now_ms: int) -> None:
        """A contact went away after waiting `wait_ms`: it gave up, took a way out or was moved elsewhere."""
        self._departed(queue, wait_ms, now_ms).leaves += 1.0

    def _departed(self, queue: str, wait_ms: int, now_ms: int) -> Drain:
        drain = self._drains.get(queue)
        if drain is None:
            drain = self._drains[queue] = Drain(at_ms=now_ms, departed_ms=now_ms - wait_ms)
        drain.fade(now_ms)
        drain.busy_ms += max(0, min(now_ms - drain.departed_ms, wait_ms))
        drain.waited_ms += wait_ms
        drain.departed_ms = max(now_ms, drain.departed_ms)
        return drain

    def estimate(self, queue: str, ahead: int, waited_ms: int, now_ms: int) -> WaitEstimate | None:
        """The wait still to come for a contact with `ahead` others before it that has waited `waited_ms` already.

        None while too little has lately been seen of the queue.
        """
        drain = self._drains.get(queue)
        if drain is None:
            return None
        weight = 0.5 ** (max(0, now_ms - drain.at_ms) / HALF_LIFE_MS)
        starts = drain.starts * weight
        if starts < LEAST_STARTS:
            return None
        open_gap_ms = max(0, min(now_ms - drain.departed_ms, waited_ms))
        start_rate = starts / max(1.0, drain.busy_ms * weight + open_gap_ms)
        leave_rate = drain.leaves / max(1.0, drain.waited_ms)
        mean, variance = until_reached(ahead, start_rate, leave_rate)
        variance += mean * mean / starts
        return WaitEstimate(*(gamma_quantile(mean, variance, z) for z in (Z50, Z80, Z95)))

    def record_error(self, queue: str, told: WaitEstimate | None, actual_ms: int) -> None:
        """An answered contact waited `actual_ms` since it was told `told` (None: nothing, and nothing is counted)."""
        drain = self._drains.get(queue)
        if told is not None and drain is not None:
            drain.error.check(told, actual_ms)

    def errors(self) -> dict[str, EstimateError]:
        """The error of what was told so far, per queue."""
        return {queue: drain.error for queue, drain in self._drains.items()}

    def snapshot(self) -> dict[str, Any]:
        """All that was learnt, as plain data."""
        return {queue: drain.saved() for queue, drain in self._drains.items()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Replaces what was learnt by an earlier `snapshot()`."""
        self._drains = {queue: restored(saved) for queue, saved in snapshot.items()}
