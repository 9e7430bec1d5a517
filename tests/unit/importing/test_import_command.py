"""`switchboard flow import`: all or nothing, never over what is there, and a list that people and machines can read."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from documents import DocumentError
from ivr.importing.draft import Draft
from switchboard.cli.flow_commands import app
from switchboard.importing import write_centre

PLAN = "[office]\nexten => s,1,Background(menu)\n same => n,WaitExten(5)\nexten => 1,1,AGI(x)\n same => n,Queue(q)\n"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["import", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "extensions.conf"
    path.write_text(PLAN)
    return path


def test_the_list_is_printed_and_written(plan: Path, tmp_path: Path) -> None:
    code, output = run(plan, "-o", tmp_path / "made")
    assert code == 0
    assert f"{plan}:4: exten => 1,1,AGI(x): AGI has no counterpart" in output
    written = (tmp_path / "made/imported.md").read_text()
    assert "## Not carried over (1)" in written
    assert "`exten => 1,1,AGI(x)`: AGI has no counterpart" in written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extensions.conf", "made"]


def test_strict_says_no_and_json_says_all(plan: Path, tmp_path: Path) -> None:
    code, output = run(plan, "-o", tmp_path / "made", "--strict", "--json")
    data = json.loads(output)
    assert code == 1
    assert (data["format"], data["flows"]) == ("asterisk", {"office": 3})
    assert [finding["line"] for finding in data["findings"] if finding["kind"] == "left out"] == [4]


def test_nothing_is_overwritten(plan: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    with pytest.raises(DocumentError, match="nothing is overwritten"):
        run(plan, "-o", there)
    with pytest.raises(DocumentError, match="nothing is overwritten"):
        run(plan, "-o", plan)
    assert [path.name for path in there.iterdir()] == ["mine.txt"]
    assert plan.read_text() == PLAN
    (tmp_path / "empty").mkdir()
    assert run(plan, "-o", tmp_path / "empty")[0] == 0


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    draft = Draft()
    flow = draft.flow("broken")
    flow.start, flow.nodes = "a", {"a": {"type": "enqueue", "queue": "nowhere", "otherwise": "a"}}
    with pytest.raises(DocumentError, match=r"made/flows/broken.yaml.*nowhere"):
        write_centre(draft, tmp_path / "made", name="x", time_zone="UTC")
    with pytest.raises(DocumentError, match=r"made/centre.yaml:2: time_zone"):
        write_centre(draft, tmp_path / "made", name="x", time_zone="Mars/Olympus")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.conf", None, "cannot be read: No such file or directory"),
        ("empty.conf", b" \n", "this file is empty"),
        ("letter.txt", b"Dear customer", "no known format"),
        ("zip.conf", b"PK\x03\x04[a]\nexten => s,1,Answer()\x00", "it holds a zero byte"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DocumentError) as refused:
        run(path, "-o", tmp_path / "made")
    assert message in str(refused.value)
    assert str(path) in str(refused.value)
    assert not (tmp_path / "made").exists()


def test_a_wrong_format_and_a_wrong_start_name_the_right_ones(plan: Path, tmp_path: Path) -> None:
    code, output = run(plan, "-o", tmp_path / "made", "--format", "asteriks")
    assert code == 2
    assert "there is no format 'asteriks'" in output
    with pytest.raises(DocumentError, match=r"there is no context 'offce'.*did you mean 'office'"):
        run(plan, "-o", tmp_path / "made", "--start", "offce")
