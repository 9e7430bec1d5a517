"""The centres of `benchmarks.kernel` as SimPy's documentation teaches."""

from collections import deque
from collections.abc import Generator
from typing import Any

import numpy
import simpy

from benchmarks.peers.cases import (
    A_AGENTS,
    A_PATIENCE,
    A_PER_MINUTE,
    A_SERVICE,
    B_AGENTS,
    B_KINDS,
    B_PAIRS,
    B_PER_MINUTE,
    B_SERVICE,
    Found,
    Run,
)


def simpy_a(calls: int) -> Run:
    """A `Resource`, and callers who wait for it or for the end of their patience."""

    def run(number: int) -> Found:
        env = simpy.Environment()
        agents = simpy.Resource(env, A_AGENTS)
        generator = numpy.random.default_rng(number)
        gaps = generator.exponential(1 / A_PER_MINUTE, calls).tolist()
        service = generator.exponential(A_SERVICE, calls).tolist()
        patience = generator.exponential(A_PATIENCE, calls).tolist()
        waited = 0

        def caller(place: int) -> Generator[simpy.Event, Any, None]:
            nonlocal waited
            with agents.request() as request:
                if not request.triggered:
                    waited += 1
                    yield request | env.timeout(patience[place])
                    if not request.triggered:
                        return
                yield env.timeout(service[place])

        def arrivals() -> Generator[simpy.Event, Any, None]:
            for place, gap in enumerate(gaps):
                yield env.timeout(gap)
                env.process(caller(place))

        env.process(arrivals())
        env.run()
        return waited / calls, calls

    return run


def simpy_b(calls: int) -> Run:
    """A dispatcher of its own: queues by kind, idle agents by (own kind, other kind), one process for each call."""

    def run(number: int) -> Found:
        env = simpy.Environment()
        generator = numpy.random.default_rng(number)
        gaps = generator.exponential(1 / B_PER_MINUTE, calls).tolist()
        service = generator.exponential(B_SERVICE, calls).tolist()
        kinds = generator.integers(0, B_KINDS, calls).tolist()
        waiting: list[deque[simpy.Event]] = [deque() for _ in range(B_KINDS)]
        idle: dict[tuple[int, int], deque[tuple[float, int]]] = {pair: deque() for pair in B_PAIRS}
        for agent, pair in enumerate(B_AGENTS):
            idle[pair].append((0.0, agent))
        first = [[pair for pair in B_PAIRS if pair[0] == kind] for kind in range(B_KINDS)]
        second = [[pair for pair in B_PAIRS if pair[1] == kind] for kind in range(B_KINDS)]
        waited = 0

        def free(kind: int) -> int | None:
            for pairs in (first[kind], second[kind]):
                ready = [pair for pair in pairs if idle[pair]]
                if ready:
                    return idle[min(ready, key=lambda pair: idle[pair][0])].popleft()[1]
            return None

        def caller(place: int) -> Generator[simpy.Event, Any, None]:
            nonlocal waited
            agent = free(kinds[place])
            if agent is None:
                waited += 1
                called = env.event()
                waiting[kinds[place]].append(called)
                agent = yield called
            yield env.timeout(service[place])
            pair = B_AGENTS[agent]
            for kind in pair:
                if waiting[kind]:
                    waiting[kind].popleft().succeed(agent)
                    return
            idle[pair].append((env.now, agent))

        def arrivals() -> Generator[simpy.Event, Any, None]:
            for place, gap in enumerate(gaps):
                yield env.timeout(gap)
                env.process(caller(place))

        env.process(arrivals())
        env.run()
        return waited / calls, calls

    return run
