"""Published cases, at length: every scenario of `examples/published` that tests hold to the literature, each figure
beside the published one, judged by the same rule.

    python -m benchmarks.published [LONGER] [NAME...]

LONGER: how many times as many replications as the test has (10); so the standard errors are smaller by its root. The
seed is another than the test's.
"""

import os
import sys
import time
from collections.abc import Callable

from simulations.replications import run_study
from simulations.results import summarise
from tests.support.published import CASES, SEED, verdicts


def main(report: Callable[[str], None] = print) -> None:
    arguments = sys.argv[1:]
    longer = int(arguments.pop(0)) if arguments and arguments[0].isdecimal() else 10
    for case in CASES:
        if arguments and case.name not in arguments:
            continue
        began = time.monotonic()
        setting = case.setting(case.replications * longer, SEED + 1)
        study = run_study(setting, os.cpu_count() or 1, engine="kernel")
        results = summarise(study)
        report(f"{case.name}: {results.replications} replications in {time.monotonic() - began:.0f} s")
        for verdict in verdicts(case, results):
            report(str(verdict))


if __name__ == "__main__":
    main()
