"""Queues follow the wall clock, wherever it jumps, and people, for as long as they said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from documents import DocumentError
from ivr.flow.hours import Hours, HoursEntry
from router.core.events import PolicyPublished
from router.core.policy import LastAction, Policy
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.journal import Journal
from router.live.shell import LiveRouter
from switchboard.opening import Opening
from tests.support.routing import agents, queue

WEEK = HoursEntry.model_validate(
    {"weekly": {"mon-fri": ["09:00-17:00"]}, "exceptions": [{"date": "2026-01-06", "name": "Epiphany"}]}
)


class Clock:
    """A wall clock that is set by hand (a Thursday)."""

    def __init__(self) -> None:
        self.at("2026-01-08 08:59")

    def at(self, text: str) -> None:
        self.now_ms = round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(tmp_path: Path) -> LiveRouter:
    closed = LastAction("exit", "closed")
    queues = (queue("shop", when_closed=closed), queue("night", when_closed=closed))
    return LiveRouter(Router(Policy(1, queues, agents("anna"))), Journal(tmp_path / "journal.jsonl"), EngineClock())


def opening_of(live: LiveRouter, clock: Clock, directory: Path) -> Opening:
    return Opening(live, hours_of=lambda: {"shop": Hours(WEEK, UTC)}, file=directory / "switches.json", wall_ms=clock)


@pytest.fixture
def opening(live: LiveRouter, clock: Clock, tmp_path: Path) -> Opening:
    return opening_of(live, clock, tmp_path)


def state(live: LiveRouter, name: str = "shop") -> str:
    switch = live.router.switch(name)
    return switch.state if switch else "open"


def test_opens_and_closes_at_the_minute_and_after_jumps_of_the_clock(
    opening: Opening, live: LiveRouter, clock: Clock
) -> None:
    for moment, expected in [
        ("2026-01-08 08:59", "closed"),
        ("2026-01-08 09:00", "open"),
        ("2026-01-08 16:59", "open"),
        ("2026-01-08 17:00", "closed"),
        ("2026-01-12 12:00", "open"),  # over a weekend at one stroke
        ("2026-01-10 12:00", "closed"),  # and back
        ("2026-01-06 12:00", "closed"),  # a holiday
    ]:
        clock.at(moment)
        opening.look()
        assert (state(live), state(live, "night")) == (expected, "open"), moment
    switch = live.router.switch("shop")
    assert switch is not None
    assert switch.reason == "holiday"


def test_a_person_beats_the_hours_until_they_change(opening: Opening, live: LiveRouter, clock: Clock) -> None:
    clock.at("2026-01-08 16:00")
    opening.look()
    opening.switch("shop", "closed", "fire drill", "ben")
    assert state(live) == "closed"
    clock.at("2026-01-08 18:00")  # the hours have closed it, too
    opening.look()
    assert opening.switched("shop") is None
    clock.at("2026-01-09 09:00")
    opening.look()
    assert state(live) == "open"


def test_a_time_beats_every_change_of_the_hours(opening: Opening, live: LiveRouter, clock: Clock) -> None:
    clock.at("2026-01-08 16:00")
    until = Clock()
    until.at("2026-01-08 20:00")
    opening.switch("shop", "open", "sale", "ben", until())
    clock.at("2026-01-08 19:59")
    opening.look()
    assert state(live) == "open"
    clock.at("2026-01-08 20:00")
    opening.look()
    assert state(live) == "closed"


def test_an_emergency_lasts_until_somebody_ends_it_and_over_a_restart(
    opening: Opening, live: LiveRouter, clock: Clock, tmp_path: Path
) -> None:
    clock.at("2026-01-08 16:00")
    opening.switch("shop", "emergency", "power cut", "ben")
    clock.at("2026-01-12 12:00")
    again = opening_of(live, clock, tmp_path)
    again.look()
    assert state(live) == "emergency"
    kept = again.switched("shop")
    assert kept is not None
    assert (kept.by, kept.reason) == ("ben", "power cut")
    again.follow_hours("shop")
    assert state(live) == "open"


def test_a_queue_without_hours_stays_as_people_said(opening: Opening, live: LiveRouter, clock: Clock) -> None:
    opening.switch("night", "closed", "", "ben")
    clock.at("2026-03-01 12:00")
    opening.look()
    assert state(live, "night") == "closed"
    opening.follow_hours("night")
    assert state(live, "night") == "open"


def test_a_queue_that_a_new_policy_brings_opens_by_its_hours(opening: Opening, live: LiveRouter) -> None:
    opening.look()
    live.feed(PolicyPublished(Policy(2, (queue("night"),), agents("anna"))))
    opening.look()
    live.feed(PolicyPublished(Policy(3, (queue("shop", when_closed=LastAction("exit", "x")),), agents("anna"))))
    opening.look()
    assert state(live) == "closed"


def test_a_file_that_nobody_understands_is_said_with_what_to_do(live: LiveRouter, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "switches.json").write_text("{")
    with pytest.raises(DocumentError, match=r"switches\.json.*delete the file"):
        opening_of(live, clock, tmp_path)


def test_a_disk_that_is_full_keeps_the_switch_for_now(
    live: LiveRouter, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opening = opening_of(live, clock, tmp_path / "missing")
    opening.switch("shop", "open", "", "ben")
    assert state(live) == "open"
    assert "lost when the engine restarts" in caplog.text
