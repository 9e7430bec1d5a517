"""How fast a phone system's records are imported, and how much memory that takes.

`python benchmarks/history_import.py [--rows 1000000]` makes a `queue_log`, a `Master.csv` and a CSV file of so many
rows in a temporary directory, imports each in a process of its own, and prints the seconds, the rows per second and the
most memory of the process. Beside them the same file is only taken apart by Python's `csv` module, without any
meaning: what a reader that does nothing needs. Aim: a million rows in under 30 s and 1 GB.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

BEGIN_S = 1_772_434_800
MAPPING = """columns: {arrived: Start, contact: Id, queue: Queue, caller: From, wait: Wait, talk: Talk, agent: Agent}
time_format: "%d/%m/%Y %H:%M:%S"
"""

_CHILD = r"""
import json, re, sys, time
begun = time.perf_counter()
{work}
most = int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps([time.perf_counter() - begun, most, count]))
"""
_IMPORT = """
from pathlib import Path
from switchboard.history.importing import Options, import_history
to = Path(sys.argv[2])
mapping = Path(sys.argv[3]) if len(sys.argv) > 3 else None
made = import_history([sys.argv[1]], to, Options(time_zone="UTC", mapping=mapping))
made.write(to)
count = len(made.history.contacts)
assert len(made.refusals) == 0, made.refusals.by_reason()
"""
_PEER = """
import csv
count = 0
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    for row in csv.reader(file, delimiter=sys.argv[2]):
        count += 1
"""


def calls() -> Iterator[tuple[int, str, str, str, int, int, int, str]]:
    """Arrival, id, queue, caller, wait, talk (0: abandoned), ring, agent."""
    dice, at = random.Random(1), BEGIN_S
    number = 0
    while True:
        number += 1
        at += dice.randrange(0, 6)
        wait, answered = dice.randrange(0, 90), dice.random() < 0.92
        agent = f"PJSIP/agent{dice.randrange(200)}" if answered else ""
        caller = f"+3460{dice.randrange(10_000_000):07d}"
        talk = dice.randrange(20, 600) if answered else 0
        yield at, f"{at}.{number}", f"queue{dice.randrange(8)}", caller, wait, talk, min(wait, 5), agent


def queue_log(path: Path, rows: int) -> None:
    lines: list[tuple[int, str]] = []
    for at, callid, queue, caller, wait, talk, ring, agent in calls():
        lines.append((at, f"{callid}|{queue}|NONE|ENTERQUEUE||{caller}|1"))
        end = at + wait + talk
        if talk:
            lines.append((at + wait, f"{callid}|{queue}|{agent}|CONNECT|{wait}|{callid}9|{ring}"))
            lines.append((end, f"{callid}|{queue}|{agent}|COMPLETECALLER|{wait}|{talk}|1"))
        else:
            lines.append((end, f"{callid}|{queue}|NONE|ABANDON|1|1|{wait}"))
        if len(lines) >= rows:
            break
    lines.sort(key=lambda line: line[0])
    path.write_text("".join(f"{at}|{text}\n" for at, text in lines[:rows]))


def master(path: Path, rows: int) -> None:
    with path.open("w") as file:
        for number, (at, callid, queue, caller, wait, talk, _, agent) in enumerate(calls()):
            if number == rows:
                break
            start = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
            to, end = (f"{agent}-0000{number % 9999:04d}", "ANSWERED") if talk else ("", "NO ANSWER")
            file.write(
                f'"","{caller}","600","from-trunk","""A"" <{caller}>","PJSIP/trunk-{number:08x}","{to}","Queue",'
                f'"{queue},tT,,,60","{start}","","",{wait + talk},{talk},"{end}","DOCUMENTATION","{callid}",""\n'
            )


def export(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("Start,Id,Queue,From,Wait,Talk,Agent\n")
        for number, (at, callid, queue, caller, wait, talk, _, agent) in enumerate(calls()):
            if number == rows:
                break
            start = f"{datetime.fromtimestamp(at, UTC):%d/%m/%Y %H:%M:%S}"
            file.write(f"{start},{callid},{queue},{caller},{wait},{talk or ''},{agent}\n")


def measured(work: str, *arguments: object) -> tuple[float, float, int]:
    code = _CHILD.format(work=work)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]).stdout
    seconds, megabytes, count = json.loads(out)
    return seconds, megabytes, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    kinds: tuple[tuple[str, str, Callable[[Path, int], None]], ...] = (
        ("queue_log", "|", queue_log),
        ("Master.csv", ",", master),
        ("calls.csv", ",", export),
    )
    print(f"{rows:,} rows        seconds      rows/s   most memory   contacts")
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        (directory / "mapping.yaml").write_text(MAPPING)
        for name, delimiter, write in kinds:
            write(directory / name, rows)
            mapping = [directory / "mapping.yaml"] if name == "calls.csv" else []
            seconds, megabytes, count = measured(_IMPORT, directory / name, directory / f"{name}.history", *mapping)
            print(f"{name:14} import {seconds:7.1f} {rows / seconds:11,.0f} {megabytes:10,.0f} MB {count:10,}")
            seconds, megabytes, _ = measured(_PEER, directory / name, delimiter)
            print(f"{'':14} csv    {seconds:7.1f} {rows / seconds:11,.0f} {megabytes:10,.0f} MB")


if __name__ == "__main__":
    main()
