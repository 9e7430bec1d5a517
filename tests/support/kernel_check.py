"""Holds the kernel to the SimPy shell, case by case:  python -m tests.support.kernel_check [CASES] [FIRST]"""

import sys
import time

from simulations.driver import Replication
from simulations.kernel.engine import KernelReplication
from simulations.kernel.plan import make_plan
from simulations.kernel.refusals import refusals
from simulations.outcomes import outcome_of
from tests.support.kernel_cases import first_difference, random_setting, reference_rows


def check_case(seed: int, plain: bool = False) -> int:
    """Raises AssertionError if kernel and SimPy shell differ in a decision or a figure; the number of rows. What is
    compiled for plain worlds keeps no log, and is held to every figure."""
    setting = random_setting(seed, plain)
    case = f"{'plain ' if plain else ''}case {seed}"
    assert not refusals(setting), f"{case} is refused: {refusals(setting)}"
    number = seed % 3
    reference = Replication(setting, number, keep_log=True)
    report = reference.run()
    plan = make_plan(setting)
    kernel = KernelReplication(plan, number, keep_log=True)
    outcome = kernel.run()
    rows = reference_rows(setting, reference.log)
    difference = first_difference(rows, kernel.log)
    assert not difference, f"{case}: {difference}"
    right = outcome_of(setting, number, report, reference.unfinished, reference.counts)
    assert outcome == right, f"{case}: the figures differ"
    assert plan.plain or not plain, f"{case} is not plain"
    if plan.plain:
        assert KernelReplication(plan, number).run() == right, f"{case}: the figures differ without a log"
    return len(rows)


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rows, failed, start = 0, 0, time.monotonic()
    for seed in range(first, first + cases):
        try:
            rows += check_case(seed, plain=seed % 5 == 0)
        except AssertionError as error:
            failed += 1
            print(error)
    seconds = time.monotonic() - start
    print(f"{cases} cases, {rows:,} rows of log, {failed} cases differ ({seconds:.0f} s)")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
