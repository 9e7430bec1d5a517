"""How many IVR dialogues a second one Asterisk carries with the engine, against the same menu as native dialplan.

A dialogue: the caller is answered, hears a greeting and a menu, presses a key (SIP INFO, as there is no RTP), hears the
answer, and is hung up on. The engine's flow and the dialplan play the same files on the same Asterisk, one after the
other at every rate. The rate is doubled, and then searched to a fifth, until calls fail or are not over 3 s after
they should be.

Most of a dialogue is its sounds, which take as long in both; so what the engine adds is best seen in "longer": how much
longer its dialogues last than the native ones, and in the processor time for each.

What ends the engine's rise is the machine ("cores busy"), and it ends in a cliff: the key comes 0.6 s after the menu
should have begun, whatever else the machine does. Once the commands before the menu are that late, the key is lost, the
caller hears the whole menu and stays eight times as long, and so there are eight times as many callers.

    python benchmarks/ivr_dialogues.py [--rate 20] [--seconds 8] [--most 320] [--no-search] [--json]
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from load.bench import NATIVE_DIALOGUE, NUMBERS, Bench, bench
from load.machine import cpu_s, own_cpu_s
from load.sipp import called, calling
from rich.console import Console
from rich.table import Table

from asterisk_conf.phones import PhoneError
from asterisk_conf.private import AsteriskFailed
from asterisk_conf.root import SetupError
from router.live.journal import Fact, read
from switchboard.facts import FLOW_ENDED

KEY_AFTER_MS = 1_200
"""After the answer: half a second of which Asterisk waits for RTP, and then the greeting is over."""
SETTLED_S = 3.0
EXACT = 1.2


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two at one rate. `lost`: callers whose key did not arrive. `mean_s`: from the first call to the end of
    the last, less the time in which they came: how long one dialogue lasts. CPU of both programs, for one dialogue;
    `cores`: how many both and SIPp together kept busy."""

    who: str
    rate: float
    calls: int
    failed: int
    lost: int
    mean_s: float
    asterisk_ms: float
    engine_ms: float
    cores: float

    @property
    def cpu_ms(self) -> float:
        return self.asterisk_ms + self.engine_ms

    @property
    def sustained(self) -> bool:
        return self.failed == 0 and self.lost == 0


async def dialogues(made: Bench, who: str, rate: float, seconds: float) -> Run:
    """Callers at this rate, and how it went."""
    number = NUMBERS["dialogue"] if who == "engine" else NATIVE_DIALOGUE
    calls = max(1, round(rate * seconds))
    directory = made.new_run(who)
    ended_before = len(_reasons(made))
    asterisk_s, engine_s, sipp_s = cpu_s(made.asterisk.pid), cpu_s(made.engine.pid), own_cpu_s()
    began = time.perf_counter()
    limit_ms = round((SETTLED_S + 10) * 1_000)
    async with calling(
        directory, made.sip_port, number, rate, calls, key_after_ms=KEY_AFTER_MS, reply_limit_ms=limit_ms
    ) as process:
        counted = await called(directory, process, calls)
    took_s = time.perf_counter() - began
    asterisk_s, engine_s = cpu_s(made.asterisk.pid) - asterisk_s, cpu_s(made.engine.pid) - engine_s
    cores = (asterisk_s + engine_s + own_cpu_s() - sipp_s) / took_s
    failed = counted.calls - counted.succeeded
    lost = 0
    if who == "engine":
        reasons = _reasons(made)[ended_before:]
        lost = calls - failed - reasons.count("served")
    mean_s = took_s - (calls - 1) / rate
    each = (asterisk_s / calls * 1_000, engine_s / calls * 1_000 if who == "engine" else 0.0)
    return Run(who, rate, calls, failed, max(0, lost), mean_s, *each, cores)


def _reasons(made: Bench) -> list[str]:
    """How the flows ended that the journal knows of: by which node."""
    ends = [
        record.data["trace"][-1][1]
        for path in sorted(made.engine_directory.glob("journal-*.jsonl"))
        for record in read(path)
        if isinstance(record, Fact) and record.kind == FLOW_ENDED
    ]
    return ["served" if node == "served" else "lost" for node in ends]


async def search(made: Bench, who: str, first: float, most: float, seconds: float) -> list[Run]:
    """Runs at rising rates until one is missed; the last that was sustained has the highest rate."""
    runs, rate, missed = [], first, None
    while rate <= most:
        run = await dialogues(made, who, rate, seconds)
        runs.append(run)
        best = max((r.rate for r in runs if r.sustained and r.mean_s < SETTLED_S + 3), default=0.0)
        if run.rate > best:
            missed = run.rate
        if missed is None:
            rate *= 2
        elif best == 0.0 or missed / best <= EXACT:
            break
        else:
            rate = (best * missed) ** 0.5
    return runs


def _table(runs: list[Run]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    headings = ("", "dialogues/s", "calls", "failed", "keys lost", "s each", "Asterisk ms", "engine ms", "cores busy")
    for heading in headings:
        table.add_column(heading, justify="left" if not heading else "right")
    for run in sorted(runs, key=lambda run: (run.rate, run.who)):
        counted = (f"{run.rate:.0f}", str(run.calls), str(run.failed), str(run.lost), f"{run.mean_s:.2f}")
        table.add_row(run.who, *counted, f"{run.asterisk_ms:.1f}", f"{run.engine_ms:.1f}", f"{run.cores:.2f}")
    return table


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20, help="the first rate")
    parser.add_argument("--most", type=float, default=320, help="no higher rate is tried")
    parser.add_argument("--seconds", type=float, default=8, help="for so long callers come at each rate")
    parser.add_argument("--no-search", action="store_true", help="the first rate only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="ivr-dialogues-") as name:
        try:
            async with bench(Path(name), 1, relay=False) as made:
                for who in ("native", "engine"):
                    await dialogues(made, who, 2, 2)  # warm
                    most = options.rate if options.no_search else options.most
                    runs += await search(made, who, options.rate, most, options.seconds)
        except (AsteriskFailed, PhoneError, SetupError) as error:
            print(error, file=sys.stderr)
            return 1
    highest = {
        who: max((run.rate for run in runs if run.who == who and run.sustained), default=0.0)
        for who in ("engine", "native")
    }
    at_first = {run.who: run for run in runs if run.rate == options.rate}
    longer_ms = (at_first["engine"].mean_s - at_first["native"].mean_s) * 1_000
    if options.json:
        print(json.dumps({"highest": highest, "longer_ms": longer_ms, "runs": [asdict(run) for run in runs]}))
        return 0
    console = Console()
    console.print(_table(runs))
    console.print(f"sustained: engine {highest['engine']:.0f} /s, native {highest['native']:.0f} /s")
    console.print(f"the machine has {os.cpu_count()} cores")
    console.print(f"at {options.rate:g} /s a dialogue with the engine lasts {longer_ms:.0f} ms longer")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
