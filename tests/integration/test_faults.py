"""Every fault of the list, once, with calls in every stage: nobody is lost, nobody is stuck, places are kept.

`make soak` drives the same faults for as long as wanted, at other moments each time.
"""

from pathlib import Path

import pytest

from tests.faults import FAULTS, drive

pytestmark = pytest.mark.asterisk


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.xdist_group(f"faults-{place % 2}")) for place, name in enumerate(FAULTS)],
)
async def test_nothing_is_lost(name: str, tmp_path: Path) -> None:
    counted = await drive(FAULTS[name], tmp_path)
    print(f"{name}: {counted}")
    assert counted.proper, f"{name}: {counted}"
