"""How fast the simulation is: the SimPy shell over the real router core, beside the like in idiomatic SimPy.

    python -m benchmarks.simulation [CALLS]

Two yardsticks, written as SimPy's documentation teaches: M/M/14 with a `Resource`, which is all that plain SimPy needs
for one queue of patient callers; and a centre of seven queues with skills and impatient callers, where an idle agent
is an item of a `FilterStore`. Neither has priorities over queues, steps, offers, records or metrics beside a list of
waits. Times are of the process (CPU), best of three.
"""

import sys
import time
from collections.abc import Callable, Generator

import numpy
import simpy

from documents import Source
from simulations.driver import Replication
from simulations.scenario import Scenario
from simulations.setting import Setting, settle

AGENTS, CALLS_PER_HOUR, HANDLE_S, PATIENCE_S = 14, 200, 180, 120


def idiomatic_simpy(calls: int) -> int:
    """M/M/14 with `simpy.Resource`, all that is random drawn in blocks beforehand."""
    env = simpy.Environment()
    agents = simpy.Resource(env, capacity=AGENTS)
    generator = numpy.random.default_rng(1)
    gaps = generator.exponential(3600 / CALLS_PER_HOUR, calls).tolist()
    handling = generator.exponential(HANDLE_S, calls).tolist()
    waits = []

    def caller(handle_s: float) -> Generator[simpy.Event, None, None]:
        arrived = env.now
        with agents.request() as place:
            yield place
            waits.append(env.now - arrived)
            yield env.timeout(handle_s)

    def arrivals() -> Generator[simpy.Event, None, None]:
        for gap, handle_s in zip(gaps, handling, strict=True):
            yield env.timeout(gap)
            env.process(caller(handle_s))

    env.process(arrivals())
    env.run()
    return len(waits)


def idiomatic_simpy_with_skills(calls: int, queues: int) -> int:
    """Agents with two skills each in a `FilterStore`; callers wait for one who can, or until their patience ends."""
    env = simpy.Environment()
    idle = simpy.FilterStore(env)
    idle.items = [{g % queues, (g + 1) % queues} for g in range(AGENTS)]
    generator = numpy.random.default_rng(1)
    gaps = generator.exponential(3600 / CALLS_PER_HOUR, calls).tolist()
    handling = generator.exponential(HANDLE_S, calls).tolist()
    patience = generator.exponential(PATIENCE_S, calls).tolist()
    skills = generator.integers(0, queues, calls).tolist()
    waits = []

    def caller(number: int) -> Generator[simpy.Event, object, None]:
        arrived, skill = env.now, skills[number]
        with idle.get(lambda agent: skill in agent) as agent:
            yield agent | env.timeout(patience[number])
            waits.append(env.now - arrived)
            if agent.triggered:
                yield env.timeout(handling[number])
                yield idle.put(agent.value)

    def arrivals() -> Generator[simpy.Event, object, None]:
        for number, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(caller(number))

    env.process(arrivals())
    env.run()
    return len(waits)


def setting(calls: int, queues: int = 1) -> Setting:
    """The same system for the router; with more `queues`, one skill each, and agents who have two of them."""
    minutes = 60 * round(calls / CALLS_PER_HOUR)
    document = {
        "name": "benchmark",
        "duration_minutes": minutes,
        "interval_minutes": 60,
        "policy": {"queues": {f"q{q}": {"skills": {f"s{q}": 1}} for q in range(queues)}},
        "staff": [
            {"group": f"g{g}", "count": 1, "skills": {f"s{g % queues}": 5, f"s{(g + 1) % queues}": 3}}
            for g in range(AGENTS)
        ],
        "kinds": {
            f"k{q}": {
                "queue": f"q{q}",
                "arrivals": {"per_hour": CALLS_PER_HOUR / queues},
                "handle_time_s": {"distribution": "exponential", "mean": HANDLE_S},
                "patience_s": {"distribution": "exponential", "mean": PATIENCE_S} if queues > 1 else None,
            }
            for q in range(queues)
        },
    }
    return settle(Source("benchmark", document, {}), Scenario.model_validate(document), None)


def router_core(calls: int, queues: int = 1) -> int:
    report = Replication(setting(calls, queues)).run()
    return report.whole.all_queues.tally.arrived


def calls_per_second(run: Callable[[], int]) -> float:
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        done = run()
        best = max(best, done / (time.process_time() - start))
    return best


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    yardsticks = {
        1: ("one queue, patient callers", lambda: idiomatic_simpy(calls)),
        7: ("seven queues, skills, impatient callers", lambda: idiomatic_simpy_with_skills(calls, 7)),
    }
    for queues, (name, idiomatic) in yardsticks.items():
        base = calls_per_second(idiomatic)
        rate = calls_per_second(lambda queues=queues: router_core(calls, queues))
        print(
            f"{name}: {rate:,.0f} calls/s over the router core; idiomatic SimPy {base:,.0f}, so {rate / base:.2f} of it"
        )


if __name__ == "__main__":
    main()
