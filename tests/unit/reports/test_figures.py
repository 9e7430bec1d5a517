"""A report from the records equals what the engine's own metrics counted of the same journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL, Connection

from router.core import events as e
from router.core.metrics import Metrics
from router.core.tallies import AgentTally, ContactTally, Waits
from router.live.journal import Fact, Handled
from switchboard.facts import FLOW_ENDED, SURVEY
from switchboard.reports.figures import TOTAL, agent_tallies, contact_tallies
from switchboard.reports.periods import Period
from switchboard.reports.report import MOST_PERIODS, Report, ReportError, Subject, make_report
from switchboard.store.database import open_store
from switchboard.store.projector import Projector
from tests.support.journals import BEGIN_MS, Day

QUARTER_MS = 15 * 60_000
TODAY = datetime.fromtimestamp(BEGIN_MS / 1000, UTC).date()


@contextmanager
def records_of(directory: Path) -> Iterator[Connection]:
    store = open_store(URL.create("sqlite", database=str(directory / "records.db")))
    projector = Projector(lambda: store, directory)
    projector.catch_up()
    with store.connect() as connection:
        yield connection
    projector.close()


def counted_live(day: Day) -> Metrics:
    metrics = Metrics(day.router.policy, start_ms=BEGIN_MS, interval_ms=QUARTER_MS, escalations={"billing": "tech"})
    for record in day.log:
        if isinstance(record, Handled):
            metrics.handled(record.event, record.decisions, record.at_ms)
        elif isinstance(record, Fact) and record.kind == FLOW_ENDED:
            metrics.flow_finished(record.data["contained"], record.at_ms)
        elif isinstance(record, Fact) and record.kind == SURVEY:
            metrics.survey_answered(*(record.data[name] for name in ("question", "score", "queue")), record.at_ms)
    return metrics


def sums(tally: ContactTally | AgentTally) -> dict[str, Any]:
    """Every sum of the tally; without the buckets of the sketch that are empty again."""
    found = {name: getattr(tally, name) for name in tally.__struct_fields__}
    if isinstance(waits := found.get("waits"), Waits):
        found["waits"] = {bucket: count for bucket, count in waits.buckets.items() if count}
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_report_equals_the_live_metrics_interval_by_interval(tmp_path: Path, seed: int) -> None:
    day = Day(tmp_path, seed).busy(500)
    live = counted_live(day).report(day.now_ms)
    asked = [_quarter(number) for number in range(len(live.intervals))]
    whole = live.whole.all_queues.tally
    assert min(whole.transferred, whole.callbacks_reached, whole.repeated, whole.followed, whole.hold_ms) > 0
    assert min(whole.csat_answers, whole.nps_answers, whole.ces_answers, whole.nps_detractors) > 0
    with records_of(tmp_path) as connection:
        queues = contact_tallies(connection, "queues", asked, day.now_ms, {"billing": "tech"})
        agents = agent_tallies(connection, asked, day.now_ms)
    for number, interval in enumerate(live.intervals):
        for name, queue in {TOTAL: interval.all_queues, **interval.queues}.items():
            empty = ContactTally(span_ms=interval.end_ms - interval.start_ms)
            assert sums(queues.get((number, name), empty)) == sums(queue.tally), (number, name)
        for name, agent in {TOTAL: interval.all_agents, **interval.agents}.items():
            assert sums(agents.get((number, name), AgentTally())) == sums(agent.tally), (number, name)


@pytest.mark.parametrize("subject", ["queues", "agents", "skills", "intents"])
def test_the_intervals_of_a_day_add_up_to_the_day(tmp_path: Path, subject: Subject) -> None:
    day = Day(tmp_path, 7).busy(400)
    with records_of(tmp_path) as connection:
        by_day, by_quarter = (_report(connection, subject, day, interval) for interval in ("day", "15"))
    counts = ("answered", "offers") if subject == "agents" else ("arrived", "answered", "abandoned", "offers", "flows")
    names = {row.name for row in by_day.rows}
    assert len(names) >= 2
    for name in names:
        for count in counts:
            whole = sum(row.values[count] or 0 for row in by_day.rows if row.name == name)
            assert whole == sum(row.values[count] or 0 for row in by_quarter.rows if row.name == name), (name, count)


def test_a_contact_counts_for_each_skill_it_needs_and_for_its_intent(tmp_path: Path) -> None:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    day.call("c1", "invoice", contained=True)
    day.feed(e.ContactArrived("c1", "billing", attributes={"intent": "invoice"}))
    day.feed(e.ContactArrived("c2", "tech", attributes={"intent": "=1"}))
    with records_of(tmp_path) as connection:
        skills = _report(connection, "skills", day)
        intents = _report(connection, "intents", day)
    assert {row.name: row.values["arrived"] for row in skills.rows} == {"(all)": 2, "billing": 1}
    assert {row.name: row.values["arrived"] for row in intents.rows} == {"(all)": 2, "invoice": 1, "=1": 1}
    assert {row.name: row.values["containment_share"] for row in intents.rows}["invoice"] == 1.0


def test_what_is_going_on_is_counted_up_to_now(tmp_path: Path) -> None:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    day.wait(60_000)
    day.feed(e.AgentPaused("anna", "lunch"))
    day.feed(e.ContactArrived("c1", "tech"))
    day.wait(30_000)
    with records_of(tmp_path) as connection:
        (_, anna) = _report(connection, "agents", day).rows
        (_, tech) = _report(connection, "queues", day).rows
    assert (anna.values["ready_ms"], anna.values["paused_ms"]) == (60_000, 30_000)
    begin_ms = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp() * 1000
    assert tech.values["mean_queue_length"] == pytest.approx(30_000 / (day.now_ms - begin_ms))


def test_only_the_names_that_were_asked_for(tmp_path: Path) -> None:
    day = Day(tmp_path, 3).busy(100)
    with records_of(tmp_path) as connection:
        found = make_report(
            connection, "queues", TODAY, TODAY + timedelta(1), ZoneInfo("Etc/UTC"), "day", day.now_ms, ("tech",)
        )
    assert {row.name for row in found.rows} == {"tech"}


def test_days_that_make_no_sense_are_refused_in_words(tmp_path: Path) -> None:
    Day(tmp_path)
    zone = ZoneInfo("Etc/UTC")
    with records_of(tmp_path) as connection:
        with pytest.raises(ReportError, match="2026-05-01, is before the first one, 2026-05-02"):
            make_report(connection, "queues", date(2026, 5, 2), date(2026, 5, 1), zone, "day", BEGIN_MS)
        with pytest.raises(ReportError, match=f"at most {MOST_PERIODS}"):
            make_report(connection, "queues", date(2020, 1, 1), date(2026, 1, 1), zone, "15", BEGIN_MS)


def _quarter(number: int) -> Period:
    start_ms = BEGIN_MS + number * QUARTER_MS
    start, end = (datetime.fromtimestamp(at_ms / 1000, UTC) for at_ms in (start_ms, start_ms + QUARTER_MS))
    return Period(start_ms, start_ms + QUARTER_MS, start, end)


def _report(connection: Connection, subject: Subject, day: Day, interval: Any = "day") -> Report:
    until = datetime.fromtimestamp(day.now_ms / 1000, UTC).date()
    return make_report(connection, subject, TODAY, until, ZoneInfo("Etc/UTC"), interval, day.now_ms)
