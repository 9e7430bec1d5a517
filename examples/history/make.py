"""Makes the example's `queue_log`: `python examples/history/make.py [FILE]`.

Three weeks at a small service desk, from 09:00 to 14:00, as Asterisk would have logged them: the simulator plays each
day over the real router, and what it did is written by the code that writes the queue_log of a real centre. Mondays are
busier, every day has a factor of its own, some callers leave at once, and of those who gave up some call again.
"""

import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy
from sqlalchemy import URL

from documents import Source
from router.core.decisions import ContactFinished
from router.core.events import ContactArrived
from router.live.journal import FORMAT, Handled, Header, Journal, policy_hash
from simulations.driver import Replication
from simulations.scenario import Scenario
from simulations.setting import settle
from switchboard.store.database import open_store
from switchboard.store.projector import Projector

ZONE = ZoneInfo("Europe/Dublin")
FIRST_DAY, DAYS = date(2026, 3, 2), 15
RATES = (14, 18, 20, 19, 17, 15, 14, 13, 12, 10)
MONDAYS = 1.25
SCV_OF_DAYS = 0.02
CALLS_AGAIN, WITHIN_MS = 0.4, 480_000
CALLS = {
    "queue": "desk",
    "handle_time_s": {"distribution": "lognormal", "mean": 260, "scv": 0.9},
    "patience_s": {
        "distribution": "mixture",
        "parts": [
            {"share": 0.05, "of": 0},
            {"share": 0.95, "of": {"distribution": "weibull", "mean": 200, "shape": 0.8}},
        ],
    },
}
DESK = {
    "name": "desk",
    "start": "09:00",
    "duration_minutes": 300,
    "interval_minutes": 30,
    "policy": {"queues": {"desk": {"skills": {"desk": 1}, "ring_s": 20}}},
    "answering": {"delay_s": {"distribution": "gamma", "mean": 5, "scv": 0.3}, "no_answer": 0.03},
    "staff": [
        {"group": "aoife", "count": 1, "skills": {"desk": 1}, "shifts": ["09:00-14:30"]},
        {"group": "brian", "count": 1, "skills": {"desk": 1}, "shifts": ["09:00-11:30", "12:00-14:30"]},
        {"group": "ciara", "count": 1, "skills": {"desk": 1}, "shifts": ["09:30-14:00"]},
        {"group": "dara", "count": 1, "skills": {"desk": 1}, "shifts": ["09:00-14:30"], "handle_time_factor": 1.3},
        {"group": "eoin", "count": 1, "skills": {"desk": 1}, "shifts": ["09:30-13:30"]},
        {"group": "fiona", "count": 1, "skills": {"desk": 1}, "shifts": ["10:00-13:00"]},
    ],
}


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("queue_log")
    file.unlink(missing_ok=True)
    dice = numpy.random.default_rng(2026)
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        days = [day for day in (FIRST_DAY + timedelta(days=number) for number in range(60)) if day.weekday() < 5]
        for number, day in enumerate(days[:DAYS]):
            write_journal(directory, day, number, dice)
        store = open_store(URL.create("sqlite", database=str(directory / "records.db")))
        projector = Projector(lambda: store, directory, queue_log=file)
        projector.catch_up()
        projector.close()
    file.write_text(as_asterisk(file.read_text()))
    print(f"{file}: {sum(1 for _ in file.open())} lines")


def as_asterisk(log: str) -> str:
    """The log with names as Asterisk gives them: calls by the second they came, agents without a number."""
    calls: dict[str, str] = {}
    lines = []
    for line in log.splitlines():
        time, call, queue, agent, event, data = line.split("|", 5)
        if event == "ENTERQUEUE":
            calls[call] = f"{time}.{call.rpartition('-')[2]}"
        lines.append("|".join([time, calls.get(call, call), queue, agent.removesuffix("-1"), event, data]))
    return "\n".join(lines) + "\n"


def write_journal(directory: Path, day: date, number: int, dice: numpy.random.Generator) -> None:
    """One simulated day as the journal of an engine."""
    factor = dice.gamma(1 / SCV_OF_DAYS, SCV_OF_DAYS) * (MONDAYS if day.weekday() == 0 else 1)
    arrivals = {"per_interval": [rate * factor for rate in RATES]}
    document = DESK | {"kinds": {"calls": CALLS | {"arrivals": arrivals}}, "start": f"{day} 09:00"}
    setting = settle(Source("desk", document, {}), Scenario.model_validate(document), None)
    replication = Replication(setting, number, keep_log=True)
    replication.run()
    begin_ms = round(setting.scenario.started.replace(tzinfo=ZONE).timestamp() * 1000)
    journal = Journal(directory / f"journal-{begin_ms:020d}.jsonl", "never")
    policy = setting.policy
    journal.append(Header(begin_ms, FORMAT, "desk", "", 1, policy_hash(policy), policy))
    gave_up: list[tuple[int, str]] = []
    caller_of: dict[str, str] = {}
    for at_ms, event, decisions in replication.log:
        if isinstance(event, ContactArrived):
            recent = [caller for left_ms, caller in gave_up if at_ms - left_ms < WITHIN_MS]
            if recent and dice.random() < CALLS_AGAIN:
                caller = recent[0]
                gave_up = [(left_ms, other) for left_ms, other in gave_up if other != caller]
            else:
                caller = f"+3538{dice.integers(10_000_000, 99_999_999)}"
            caller_of[event.contact] = caller
            event = msgspec.structs.replace(event, caller=caller)
        gave_up += [
            (at_ms, caller_of[decision.contact])
            for decision in decisions
            if isinstance(decision, ContactFinished) and decision.outcome == "abandoned"
        ]
        journal.append(Handled(begin_ms + at_ms, event, decisions))
    journal.close()


if __name__ == "__main__":
    main()
