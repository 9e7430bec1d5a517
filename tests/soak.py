"""The faults of `tests.faults` again and again, each time at another moment, for as long as wanted (`make soak`).

Every row ends with its counts; the run ends with the first row that is not as it must be, and keeps its files.

    python -m tests.soak [--minutes 60] [--seed 1] [--only NAME ...]
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.faults import FAULTS, drive

LATEST_S = 6.0
"""The fault happens up to so long after the calls have come into their stages: they are at other points then."""


async def soak(minutes: float, seed: int, names: list[str]) -> int:
    console = Console(highlight=False, width=200)
    chance = random.Random(seed)
    ends = time.monotonic() + minutes * 60
    rows = 0
    while time.monotonic() < ends:
        for name in chance.sample(names, len(names)):
            directory = Path(tempfile.mkdtemp(prefix="switchboard-soak-"))
            after_s = round(chance.uniform(0, LATEST_S), 2)
            counted = await drive(FAULTS[name], directory, after_s=after_s)
            rows += 1
            console.print(f"{rows:4}  {name} after {after_s} s: {counted}", markup=False)
            if not counted.proper:
                console.print(f"its files are in {directory}", markup=False)
                return 1
            shutil.rmtree(directory, ignore_errors=True)
            if time.monotonic() > ends:
                break
    console.print(f"{rows} rows, seed {seed}: nothing lost, nobody stuck, places kept")
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Faults on a live centre, again and again.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=[*FAULTS], default=[*FAULTS], metavar="NAME")
    options = parser.parse_args()
    sys.exit(asyncio.run(soak(options.minutes, options.seed, options.only)))


if __name__ == "__main__":
    main()
