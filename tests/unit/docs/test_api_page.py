"""docs/api.md: the client that it shows follows a real feed, and its first request is answered."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.stream.feed import Feed
from tests.support.api import client, running_engine

PAGE = (Path(__file__).parents[3] / "docs/api.md").read_text()


def example(name: str) -> str:
    found = re.search(rf"<!-- executed: {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"docs/api.md has no example {name}"
    return found[1]


def test_the_shown_client_has_what_the_engine_has() -> None:
    shown: dict[str, object] = {}
    exec(example("stream"), shown)
    apply, state = shown["apply"], {}
    assert callable(apply)
    feed = Feed("e")
    feed.publish({"queues": {"help": {"waiting": 0}, "old": {"waiting": 1}}}, 0)
    apply(state, feed.snapshot(0).decode())
    feed.publish({"queues": {"help": {"waiting": 1, "oldest_ms": 5}, "old": None}}, 1)
    for message in [*(feed.since(1) or ()), feed.alive(2)]:
        apply(state, message.decode())
    assert state == feed.document == {"queues": {"help": {"waiting": 1, "oldest_ms": 5}}}


async def test_the_first_token_gets_the_first_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, _, request, answer = example("first-token").strip().splitlines()
    async with running_engine(tmp_path, monkeypatch) as engine:
        words = command.removeprefix("$ switchboard ").replace("--engine var", f"--engine {engine.directory}").split()
        token = (await asyncio.to_thread(CliRunner().invoke, app, words)).output.strip()
        path = re.sub(r".*http://127.0.0.1:4580", "", request)
        async with client(engine, {"Authorization": f"Bearer {token}"}) as http, http.get(path) as response:
            told = await response.json()
    shown = json.loads(answer.replace(",...", "").replace("true", "false"))
    assert shown.items() <= told.items()


def test_the_messages_shown_are_messages() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith('{"type"')]
    assert [json.loads(line)["type"] for line in lines] == ["snapshot", "change", "alive"]
