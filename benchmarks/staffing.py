"""How long `switchboard staff` takes for a day of 48 half hours, three queues and four groups of agents, in the kernel
and over the real router under SimPy, and that both find the same staff.

A group for each queue and one that serves all three, at wages of 20 and 26 an hour; 80 % in 20 s in every half hour,
about 2,800 calls a day, 20 to 1,000 days to prove the answer. Times are of the clock, on all cores (aim: under 60 s on
two); the kernel is compiled before, and how long that took is told apart (next to nothing if it was on disk).

How the answer is judged was written down before the run: a goal counts as missed only if it is so with 95 % confidence
for all 147 verdicts and all looks at them together (`simulations.staffing.proof`), so chance calls a good staff bad
once in twenty runs at most. The program ends with an error if a goal is missed, or if the engines differ.

    python benchmarks/staffing.py [--without-simpy] [--most-days 1000]
"""

import argparse
import json
import math
import os
import time
from typing import Any

import msgspec

from documents import Source
from simulations.engines import Engine, choose
from simulations.places import local
from simulations.scenario import Scenario
from simulations.staffing.answer import StaffAnswer, find_staff, simulated_days
from simulations.staffing.demand import Workplace, workplace
from simulations.staffing.plan import StaffPlan
from simulations.staffing.proof import MOST_DAYS

HALF_HOURS = 48
QUEUES = {"sales": (20, 240), "support": (15, 300), "billing": (10, 200)}
"""Calls of a middling half hour beyond five, and their mean handle time in seconds."""


def day() -> Workplace:
    skills = {name: {name: 5} for name in QUEUES} | {"all-rounders": dict.fromkeys(QUEUES, 3)}
    document: dict[str, Any] = {
        "name": "A day of three queues",
        "duration_minutes": HALF_HOURS * 30,
        "interval_minutes": 30,
        "replications": 20,
        "policy": {"queues": {name: {"answered_within_s": 20, "share": 0.8, "skills": {name: 1}} for name in QUEUES}},
        "kinds": {
            name: {
                "queue": name,
                "arrivals": {"per_interval": [calls(middling, number) for number in range(HALF_HOURS)]},
                "handle_time_s": {"distribution": "lognormal", "mean": handle_s, "scv": 1},
                "patience_s": {"distribution": "exponential", "mean": 200},
            }
            for name, (middling, handle_s) in QUEUES.items()
        },
        "staff": [{"group": name, "count": 1, "skills": has} for name, has in skills.items()],
        "money": {"currency": "EUR", "wage_per_hour": 20, "wages_per_hour": {"all-rounders": 26}},
    }
    return workplace(Source("benchmark", document, {}), Scenario.model_validate(document), None)


def calls(middling: int, half_hour: int) -> int:
    """Five in the night, most in the early afternoon."""
    return 5 + round(middling * (1 + math.sin((half_hour - 14) / HALF_HOURS * math.tau)))


def timed(engine: Engine, jobs: int, most_days: int) -> tuple[StaffAnswer, float, float]:
    """The answer, the seconds for it, and the seconds before for making the engine ready."""
    place = day()
    chosen = choose(engine, [place.setting], simulated_days(place, most_days))
    begun = time.perf_counter()
    if engine == "kernel":
        chosen.replicate(place.setting, 0)
    ready_s = time.perf_counter() - begun
    begun = time.perf_counter()
    where = chosen.at(local(jobs))
    answer = find_staff(place, StaffPlan(), where, lambda *_: None, simulate=chosen.replicate, most_days=most_days)
    return answer, time.perf_counter() - begun, ready_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without-simpy", action="store_true", help="the kernel alone")
    parser.add_argument("--most-days", type=int, default=MOST_DAYS, help="that prove the answer")
    options = parser.parse_args()
    jobs = os.cpu_count() or 1
    engines: list[Engine] = ["kernel"] if options.without_simpy else ["kernel", "simpy"]
    answers = []
    missed = False
    for engine in engines:
        answer, took_s, ready_s = timed(engine, jobs, options.most_days)
        answers.append(msgspec.json.encode(answer))
        checks = [check.verdict for row in answer.checks for check in row]
        whole = ", ".join(check.verdict for check in answer.day)
        told = ", ".join(f"{checks.count(verdict)} {verdict}" for verdict in ("met", "open", "missed"))
        missed = missed or answer.verdict == "missed"
        print(
            f"{engine:7} {took_s:6.1f} s   {answer.simulated_days} days simulated, {answer.cost:,.0f} EUR, goals "
            f"{answer.verdict} (whole time: {whole}; {len(checks)} of single half hours: "
            f"{told}), ready after {ready_s:.1f} s",
            flush=True,
        )
    if len(set(answers)) > 1:
        kernel, simpy = map(json.loads, answers)
        raise SystemExit(f"the answers differ: {[name for name in kernel if kernel[name] != simpy[name]]}")
    if len(answers) > 1:
        print("both give the same answer, to the last digit")
    if missed:
        raise SystemExit("a goal is surely missed")


if __name__ == "__main__":
    main()
