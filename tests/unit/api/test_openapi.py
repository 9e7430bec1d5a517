"""The description against the running API (schemathesis): what it allows is taken, what comes back is as it says."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from switchboard.api.openapi import description
from switchboard.operations import table
from tests.support.api import bearer, running_engine


class Running:
    """An engine in a thread of its own, as schemathesis is not asynchronous."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.headers: dict[str, str] = {}
        self.url = ""

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with pytest.MonkeyPatch.context() as patch:
            async with running_engine(self._directory, patch) as engine:
                self.headers = bearer(engine.accounts, "admin", name="schemathesis")
                self.url = f"http://127.0.0.1:{engine.api.port}"
                self._started.set()
                await self._stop.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("api")) as engine:
        yield engine


schema = schemathesis.openapi.from_dict(description())
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
# What is as described may still make no sense in this centre (422); only 400 says that it is not as described.
schema.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "401", "403", "404", "409", "422", "429"]


@schema.exclude(operation_id="stream").parametrize()
@settings(max_examples=5, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
def test_the_api_is_as_described(case: schemathesis.Case, running: Running) -> None:
    # This engine has no Asterisk and says so: for it 503 is the right answer.
    excluded = [not_a_server_error, positive_data_acceptance] if case.operation.path == "/health/ready" else []
    case.call_and_validate(base_url=running.url, headers=running.headers, excluded_checks=excluded)


def test_the_served_description_is_the_generated_one(running: Running) -> None:
    served = schemathesis.openapi.from_url(f"{running.url}/v1/openapi.json")
    assert served.raw_schema == description()


def test_every_operation_is_described_once() -> None:
    ids = [operation["operationId"] for path in description()["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert set(table()) <= set(ids)
