from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bench import Bench, running_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_bench(tmp_path) as running:
        yield running
