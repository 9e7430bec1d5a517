"""Holds the kernel to the SimPy shell, case by case:  python -m tests.support.kernel_check [CASES] [FIRST]"""

import sys
import time

from simulations.driver import Replication
from simulations.kernel.engine import KernelReplication
from simulations.kernel.plan import make_plan
from simulations.kernel.refusals import refusals
from simulations.outcomes import outcome_of
from tests.support.kernel_cases import first_difference, random_setting, reference_rows


def check_case(seed: int) -> int:
    """Raises AssertionError if kernel and SimPy shell differ in a decision or a figure; the number of rows."""
    setting = random_setting(seed)
    assert not refusals(setting), f"case {seed} is refused: {refusals(setting)}"
    number = seed % 3
    reference = Replication(setting, number, keep_log=True)
    report = reference.run()
    kernel = KernelReplication(make_plan(setting), number, keep_log=True)
    outcome = kernel.run()
    rows = reference_rows(setting, reference.log)
    difference = first_difference(rows, kernel.log)
    assert not difference, f"case {seed}: {difference}"
    assert outcome == outcome_of(setting, number, report, reference.unfinished, reference.counts), (
        f"case {seed}: the figures differ"
    )
    return len(rows)


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rows, failed, start = 0, 0, time.monotonic()
    for seed in range(first, first + cases):
        try:
            rows += check_case(seed)
        except AssertionError as error:
            failed += 1
            print(error)
    seconds = time.monotonic() - start
    print(f"{cases} cases, {rows:,} rows of log, {failed} cases differ ({seconds:.0f} s)")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
