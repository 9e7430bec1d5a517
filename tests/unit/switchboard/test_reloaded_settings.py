"""A reload takes every setting that it can, and names those that want a restart."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.flow.effects import LookUp, Notify, Query
from ivr.flow.inputs import LookupFailed
from ivr.flow.session import Caller, Session
from switchboard.centre import restarts
from switchboard.centre.restarts import want_restart
from switchboard.centre.settings import Settings
from switchboard.engine import Engine
from tests.support.api import running_engine

WEBHOOK = {"url": "http://127.0.0.1:9/", "secret": {"secret_env": "SECRET"}}


def change(engine: Engine, **settings: Any) -> None:
    path = engine.centre.directory / "centre.yaml"
    document = yaml.safe_load(path.read_text())
    for name, value in settings.items():
        document.setdefault("settings", {})[name] = document.get("settings", {}).get(name, {}) | value
    path.write_text(yaml.safe_dump(document))
    engine.reload()


async def test_what_can_be_taken_at_once_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        change(
            engine,
            lookup={
                "allow": ["127.0.0.1"],
                "allow_private": ["127.0.0.1"],
                "databases": {"crm": {"url": f"sqlite:///{tmp_path}/crm.db"}},
            },
            notify={"webhooks": {"claims": WEBHOOK}, "tries": 1},
            recordings={"keep_days": 3},
            speech={"voices": {"en": {"engine": "espeak", "values": "voice"}}, "value_wait_s": 0.25},
            outbound={"per_minute": 7},
        )
        assert engine.wants_restart == []
        answer = await engine.http_lookup.look_up(LookUp("http://127.0.0.1:9/"))
        assert isinstance(answer, LookupFailed)
        assert answer.cause == "unreachable", "allowed now, but nobody is there"
        answer = await engine.databases.query(Query("crm", "select 1 from customers"))
        assert isinstance(answer, LookupFailed)
        assert answer.cause != "refused" or "no database" not in answer.detail
        assert "claims" in engine.notifier._lines
        assert engine.recordings.settings.keep_days == 3
        assert engine.destinations.settings.per_minute == 7
        assert engine.values._rules().wait_s == 0.25

        change(engine, lookup={"allow": [], "allow_private": [], "databases": {}}, notify={"webhooks": {}})
        answer = await engine.http_lookup.look_up(LookUp("http://127.0.0.1:9/"))
        assert isinstance(answer, LookupFailed)
        assert answer.cause == "refused"
        answer = await engine.databases.query(Query("crm", "select 1 from customers"))
        assert isinstance(answer, LookupFailed)
        assert "no database" in answer.detail


async def test_a_notification_to_a_webhook_that_is_no_more_fails_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        change(engine, notify={"webhooks": {"claims": WEBHOOK}})
        change(engine, notify={"webhooks": {}})
        session = Session(Caller("1", "2"), "main", "f", "n", "en", 0, "Play")
        engine.notifier.notify("c-1", session, Notify("main", "n", "claims"))
        await engine.notifier._lines["claims"].join()
        assert "the settings have no 'claims' any more" in caplog.text


async def test_what_wants_a_restart_is_named_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        change(engine, api={"port": 9}, speech={"directory": str(tmp_path / "elsewhere")}, store={"journal_days": 5})
        named = ["settings.api.port", "settings.store.journal_days", "settings.speech.directory"]
        assert engine.wants_restart == named
        assert f"take effect at the engine's next start: {', '.join(named)}" in caplog.text
        change(engine, outbound={"per_hour": 9})
        assert engine.wants_restart == named


def test_the_paths_are_those_of_settings() -> None:
    settings = Settings()
    assert want_restart(settings, settings) == []
    for path in restarts.AT_START:
        found: Any = settings
        for name in path:
            found = getattr(found, name)
