"""Callers through the real flows: what they pressed is found again from the exits that were recorded, and the scenario
that is written plays the centre itself."""

import shutil
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from documents import DocumentError, Source
from ivr.flow.session import Session, Visit
from ivr.flow.ways import new_visits
from simulations.arrivals import arrival_times_ms
from simulations.callers import IvrCallers
from simulations.flow_study import study_flows
from simulations.history.backtest import back_test, split
from simulations.history.calibration import Calibration, calibrate
from simulations.history.directory import write_history
from simulations.history.flows import exits_of, one_try
from simulations.history.form import CONTACTS_SCHEMA, History, agent_times_table, choices_table
from simulations.history.refusals import Refusals
from simulations.history.scenarios import scenario_of_weekday
from simulations.places import local
from simulations.replications import Study, replicate, run_studies
from simulations.scenario import Scenario
from simulations.setting import Centre, Setting, read_scenario, settle
from simulations.streams import Streams
from switchboard.centre import load_centre
from switchboard.cli.history import app

HELPDESK = Path(__file__).parents[3] / "examples/helpdesk"
DUBLIN = ZoneInfo("Europe/Dublin")
DAYS = 20


@pytest.fixture(scope="module")
def desk() -> Setting:
    source, scenario = read_scenario(HELPDESK / "scenario.yaml")
    kind = scenario.kinds["employees"]
    hesitant = {"ask-ticket": {"482913": 0.7, "silence": 0.3}}
    kinds = {"employees": kind.model_copy(update={"choices": kind.choices | hesitant})}
    scenario = scenario.model_copy(update={"kinds": kinds})
    loaded = load_centre(HELPDESK)
    return settle(source, scenario, Centre(loaded.policy, loaded.library, dict(loaded.numbers)))


@pytest.fixture(scope="module")
def history(desk: Setting) -> History:
    """Twenty weekdays of callers at the help desk. Who comes to a queue talks at once, or gives up after a minute."""
    contacts: list[dict[str, Any]] = []
    choices: list[tuple[str, int, str, str, str]] = []
    times: list[tuple[str, str, str, str, int, int]] = []
    day = date(2026, 3, 2)
    for number in range(DAYS):
        begin_ms = round(datetime(day.year, day.month, day.day, 8, tzinfo=DUBLIN).timestamp() * 1000)
        for who, (at_ms, visits, queue, hung_up) in enumerate(callers(desk, number)):
            name = f"{day}/{who}"
            steps = [(a.flow, a.node, b.via) for a, b in pairwise(visits)]
            steps += [(visits[-1].flow, visits[-1].node, "hang up")] if hung_up else []
            choices += [(name, begin_ms + at_ms + place, *step) for place, step in enumerate(steps)]
            if queue:
                contacts.append(contact(name, queue, begin_ms + at_ms, who))
        times += [(agent, "", "available", "", begin_ms, begin_ms + 36_000_000) for agent in ("aoife", "dara", "gone")]
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    table = pa.Table.from_pylist(contacts, schema=CONTACTS_SCHEMA)
    return History(table, agent_times_table(times), choices_table(choices), {"time_zone": "Europe/Dublin"})


@pytest.fixture(scope="module")
def calibrated(history: History, desk: Setting) -> Calibration:
    return calibrate(history, centre=desk.centre)


def callers(desk: Setting, day: int) -> list[tuple[int, list[Visit], str, bool]]:
    """When each came, the nodes, the queue come to, and whether the caller hung up before."""
    streams = Streams(7, day)
    assert desk.centre.library is not None
    through = IvrCallers(desk, streams, desk.centre.library)
    arrivals = desk.scenario.kinds["employees"].arrivals
    found = []
    moments = arrival_times_ms(arrivals, desk.scenario, streams.generator("employees/arrivals"))
    for number, at_ms in enumerate(moments):
        caller = through.caller("employees", number)
        step, before, visits = caller.dial(at_ms), None, []
        while True:
            session: Session = caller.session
            visits += new_visits(before, session)
            before = session
            if step is None or step.enqueue is not None:
                break
            assert step.answer is not None
            step = caller.go_on(step.answer, at_ms)
        found.append((at_ms, visits, step.enqueue.queue if step and step.enqueue else "", session.outcome == "hungup"))
    return found


def contact(name: str, queue: str, at_ms: int, who: int) -> dict[str, Any]:
    gives_up = who % 8 == 0
    return dict.fromkeys(CONTACTS_SCHEMA.names) | {
        "contact": name,
        "queue": queue,
        "kind": f"about {who % 3}",
        "channel": "voice",
        "caller": "",
        "arrived_ms": at_ms,
        "wait_ms": 60_000 if gives_up else 5_000 + 100 * (who % 50),
        "outcome": "abandoned" if gives_up else "answered",
        "exit": "",
        "agent": "" if gives_up else ("aoife", "dara")[who % 2],
        "talk_ms": None if gives_up else 100_000 + 7_919 * who % 200_000,
        "offers": 1,
        "refused": 0,
        "ended_by": "",
        "transferred_to": "",
        "source": "made",
    }


def test_what_callers_press_is_found_again(calibrated: Calibration, desk: Setting) -> None:
    """Of some 3,600 callers; four standard errors of a share."""
    (callers,) = calibrated.flows
    assert callers.number == "+35315550100"
    menu, given = callers.choices["main.main-menu"], desk.scenario.kinds["employees"].choices["main-menu"]
    print(menu)
    for key, share in given.items():
        assert abs(menu[key] - share) < 4 * (share * (1 - share) / 3_600) ** 0.5 + 1e-4, (key, menu)
    ticket = callers.choices["main.ask-ticket"]
    assert {len(key) for key in ticket if key.isdecimal()} == {6}
    # Silence is asked once more, so 9 % of 430 leave by it: the root of that share is off by 1 / (2 x 0.3) as much.
    assert ticket["silence"] == pytest.approx(0.3, abs=4 * (0.09 * 0.91 / 430) ** 0.5 / 0.6)
    answers = {each.get("status", each.get("fails")): each["share"] for each in callers.lookups["main.find-ticket"]}
    assert answers[200] == pytest.approx(0.9, abs=4 * (0.09 / 390) ** 0.5)
    expected = sum(desk.scenario.kinds["employees"].arrivals.per_interval or ())
    assert callers.counts.sum() / DAYS == pytest.approx(expected, abs=4 * (expected / DAYS) ** 0.5)


def test_the_scenario_plays_the_centre_with_callers_who_take_the_same_ways(
    history: History, desk: Setting, tmp_path: Path
) -> None:
    write_history(history, Refusals(), b"k" * 32, tmp_path / "history")
    result = CliRunner().invoke(
        app, ["calibrate", str(tmp_path / "history"), "--centre", str(HELPDESK), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    path = tmp_path / "out/scenario-monday.yaml"
    document = yaml.safe_load(path.read_text())
    assert (path.parent / document["centre"]).resolve() == HELPDESK.resolve()
    (kind,) = document["kinds"].values()
    assert kind["number"] == "+35315550100"
    assert document["queues"].keys() == {"software", "hardware"}
    assert [staff["agents"] for staff in document["staff"]] == [["aoife"], ["dara"]]
    assert "fill in the 'data' of main.find-ticket (topic)" in path.read_text()
    source, scenario = read_scenario(path)
    setting = settle(source, scenario, desk.centre)
    assert replicate(setting, 0).whole.all_queues.arrived > 100
    real, made = (study_flows(each, 4_000).ends for each in (desk, setting))
    print(real, made)
    assert made["hungup"] == pytest.approx(real["hungup"], abs=4 * (2 * real["hungup"]) ** 0.5)


def test_contacts_beside_the_flows_still_enter_their_queue(history: History, desk: Setting) -> None:
    rows = history.contacts.to_pylist()
    chats = [row | {"contact": f"chat {row['contact']}", "arrived_ms": row["arrived_ms"] + 1} for row in rows[::4]]
    both = pa.Table.from_pylist(sorted(rows + chats, key=lambda row: row["arrived_ms"]), schema=CONTACTS_SCHEMA)
    found = calibrate(History(both, history.agent_times, history.choices, history.about), centre=desk.centre)
    assert found.days.counts.sum() == len(chats)
    assert {fit.queue for fit in found.fits} == {"software", "hardware"}


def test_keys_that_waiting_callers_press_are_those_that_the_flow_takes(
    history: History, desk: Setting, tmp_path: Path
) -> None:
    """A fifth of those who wait for software presses 2 after 4 s, and some press 7, which no node takes."""
    rows = [
        row | {"outcome": "left", "wait_ms": 4_000, "exit": "2" if number % 15 else "7", "agent": "", "talk_ms": None}
        if row["queue"] == "software" and number % 5 == 0
        else row
        for number, row in enumerate(history.contacts.to_pylist())
    ]
    table = pa.Table.from_pylist(rows, schema=CONTACTS_SCHEMA)
    copied = shutil.copytree(HELPDESK, tmp_path / "desk")
    flow = (copied / "flows/main.yaml").read_text()
    asked = "    queue: software\n"
    (copied / "flows/main.yaml").write_text(flow.replace(asked, f"{asked}    keys: {{'2': nobody-free}}\n"))
    loaded = load_centre(copied)
    centre = Centre(loaded.policy, loaded.library, dict(loaded.numbers))
    found = calibrate(History(table, history.agent_times, history.choices, history.about), centre=centre)
    fits = {fit.queue: fit for fit in found.fits}
    assert sorted(key.key for key in fits["software"].keys) == ["2", "7"]
    assert not fits["hardware"].keys
    document = scenario_of_weekday(found, 0, "x")
    (kind,) = document["kinds"].values()
    assert kind["waiting_keys"].keys() == {"2"}
    assert kind["waiting_keys"]["2"]["queue"] == "software"
    setting = settle(Source("x", document, {}), Scenario.model_validate(document), centre)
    assert replicate(setting, 0).whole.kinds[next(iter(document["kinds"]))].pressed_keys > 0


def test_a_history_without_flows_is_told_what_to_import(history: History, desk: Setting) -> None:
    without = History(history.contacts, history.agent_times, choices_table([]), history.about)
    with pytest.raises(DocumentError, match=r"no callers in the flows of this centre"):
        calibrate(without, centre=desk.centre)


def test_agents_whom_the_centre_does_not_have_are_named(calibrated: Calibration) -> None:
    assert "the centre has no such agents, so they are left out: gone" in calibrated.notes


def test_a_back_test_plays_the_centre_with_callers_when_they_really_called(
    history: History, desk: Setting, calibrated: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, test = split(calibrated, 2)
    found = calibrate(history, centre=desk.centre, dates=learn)
    played: list[Setting] = []

    def run(settings: list[Setting], *_: Any) -> list[Study]:
        played.extend(settings)
        return run_studies(settings, local(1), None)

    monkeypatch.setattr("simulations.history.backtest.run_studies", run)
    result = back_test(history, found, calibrated, test, local(1), replications=2)
    entered = {}
    for row in history.choices.sort_by("at_ms").to_pylist():
        entered.setdefault(row["contact"], row["at_ms"])
    for setting, day in zip(played, test, strict=True):
        begin_ms = round(setting.scenario.started.replace(tzinfo=DUBLIN).timestamp() * 1000)
        ((name, kind),) = setting.scenario.kinds.items()
        assert (name, kind.number) == ("callers of main (+35315550100)", "+35315550100")
        assert setting.policy.queues == desk.policy.queues
        moments = sorted(at_ms for contact, at_ms in entered.items() if contact.startswith(f"{day}/"))
        assert [round(each.at_s * 1000) + begin_ms for each in kind.arrivals.traced] == moments
    goals = {queue.name: queue.goal for queue in desk.policy.queues}
    rows = [row for row in history.contacts.to_pylist() if row["contact"][:10] in map(str, test)]
    for verdict in result.verdicts:
        if verdict.metric == "service_level_share" and verdict.queue:
            mine = [row for row in rows if row["queue"] == verdict.queue]
            short = sum(
                row["outcome"] == "abandoned" and row["wait_ms"] < goals[verdict.queue].short_abandon_ms for row in mine
            )
            limit = goals[verdict.queue].answered_within_ms
            within = sum(row["outcome"] == "answered" and row["wait_ms"] <= limit for row in mine)
            assert verdict.real == pytest.approx(within / (len(mine) - short))


def test_what_callers_press_is_learnt_from_the_days_of_learning_only(
    history: History, desk: Setting, calibrated: Calibration
) -> None:
    learn, test = split(calibrated, 5)
    last = {str(day) for day in test}
    rows = [
        row | {"choice": "hang up"} if row["node"] == "main-menu" and row["contact"][:10] in last else row
        for row in history.choices.to_pylist()
    ]
    names = ("contact", "at_ms", "flow", "node", "choice")
    changed = choices_table([tuple(row[name] for name in names) for row in rows])
    other = History(history.contacts, history.agent_times, changed, history.about)
    (before,) = calibrate(history, centre=desk.centre, dates=learn).flows
    (after,) = calibrate(other, centre=desk.centre, dates=learn).flows
    assert before.choices == after.choices
    assert before.choices != calibrated.flows[0].choices


def test_the_back_test_of_a_centre_by_command(history: History, tmp_path: Path) -> None:
    write_history(history, Refusals(), b"k" * 32, tmp_path / "history")
    command = ["backtest", str(tmp_path / "history"), "--centre", str(HELPDESK), "--out", str(tmp_path / "out")]
    options = ["--days", "1", "--replications", "2", "--jobs", "1"]
    result = CliRunner().invoke(app, [*command, *options], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "hardware" in result.stdout
    assert "the centre has no such agents, so they are left out: gone" in (tmp_path / "out/report.md").read_text()
    refused = CliRunner().invoke(app, [*command, "--answered-within", "30"])
    assert refused.exit_code == 2
    assert "change answered_within_s there" in refused.output


@given(st.floats(0.001, 0.5), st.floats(0.001, 0.4), st.integers(0, 4), st.integers(0, 4))
def test_one_try_is_the_inverse_of_the_exits(s: float, w: float, again_silent: int, again_wrong: int) -> None:
    by_silence, by_wrong = exits_of(s, w, again_silent, again_wrong)
    found = one_try(by_silence, by_wrong, again_silent, again_wrong)
    assert exits_of(*found, again_silent, again_wrong) == pytest.approx((by_silence, by_wrong), rel=1e-4)
