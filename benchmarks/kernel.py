"""How fast the compiled kernel is, beside the like: idiomatic SimPy, Ciw, cimba, and a bare recursion.

    python -m benchmarks.kernel [CALLS] [PEER ...]

One core, in one run; times are of the process (CPU), the best of three, without compilation, which is stated apart.
Every engine simulates

a  M/M/84+M: 20 calls a minute, mean service 240 s, mean patience 180 s;
b  six kinds of calls, 8.4 a minute together, mean service 10 min (84 Erlang), nobody hangs up; 90 agents, three for
   each ordered pair of kinds, who take their own kind before the other; longest idle agent first, priority, then age.

`bare` is the least that such a simulation can be: for a, the recursion of Kiefer and Wolfowitz over the times at which
agents become free; for b, an event loop that knows nothing but these six kinds. It keeps no log, no intervals and no
times by agent. `core` is the SimPy shell over the real router, whose every decision the kernel makes too.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy
import simpy
from numba import njit

from documents import Source
from router.core.policy import Agent, Condition, Goal, KeySpec, LastAction, Policy, Queue, Step
from simulations.engines import replicate
from simulations.erlang import ErlangA, Traffic
from simulations.kernel.engine import Kernel
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, settle

CALLS = 288_000
DAY = 1_440
PEERS_INSTALLED = Path(__file__).parents[1] / ".venv" / "peers"
"""Where `make bench` puts Ciw and cimba."""
A_AGENTS, A_PER_MINUTE, A_SERVICE, A_PATIENCE = 84, 20.0, 4.0, 3.0
B_KINDS, B_PER_PAIR, B_PER_MINUTE, B_SERVICE = 6, 3, 8.4, 10.0
B_PAIRS = [(one, other) for one in range(B_KINDS) for other in range(B_KINDS) if one != other]
B_AGENTS = [pair for pair in B_PAIRS for _ in range(B_PER_PAIR)]

Found = tuple[float, int]
"""The share of calls that had to wait, and how many calls there were."""


# The kernel, and the same setting over the core


def setting_a(calls: int, seed: int = 1) -> Setting:
    minutes = DAY * max(1, round(calls / A_PER_MINUTE / DAY))
    return _settled(
        {
            "name": "M/M/84+M",
            "duration_minutes": minutes,
            "interval_minutes": DAY,
            "run_off_minutes": 0,
            "seed": seed,
            "policy": {"queues": {"calls": {}}},
            "staff": [{"group": "agents", "count": A_AGENTS}],
            "kinds": {
                "calls": {
                    "queue": "calls",
                    "arrivals": {"per_hour": A_PER_MINUTE * 60},
                    "handle_time_s": {"distribution": "exponential", "mean": A_SERVICE * 60},
                    "patience_s": {"distribution": "exponential", "mean": A_PATIENCE * 60},
                }
            },
        },
        None,
    )


def setting_b(calls: int, seed: int = 1) -> Setting:
    """Own kind first: the skill for it has the higher level, for agents among calls and for calls among agents."""
    minutes = DAY * max(1, round(calls / B_PER_MINUTE / DAY))
    agents = tuple(
        Agent(f"agent-{number}", {f"kind-{one}": 10, f"kind-{other}": 5})
        for number, (one, other) in enumerate(B_AGENTS)
    )
    queues = tuple(
        Queue(
            f"kind-{kind}",
            Goal(30_000, 0.8),
            (Step("all", Condition({f"kind-{kind}": 1})),),
            LastAction("exit", "away"),
            agent_ranking=(KeySpec("best_fit"), KeySpec("longest_idle")),
        )
        for kind in range(B_KINDS)
    )
    policy = Policy(1, queues, agents, (KeySpec("best_fit"), KeySpec("priority"), KeySpec("age")))
    document = {
        "name": "six kinds",
        "duration_minutes": minutes,
        "interval_minutes": DAY,
        "run_off_minutes": 0,
        "seed": seed,
        "kinds": {
            f"kind-{kind}": {
                "queue": f"kind-{kind}",
                "arrivals": {"per_hour": B_PER_MINUTE * 60 / B_KINDS},
                "handle_time_s": {"distribution": "exponential", "mean": B_SERVICE * 60},
            }
            for kind in range(B_KINDS)
        },
    }
    return _settled(document, Centre(policy))


def _settled(document: dict[str, Any], centre: Centre | None) -> Setting:
    return settle(Source("benchmark", document, {}), Scenario.model_validate(document), centre)


def kernel(setting: Setting) -> Callable[[int], Found]:
    made = Kernel(setting)

    def run(number: int) -> Found:
        tally = made.replicate(number).whole.all_queues
        return tally.had_to_wait / tally.ended, tally.arrived

    return run


def core(setting: Setting) -> Callable[[int], Found]:
    def run(number: int) -> Found:
        tally = replicate(setting, number).whole.all_queues
        return tally.had_to_wait / tally.ended, tally.arrived

    return run


# Idiomatic SimPy


def simpy_a(calls: int) -> Callable[[int], Found]:
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


def simpy_b(calls: int) -> Callable[[int], Found]:
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


# Ciw


def ciw_a(calls: int) -> Callable[[int], Found]:
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(A_PER_MINUTE)],
        service_distributions=[ciw.dists.Exponential(1 / A_SERVICE)],
        reneging_time_distributions=[ciw.dists.Exponential(1 / A_PATIENCE)],
        number_of_servers=[A_AGENTS],
    )

    def run(number: int) -> Found:
        ciw.seed(number)
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(calls, method="Arrive")
        records = simulation.get_all_records()
        waits = [record.waiting_time for record in records if record.record_type in ("service", "renege")]
        return sum(wait > 0 for wait in waits) / len(waits), calls

    return run


# cimba


def cimba_a(calls: int) -> Callable[[int], Found]:
    """One process for each caller, who waits for a `Resource` until a timer of the patience ends it."""
    import cimba

    from benchmarks.peers.cimba_models import Centre

    model = Centre(A_AGENTS)
    model.gap = cimba.inputs.dist.exponential(mean=1 / A_PER_MINUTE)
    model.service = cimba.inputs.dist.exponential(mean=A_SERVICE)
    model.patience = cimba.inputs.dist.exponential(mean=A_PATIENCE)

    def run(number: int) -> Found:
        window = cimba.Window(warmup=0, duration=calls / A_PER_MINUTE)
        found = cimba.Experiment(model, replications=1, window=window, seed=number + 1).run()[model]
        arrived = int(found.arrived.values[0, 0])
        return float(found.waited.values[0, 0]) / arrived, arrived

    return run


# The limit


@njit(cache=True)
def _bare_a(calls: int, seed: int) -> int:  # pragma: no cover - compiled
    numpy.random.seed(seed)
    free = numpy.zeros(A_AGENTS)
    now, waited = 0.0, 0
    for _ in range(calls):
        now += numpy.random.exponential(1 / A_PER_MINUTE)
        begin = free[0]
        if begin > now:
            waited += 1
            if begin - now > numpy.random.exponential(A_PATIENCE):
                continue
        else:
            begin = now
        end = begin + numpy.random.exponential(A_SERVICE)
        place = 0
        while True:
            child = 2 * place + 1
            if child >= A_AGENTS:
                break
            if child + 1 < A_AGENTS and free[child + 1] < free[child]:
                child += 1
            if free[child] >= end:
                break
            free[place] = free[child]
            place = child
        free[place] = end
    return waited


@njit(cache=True)
def _bare_b(calls: int, seed: int, pairs: Any, queue_size: int) -> int:  # pragma: no cover - compiled
    numpy.random.seed(seed)
    count = len(pairs)
    idle_since = numpy.zeros(count)
    idle = numpy.ones(count, dtype=numpy.bool_)
    lines = numpy.zeros((B_KINDS, queue_size))
    head = numpy.zeros(B_KINDS, dtype=numpy.int64)
    tail = numpy.zeros(B_KINDS, dtype=numpy.int64)
    free_count = count
    ends, who = numpy.zeros(count + 1), numpy.zeros(count + 1, dtype=numpy.int64)
    busy, waited, done = 0, 0, 0
    arrival = numpy.random.exponential(1 / B_PER_MINUTE)
    while done < calls:
        agent, now = -1, arrival
        if busy and ends[0] < arrival:
            agent, now = who[0], ends[0]
            busy -= 1
            end, last = ends[busy], who[busy]
            place = 0
            while True:
                child = 2 * place + 1
                if child >= busy:
                    break
                if child + 1 < busy and ends[child + 1] < ends[child]:
                    child += 1
                if ends[child] >= end:
                    break
                ends[place], who[place] = ends[child], who[child]
                place = child
            ends[place], who[place] = end, last
            kind = pairs[agent, 0]
            if head[kind] == tail[kind]:
                kind = pairs[agent, 1]
            if head[kind] == tail[kind]:
                idle[agent], idle_since[agent] = True, now
                free_count += 1
                continue
            head[kind] += 1
        else:
            done += 1
            arrival = now + numpy.random.exponential(1 / B_PER_MINUTE)
            kind = numpy.random.randint(0, B_KINDS)
            if free_count:
                for level in range(2):
                    longest = numpy.inf
                    for other in range(count):
                        if idle[other] and pairs[other, level] == kind and idle_since[other] < longest:
                            agent, longest = other, idle_since[other]
                    if agent >= 0:
                        break
            if agent < 0:
                waited += 1
                lines[kind, tail[kind] % queue_size] = now
                tail[kind] += 1
                continue
            idle[agent] = False
            free_count -= 1
        end = now + numpy.random.exponential(B_SERVICE)
        place = busy
        busy += 1
        while place and ends[(place - 1) // 2] > end:
            ends[place], who[place] = ends[(place - 1) // 2], who[(place - 1) // 2]
            place = (place - 1) // 2
        ends[place], who[place] = end, agent
    return waited


def bare_a(calls: int) -> Callable[[int], Found]:
    return lambda number: (_bare_a(calls, number) / calls, calls)


def bare_b(calls: int) -> Callable[[int], Found]:
    pairs = numpy.array(B_AGENTS)
    return lambda number: (_bare_b(calls, number, pairs, 4096) / calls, calls)


# The report

PEERS: dict[str, dict[str, Callable[[int], Callable[[int], Found]]]] = {
    "a": {
        "kernel": lambda calls: kernel(setting_a(calls)),
        "core": lambda calls: core(setting_a(calls)),
        "simpy": simpy_a,
        "ciw": ciw_a,
        "cimba": cimba_a,
        "bare": bare_a,
    },
    "b": {
        "kernel": lambda calls: kernel(setting_b(calls)),
        "core": lambda calls: core(setting_b(calls)),
        "simpy": simpy_b,
        "bare": bare_b,
    },
}
SLOW = {"core": 20, "ciw": 10}
"""These simulate only this part of the calls."""


def exact() -> dict[str, float | None]:
    """The share of calls that have to wait, where it is known."""
    traffic = Traffic.of(calls=A_PER_MINUTE * 60, per_s=3600, aht_s=A_SERVICE * 60)
    figures = ErlangA(A_PATIENCE * 60).figures(traffic, agents=A_AGENTS, within_s=20)
    return {"a": float(figures.p_wait), "b": None}


def measured(run: Callable[[int], Found], repeats: int = 3) -> tuple[float, float, float]:
    """Calls per second (best), and the estimate with its standard error over the repeats."""
    best, estimates = 0.0, []
    for number in range(1, repeats + 1):
        start = time.process_time()
        share, calls = run(number)
        best = max(best, calls / (time.process_time() - start))
        estimates.append(share)
    return best, float(numpy.mean(estimates)), float(numpy.std(estimates, ddof=1)) / repeats**0.5


def main() -> None:
    sys.path.append(str(PEERS_INSTALLED))
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    only = sys.argv[2:]
    known = exact()
    for case, peers in PEERS.items():
        speeds: dict[str, float] = {}
        for name, make in peers.items():
            if only and name not in only:
                continue
            try:
                run = make(calls // SLOW.get(name, 1))
            except ImportError as error:
                print(f"{case} {name:7} not installed: {error.name}")
                continue
            ready = time.perf_counter()
            make(2_000)(0)  # compiles, or loads what was compiled before
            ready = time.perf_counter() - ready
            speeds[name], share, error_ = measured(run)
            right = "" if known[case] is None else f", exact {known[case]:.4f}"
            print(
                f"{case} {name:7} {speeds[name]:12,.0f} calls/s   P(wait) {share:.4f} \u00b1 {error_:.4f}{right}"
                f"   ready after {ready:.1f} s",
                flush=True,
            )
        for name, speed in speeds.items():
            if name != "kernel" and "kernel" in speeds:
                print(f"{case} kernel is {speeds['kernel'] / speed:.2f} times {name}")


if __name__ == "__main__":
    main()
