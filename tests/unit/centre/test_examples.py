"""The examples, and the examples in the admin's page, are centres that work."""

import re
from pathlib import Path

import pytest

from documents import read
from ivr.flow.names import LanguageTag
from ivr.flow.scripted import run_tests
from router.core.strategies import registry
from switchboard.centre import Centre, load_centre
from switchboard.centre.sounds import voice_of

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/centre.yaml"))
PAGE = ROOT / "docs" / "configuration.md"


def assert_flow_tests_pass(centre: Centre) -> int:
    count = 0
    for path in centre.tests:
        for result in run_tests(read(path.read_text(), str(path)), centre.library, centre.numbers):
            assert not result.problems, [str(problem) for problem in result.problems] + list(result.story)
            count += 1
    return count


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_right_without_a_warning_and_passes_its_flow_tests(directory: Path) -> None:
    centre = load_centre(directory)
    assert centre.warnings == ()
    assert assert_flow_tests_pass(centre) >= 10


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_an_example_names_the_schema_of_every_document(directory: Path) -> None:
    for path in directory.rglob("*.yaml"):
        match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
        if not path.name.startswith("scenario"):
            assert match, path
            assert (path.parent / match[1]).is_file(), path


@pytest.mark.parametrize("directory", EXAMPLES, ids=lambda path: path.name)
def test_every_prompt_of_an_example_has_text_and_is_heard_in_every_language(directory: Path) -> None:
    centre = load_centre(directory)
    for name, entry in centre.prompts.entries.items():
        assert set(entry.text) == ({entry.speaks} if entry.speaks else set(centre.languages)), name
        for language in centre.languages:
            assert entry.sounds.get(LanguageTag(language)) or voice_of(centre.settings.speech, language), name


def test_the_recordings_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "examples").rglob("*.wav")) < 1_500_000


def test_the_admin_s_page_is_a_centre_that_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == PAGE.read_text().count("```yaml")
    for name, text in blocks:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    centre = load_centre(tmp_path)
    assert centre.warnings == ()
    assert assert_flow_tests_pass(centre) == 2


def test_the_admin_s_page_names_every_ranking_key() -> None:
    page = PAGE.read_text()
    assert [key for key in registry() if f"`{key}`" not in page] == []


def test_links_of_the_admin_s_page_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE.read_text()):
        assert link.startswith("https://") or (PAGE.parent / link).exists(), link
