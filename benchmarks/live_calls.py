"""Real SIP calls through a real Asterisk and the engine, and the same calls through Asterisk's own `Queue` beside it.

SIPp brings calls at a steady rate, without RTP; agents' phones (SIPp too) ring, answer at once, talk for half a
second and hang up. All loads go one after the other to the same Asterisk, with the same phones and no wrap-up:

* menu: a prompt, a menu with a key (sent in SIP INFO, as there is no RTP), the queue, an agent: eight AGI commands
  until the agent is there, and one more when the caller comes back from the talk and is said goodbye to;
* queue: the engine's queue at once;
* native: the dialplan's `Answer` and `Queue`, without the engine;
* busy, native busy: the same two, but agents talk for so long that they can just serve `rate` calls a second, and more
  callers come: there is always a queue, and every agent who is free has somebody to be given.

A call has failed when SIPp says so (a reply that is wrong or missing); each must have had an agent.

Highest rate: the rate is raised by half until calls fail, or are not over 3 s after the last one came (they then come
faster than they are served); the edge is then searched between the two to a tenth. A rate has to miss twice. Behind a
miss everything is started anew: what an overload leaves behind is not held against the next rate. Callers are not
patient here: one who is not answered, or not served, within 5 s has failed.

Times, each p50 and p99 in ms:

* response: from an AGI reply to the engine's next command. Taken by a relay between the two (`load/relay.py`), so in it
  is what a reply waits for the engine's attention, and what the relay needs itself;
* first sound: from the reply to ANSWER to the first AGI command by which the caller hears something;
* variable: how long Asterisk takes for SET and GET VARIABLE, which is nearly nothing: how busy Asterisk is;
* answer to ring: from the 200 at the caller until the INVITE is at an agent's phone. In it are the 500 ms that Asterisk
  waits for RTP before it goes on behind an answer;
* offer to ring: from the engine's decision, as its journal has it, until the INVITE is at that agent's phone;
* free to offer, free to ring: from the moment when the agent's phone hangs up (before it sends its BYE) until the
  engine decides what this agent is offered next, and until the same phone has the next INVITE.

CPU shares are of one core; "others' CPU" is what programs had that are no part of this: where they and this fill the
machine, all times are too long.

    python benchmarks/live_calls.py [--rate 60] [--seconds 20] [--agents 90] [--no-search] [--short] [--json]
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from load.bench import bench
from load.figures import Quantiles
from load.run import BUSY, MENU, NATIVE, NATIVE_BUSY, QUEUE, Load, Measured, run
from rich.console import Console
from rich.table import Table

from asterisk_conf.phones import PhoneError
from asterisk_conf.private import AsteriskFailed
from asterisk_conf.root import SetupError

LOADS = (MENU, QUEUE, NATIVE, BUSY, NATIVE_BUSY)
SLOWEST, FASTEST = 5.0, 1_000.0
"""Calls a second between which the highest rate is searched."""
STEP, EXACT = 1.5, 1.1
PATIENCE_MS = 5_000
TIMES = {
    "response": "response_ms",
    "first sound": "first_sound_ms",
    "variable": "variable_ms",
    "answer to ring": "answer_to_ring_ms",
    "offer to ring": "offer_to_ring_ms",
    "free to offer": "free_to_offer_ms",
    "free to ring": "free_to_ring_ms",
}


@dataclass(slots=True)
class Search:
    """The highest rate that was sustained, and the lowest that was not."""

    load: str
    sustained: float = 0.0
    missed: float | None = None
    tries: list[Measured] = field(default_factory=list)


async def search(directory: Path, load: Load, first: float, options: argparse.Namespace) -> Search:
    found, rates = Search(load.name), [first, first]
    while rates:
        fresh = Path(tempfile.mkdtemp(prefix="search-", dir=directory))
        async with bench(fresh, options.agents, relay=True) as on:
            await on.sign_in()
            while rates:
                found.tries.append(one := await run(on, load, rates.pop(), options.search_seconds, PATIENCE_MS))
                if one.sustained:
                    found.sustained = one.rate
                    rates = _next(found)
                else:
                    if not rates:
                        found.missed = one.rate
                        rates = _next(found)
                    break
    return found


def _next(found: Search) -> list[float]:
    """The rate to be tried next, twice if need be; none when the edge is known, or lies outside of what is searched."""
    if found.missed is None:
        rate = round(found.sustained * STEP, 1)
    elif found.missed > found.sustained * EXACT:
        rate = round(((found.sustained or found.missed / STEP**2) * found.missed) ** 0.5, 1)
    else:
        return []
    return [rate, rate] if SLOWEST <= rate <= FASTEST else []


async def measure(directory: Path, options: argparse.Namespace) -> tuple[list[Measured], list[Search]]:
    rate, seconds = (options.rate / 3, 5.0) if options.short else (options.rate, options.seconds)
    wanted = [load for load in LOADS if load.name in (options.loads or [load.name])]
    async with bench(directory, options.agents, relay=True) as on:
        await on.sign_in()
        measured = [await run(on, load, rate, seconds) for load in wanted]
    if not options.search or options.short:
        return measured, []
    searched = [load for load in wanted if load in (QUEUE, NATIVE)]
    return measured, [await search(directory, load, rate, options) for load in searched]


# What is printed


def load_table(measured: Sequence[Measured]) -> Table:
    table = Table(title="Calls through Asterisk and the engine, and through Asterisk's own Queue")
    table.add_column("load")
    for heading in ("calls/s", "calls", "failed", "talks", "resent", "over after s"):
        table.add_column(heading, justify="right")
    for heading in ("Asterisk CPU", "engine CPU", "others' CPU"):
        table.add_column(heading, justify="right")
    for heading in ("Asterisk ms/call", "engine ms/call", "of native", "engine MB"):
        table.add_column(heading, justify="right")
    natives = {one.queueing: one for one in measured if one.native}
    for one in measured:
        native = natives.get(one.queueing)
        table.add_row(
            one.load,
            f"{one.rate:g}",
            str(one.calls),
            str(one.failed),
            str(one.talks),
            str(one.resent),
            f"{one.took_s:.1f}",
            f"{one.asterisk_cpu_s / one.took_s:.0%}",
            "" if one.native else f"{one.engine_cpu_s / one.took_s:.0%}",
            f"{one.others_cpu_s / one.took_s:.0%}",
            f"{one.asterisk_cpu_s / one.calls * 1_000:.1f}",
            "" if one.native else f"{one.engine_cpu_s / one.calls * 1_000:.1f}",
            f"{one.cpu_ms / native.cpu_ms:.2f}" if native else "",
            "" if one.native else f"{one.engine_kb / 1_024:.0f}",
        )
    return table


def times_table(measured: Sequence[Measured]) -> Table:
    table = Table(title="Times in ms: p50 / p99")
    table.add_column("load")
    for heading in TIMES:
        table.add_column(heading, justify="right")
    for one in measured:
        table.add_row(one.load, *(_pair(getattr(one, name)) for name in TIMES.values()))
    return table


def search_lines(searches: Sequence[Search]) -> Iterator[str]:
    for found in searches:
        tries = ", ".join(f"{one.rate:g}{'' if one.sustained else f' ({_why(one)})'}" for one in found.tries)
        yield f"{found.load}: {found.sustained:g} calls/s sustained without a failure (tried {tries})"
    rates = {found.load: found.sustained for found in searches}
    if rates.get(NATIVE.name) and QUEUE.name in rates:
        yield f"the engine's queue sustains {rates[QUEUE.name] / rates[NATIVE.name]:.2f} times what the native one does"


def _why(one: Measured) -> str:
    return f"{one.late_s:.0f} s late" if one.proper else f"{max(one.failed, one.calls - one.talks)} failed"


def _pair(value: Quantiles | None) -> str:
    return "" if value is None else f"{value.p50:.1f} / {value.p99:.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=60, help="calls a second")
    parser.add_argument("--seconds", type=float, default=20, help="for so long, each load")
    parser.add_argument("--agents", type=int, default=90)
    parser.add_argument("--loads", nargs="+", choices=[load.name for load in LOADS], help="only these")
    parser.add_argument("--search", action=argparse.BooleanOptionalAction, default=True, help="find the highest rates")
    parser.add_argument("--search-seconds", type=float, default=10, help="for so long, each rate that is tried")
    parser.add_argument("--short", action="store_true", help="5 s at a third of the rate, no search: a quick look")
    parser.add_argument("--keep", action="store_true", help="keep all files, also when all went well")
    parser.add_argument("--json", action="store_true")
    return parser


async def main() -> None:
    options = _parser().parse_args()
    directory = Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    try:
        measured, searches = await measure(directory, options)
    except (AsteriskFailed, SetupError, PhoneError, OSError) as error:
        raise SystemExit(f"the benchmark cannot run: {error}\nsee {directory}") from None
    if options.json:
        print(json.dumps({"loads": [*map(asdict, measured)], "highest": [*map(asdict, searches)]}, indent=2))
    else:
        console = Console(width=170, highlight=False)
        console.print(load_table(measured), times_table(measured), *search_lines(searches), sep="\n")
    if options.keep or not all(one.proper for one in measured):
        print(f"logs, SIPp's statistics and the journal are in {directory}", file=sys.stderr)
    else:
        shutil.rmtree(directory)


if __name__ == "__main__":
    asyncio.run(main())
