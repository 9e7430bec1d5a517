"""A report: what may be asked for, and its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from router.core.measures import AGENT_METRICS, CONTACT_METRICS, Value, values
from router.core.tallies import AgentTally, ContactTally
from switchboard.reports.figures import agent_tallies, contact_tallies
from switchboard.reports.periods import Interval, Period, periods

Subject = Literal["queues", "agents", "skills", "intents"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
ALL = "(all)"
MOST_PERIODS = 5_000
"""Fifty days of quarter hours."""
EARLIEST_YEAR, LATEST_YEAR = 1990, 2200

_AGENT_TIMES = ("ready_ms", "ringing_ms", "busy_ms", "wrap_up_ms", "paused_ms")
_AGENT_COUNTS = ("offers", "answered", "declined", "no_answer", "offer_failed")


class ReportError(ValueError):
    """The report cannot be made as it was asked for; the message is for the person who asked."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The figures of one queue (agent, skill, intent), or of all, in one period."""

    period: Period
    name: str
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Report:
    """`columns` are the names of the metrics; the reference of metrics says what each means."""

    subject: Subject
    interval: Interval
    columns: tuple[str, ...]
    rows: tuple[ReportRow, ...]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Header and lines: when (the centre's time with its offset), until when, who, and the metrics."""
        header = ["start", "end", self.subject.removesuffix("s"), *self.columns]
        lines = [
            [row.period.start.isoformat(), row.period.end.isoformat(), row.name, *(row.values[c] for c in self.columns)]
            for row in self.rows
        ]
        return header, lines


def check_days(first: date, last: date) -> None:
    """Raises ReportError for days that no report covers."""
    if last < first:
        raise ReportError(f"the last day, {last}, is before the first one, {first}")
    if first.year < EARLIEST_YEAR or last.year >= LATEST_YEAR or (last - first).days >= MOST_PERIODS:
        raise ReportError(
            f"{first} to {last} is more than one report covers: at most {MOST_PERIODS} days, from {EARLIEST_YEAR} on"
        )


def make_report(
    connection: Connection,
    subject: Subject,
    first: date,
    last: date,
    zone: ZoneInfo,
    interval: Interval,
    now_ms: int,
    names: Sequence[str] = (),
    escalations: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    """The report of the days `first` to `last`, both included. `names`: only of these, by default of all there were.
    `escalations`: the second level of each queue that has one.

    Raises ReportError for days that make no sense.
    """
    check_days(first, last)
    asked = periods(first, last, zone, interval)
    if len(asked) > MOST_PERIODS:
        raise ReportError(
            f"{len(asked)} intervals are too many for one report (at most {MOST_PERIODS}); ask for fewer days"
        )
    tallies: dict[tuple[int, str], ContactTally | AgentTally] = {}
    if subject == "agents":
        tallies.update(agent_tallies(connection, asked, now_ms))
    else:
        tallies.update(contact_tallies(connection, subject, asked, now_ms, escalations))
    wanted = {*names} or {name for _, name in tallies}
    rows = [
        ReportRow(asked[index], name or ALL, _values(tally))
        for (index, name), tally in sorted(tallies.items(), key=lambda item: item[0])
        if name in wanted
    ]
    return Report(subject, interval, _columns(subject), tuple(rows))


def _columns(subject: Subject) -> tuple[str, ...]:
    if subject == "agents":
        return (*_AGENT_TIMES, *_AGENT_COUNTS, *(metric.name for metric in AGENT_METRICS))
    return tuple(metric.name for metric in CONTACT_METRICS)


def _values(tally: ContactTally | AgentTally) -> dict[str, Value]:
    if isinstance(tally, ContactTally):
        return values(tally)
    return {name: getattr(tally, name) for name in (*_AGENT_TIMES, *_AGENT_COUNTS)} | values(tally)
