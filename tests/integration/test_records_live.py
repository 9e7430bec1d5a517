"""The records of a real centre: real calls, an engine that is killed, and Asterisk's own queue_log beside ours."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import URL, Engine

from asterisk_conf.names import BENCH_QUEUE
from asterisk_conf.phones import Answer, Keys, PlannedCall
from switchboard.store.database import FILE_NAME, open_store
from switchboard.store.projector import Projector
from switchboard.store.schema import contacts
from tests.support.live import MENU, QUEUE, Exchange, LiveCentre, running_exchange
from tests.support.queue_log import Line, parse
from tests.unit.store.conftest import everything, rows

NATIVE = "5559000"

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("records-live"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk"), bench_number=NATIVE) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, tmp_path) as made:
        document = made.directory / "centre" / "centre.yaml"
        document.write_text(document.read_text() + f'  store: {{queue_log: "{tmp_path / "queue_log"}"}}\n')
        await made.start()
        yield made


def records(centre: LiveCentre) -> Engine:
    return open_store(URL.create("sqlite", database=str(centre.engine_directory / FILE_NAME)))


def switchboard(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "switchboard.cli.entry", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


async def test_after_kills_every_record_is_stored_once_and_the_story_is_whole(
    centre: LiveCentre, tmp_path: Path
) -> None:
    await centre.phone("anna", Answer(ring_s=0.3, talk_s=1.0), Answer(ring_s=0.3, talk_s=1.0))
    first = await centre.call(PlannedCall(MENU, caller="600100201", keys=(Keys(1.0, "1"),)))
    await first.finished()
    await centre.until_agent("anna", "ready", timeout_s=30)
    await centre.ask("pause", agent="anna", reason="lunch")
    second = await centre.call(PlannedCall(QUEUE, caller="600100202"))
    await centre.until_calls(waiting=1, timeout_s=30)
    await centre.kill()
    await centre.start()
    await centre.until_calls(waiting=1, timeout_s=30)
    await centre.kill()
    await centre.start()
    await centre.ask("ready", agent="anna")
    await second.finished()
    await centre.over()

    store = records(centre)
    stored = everything(store)
    anew = Projector(
        lambda: open_store(URL.create("sqlite", database=str(tmp_path / "anew.db"))), centre.engine_directory
    )
    anew.catch_up()
    anew.close()
    assert stored == everything(open_store(URL.create("sqlite", database=str(tmp_path / "anew.db"))))

    by_menu, by_queue = rows(store, contacts)
    assert [row["outcome"] for row in (by_menu, by_queue)] == ["answered", "answered"]
    assert [row["ended_by"] for row in (by_menu, by_queue)] == ["agent", "agent"]
    told = switchboard("contact", "show", str(by_menu["contact"]), centre.directory / "centre")
    for words in ("call from 600100201", "comes to menu", "waits in help", "is offered to anna", "joined with anna"):
        assert words in told
    assert told.index("comes to menu") < told.index("waits in help") < told.index("joined with anna")
    report = switchboard(
        "report",
        "queues",
        centre.directory / "centre",
        "--from",
        _day(by_menu),
        "--to",
        _day(by_queue),
        "--format",
        "csv",
    )
    header, all_queues, _ = (line.split(",") for line in report.splitlines())
    assert dict(zip(header, all_queues, strict=True))["answered"] == "2"
    switchboard("store", "status", centre.directory / "centre")


async def test_a_running_engine_tells_stories_and_figures_by_its_operations(centre: LiveCentre) -> None:
    await centre.phone("anna", Answer(ring_s=0.3, talk_s=0.5))
    callers = await centre.call(PlannedCall(QUEUE))
    await callers.finished()
    await centre.until_agent("anna", "ready", timeout_s=30)
    async with asyncio.timeout(30):
        while (await centre.ask("records_status"))["behind_bytes"]:
            await asyncio.sleep(0.1)
    (row,) = rows(records(centre), contacts)
    story = await centre.ask("contact_story", contact=row["contact"])
    assert story["stays"][0]["agent"] == "anna"
    assert any("joined with anna" in line["text"] for line in story["story"])
    figures = await centre.ask("report", subject="agents", first_day=_day(row), last_day=_day(row))
    anna = next(line for line in figures["lines"] if line["name"] == "anna")
    assert anna["values"]["answered"] == 1
    changes = await centre.ask("audit", since=f"{_day(row)}T00:00:00Z", about="anna")
    assert [change["operation"] for change in changes["changes"]] == ["sign_in"]
    await centre.over()


async def test_our_queue_log_and_asterisks_own_tell_the_same_calls_in_the_same_form(
    centre: LiveCentre, exchange: Exchange, tmp_path: Path
) -> None:
    """A call that the agent ends, one that the caller ends, one that gives up: by the engine, and by a native Queue."""
    native_file = _find(exchange.asterisk.directory, "queue_log")
    before = len(native_file.read_text().splitlines())

    async def calls(number: str) -> None:
        by_agent = await centre.call(PlannedCall(number, caller="600100203"))
        await by_agent.finished()
        by_caller = await centre.call(PlannedCall(number, caller="600100203", start_s=1.0, hang_up_after_s=9.0))
        await by_caller.finished()

    answers = (Answer(ring_s=0.5, talk_s=1.5), Answer(ring_s=0.5))
    await centre.phone("anna", *answers, *answers)
    await centre.phone("ben", *[Answer(ring_s=0.1, status=486)] * 20, sign_in=False)  # the native queue rings both
    await calls(QUEUE)
    await centre.until_agent("anna", "ready", timeout_s=30)
    await centre.ask("sign_out", agent="anna")
    gives_up = await centre.call(PlannedCall(QUEUE, caller="600100203", hang_up_after_s=1.5))
    await gives_up.finished()
    await centre.over()
    ours = [parse(line) for line in (tmp_path / "queue_log").read_text().splitlines()]
    assert ours
    await calls(NATIVE)
    native = [parse(line) for line in native_file.read_text().splitlines()[before:]]
    assert {line.queue for line in native} - {"NONE"} == {BENCH_QUEUE}
    assert _shapes(ours)[:2] == _shapes(native)[:2]
    assert _shapes(ours)[2] == [("ENTERQUEUE", 3), ("ABANDON", 3)]


def _shapes(lines: list[Line]) -> list[list[tuple[str, int]]]:
    """Of each call the events in order, each with how many fields its data has; rings that came to nothing left out."""
    by_call: dict[str, list[tuple[str, int]]] = {}
    for line in lines:
        if line.callid not in ("NONE", "MANAGER", "REALTIME") and not line.event.startswith("RING"):
            by_call.setdefault(line.callid, []).append((line.event, len(line.data)))
    return list(by_call.values())


def _find(directory: Path, name: str) -> Path:
    (found,) = directory.rglob(name)
    return found


def _day(row: dict[str, Any]) -> str:
    return datetime.fromtimestamp(row["queued_ms"] / 1000, UTC).date().isoformat()
