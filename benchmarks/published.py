"""Published cases, at length: every scenario of `examples/published`, each figure beside the published one.

    python -m benchmarks.published [REPLICATIONS] [NAME...]

`tests/theory/test_published.py` does the same with few replications and says what must hold.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from simulations.replications import run_study
from simulations.results import Results, summarise
from simulations.setting import read_scenario, settle
from simulations.statistics import Estimate

PUBLISHED = Path(__file__).parents[1] / "examples/published"

Figure = tuple[str, str, float, float]
"""Metric (with `1 -` before it: the complement), of whom, published value, our unit in the paper's."""

WHITT = ("1 - had_to_wait_share", "abandon_share", "mean_queue_length", "asa_ms", "mean_time_to_abandon_ms")


def whitt(*values: float) -> list[Figure]:
    names = (*WHITT, "service_level_answered_share")
    return [(n, "queues", v, 1e-5 if n.endswith("_ms") else 1.0) for n, v in zip(names, values, strict=True)]


def wallace_whitt(blocked: float, waits: float, mean_wait: float, soon: float | None) -> list[Figure]:
    found = [
        ("blocked_share", "callers", blocked, 1.0),
        ("had_to_wait_share", "queues", waits, 1.0),
        ("mean_wait_ms", "queues", mean_wait, 1 / 60_000),
    ]
    return found if soon is None else [*found, ("service_level_share", "queues", soon, 1.0)]


CASES: dict[str, list[Figure]] = {
    "whitt-e2": whitt(0.211, 0.0348, 11.40, 0.1097, 0.1696, 0.502),
    "whitt-m": whitt(0.242, 0.0376, 11.42, 0.1094, 0.1788, 0.518),
    "wallace-whitt-1": wallace_whitt(0.041659, 0.573563, 3.05432, 0.473426),
    "wallace-whitt-2": wallace_whitt(0.0043, 0.4246, 0.5932, 0.7164),
    "wallace-whitt-6": wallace_whitt(0.003643, 0.379706, 0.450023, None),
}


def play(name: str, replications: int) -> Results:
    source, scenario = read_scenario(PUBLISHED / f"{name}.yaml")
    scenario = scenario.model_copy(update={"replications": replications})
    return summarise(run_study(settle(source, scenario, None), os.cpu_count() or 1))


def line(metric: str, estimate: Estimate, published: float, unit: float) -> str:
    assert estimate.value is not None
    assert estimate.half_width is not None
    value = unit * (1 - estimate.value if metric.startswith("1 -") else estimate.value)
    half_width = unit * estimate.half_width
    verdict = "" if abs(value - published) <= half_width else "  outside"
    return f"  {metric:30} {value:9.5f} ± {half_width:.5f}   published {published:.5f}{verdict}"


def main(report: Callable[[str], None] = print) -> None:
    arguments = sys.argv[1:]
    replications = int(arguments.pop(0)) if arguments and arguments[0].isdecimal() else 40
    for name in arguments or CASES:
        began = time.monotonic()
        results = play(name, replications)
        took_s = time.monotonic() - began
        report(f"{name}: {replications} replications in {took_s:.0f} s, ± 95 % confidence")
        for metric, of, published, unit in CASES[name]:
            figures = results.whole.all_callers if of == "callers" else results.whole.all_queues
            report(line(metric, figures[metric.removeprefix("1 - ")], published, unit))


if __name__ == "__main__":
    main()
