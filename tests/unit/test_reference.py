from pathlib import Path

import pytest

from switchboard.reference import PAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", PAGES)
def test_the_generated_reference_is_what_the_code_says(page: str) -> None:
    assert (ROOT / page).read_text() == PAGES[page](), "run `python -m switchboard.reference` and commit the result"
