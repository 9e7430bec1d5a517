"""What Prometheus is told, read back by its own parser."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from router.core import events
from switchboard.api import measured
from switchboard.engine import Engine
from tests.support.api import bearer, client, running_engine


async def scraped(engine: Engine) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    async with client(engine) as http, http.get("/metrics") as response:
        assert response.status == 200
        text = await response.text()
    families = list(text_string_to_metric_families(text))
    assert {metric.name for metric in measured.ALL} <= {family.name for family in families}
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_contacts_agents_and_offers_are_counted(engine: Engine) -> None:
    feed = engine.live.feed
    feed(events.AgentSignedIn("ben"))
    feed(events.ContactArrived("1.1", "cards"))
    feed(events.ContactArrived("1.2", "billing", attributes={"language": "es"}))
    before = await scraped(engine)
    assert before["switchboard_ready", frozenset()] == 0
    assert before["switchboard_ami_up", frozenset()] == 0
    assert before["switchboard_queue_waiting_contacts", frozenset({("queue", "billing")})] == 1
    assert before["switchboard_calls", frozenset({("stage", "waiting")})] == 2
    assert before["switchboard_offers_total", frozenset({("queue", "cards")})] == 1
    assert sum(before["switchboard_agents", frozenset({("state", state)})] for state in ("offline", "ringing")) >= 1
    feed(events.ContactLeft("1.2"))
    feed(events.ContactEnded("nobody"))
    after = await scraped(engine)
    gone = frozenset({("queue", "billing"), ("outcome", "abandoned")})
    assert after["switchboard_contact_wait_seconds_count", gone] == 1
    assert after["switchboard_impossible_events_total", frozenset()] == 1
    requests = frozenset({("operation", "metrics"), ("status", "200")})
    assert after["switchboard_api_requests_total", requests] == 1, "the one before this one"


async def test_from_behind_a_proxy_metrics_need_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch, "{port: 0, behind_proxy: true}") as engine, client(engine) as http:
        async with http.get("/metrics") as response:
            assert response.status == 401
        async with http.get("/metrics", headers=bearer(engine.accounts)) as response:
            assert response.status == 200
            assert response.headers["Strict-Transport-Security"]
