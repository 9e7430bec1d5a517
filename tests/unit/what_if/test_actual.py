"""Real contacts from a journal through a changed centre, beside what really happened and the model of that day."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from documents import DocumentError
from router.live.journal import Handled, Header, Journal, policy_hash
from simulations.driver import Replication
from simulations.scenario import Scenario
from simulations.setting import Centre, settle
from switchboard.centre import load_centre
from switchboard.cli import what_if
from tests.support.scenarios import source_of

ROOT = Path(__file__).parents[3]
DESK = ROOT / "examples/helpdesk"
MORNING_MS = round(datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("Europe/Dublin")).timestamp() * 1000)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a morning at the help desk, as its engine would have written it."""
    document = yaml.safe_load((DESK / "scenario.yaml").read_text()) | {"duration_minutes": 240, "run_off_minutes": 30}
    document["kinds"]["employees"]["arrivals"] = {"per_interval": [9, 12, 13, 12, 11, 10, 9, 8]}
    source, loaded = source_of(document), load_centre(DESK)
    centre = Centre(loaded.policy, loaded.library, dict(loaded.numbers))
    replication = Replication(settle(source, Scenario.model_validate(document), centre), 3, keep_log=True)
    replication.run()
    directory = tmp_path_factory.mktemp("engine")
    written = Journal(directory / "journal-0001.jsonl", sync="never")
    policy = loaded.policy
    written.append(Header(MORNING_MS, 1, "desk", loaded.hash, 1, policy_hash(policy), policy))
    for at_ms, event, decided in replication.log:
        written.append(Handled(MORNING_MS + at_ms, event, decided))
    written.close()
    return directory


def run(*arguments: object) -> Result:
    app = typer.Typer()
    what_if.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def plan(path: Path, changes: dict[str, Any], **others: Any) -> Path:
    (path / "plan.yaml").write_text(yaml.safe_dump({"name": "Yesterday", "changes": changes, **others}))
    return path / "plan.yaml"


def test_changes_are_held_to_the_model_of_the_day_and_the_day_itself_stands_beside(
    journal: Path, tmp_path: Path
) -> None:
    changes = {
        "without Aoife": [{"remove_agents": {"agents": ["aoife"]}}],
        "one more like Aoife": [{"add_agents": {"like": "aoife", "count": 1}}],
        "Aoife comes at ten": [{"shifts": {"agents": ["aoife"], "shifts": ["10:00-12:00"]}}],
        "nothing": [{"set": {"in": "queues", "at": "software.weight", "to": 1}}],
    }
    arguments = ["--journal", journal, "--centre", DESK, "--replications", 10, "--jobs", 1, "--out", tmp_path / "out"]
    result = run(plan(tmp_path, changes), *arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    verdicts = {
        change["name"]: {one["figure"]: one for one in change["compared"] if not one["queue"]}
        for change in found["changes"]
    }
    assert verdicts["without Aoife"]["service_level_share"]["verdict"] == "worse"
    assert verdicts["one more like Aoife"]["service_level_share"]["verdict"] == "better"
    nothing, later = (verdicts[name]["asa_ms"]["difference"] for name in ("nothing", "Aoife comes at ten"))
    assert (nothing["value"], nothing["half_width"]) == (0, 0)
    assert later["value"] > 0
    actual = {(row["queue"], row["metric"]): row for row in found["actual"]}
    arrived = actual["", "arrived"]
    assert arrived["measured"] == arrived["predicted"] == found["present"]["whole"]["all_queues"]["arrived"]["value"]
    inside = [row for row in actual.values() if row["low"] is not None and row["measured"] is not None]
    assert sum(row["low"] - 1e-9 <= row["measured"] <= row["high"] + 1e-9 for row in inside) >= len(inside) * 0.7
    page = (tmp_path / "out/report.html").read_text()
    assert "What really happened, and the model of it" in page
    assert "figures of the day lie where the model of it expects them" in page


def test_without_a_file_the_day_goes_through_the_centre_as_it_is_now(journal: Path, tmp_path: Path) -> None:
    now = tmp_path / "desk"
    shutil.copytree(DESK, now)
    queues = (now / "queues.yaml").read_text()
    (now / "queues.yaml").write_text(queues.replace("until: {after_s: 25", "until: {after_s: 5"))
    arguments = ["--journal", journal, "--replications", 4, "--jobs", 1, "--out", tmp_path / "out"]
    result = run("--centre", now, *arguments)
    assert result.exit_code == 0, result.output
    assert "what really happened" in result.stdout
    assert "the centre as it is" in result.stdout
    same = run("--centre", DESK, *arguments)
    assert same.exit_code == 2
    assert "nothing to compare" in same.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": [{"remove_agents": {"agents": ["doro"]}}]}, "no agent 'doro' .*dara"),
        ({"x": [{"demand": {"times": 2}}]}, "there are as many as there were"),
        ({"x": [{"set": {"in": "scenario", "at": "name", "to": "y"}}]}, "only the staff can be changed"),
        ({"x": [{"set": {"in": "queues", "at": "software", "to": None}}]}, "software"),
    ],
)
def test_what_cannot_be_changed_of_a_day_that_was_is_refused(
    changes: dict[str, Any], message: str, journal: Path, tmp_path: Path
) -> None:
    result = run(plan(tmp_path, changes), "--journal", journal, "--centre", DESK, "--out", tmp_path / "out")
    assert isinstance(result.exception, DocumentError)
    assert re.search(message, str(result.exception))
    assert not (tmp_path / "out").exists()


def test_changes_need_the_centre_and_a_journal_must_be_one(journal: Path, tmp_path: Path) -> None:
    file = plan(tmp_path, {"x": [{"remove_agents": {"agents": ["dara"]}}]})
    result = run(file, "--journal", journal)
    assert isinstance(result.exception, DocumentError)
    assert "--centre" in str(result.exception) or "stands alone" in str(result.exception)
    assert run(file, "--journal", tmp_path / "nowhere", "--centre", DESK).exit_code == 2
    (tmp_path / "journal-1.jsonl").write_text('{"record":"note","at_ms":1,"text":"x"}\n')
    result = run(file, "--journal", tmp_path / "journal-1.jsonl", "--centre", DESK)
    assert result.exit_code == 2
    assert "a journal starts with a header" in result.stderr
    header = (journal / "journal-0001.jsonl").read_text().partition("\n")[0]
    (tmp_path / "journal-2.jsonl").write_text(f"{header}\n")
    result = run(file, "--journal", tmp_path / "journal-2.jsonl", "--centre", DESK)
    assert result.exit_code == 2
    assert "the log is empty" in result.stderr
    assert run().exit_code == 2
