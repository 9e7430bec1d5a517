"""`switchboard what-if`: the page of docs, its commands and what they print; refusals, and what Ctrl-C leaves."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from documents import DocumentError
from switchboard.cli import what_if
from tests.support.scenarios import BASE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/what-if.md").read_text()
PLAN = {
    "name": "What if",
    "scenario": "s.yaml",
    "replications": 2,
    "changes": {"more": [{"add_agents": {"group": "sellers", "count": 1}}]},
}


def run(*arguments: object) -> Result:
    app = typer.Typer()
    what_if.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(path: Path, **changes: object) -> Path:
    (path / "s.yaml").write_text(yaml.safe_dump(BASE))
    (path / "plan.yaml").write_text(yaml.safe_dump(PLAN | changes))
    return path / "plan.yaml"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for text in blocks("yaml"):
        name, _, body = text.removeprefix("# ").partition("\n")
        (tmp_path / name).write_text(body)
    shown = 0
    for text in blocks("console"):
        command, _, expected = text.removeprefix("$ ").partition("\n")
        if expected:
            result = run(*shlex.split(command)[2:])
            output = str(result.exception) if isinstance(result.exception, DocumentError) else result.stdout
            assert [line.rstrip() for line in output.splitlines()] == expected.splitlines()
            shown += 1
    assert shown == 2


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


def test_the_example_of_the_help_desk_is_answered(tmp_path: Path) -> None:
    result = run(ROOT / "examples/helpdesk/what-if.yaml", "--replications", 2, "--jobs", 1, "--json", "--out", tmp_path)
    found = json.loads(result.stdout)
    assert [change["name"] for change in found["changes"]]
    assert {one["who"] for one in found["training"]} == {"aoife", "ciara", "dara"}
    assert found == json.loads((tmp_path / "results.json").read_text())


def test_the_report_has_all_its_files(tmp_path: Path) -> None:
    result = run(written(tmp_path), "--jobs", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0
    tables = ("changes.csv", "changes.parquet")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.html",
        "report.md",
        "report.xlsx",
        "results.json",
        *tables,
    }


def test_the_engine_is_named_and_changes_no_figure(tmp_path: Path) -> None:
    plan = written(tmp_path)
    by_kernel, by_simpy = (
        run(plan, "--engine", engine, "--jobs", 1, "--out", tmp_path / engine, "--json")
        for engine in ("kernel", "simpy")
    )
    assert by_kernel.stderr == "Simulated by the compiled kernel.\n"
    assert by_simpy.stderr == "Simulated by the router under SimPy.\n"
    assert by_kernel.stdout == by_simpy.stdout
    assert json.loads(by_kernel.stdout)["changes"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scenario": None}, "'scenario' is missing"),
        ({"scenario": "other.yaml"}, "other.yaml: the scenario cannot be read"),
        ({"changes": {"x": [{"add_agents": {"group": "seller", "count": 1}}]}}, "plan.yaml:.*did you mean 'sellers'"),
    ],
)
def test_a_bad_plan_leaves_nothing_behind(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    result = run(written(tmp_path, **changes), "--out", tmp_path / "out")
    assert isinstance(result.exception, DocumentError)
    assert re.search(message, str(result.exception))
    assert not (tmp_path / "out").exists()


def test_ctrl_c_reports_what_is_done_and_ends_with_130(tmp_path: Path) -> None:
    written(tmp_path, replications=100_000)
    code = (
        "import typer; from switchboard.cli import what_if; app = typer.Typer(); what_if.register(app)\n"
        "if __name__ == '__main__': app()"
    )
    (tmp_path / "main.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, "main.py", "plan.yaml", "--out", "out", "--jobs", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FORCE_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    seen = b""
    while not re.search(rb"\b[1-9]\d+/200000", re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen)):
        piece = os.read(process.stderr.fileno(), 4_096)
        assert piece, seen.decode()
        seen += piece
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told.decode()
    assert "of 100000 replications were done" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode())
    assert "Interrupted" in (tmp_path / "out/report.html").read_text()
