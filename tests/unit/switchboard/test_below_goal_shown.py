"""A queue below its goal is marked for supervisors: in the state stream, in the state that is asked for, in the live
view."""

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from router.core.events import ContactArrived
from switchboard.centre import load_centre
from switchboard.engine import Engine
from switchboard.live_view import render_state
from switchboard.wallboard import state_of
from tests.support.centres import FILES, write_centre
from tests.support.ports import tcp_port

WATCHED = (
    FILES["queues.yaml"]
    + """
  repairs:
    goal: {answered_within_s: 20, share: 0.8}
    steps:
      - {name: first, until: {below_goal: true}}
      - {name: everybody}
    last_action: {exit: nobody}
"""
)


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "ami-secret")
    settings = (
        f"  engine: {{directory: {tmp_path / 'engine'}, agi_port: {tcp_port()}}}\n"
        f"  asterisk: {{ami_port: 1}}\n"
        f"  api: {{port: 0}}\n"
    )
    documents = {"centre.yaml": FILES["centre.yaml"] + settings, "queues.yaml": WATCHED}
    async with Engine(load_centre(write_centre(tmp_path / "centre", documents))).running() as running:
        yield running


async def test_it_is_marked_from_the_moment_at_which_somebody_waits_too_long(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    router, now_ms = engine.live.router, engine.clock.now_ms()
    engine.live.feed(ContactArrived("1780000000.1", "repairs", arrived_ms=now_ms - 19_000))
    assert not engine.board.document()["queues"]["repairs"]["below_goal"]
    engine.live.feed(ContactArrived("1780000000.2", "repairs", arrived_ms=now_ms - 21_000))
    assert router.below_goal("repairs")
    assert engine.board.document()["queues"]["repairs"]["below_goal"]
    assert {queue.name for queue in state_of(engine).queues if queue.below_goal} == {"repairs"}
    terminal = StringIO()
    Console(file=terminal, width=80).print(render_state(state_of(engine).model_dump()))
    print(terminal.getvalue())
    assert [line.split()[1] for line in terminal.getvalue().splitlines() if "!" in line] == ["repairs"]
    assert "queue repairs is below its goal: 0% of 1 answered in time of late" in caplog.text
