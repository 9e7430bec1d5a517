"""How fast the compiled kernel is, beside the like: idiomatic SimPy, Ciw, cimba, and a bare recursion.

    python -m benchmarks.kernel [--calls 288000] [ENGINE ...]

In one run, on one core, without compilation, which is stated apart. Speeds are calls a second of processor time, the
best of several runs; beside them the estimate of P(wait) over these runs and its standard error. Every engine simulates

a  M/M/84+M: 20 calls a minute, mean service 240 s, mean patience 180 s;
b  six kinds of calls, 8.4 a minute together, mean service 10 min (84 Erlang), nobody hangs up; 90 agents, three for
   each ordered pair of kinds, who take their own kind before the other; longest idle agent first, priority, then age.
   No exact value is known, so the engines are held to each other.

`bare` is the least that such a simulation can be: for a, the recursion of Kiefer and Wolfowitz over the times at which
agents become free; for b, an event loop that knows nothing but these six kinds. It keeps no log, no intervals and no
times by agent. `core` is the SimPy shell over the real router, whose every decision the kernel makes too; `compiled` is
the very same code, compiled by `make compiled`. Ciw and cimba come with `make bench`; Ciw cannot state b (see
`benchmarks/peers/ciw_models.py`).

Every run begins with an empty centre, which makes P(wait) in a about 0.002 too small.

Each engine has a process of its own. Then the kernel alone: replications on all cores, by the clock; and the memory of
ten times the calls.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy

import router.core.router
from benchmarks.peers.cases import (
    A_AGENTS,
    A_PATIENCE,
    A_PER_MINUTE,
    A_SERVICE,
    B_AGENTS,
    B_KINDS,
    B_PER_MINUTE,
    B_SERVICE,
    Found,
    Run,
)
from documents import Source
from router.core.policy import Agent, Condition, Goal, KeySpec, LastAction, Policy, Queue, Step
from simulations.engines import replicate
from simulations.erlang import ErlangA, Traffic
from simulations.kernel.engine import Kernel
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, settle

CALLS = 288_000
DAY = 1_440
SIDE_BY_SIDE = 40
"""Replications of each worker, when all cores are at work."""
PEERS_INSTALLED = Path(__file__).parents[1] / ".venv" / "peers"
"""Where `make bench` puts Ciw and cimba."""
COMPILED = Path(__file__).parents[1] / ".venv" / "compiled"
"""Where `make compiled` puts the compiled core."""
MOST_RUNS, ENOUGH_S = 24, 5.0
"""An engine runs three times at least, and on until one of these is reached."""


def setting_a(calls: int, seed: int = 1) -> Setting:
    return _settled(
        {
            "name": "M/M/84+M",
            **_length(calls / A_PER_MINUTE),
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
        **_length(calls / B_PER_MINUTE),
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


def _length(minutes: float) -> dict[str, float]:
    """Whole days, or a part of one."""
    interval = min(DAY, max(1, round(minutes)))
    return {
        "duration_minutes": interval * max(1, round(minutes / interval)),
        "interval_minutes": interval,
        "run_off_minutes": 0,
    }


def _settled(document: dict[str, Any], centre: Centre | None) -> Setting:
    return settle(Source("benchmark", document, {}), Scenario.model_validate(document), centre)


def kernel(setting: Setting) -> Run:
    made = Kernel(setting)

    def run(number: int) -> Found:
        tally = made.replicate(number).whole.all_queues
        return tally.had_to_wait / tally.ended, tally.arrived

    return run


@contextmanager
def searched_first(name: str) -> Iterator[None]:
    """A process that is started meanwhile finds the compiled core before the other, if this engine is that one."""
    before = list(sys.path)
    if name == "compiled":
        sys.path.insert(0, str(COMPILED))
    try:
        yield
    finally:
        sys.path[:] = before


def compiled(setting: Setting) -> Run:
    if not router.core.router.__file__.endswith(".so"):
        raise ImportError("run 'make compiled' first", name="the compiled core (make compiled)")
    return core(setting)


def core(setting: Setting) -> Run:
    def run(number: int) -> Found:
        tally = replicate(setting, number).whole.all_queues
        return tally.had_to_wait / tally.ended, tally.arrived

    return run


# The peers, loaded when they are asked for: not all of them need be installed.


def peer(module: str, name: str) -> Callable[[int], Run]:
    def make(calls: int) -> Run:
        return getattr(import_module(f"benchmarks.peers.{module}"), name)(calls)  # type: ignore[no-any-return]

    return make


def cimba_model(case: str) -> Callable[[int], Run]:
    def make(calls: int) -> Run:
        import cimba

        from benchmarks.peers.cimba_models import Centre, Kinds

        model = Centre(A_AGENTS) if case == "a" else Kinds(B_AGENTS, B_KINDS)
        per_minute, service = (A_PER_MINUTE, A_SERVICE) if case == "a" else (B_PER_MINUTE, B_SERVICE)
        model.gap = cimba.inputs.dist.exponential(mean=1 / per_minute)
        model.service = cimba.inputs.dist.exponential(mean=service)
        if case == "a":
            model.patience = cimba.inputs.dist.exponential(mean=A_PATIENCE)

        def run(number: int) -> Found:
            window = cimba.Window(warmup=0, duration=calls / per_minute)
            found = cimba.Experiment(model, replications=1, window=window, seed=number + 1).run()[model]
            arrived = int(found.arrived.values[0, 0])
            return float(found.waited.values[0, 0]) / arrived, arrived

        return run

    return make


SETTINGS = {"a": setting_a, "b": setting_b}
PEERS: dict[str, dict[str, Callable[[int], Run]]] = {
    case: {
        "kernel": lambda calls, case=case: kernel(SETTINGS[case](calls)),
        "core": lambda calls, case=case: core(SETTINGS[case](calls)),
        "compiled": lambda calls, case=case: compiled(SETTINGS[case](calls)),
        "simpy": peer("simpy_models", f"simpy_{case}"),
        "ciw": peer("ciw_models", f"ciw_{case}"),
        "cimba": cimba_model(case),
        "bare": peer("bare", f"bare_{case}"),
    }
    for case in SETTINGS
}
CANNOT = {("b", "ciw"): "cannot state this case"}
SHELL = (("core", 1 / 3, "simpy"), ("compiled", 1 / 3, "simpy"))
AIMS = {
    "a": (("kernel", 60, "simpy"), ("kernel", 10, "cimba"), ("kernel", 0.5, "bare"), *SHELL),
    "b": (("kernel", 20, "simpy"), ("kernel", 10, "cimba"), ("kernel", 0.5, "bare"), *SHELL),
}


def exact() -> dict[str, float | None]:
    """The share of calls that have to wait, where it is known."""
    traffic = Traffic.of(calls=A_PER_MINUTE * 60, per_s=3600, aht_s=A_SERVICE * 60)
    figures = ErlangA(A_PATIENCE * 60).figures(traffic, agents=A_AGENTS, within_s=20)
    return {"a": float(figures.wait_share), "b": None}


def measured(run: Run) -> tuple[float, float, float]:
    """Calls per second (best), and the estimate with its standard error over the runs."""
    best, estimates, spent = 0.0, list[float](), 0.0
    while len(estimates) < 3 or (len(estimates) < MOST_RUNS and spent < ENOUGH_S):
        start = time.process_time()
        share, calls = run(len(estimates) + 1)
        took = time.process_time() - start
        spent += took
        best = max(best, calls / took)
        estimates.append(share)
    return best, float(numpy.mean(estimates)), float(numpy.std(estimates, ddof=1)) / len(estimates) ** 0.5


def alone(case: str, name: str, calls: int) -> tuple[float, tuple[float, float, float]] | str:
    """The seconds until the engine is ready, and what `measured` says; or what is missing."""
    sys.path.append(str(PEERS_INSTALLED))
    make = PEERS[case][name]
    begun = time.perf_counter()
    try:
        make(2_000)(0)  # compiles, or loads what was compiled before
    except ImportError as error:
        return f"not installed: {error.name}"
    return time.perf_counter() - begun, measured(make(calls))


def compare(case: str, calls: int, only: list[str]) -> None:
    """A row for each engine, and the ratios."""
    speeds: dict[str, float] = {}
    known = exact()[case]
    right = "unknown" if known is None else f"{known:.4f}"
    print(f"{'case':5}{'engine':9}{'calls/s':>13}{'P(wait)':>10}{'std error':>11}{'exact':>9}{'ready after':>14}")
    for name in only or PEERS[case]:
        if (case, name) in CANNOT:
            print(f"{case:5}{name:9} {CANNOT[case, name]}")
            continue
        with searched_first(name), ProcessPoolExecutor(1, get_context("spawn")) as pool:
            found = pool.submit(alone, case, name, calls).result()
        if isinstance(found, str):
            print(f"{case:5}{name:9} {found}")
            continue
        ready_s, (speeds[name], share, error) = found
        print(f"{case:5}{name:9}{speeds[name]:13,.0f}{share:10.4f}{error:11.4f}{right:>9}{ready_s:12.1f} s", flush=True)
    for mine, aim, other in AIMS[case]:
        if mine in speeds and other in speeds:
            ratio = speeds[mine] / speeds[other]
            reached = "" if ratio >= aim else ", missed"
            print(f"{case:5}{mine} is {ratio:.3g} times {other} (aim: {aim:.2g}{reached})")
    print()


def compile_anew() -> float:
    """The seconds that the first run takes with nothing on disk."""
    made = Kernel(setting_a(2_000))
    with TemporaryDirectory() as directory:
        os.environ["SWITCHBOARD_CACHE"] = directory
        begun = time.perf_counter()
        made.replicate(0)
        return time.perf_counter() - begun


def side_by_side(calls: int) -> None:
    """Replications of the kernel on all cores, by the clock: in processes, as the command runs them, and in threads,
    which take turns where callers are drawn."""
    cores = os.cpu_count() or 1
    for case in SETTINGS:
        speeds = {
            f"{count} {kind}": _together(pools, case, calls, count)
            for count, kind, pools in (
                (1, "process", _processes),
                (cores, "processes", _processes),
                (cores, "threads", ThreadPoolExecutor),
            )
        }
        one = speeds["1 process"]
        told = (f"{name} {speed:,.0f} calls/s ({speed / one:.2f} times one)" for name, speed in speeds.items())
        print(f"{case:5}{', '.join(told)}", flush=True)


def _processes(count: int) -> Executor:
    return ProcessPoolExecutor(count, get_context("spawn"))


def _together(pools: Callable[[int], Executor], case: str, calls: int, count: int) -> float:
    """Calls a second of so many workers, once all of them are ready."""
    with pools(count) as pool:
        ready = [pool.submit(_many, case, calls, 1) for _ in range(8 * count)]
        wait(ready)
        begun = time.perf_counter()
        done = sum(pool.map(_many, [case] * count, [calls] * count, [SIDE_BY_SIDE] * count))
        return done / (time.perf_counter() - begun)


def _many(case: str, calls: int, replications: int) -> int:
    run = kernel(SETTINGS[case](calls))
    return sum(run(number)[1] for number in range(replications))


def most_memory(case: str, calls: int) -> float:
    """In MB, what a process has had that simulated so many calls in one run and counted them as one interval."""
    made = SETTINGS[case](calls)
    minutes = made.scenario.duration_minutes
    kernel(replace(made, scenario=made.scenario.model_copy(update={"interval_minutes": minutes})))(0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(calls: int) -> None:
    for case in SETTINGS:
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
            few, many = pool.map(most_memory, [case] * 2, [calls, 10 * calls])
        print(f"{case:5}{calls:,} calls {few:.0f} MB, {10 * calls:,} calls {many:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("engines", nargs="*", help=f"some of {', '.join(PEERS['a'])}; by default all")
    options = parser.parse_args()
    for case in PEERS:
        compare(case, options.calls, options.engines)
    if not options.engines or "kernel" in options.engines:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            print(f"with nothing on disk the kernel is ready after {pool.submit(compile_anew).result():.0f} s\n")
        side_by_side(options.calls)
        memory(options.calls)


if __name__ == "__main__":
    main()
