"""A small M/M/c+M queue, first come first served, in plain Python: an independent world to try estimators in."""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """What happened to one contact at `now_ms`: it `arrived` to a wait, was `started`, or `left`.

    `ahead` is how many waited before it when it arrived; `wait_ms` is 0 for `arrived`.
    """

    kind: str
    contact: int
    now_ms: int
    wait_ms: int = 0
    ahead: int = 0


def run(
    seed: int, agents: int, per_ms: float, service_ms: float, patience_ms: float | None, contacts: int
) -> Iterator[Moment]:
    """Everything that happens to `contacts` arrivals at rate `per_ms`; no patience given: nobody gives up.

    Contacts that meet a free agent give one `started` with a wait of 0.
    """
    rng = random.Random(seed)
    waiting: deque[int] = deque()
    arrived: dict[int, int] = {}
    events: list[tuple[int, int, str]] = [(_after(rng, 1 / per_ms), 0, "arrival")]
    free, count = agents, 0
    while events:
        now, contact, kind = heapq.heappop(events)
        if kind == "arrival":
            count += 1
            if count < contacts:
                heapq.heappush(events, (now + _after(rng, 1 / per_ms), count, "arrival"))
            if free:
                free -= 1
                heapq.heappush(events, (now + _after(rng, service_ms), contact, "end"))
                yield Moment("started", contact, now)
                continue
            yield Moment("arrived", contact, now, ahead=len(waiting))
            waiting.append(contact)
            arrived[contact] = now
            if patience_ms is not None:
                heapq.heappush(events, (now + _after(rng, patience_ms), contact, "impatience"))
        elif kind == "impatience" and contact in arrived:
            waiting.remove(contact)
            yield Moment("left", contact, now, now - arrived.pop(contact))
        elif kind == "end":
            free += 1
            if waiting:
                free -= 1
                following = waiting.popleft()
                heapq.heappush(events, (now + _after(rng, service_ms), following, "end"))
                yield Moment("started", following, now, now - arrived.pop(following))


def _after(rng: random.Random, mean_ms: float) -> int:
    return round(rng.expovariate(1.0) * mean_ms)
