"""Random scenarios and days of a router, and what was decided in each, a line of digests for each case: equal for the
core as it is and for the compiled one.

    [PYTHONPATH=.venv/compiled] python -m tests.support.compiled_check [CASES] [FIRST]
"""

import hashlib
import sys
from random import Random

import router.core.router
from simulations.driver import Replication
from simulations.outcomes import outcome_of
from tests.support.kernel_cases import as_json, random_setting
from tests.support.router_day import RouterDay
from tests.support.router_policies import random_policy

MOVES = 400


def digest(thing: object) -> str:
    return hashlib.sha256(repr(thing).encode()).hexdigest()[:16]


def simulated(seed: int) -> str:
    """A replication of a random scenario: its whole log, and its figures."""
    setting = random_setting(seed)
    replication = Replication(setting, seed % 3, keep_log=True)
    report = replication.run()
    outcome = outcome_of(setting, seed % 3, report, replication.unfinished, replication.counts)
    quick = Replication(setting, seed % 3)
    unexplained = outcome_of(setting, seed % 3, quick.run(), quick.unfinished, quick.counts)
    assert as_json(outcome) == as_json(unexplained), f"case {seed}: the figures depend on the log"
    return f"{digest(replication.log)} {digest(as_json(outcome))}"


def lived(seed: int) -> str:
    """A day of a watched router, with impossible events, new policies and restarts from snapshots."""
    rng = Random(seed)
    day = RouterDay(random_policy(rng, 1), seed)
    day.go_on(rng, MOVES)
    return digest(day.router.snapshot())


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    print(f"router: {'compiled' if router.core.router.__file__.endswith('.so') else 'Python'}", file=sys.stderr)
    for seed in range(first, first + cases):
        print(seed, simulated(seed), lived(seed))


if __name__ == "__main__":
    main()
