"""The admin who makes every mistake: what is said, and where."""

import os
from pathlib import Path
from typing import Any

import pytest

from documents import DocumentError, Problem, read
from switchboard.centre import UnusableDirectory, load_centre
from tests.support.centres import FILES, SILENCE, write_centre


def problems_of(directory: Path) -> tuple[Problem, ...]:
    try:
        return load_centre(directory).warnings
    except DocumentError as error:
        return error.problems


def place(problem: Problem, directory: Path) -> str:
    name = Path(os.path.abspath(problem.file)).relative_to(directory.resolve()).as_posix()
    return f"{name}:{problem.line}" if problem.line else name


MISTAKES = read((Path(__file__).parent / "mistakes.yaml").read_text(), "mistakes.yaml").data


@pytest.mark.parametrize(
    ("file", "mistake"),
    [pytest.param(file, m, id=f"{file}: {m['mistake']}") for file, mistakes in MISTAKES.items() for m in mistakes],
)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path: Path, file: str, mistake: dict[str, Any]) -> None:
    assert mistake["right"] in FILES[file]
    write_centre(tmp_path, {file: FILES[file].replace(mistake["right"], mistake["wrong"], 1)})
    found = [(place(problem, tmp_path), str(problem)) for problem in problems_of(tmp_path)]
    assert [text for where, text in found if where == f"{file}:{mistake['line']}" and mistake["says"] in text], found


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("centre.yaml", "lookup:", "asterisk: {ami_secret: hunter-2}\n  lookup:"),
        ("centre.yaml", "lookup:", "asterisk: {ami_secret: {secret_env: hunter-2}}\n  lookup:"),
        ("agents.yaml", "{secret_env: PHONE_102}", "hunter-2"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, file: str, right: str, wrong: str) -> None:
    write_centre(tmp_path, {file: FILES[file].replace(right, wrong)})
    (problem,) = problems_of(tmp_path)
    assert "hunter" not in str(problem)


def test_all_mistakes_are_told_at_once_sorted_and_without_echoes(tmp_path: Path) -> None:
    """Each file has a mistake in itself and one that only shows against the others."""
    write_centre(
        tmp_path,
        {
            "agents.yaml": FILES["agents.yaml"].replace("billing: 8", "billing: 12").replace("cards: 6", "crads: 6"),
            "queues.yaml": FILES["queues.yaml"].replace("ring_s: 15", "ring_s: x").replace("{cards: 4}", "{cardss: 4}"),
            "flows/main.yaml": FILES["flows/main.yaml"].replace("queue: cards", "queue: crads"),
            "centre.yaml": FILES["centre.yaml"].replace("main", "mian"),
        },
    )
    found = [place(problem, tmp_path) for problem in problems_of(tmp_path) if problem.severity == "error"]
    assert found == [
        "agents.yaml:5",
        "agents.yaml:9",
        "centre.yaml:5",
        "flows/main.yaml:23",
        "queues.yaml:15",
        "queues.yaml:22",
        "queues.yaml:23",
    ]


def files_wrong(directory: Path) -> list[tuple[str, str]]:
    return [(place(problem, directory), problem.message) for problem in problems_of(directory)]


@pytest.mark.parametrize("missing", ["skills.yaml", "agents.yaml", "queues.yaml"])
def test_a_missing_file_is_the_only_problem(tmp_path: Path, missing: str) -> None:
    write_centre(tmp_path, {missing: None})
    assert files_wrong(tmp_path) == [(missing, "this file is missing")]


@pytest.mark.parametrize("file", FILES)
def test_an_unreadable_file_is_the_only_problem(tmp_path: Path, file: str) -> None:
    write_centre(tmp_path, {file: FILES[file].encode() + b"# caf\xe9\n"})
    line = FILES[file].count("\n") + 1
    assert files_wrong(tmp_path) == [(f"{file}:{line}", "not UTF-8 text: byte 0xe9")]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("text", ["", "[]\n", "text\n", "5\n", "{}\n"])
def test_a_document_of_another_shape_is_told_so(tmp_path: Path, file: str, text: str) -> None:
    write_centre(tmp_path, {file: text})
    found = files_wrong(tmp_path)
    assert found
    assert all(where.partition(":")[0] == file for where, _ in found), found


def test_a_directory_instead_of_a_file(tmp_path: Path) -> None:
    write_centre(tmp_path, {"queues.yaml": None})
    (tmp_path / "queues.yaml").mkdir()
    assert files_wrong(tmp_path) == [("queues.yaml", "a file belongs here, not a directory")]


def test_a_file_instead_of_a_directory(tmp_path: Path) -> None:
    write_centre(tmp_path, {"flows/main.yaml": None, "flows": "x"})
    assert ("flows", "a directory belongs here, not a file") in files_wrong(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_centre(tmp_path)
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "queues.yaml":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert files_wrong(tmp_path) == [("queues.yaml", "cannot be read: Permission denied")]


def test_links_may_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("skills: {en: English}")
    centre = write_centre(tmp_path / "centre", {"skills.yaml": None})
    (centre / "skills.yaml").symlink_to(outside)
    assert files_wrong(centre) == [("skills.yaml", "this link leads out of the centre's directory")]
    (centre / "skills.yaml").unlink()
    (centre / "skills.yaml").symlink_to("nowhere.yaml")
    assert files_wrong(centre) == [("skills.yaml", "a file belongs here, not a broken link")]


def test_a_linked_directory_outside_is_refused_too(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    centre = write_centre(tmp_path / "centre", {"flows/main.yaml": None})
    elsewhere.mkdir()
    (elsewhere / "main.yaml").write_text(FILES["flows/main.yaml"])
    (centre / "flows").symlink_to(elsewhere)
    assert files_wrong(centre) == [("flows/main.yaml", "this link leads out of the centre's directory")]


def test_links_inside_the_directory_are_fine(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap."""
    write_centre(tmp_path, {"skills.yaml": None, "..data/skills.yaml": FILES["skills.yaml"]})
    (tmp_path / "skills.yaml").symlink_to("..data/skills.yaml")
    assert files_wrong(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("queue.yaml", "did you mean 'queues.yaml'?"),
        ("agents.yml", "did you mean 'agents.yaml'?"),
        ("x.yaml", "known: "),
    ],
)
def test_a_document_by_another_name_is_not_passed_over(tmp_path: Path, name: str, hint: str) -> None:
    write_centre(tmp_path, {name: "x: 1"})
    (problem,) = problems_of(tmp_path)
    assert (place(problem, tmp_path), problem.message) == (name, "this is no document of a centre")
    assert problem.hint.startswith(hint)


def test_a_flow_that_ends_in_yml_is_not_passed_over(tmp_path: Path) -> None:
    write_centre(tmp_path, {"flows/other.yml": FILES["flows/main.yaml"]})
    assert files_wrong(tmp_path) == [("flows/other.yml", "the name of a document ends in .yaml")]


def test_two_flows_of_one_name(tmp_path: Path) -> None:
    write_centre(tmp_path, {"flows/other.yaml": FILES["flows/main.yaml"]})
    (problem,) = problems_of(tmp_path)
    assert place(problem, tmp_path) == "flows/other.yaml:2"
    assert "has a flow 'main' too" in problem.message


def test_scenarios_secrets_and_other_files_are_left_alone(tmp_path: Path) -> None:
    write_centre(tmp_path, {"scenario-monday.yaml": "x", "secrets.yaml": "x: y", "README.md": "x", ".git/x.yaml": "["})
    assert files_wrong(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ID3 is no wav", "not a WAV recording"),
        (SILENCE[:30], "not a WAV recording"),
        (b"", "not a WAV recording"),
        (b"PK\x03\x04" + b"welcome.wav" * 20, "not a WAV recording"),
        (SILENCE + bytes(8_000_000), "larger than 8,000,000 bytes"),
        (SILENCE.replace((8000).to_bytes(4, "little"), (44100).to_bytes(4, "little"), 1), "this is 44,100 Hz"),
    ],
    ids=["another format", "cut off", "empty", "a zip named .wav", "two hours", "another rate"],
)
def test_a_recording_that_asterisk_could_not_play(tmp_path: Path, content: bytes, said: str) -> None:
    write_centre(tmp_path, {"sounds/en/sorry.wav": content})
    problem = next(one for one in problems_of(tmp_path) if place(one, tmp_path) == "sounds/en/sorry.wav")
    assert said in problem.message


def test_no_centre_at_all_is_another_error(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "notes.yaml").write_text("x: 1")
    for path, said in {
        "bnk": "there is no such directory",
        "bank": "this directory is empty",
        "notes.yaml": "a centre is a directory, this is a file",
        ".": "no centre.yaml here",
    }.items():
        with pytest.raises(UnusableDirectory) as caught:
            load_centre(tmp_path / path)
        assert said in str(caught.value)
    with pytest.raises(UnusableDirectory, match=r"did you mean '.*bank'"):
        load_centre(tmp_path / "bnk")
