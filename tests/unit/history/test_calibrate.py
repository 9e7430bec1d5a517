"""Calibration: what it makes of histories that are odd, and the scenarios that it writes."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from documents import DocumentError, read, validate
from simulations.history.busyness import Dispersion, Within
from simulations.history.calibration import calibrate
from simulations.history.directory import write_history
from simulations.history.durations import fit_durations
from simulations.history.form import AGENT_TIMES_SCHEMA, CONTACTS_SCHEMA, History, choices_table
from simulations.history.page import calibration_report
from simulations.history.patience import fit_patience
from simulations.history.redialling import redials_of
from simulations.history.refusals import Refusals
from simulations.history.scenarios import scenario_of_weekday, yaml_text
from simulations.history.staffing import presence, served
from simulations.history.writing import calibration_files
from simulations.replications import replicate
from simulations.reports import html
from simulations.scenario import Scenario
from simulations.setting import settle
from switchboard.cli.history import app
from tests.support.histories import MADRID

Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def changed(history: History, change: Change) -> History:
    rows = [new for row in history.contacts.to_pylist() if (new := change(dict(row))) is not None]
    table = pa.Table.from_pylist(rows, schema=CONTACTS_SCHEMA)
    return History(table, history.agent_times, history.choices, history.about)


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=MADRID).timestamp() * 1000)


def contact(at: str, **values: Any) -> dict[str, Any]:
    row = {field.name: "" if field.type == pa.string() else None for field in CONTACTS_SCHEMA}
    known = {"queue": "q", "channel": "voice", "arrived_ms": moment(at), "wait_ms": 5_000, "outcome": "answered"}
    work = {"agent": "anna", "talk_ms": 100_000, "offers": 1, "refused": 0}
    return row | known | work | values


def history_of(*rows: dict[str, Any]) -> History:
    ordered = sorted(rows, key=lambda row: row["arrived_ms"])
    contacts = pa.Table.from_pylist(ordered, schema=CONTACTS_SCHEMA)
    return History(contacts, AGENT_TIMES_SCHEMA.empty_table(), choices_table([]), {"time_zone": "Europe/Madrid"})


def test_the_scenarios_read_run_and_are_for_people(shop: History, shop_directory: Path, tmp_path: Path) -> None:
    result = run(shop_directory, "--out", tmp_path / "out", "--name", "the shop")
    assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    weekdays = ["friday", "monday", "thursday", "tuesday", "wednesday"]
    names = ("agents", "arrivals", "days", "groups", "kinds", "patience")
    tables = [f"{name}.{kind}" for name in names for kind in ("csv", "parquet")]
    report = ["report.html", "report.md", "report.xlsx", "results.json"]
    assert files == sorted([*tables, *report, *(f"scenario-{day}.yaml" for day in weekdays)])
    days = pq.read_table(tmp_path / "out/days.parquet").to_pylist()
    assert (len(days), days[0]["day"], sum(day["sales"] for day in days)) == (9, "2026-03-02", len(shop.contacts))
    assert (tmp_path / "out/report.html").read_text().count("<svg") == 6
    assert "| sales | sales |" in (tmp_path / "out/report.md").read_text()
    assert "| sales | sales | 3: sellers-1, sellers-2, sellers-3 |" in (tmp_path / "out/report.md").read_text()
    text = (tmp_path / "out/scenario-monday.yaml").read_text()
    assert "from 2 days of the shop" in text
    assert "#   sales: sellers-1, sellers-2, sellers-3\n" in text
    assert "  - {group: sales, count: 3, skills: {sales: 1}, shifts: ['09:00-12:30']}\n" in text
    assert max(map(len, text.splitlines())) <= 120
    source = read(text, "s.yaml")
    setting = settle(source, validate(source, Scenario), None)
    whole = replicate(setting, 0).whole.all_queues
    assert 60 < whole.arrived < 180
    assert whole.answered > whole.arrived / 2


def test_each_agent_apart_if_asked_for(shop_directory: Path, tmp_path: Path) -> None:
    assert run(shop_directory, "--out", tmp_path, "--each-agent").exit_code == 0
    staff = yaml.safe_load((tmp_path / "scenario-monday.yaml").read_text())["staff"]
    assert [(one["group"], one["count"]) for one in staff] == [(f"sellers-{number}", 1) for number in (1, 2, 3)]


def test_queues_that_agents_serve() -> None:
    """Five contacts and a hundredth of the agent's make a queue; signing in to it does, too; no queue and no agent is
    left without."""
    taken = {
        "anna": Counter(sales=995, support=4),
        "ben": Counter(sales=995, support=5),
        "cleo": Counter(sales=95, support=5),
        "dan": Counter(sales=2, support=1),
        "eve": Counter(sales=50, rare=1),
    }
    joined = {agent: {"help"} if agent == "anna" else set() for agent in taken} | {"fay": {"sales"}}
    assert served(taken, joined) == {
        "anna": ("help", "sales"),
        "ben": ("sales",),
        "cleo": ("sales", "support"),
        "dan": ("sales",),
        "eve": ("rare", "sales"),
        "fay": ("sales",),
    }


def test_the_figures_as_json_are_all_that_is_printed(shop_directory: Path, tmp_path: Path) -> None:
    result = run(shop_directory, "--out", tmp_path, "--json")
    said = json.loads(result.stdout)
    assert said == json.loads((tmp_path / "results.json").read_text())
    assert said["kinds"]["sales"]["handle_time"]["chosen"]["distribution"] == "lognormal"
    assert len(said["kinds"]["sales"]["arrivals"]["monday"]["mean"]) == 6


def test_busy_days_and_redials_are_written_as_scenarios_say_them(shop: History) -> None:
    """Every second week of each weekday is twice as busy; who gives up calls again."""
    dice = numpy.random.default_rng(1)
    rows: list[dict[str, Any]] = []
    for number in range(20):
        day = date(2026, 3, 2) + timedelta(days=number + 2 * (number // 5))
        for caller in range(200 if number // 5 % 2 else 100):
            begin = moment(f"{day} 09:00") + int(dice.integers(0, 7_200_000))
            name = f"{day}/{caller}"
            work = int(dice.lognormal(5, 0.7) * 1000)
            if dice.random() < 0.2:
                rows.append(
                    contact(
                        f"{day} 09:00",
                        arrived_ms=begin,
                        caller=name,
                        outcome="abandoned",
                        agent="",
                        wait_ms=30_000,
                        talk_ms=None,
                    )
                )
                if dice.random() < 0.5:
                    again = begin + 30_000 + int(dice.exponential(120) * 1000)
                    rows.append(contact(f"{day} 09:00", arrived_ms=again, caller=name, talk_ms=work))
            else:
                rows.append(contact(f"{day} 09:00", arrived_ms=begin, caller=name, talk_ms=work))
    history = history_of(*rows)
    found = calibrate(history)
    known, again = found.redialling.after["abandoned"]
    assert abs(again / known - 0.5) < 3.5 * (0.25 / known) ** 0.5
    delay = found.redialling.delays["abandoned"]
    assert delay is not None
    assert abs(delay.mean_s - 120) < 3.5 * delay.mean_error_s
    assert found.days.counts.sum() == len(rows) - found.redialling.again.sum(), "redials are no arrivals"
    assert found.together.found
    document = scenario_of_weekday(found, 0, "x")
    scv = document["busyness"]["scv"]
    assert scv == pytest.approx(0.13, abs=0.05)  # 100 and 200: a third of the mean, 4 / 3 with two weeks each
    assert document["kinds"]["q"]["redials"]["abandoned"]["share"] == round(again / known, 4)
    source = read(yaml_text(document, []), "s.yaml")
    scenario = validate(source, Scenario)
    assert scenario.busyness is not None
    assert scenario.busyness.scv == scv
    settle(source, scenario, None)


def test_who_calls_again_late_or_elsewhere_is_no_redial() -> None:
    gone = {"outcome": "abandoned", "agent": "", "wait_ms": 10_000, "talk_ms": None}
    history = history_of(
        contact("2026-03-02 09:00", caller="a", **gone),
        contact("2026-03-02 09:05", caller="a"),  # a redial
        contact("2026-03-02 09:00", caller="b", **gone),
        contact("2026-03-02 10:30", caller="b"),  # too late
        contact("2026-03-02 09:00", caller="c", **gone),
        contact("2026-03-02 09:05", caller="c", queue="other"),
        contact("2026-03-02 09:00", caller="", **gone),
        contact("2026-03-02 09:05", caller=""),
        contact("2026-03-02 09:10", caller="d"),
        contact("2026-03-02 09:15", caller="d"),  # was answered before
        contact("2026-03-02 11:55", caller="e", **gone),  # the records end before it could call again
        contact("2026-03-02 12:00", caller="f"),
    )
    found = redials_of(history)
    assert found.after["abandoned"] == (3, 1)
    assert int(found.again.sum()) == 1


def test_notes_say_what_is_so(shop: History) -> None:
    """Nine days of a history without callers' numbers: one Friday, two of the others."""
    notes = calibrate(shop).notes
    assert "there is one Friday only" in notes
    assert [note for note in notes if "the records have no callers' numbers" in note]
    once = calibrate(shop, dates=calibrate(shop).days.dates[:3]).notes
    assert not [note for note in once if " only" in note]  # one note for all weekdays together is enough


def test_a_key_that_leads_to_another_queue_is_no_arrival_there(shop: History) -> None:
    """Every third of those who wait presses 2 after ten seconds, and most of them come to support by it."""
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(shop.contacts.to_pylist()):
        if row["wait_ms"] > 10_000 and number % 3 == 0:
            rows.append(row | {"outcome": "left", "wait_ms": 10_000, "exit": "2", "agent": "", "talk_ms": None})
            at = {"queue": "support", "arrived_ms": row["arrived_ms"] + 10_500, "wait_ms": 9_000, "agent": "zoe"}
            if number % 5:
                rows.append(row | at | {"outcome": "answered", "talk_ms": 120_000 + row["arrived_ms"] % 90_000})
        else:
            rows.append(row)
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: row["arrived_ms"]), schema=CONTACTS_SCHEMA)
    found = calibrate(History(table, shop.agent_times, shop.choices, shop.about))
    moved = sum(row["queue"] == "support" for row in rows)
    assert moved > 20
    assert found.second_stays.sum() == moved
    assert found.days.counts.sum() == len(rows) - moved
    document = scenario_of_weekday(found, 0, "x")
    key = document["kinds"]["sales"]["waiting_keys"]["2"]
    assert (key["to_queue"], key["queue"]) == ("support", "sales")
    assert key["after_s"] == {"distribution": "constant", "value": 10}
    (fit,) = found.fits[0].keys
    assert abs(fit.share - 1 / 3) < 3.5 * fit.error
    source = read(yaml_text(document, ["x"]), "s.yaml")
    setting = settle(source, validate(source, Scenario), None)
    assert replicate(setting, 0).whole.queues["support"].arrived > 0
    report = html(calibration_report(found, "x", None))
    assert "Keys while waiting" in report
    assert "leads to" in report


def test_a_scenario_has_days_that_differ_and_intervals_that_differ_within_them(shop: History) -> None:
    """What the intervals add to the days is not the days' own."""
    found = calibrate(shop)
    busy = Dispersion(10, 9, 3.0, 0.001, 0.03, 0.004)
    for whole, expected in ((busy, {"scv": 0.02}), (replace(busy, p_value=0.3), {})):
        within = Within(1.5, 0.001, 0.05, 0.004, 0.4, 0.01)
        document = scenario_of_weekday(replace(found, together=whole, within=within, correlation=None), 0, "x")
        assert document["busyness"] == {
            "distribution": "gamma",
            **expected,
            "within_day": {"scv": 0.05, "correlation": 0.4},
        }
        source = read(yaml_text(document, []), "s.yaml")
        settle(source, validate(source, Scenario), None)
        said = html(calibration_report(replace(found, within=within), "x", None))
        assert "a further factor with scv 0.05 ± 0.008, which resembles that before with a correlation of 0.40" in said
    same = replace(found, together=replace(busy, p_value=0.3), within=Within(1.02, 0.4, 0.001, 0.002, 0.1, 0.0))
    assert "busyness" not in scenario_of_weekday(same, 0, "x")
    assert "intervals differ no more than chance allows" in html(calibration_report(same, "x", None))


def test_one_day_says_nothing_of_days_and_is_used_all_the_same(shop: History) -> None:
    first = moment("2026-03-03 00:00")
    found = calibrate(changed(shop, lambda row: row if row["arrived_ms"] < first else None))
    assert found.days.dates == (date(2026, 3, 2),)
    assert any("there is one day only" in note for note in found.notes)
    assert "busyness" not in scenario_of_weekday(found, 0, "x")


def test_nobody_who_gives_up_is_patient_for_ever_and_told(shop: History) -> None:
    found = calibrate(changed(shop, lambda row: row if row["outcome"] != "abandoned" else None))
    assert any("0 gave up, too few to tell" in note for note in found.notes)
    assert "patience_s" not in scenario_of_weekday(found, 0, "x")["kinds"]["sales"]


def test_a_queue_of_which_nobody_was_answered_teaches_no_work(
    shop_directory: Path, shop: History, tmp_path: Path
) -> None:
    def unanswered(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"outcome": "abandoned", "agent": "", "talk_ms": None}

    write_history(changed(shop, unanswered), Refusals(), b"k" * 32, tmp_path / "h")
    result = run(tmp_path / "h", "--out", tmp_path / "out")
    assert isinstance(result.exception, DocumentError)
    assert f"of the {len(shop.contacts)} contacts of 'sales' not one was answered" in str(result.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--queue", "slaes"], r"there is no queue 'slaes' in the history \(did you mean 'sales'"),
        (["--hours", "20:00-22:00"], "no contact came within these hours"),
        (["--time-zone", "Mars"], "there is no time zone 'Mars'"),
    ],
)
def test_what_is_not_there(shop_directory: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run(shop_directory, "--out", tmp_path / "out", *arguments)
    assert isinstance(result.exception, DocumentError)
    with pytest.raises(DocumentError, match=message):
        raise result.exception
    assert not (tmp_path / "out").exists()


def two_mondays(**of_second: Any) -> History:
    """Somebody calls for "vip" on both, but who serves it is there on the first one only."""
    usual = [contact(f"2026-03-{day:02} 09:{minute:02}") for day in (2, 9) for minute in range(0, 60, 4)]
    served = [contact(f"2026-03-02 09:{minute}", queue="vip", agent="vera") for minute in range(10, 50, 4)]
    return history_of(*usual, *served, contact("2026-03-09 09:30", queue="vip", **UNANSWERED | of_second))


UNANSWERED = {"outcome": "abandoned", "agent": "", "talk_ms": None, "offers": 0}


def test_a_queue_that_nobody_served_on_the_last_such_day_is_left_out_and_told() -> None:
    found = calibrate(two_mondays())
    assert "on the last Monday (2026-03-09) nobody was there who serves vip: left out" in found.notes
    document = yaml.safe_load(calibration_files(found, "h")["scenario-monday.yaml"])
    assert (list(document["policy"]["queues"]), list(document["kinds"])) == (["q"], ["q"])
    there = calibrate(two_mondays(outcome="answered", agent="vera", talk_ms=300_000))
    document = yaml.safe_load(calibration_files(there, "h")["scenario-monday.yaml"])
    assert sorted(document["kinds"]) == ["q", "vip"]
    assert not any("left out" in note and "Monday" in note for note in there.notes)


def test_records_without_agents_make_no_scenario() -> None:
    nobody = calibrate(history_of(*(contact(f"2026-03-02 09:{minute:02}", agent="") for minute in range(20))))
    with pytest.raises(DocumentError, match=r"no agent is known to have been there .* name their column 'agent'"):
        calibration_files(nobody, "h")


def test_a_queue_whose_work_is_not_known_is_named_with_those_that_are_left() -> None:
    odd = contact("2026-03-02 09:20", queue="odd", talk_ms=None)
    with pytest.raises(DocumentError) as raised:
        calibrate(history_of(contact("2026-03-02 09:00"), contact("2026-03-02 09:10"), odd))
    (problem,) = raised.value.problems
    assert problem.message == (
        "of the 1 contacts of 'odd' 1 was answered, with no talk known, so nothing is known of the work"
    )
    assert problem.hint == "leave its queue out: --queue q"


def test_wrong_usage(shop_directory: Path, tmp_path: Path) -> None:
    for arguments in (["--hours", "nine to five"], ["--hours", "09:00-17:15"], ["--interval", "1"]):
        assert run(shop_directory, "--out", tmp_path / "out", *arguments).exit_code == 2
    assert "there is no history here" in str(run(tmp_path, "--out", tmp_path / "out").exception)
    (tmp_path / "file").write_text("")
    assert run(shop_directory, "--out", tmp_path / "file").exit_code == 3


def test_hours_and_days_that_do_not_count() -> None:
    days = [date(2026, 10, 22) + timedelta(days=number) for number in range(5)]
    rows = [contact(f"{day} {hour:02d}:30") for day in days for hour in range(24) if (day, hour) > (days[0], 11)]
    found = calibrate(history_of(*rows))
    assert dict(found.days.dropped) == {
        date(2026, 10, 22): "the records begin in the middle of it",
        date(2026, 10, 25): "the clock was changed within the hours that count",
    }
    assert found.days.counts.shape == (1, 3, 47)  # from 00:30 on
    by_day = calibrate(history_of(*rows), hours=(480, 1_080))
    assert date(2026, 10, 25) in by_day.days.dates, "the clock was changed at night"


def test_kinds_are_told_apart_within_and_between_queues() -> None:
    rows = [
        contact(
            f"2026-03-0{day} 09:{minute:02d}",
            queue=queue,
            kind=kind,
            arrived_ms=moment(f"2026-03-0{day} 09:00") + minute * 60_000,
        )
        for day in (2, 3)
        for minute in range(40)
        for queue, kind in (("a", "bill"), ("b", "bill"), ("b", "card"))
    ]
    rows += [contact("2026-03-02 09:10", queue="b", kind="rare")]
    found = calibrate(history_of(*rows))
    assert sorted(fit.name for fit in found.fits) == ["b", "bill in a", "bill in b", "card"]
    assert {fit.name: fit.queue for fit in found.fits}["card"] == "b"


def test_presence_is_guessed_from_contacts_where_nothing_else_tells() -> None:
    rows = [contact(f"2026-03-02 {clock}", ring_ms=5_000) for clock in ("09:00", "09:20", "09:40", "11:00", "11:30")]
    there = presence(history_of(*rows))
    assert not there.seen
    # From the first ring to the end of the last talk, a gap of more than 45 minutes apart.
    assert there.on(date(2026, 3, 2), MADRID) == {"anna": ((540, 582), (660, 692))}
    assert there.queues == {"anna": ("q",)}


def test_overflow_after_a_limit_and_wrap_up_are_seen(shop: History) -> None:
    def limited(row: dict[str, Any]) -> dict[str, Any]:
        row["wrap_up_ms"] = 20_000 + row["arrived_ms"] % 10_000 if row["outcome"] == "answered" else None
        if row["outcome"] == "abandoned" and row["wait_ms"] > 45_000:
            row |= {"outcome": "overflowed", "wait_ms": 45_000, "exit": "timeout"}
        return row

    document = scenario_of_weekday(calibrate(changed(shop, limited)), 0, "x")
    assert document["policy"]["queues"]["sales"]["longest_wait_s"] == 45
    assert document["policy"]["queues"]["sales"]["wrap_up_s"] == pytest.approx(25, abs=1)
    source = read(yaml_text(document, ["x"]), "s.yaml")
    assert settle(source, validate(source, Scenario), None).policy.queues[0].longest_wait_ms == 45_000


def test_queues_that_overflow_into_each_other_are_calibrated_together(shop: History) -> None:
    """Who waits 45 s for sales goes on in support, and is answered there: one arrival, not two."""
    rows: list[dict[str, Any]] = []
    for row in shop.contacts.to_pylist():
        if row["outcome"] == "abandoned" and row["wait_ms"] > 45_000:
            gone = row | {"outcome": "overflowed", "wait_ms": 45_000, "exit": "timeout"}
            at = {"queue": "support", "arrived_ms": row["arrived_ms"] + 46_000, "wait_ms": 9_000, "agent": "zoe"}
            rows += [gone, row | at | {"outcome": "answered", "talk_ms": 120_000 + row["arrived_ms"] % 90_000}]
        else:
            rows.append(row)
    rows += [row | {"contact": f"own {row['contact']}", "queue": "support", "agent": "zoe"} for row in rows[::5]]
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: row["arrived_ms"]), schema=CONTACTS_SCHEMA)
    found = calibrate(History(table, shop.agent_times, shop.choices, shop.about))
    moved = sum(row["outcome"] == "overflowed" and not row["contact"].startswith("own") for row in rows)
    assert moved > 20
    assert found.second_stays.sum() == moved
    assert found.days.counts.sum() == len(rows) - moved
    document = scenario_of_weekday(found, 0, "x")
    queues = document["policy"]["queues"]
    assert (queues["sales"]["longest_wait_s"], queues["sales"]["overflow_to"]) == (45, "support")
    assert "overflow_to" not in queues["support"]
    source = read(yaml_text(document, ["x"]), "s.yaml")
    setting = settle(source, validate(source, Scenario), None)
    assert setting.policy.queues[0].last_action.target == "support"


def test_who_all_hang_up_after_the_same_time_have_a_constant_patience() -> None:
    """Whole seconds, some of them one later; two of three were answered before."""
    dice = numpy.random.default_rng(4)
    patience, answered_after = 60 + dice.integers(0, 2, 3_000), dice.exponential(60, 3_000).round()
    fit = fit_patience(numpy.minimum(patience, answered_after), patience < answered_after)
    assert fit.document == {"distribution": "constant", "value": pytest.approx(60.5, abs=0.1)}
    assert fit.distance == 0
    assert fit.patient(numpy.array([59.0, 62.0])).tolist() == [1, 0]
    at_once = dice.random(3_000) < 0.1
    some = fit_patience(
        numpy.where(at_once, 0.0, numpy.minimum(patience, answered_after)), at_once | (patience < answered_after)
    )
    assert some.document is not None
    zero, rest = some.document["parts"]
    assert (zero["of"], rest["of"]["distribution"]) == (0, "constant")
    assert zero["share"] == pytest.approx(0.1, abs=4 * (0.09 / 3_000) ** 0.5)


@pytest.mark.parametrize("first", [0.3, 0.9])
def test_a_time_at_which_some_hang_up_is_no_constant_patience(first: float) -> None:
    dice = numpy.random.default_rng(4)
    patience = numpy.where(dice.random(2_000) < first, 60.0, 60 + dice.exponential(120, 2_000).round())
    fit = fit_patience(patience, numpy.ones(2_000, bool))
    assert fit.family != "constant"
    assert fit.distance is not None
    assert fit.distance > 0.05  # so it is told


def test_handle_times_that_are_all_the_same_are_a_constant() -> None:
    dice = numpy.random.default_rng(4)
    rounded = fit_durations(numpy.array(120 + dice.integers(0, 2, 400), float))
    long = fit_durations(600 + dice.normal(0, 1, 400))
    for fit, value in ((rounded, 120.5), (long, 600)):
        assert fit is not None
        assert fit.document == {"distribution": "constant", "value": pytest.approx(value, abs=0.2)}
    spread = fit_durations(120 + dice.normal(0, 3, 400))
    assert spread is not None
    assert spread.chosen != "constant"
    with_tail = fit_durations(numpy.array([120.0] * 995 + [3_600.0] * 5))
    assert with_tail is not None
    assert with_tail.chosen == "empirical"
    one = fit_durations(numpy.array([95.0]))
    assert one is not None
    assert one.document == {"distribution": "exponential", "mean": 95}


def test_a_history_of_constants_is_written_and_told_as_such(shop: History) -> None:
    def always(row: dict[str, Any]) -> dict[str, Any]:
        if row["outcome"] == "abandoned":
            return row | {"wait_ms": 90_000}
        return row | {"talk_ms": 240_000, "wait_ms": min(row["wait_ms"], 80_000)}

    found = calibrate(changed(shop, always))
    (kind,) = scenario_of_weekday(found, 0, "shop")["kinds"].values()
    assert kind["handle_time_s"] == {"distribution": "constant", "value": 240}
    assert kind["patience_s"] == {"distribution": "constant", "value": 90}
    assert not [note for note in found.notes if "off what was seen" in note]
    page = html(calibration_report(found, "shop", None))
    assert "constant, 240 s" in page
    assert "constant, 90 s" in page


def test_choices_of_callers(shop: History) -> None:
    rows = [(f"c{number}", 0, "main", "menu", choice) for number, choice in enumerate("1" * 60 + "2" * 30)]
    rows += [(f"d{number}", 0, "main", "menu", "no_input") for number in range(6)]
    rows += [(f"e{number}", 0, "main", "menu", "hang up") for number in range(4)]
    rows += [("f", 0, "main", "menu", "no_match"), ("f", 0, "main", "to-sales", "answered")]
    history = History(shop.contacts, shop.agent_times, choices_table(rows), shop.about)
    (node,) = calibrate(history).choices
    assert (node.node, node.shares(), node.others) == (
        "main.menu",
        {"1": 0.6, "2": 0.3, "silence": 0.06, "hang up": 0.04},
        {"no_match": 1},
    )
    comment = calibration_files(calibrate(history), "x")["scenario-monday.yaml"].decode().partition("\nname:")[0]
    said = comment[comment.index("choices:") :].replace("\n# ", "\n")
    assert yaml.safe_load(said) == {"choices": {"main.menu": node.shares()}}


def test_names_that_look_like_yaml_or_html_stay_text(shop: History, tmp_path: Path) -> None:
    name = "<script>alert(1)</script>: {x}"
    found = calibrate(changed(shop, lambda row: row | {"queue": name}))
    document = scenario_of_weekday(found, 0, name)
    assert yaml.safe_load(yaml_text(document, [name]))["kinds"].keys() == {name}
    assert "<script>" not in html(calibration_report(found, name, None))
