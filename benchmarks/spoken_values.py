"""Values that a voice says for callers on the line: what a hit and a miss of the cache cost, how many there are, and
what the engine's event loop notices of it.

Callers ask for amounts, at this rate. A few amounts are frequent (a monthly fee), most are seen once: the n-th is asked
for with a probability in proportion to 1/n (Zipf). Beside it: what the voice alone needs for a text, without anything
that makes it a prompt.

    python benchmarks/spoken_values.py [--rate 20] [--seconds 10] [--amounts 500] [--language zh] [--engine espeak]
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from asterisk_conf.root import cache_directory
from ivr.flow.effects import Say
from ivr.speech.synthesis import Environment, Voice, engines
from ivr.speech.values import SpokenValues, ValueRules
from ivr.words.language import words

TICK_S = 0.005


async def lateness_ms(seconds: float) -> list[float]:
    """How late timers of this event loop are, while the block goes on for so long."""
    loop, found = asyncio.get_running_loop(), []
    until = loop.time() + seconds
    while loop.time() < until:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        found.append((loop.time() - due) * 1_000)
    return found


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=20, help="values a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--amounts", type=int, default=500, help="how many different ones there are")
    parser.add_argument("--language", default="zh")
    parser.add_argument("--engine", default="espeak")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    known = engines()[options.engine]
    environment = Environment(cache=cache_directory())
    engine = known(environment)
    if problem := engine.missing():
        print(problem, file=sys.stderr)
        return 1
    voice = Voice(options.engine, known.languages[options.language])
    dice = np.random.default_rng(1)
    amounts = [f"{units}.{cents:02} EUR" for units, cents in dice.integers((1, 0), (3_000, 100), (options.amounts, 2))]
    share = 1 / np.arange(1, options.amounts + 1)
    asked = dice.choice(options.amounts, round(options.rate * options.seconds), p=share / share.sum())
    formats = ("ulaw", "alaw", "sln")
    rules = ValueRules(lambda value, tag: voice, lambda tag, piece: None, formats, 30.0, environment=environment)
    with tempfile.TemporaryDirectory(prefix="spoken-values-") as name:
        values = SpokenValues(Path(name), lambda: rules)
        await values.warm([options.language])
        quiet = await lateness_ms(2)
        took_ms: dict[bool, list[float]] = {True: [], False: []}
        before = values.hits, values.made

        async def caller(amount: str) -> None:
            hits, began = values.hits, time.perf_counter()
            await values.sounds([Say("money", amount)], options.language)
            took_ms[values.hits > hits].append((time.perf_counter() - began) * 1_000)

        watching = asyncio.create_task(lateness_ms(options.seconds))
        callers = []
        for number in asked:
            callers.append(asyncio.create_task(caller(amounts[number])))
            await asyncio.sleep(1 / options.rate)
        busy = await watching
        await asyncio.gather(*callers)
        hits, made = values.hits - before[0], values.made - before[1]
        began = time.perf_counter()
        texts = [text for amount in amounts[:20] if (text := words("money", amount, options.language))]
        for text in texts:
            engine.speak(text, voice)
        alone_ms = (time.perf_counter() - began) / len(texts) * 1_000
        values.close()
    figures = {
        "asked": len(asked),
        "hits": hits,
        "made": made,
        "hit_ms": _median(took_ms[True]),
        "miss_ms": _median(took_ms[False]),
        "miss_p95_ms": float(np.percentile(took_ms[False], 95)),
        "engine_alone_ms": alone_ms,
        "late_p99_quiet_ms": float(np.percentile(quiet, 99)),
        "late_p99_busy_ms": float(np.percentile(busy, 99)),
    }
    if options.json:
        print(json.dumps(figures))
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_row("values asked for", f"{len(asked)}")
    table.add_row("cache hits", f"{hits} ({hits / len(asked):.0%}), {figures['hit_ms']:.2f} ms each")
    table.add_row("said anew", f"{made}, {figures['miss_ms']:.0f} ms each (p95 {figures['miss_p95_ms']:.0f} ms)")
    table.add_row(f"{options.engine} alone", f"{alone_ms:.0f} ms for a text")
    late = f"{figures['late_p99_busy_ms']:.1f} ms (p99); without values {figures['late_p99_quiet_ms']:.1f} ms"
    table.add_row("timers late by", late)
    Console().print(table)
    return 0


def _median(found: list[float]) -> float:
    return float(np.median(found)) if found else float("nan")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
