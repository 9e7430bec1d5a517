import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from documents import DocumentError
from switchboard.centre import UnusableDirectory
from switchboard.cli.flow_callers import app

ROOT = Path(__file__).parents[3]
BANK, HELPDESK = ROOT / "examples/bank", ROOT / "examples/helpdesk"
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/centre.yaml"))


def invoke(*arguments: object, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A copy of the bank, to spoil."""
    return Path(shutil.copytree(BANK, tmp_path / "bank"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_have_no_problems_and_pass_their_tests(directory: Path) -> None:
    assert invoke("lint", "--strict", directory) == (0, "No problems found.\n")
    code, output = invoke("test", directory)
    assert code == 0, output
    assert " 0 failed" in output


def test_lint_shows_errors_with_file_and_line_and_says_no(bank: Path) -> None:
    replace(bank / "flows/main.yaml", "queue: cards", "queue: crads")
    code, output = invoke("lint", bank)
    line = (bank / "flows/main.yaml").read_text().split("\n").index("    queue: crads") + 1
    assert code == 1
    assert f"flows/main.yaml:{line}: nodes.to-cards.queue: there is no queue 'crads' (did you mean 'cards'" in output
    assert output.endswith("1 error, 0 warnings\n")


def test_lint_with_warnings_says_yes_unless_strict(bank: Path) -> None:
    replace(bank / "flows/main.yaml", "  end: {type: hangup}", "  end: {type: hangup}\n  lost: {type: hangup}")
    assert invoke("lint", bank)[0] == 0
    code, output = invoke("lint", bank, "--strict", "--json")
    (problem,) = json.loads(output)
    assert code == 1
    assert (problem["severity"], problem["path"]) == ("warning", "nodes.lost")


def test_lint_of_a_directory_that_is_no_centre_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UnusableDirectory):
        invoke("lint", tmp_path / "nowhere")


def test_diagram_writes_a_picture_of_every_flow(tmp_path: Path) -> None:
    code, output = invoke("diagram", BANK, "--output", tmp_path / "pictures")
    assert code == 0
    written = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert written == ["fraud.svg", "identification.svg", "main.svg"]
    assert [Path(line).name for line in output.split()] == written


def test_diagram_of_one_flow_and_of_one_that_there_is_not(tmp_path: Path) -> None:
    assert invoke("diagram", BANK, "fraud", "-o", tmp_path)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["fraud.svg"]
    code, output = invoke("diagram", BANK, "fruad", "-o", tmp_path)
    assert (code, "did you mean 'fraud'" in output) == (2, True)


def test_diagram_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert invoke("diagram", BANK, "-o", tmp_path / "file")[0] == 3


def test_try_hears_prompts_presses_keys_waits_and_comes_back() -> None:
    code, output = invoke("try", BANK, "--at", "2026-01-05T10:00", typed="2\n3\n\nbusy\n")
    assert code == 0
    said = [line for line in output.splitlines() if line.startswith(("[", "keys", "comes"))]
    assert said == [
        "[language en]",
        "keys> 2",
        "[language es]",
        "keys> 3",
        "keys> ",
        "[waits in queue cards, priority 0]",
        "comes back by> busy",
        "[the flow hangs up: normal]",
    ]
    assert "“Hay demasiadas llamadas. Inténtelo más tarde.”" in output
    assert "  contact.tier = 'unknown'" in output


def test_try_asks_for_the_answer_of_a_lookup() -> None:
    typed = '3\n123456\nnot json\n{"topic": "hardware"}\nhangup\n'
    code, output = invoke("try", HELPDESK, "--at", "2026-01-05T10:00", typed=typed)
    assert code == 0
    assert "[lookup GET https://tickets.example/api/tickets/123456]" in output
    assert "Not JSON" in output
    assert "[waits in queue hardware]" in output
    assert "The call has ended: hungup." in output


@pytest.mark.parametrize("answer", ["404", "timeout", ""])
def test_try_takes_a_status_or_a_failure_for_a_lookup(answer: str) -> None:
    _, output = invoke("try", HELPDESK, "--at", "2026-01-05T10:00", typed=f"3\n123456\n{answer}\n2\n\n")
    assert output.count("keys> ") == 3
    assert "[waits in queue hardware]" in output


def test_try_explains_what_is_no_key_and_what_comes_too_late() -> None:
    _, output = invoke("try", HELPDESK, "--at", "2026-01-05T10:00", typed="hello\n29\nelsewhere\n")
    assert "Keys are 0-9" in output
    assert "[9 comes after the last key" in output
    assert "[no exit 'elsewhere' here" in output


def test_the_end_of_the_input_hangs_up() -> None:
    code, output = invoke("try", BANK, "--number", "+34915550199")
    assert code == 0
    assert output.endswith("contact.subject = 'fraud'\n")
    assert "The call has ended: hungup." in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--number", "999"), "the centre has no number '999'"),
        (("--flow", "mian"), "did you mean 'main'"),
        (("--at", "noon"), "'noon' is no moment"),
    ],
)
def test_try_with_wrong_arguments(arguments: tuple[str, str], message: str) -> None:
    code, output = invoke("try", BANK, *arguments)
    assert code == 2
    assert message in " ".join(output.replace("│", " ").split())


def test_a_call_that_fails_says_why_and_is_no_success(bank: Path) -> None:
    replace(bank / "flows/fraud.yaml", "on_error: to-fraud\n", "")
    replace(bank / "flows/fraud.yaml", "subject: \"'fraud'\"", "subject: contact.nothing")
    code, output = invoke("try", bank, "--flow", "fraud")
    assert code == 1
    assert "fraud.to-fraud" in output


def test_a_test_that_fails_tells_the_story_and_says_no(bank: Path) -> None:
    replace(bank / "tests/main.yaml", "queue: loans", "queue: cards")
    code, output = invoke("test", bank)
    assert code == 1
    assert "failed a loan in Spanish\n    somebody calls +34915550100 at Mon 2026-01-05 10:00\n" in output
    assert "tests[1].expect.queue: expected 'cards', but it is 'loans'" in output
    assert output.endswith("11 passed, 1 failed\n")


def test_some_files_of_tests_with_their_stories(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("tests:\n- {name: one, given: {flow: fraud}, expect: {queue: fraud}}\n")
    code, output = invoke("test", BANK, tmp_path / "one.yaml", "--verbose")
    assert (code, "waits in queue 'fraud'" in output, output.endswith("1 passed, 0 failed\n")) == (0, True, True)
    code, output = invoke("test", BANK, tmp_path / "one.yaml", "--json")
    (result,) = json.loads(output)["tests"]
    assert (result["name"], result["passed"], result["problems"]) == ("one", True, [])


def test_a_centre_without_tests_is_told_where_they_go(bank: Path) -> None:
    shutil.rmtree(bank / "tests")
    code, output = invoke("test", bank)
    assert code == 2
    assert "tests/*.yaml" in output


def test_a_file_of_tests_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        invoke("test", BANK, tmp_path / "nowhere.yaml")
