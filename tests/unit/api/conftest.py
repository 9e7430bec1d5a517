from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from switchboard.engine import Engine
from tests.support.api import cheap_passwords, running_engine


@pytest.fixture(autouse=True)
def passwords_in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_passwords(monkeypatch)


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async with running_engine(tmp_path, monkeypatch) as running:
        yield running
