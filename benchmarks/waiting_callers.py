"""Thousands of callers who wait, in the engine's queue and in Asterisk's own: what each costs, and that none is lost.

No agent is signed in. SIPp brings the callers at a steady rate; they stay for so long and hang up. Nobody hears
anything, so that no RTP is sent: neither music nor announcements, which would cost Asterisk the same in both queues.
Meanwhile the engine is asked for its state once a second, by its control socket. A call has failed when SIPp says so
(it was refused, or ended by anybody but the caller); a caller is missing who is not in the queue while all should be.

Memory is what the kernel says that the process has (RSS) when all are there, less what it had before, for each caller.
A process keeps much of what it needs no more, so the callers come to the engine twice: the second time most of the
memory is there already, unless it leaks. The native queue has an Asterisk of its own. CPU is that of one core while all
wait.

    python benchmarks/waiting_callers.py [--callers 2000] [--hold-seconds 30] [--rate 40] [--full] [--json]
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from load.bench import NATIVE_NUMBER, NUMBERS, Bench, bench
from load.figures import Quantiles, quantiles
from load.machine import cpu_s, memory_kb
from load.sipp import called, calling
from rich.console import Console
from rich.table import Table

from asterisk_conf.names import BENCH_QUEUE
from asterisk_conf.phones import PhoneError
from asterisk_conf.private import AsteriskFailed
from asterisk_conf.root import SetupError

AIM_KB = 25.0
FULL_HOLD_S = 600.0
LOOK_S = 1.0
ALL_THERE_S = 15.0
"""How long after the last caller was sent all of them may take to be in the queue."""
LOTS = (("engine", "again"), ("native",))
"""Callers who come one lot after the other, each group to an Asterisk and an engine that have just started."""


@dataclass(frozen=True, slots=True)
class Held:
    """One lot of callers. Memory in KB, shares of one core, times in ms."""

    queue: str
    callers: int
    failed: int
    missing: int
    held_s: float
    engine_kb_each: float | None
    asterisk_kb_each: float
    engine_cpu_share: float | None
    asterisk_cpu_share: float
    state_ms: Quantiles | None


async def waiting(on: Bench, *, native: bool) -> int:
    """How many callers are in the queue."""
    if native:
        told = await on.asterisk.cli(f"queue show {BENCH_QUEUE}")
        return int(told.split(" has ", 1)[1].split(" ", 1)[0])
    state, _ = await on.state()
    return int(state["calls"]["waiting"])


async def hold(on: Bench, name: str, callers: int, hold_s: float, rate: float) -> Held:
    native = name == "native"
    directory, number = on.new_run(name), NATIVE_NUMBER if native else NUMBERS["queue"]
    stay_ms = round((callers / rate + hold_s + ALL_THERE_S) * 1_000)
    pids = {"engine": on.engine.pid, "asterisk": on.asterisk.pid}
    before_kb = {who: memory_kb(pid) for who, pid in pids.items()}
    async with calling(directory, on.sip_port, number, rate, callers, stay_ms=stay_ms) as process:
        began = time.monotonic()
        while await waiting(on, native=native) < callers:
            if time.monotonic() - began > callers / rate + ALL_THERE_S or process.returncode is not None:
                break
            await asyncio.sleep(LOOK_S)
        least, began, asked_s = callers, time.monotonic(), list[float]()
        before_s = {who: cpu_s(pid) for who, pid in pids.items()}
        while (held_s := time.monotonic() - began) < hold_s:
            if native:
                await asyncio.sleep(hold_s - held_s)
            else:
                state, took_s = await on.state()
                least = min(least, state["calls"]["waiting"])
                asked_s.append(took_s)
                await asyncio.sleep(LOOK_S)
        share = {who: (cpu_s(pid) - before_s[who]) / held_s for who, pid in pids.items()}
        each_kb = {who: (memory_kb(pid) - before_kb[who]) / callers for who, pid in pids.items()}
        if native:
            least = await waiting(on, native=native)
        counted = await called(directory, process, callers)
    return Held(
        queue=name,
        callers=callers,
        failed=callers - counted.succeeded,
        missing=callers - least,
        held_s=held_s,
        engine_kb_each=None if native else each_kb["engine"],
        asterisk_kb_each=each_kb["asterisk"],
        engine_cpu_share=None if native else share["engine"],
        asterisk_cpu_share=share["asterisk"],
        state_ms=quantiles(asked_s),
    )


async def measure(directory: Path, callers: int, hold_s: float, rate: float) -> list[Held]:
    measured: list[Held] = []
    for lots in LOTS:
        (own := directory / lots[0]).mkdir()
        async with bench(own, 1, relay=False, silent=True) as on:
            measured += [await hold(on, name, callers, hold_s, rate) for name in lots]
    return measured


def table(measured: list[Held]) -> Table:
    made = Table(title="Callers who wait, in the engine's queue and in Asterisk's own")
    made.add_column("queue")
    for heading in ("callers", "failed", "missing", "held s", "engine KB each", "Asterisk KB each"):
        made.add_column(heading, justify="right")
    for heading in ("engine CPU", "Asterisk CPU", "state ms p50", "p99"):
        made.add_column(heading, justify="right")
    for one in measured:
        made.add_row(
            one.queue,
            *(str(count) for count in (one.callers, one.failed, one.missing)),
            f"{one.held_s:.0f}",
            "" if one.engine_kb_each is None else f"{one.engine_kb_each:.1f}",
            f"{one.asterisk_kb_each:.1f}",
            "" if one.engine_cpu_share is None else f"{one.engine_cpu_share:.1%}",
            f"{one.asterisk_cpu_share:.1%}",
            *(f"{one.state_ms[index]:.1f}" if one.state_ms else "" for index in (0, 1)),
        )
    return made


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callers", type=int, default=2_000)
    parser.add_argument("--hold-seconds", type=float, default=30, help="how long all of them wait")
    parser.add_argument("--rate", type=float, default=40, help="callers a second, until all are there")
    parser.add_argument("--full", action="store_true", help=f"hold them for {FULL_HOLD_S:.0f} s")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hold_s = FULL_HOLD_S if options.full else options.hold_seconds
    directory = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    try:
        measured = await measure(directory, options.callers, hold_s, options.rate)
    except (AsteriskFailed, SetupError, PhoneError, OSError) as error:
        raise SystemExit(f"the benchmark cannot run: {error}\nsee {directory}") from None
    if options.json:
        print(json.dumps([asdict(one) for one in measured], indent=2))
    else:
        console = Console(width=170, highlight=False)
        console.print(table(measured), f"aim: under {AIM_KB:g} KB of engine memory for each caller", sep="\n")
    if any(one.failed or one.missing for one in measured):
        print(f"logs, SIPp's statistics and the journal are in {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory)


if __name__ == "__main__":
    asyncio.run(main())
