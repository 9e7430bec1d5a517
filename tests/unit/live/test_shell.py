"""The live shell: journal before deeds, decisions in order, one timer, and nothing that stops it."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from router.core.decisions import AnyDecision, ContactReleased
from router.core.errors import ImpossibleEvent
from router.core.events import AgentSignedIn, AnyEvent, ContactArrived, ContactLeft, TimePassed
from router.core.policy import Agent, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router
from router.live import journal as journals
from router.live import shell
from router.live.clock import EngineClock
from router.live.journal import Handled, Header, Journal, Note, SessionSaved, policy_hash, read
from router.live.recovery import replay
from router.live.shell import LiveRouter

POLICY = Policy(
    version=1,
    queues=(Queue("help", Goal(20_000, 0.8), (Step("all"),), LastAction("exit", "late"), longest_wait_ms=40),),
    agents=(Agent("anna"),),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal-1.jsonl", "never")
    made.append(Header(0, journals.FORMAT, "Test", "c0ffee", 0, policy_hash(POLICY), POLICY))
    return made


@pytest.fixture
def live(journal: Journal) -> LiveRouter:
    return LiveRouter(Router(POLICY), journal, EngineClock())


async def test_the_journal_has_an_event_before_anybody_acts_on_it(live: LiveRouter, journal: Journal) -> None:
    seen: list[list[AnyEvent]] = []

    def look(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        seen.append([record.event for record in read(journal.path) if isinstance(record, Handled)])

    live.observe(look)
    live.feed(ContactArrived("c1", "help"))
    assert seen == [[ContactArrived("c1", "help")]]
    live.stop()


async def test_what_an_observer_feeds_waits_until_all_have_heard_the_event_before(live: LiveRouter) -> None:
    heard: list[tuple[str, str]] = []

    def first(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        heard.append(("first", type(event).__name__))
        if isinstance(event, ContactArrived):
            live.feed(ContactLeft("c1"))

    live.observe(first)
    live.observe(lambda event, decisions, now_ms: heard.append(("second", type(event).__name__)))
    live.feed(ContactArrived("c1", "help"))
    assert heard == [(who, what) for what in ("ContactArrived", "ContactLeft") for who in ("first", "second")]
    live.stop()


async def test_an_impossible_event_is_returned_counted_and_not_journalled(live: LiveRouter, journal: Journal) -> None:
    assert isinstance(live.feed(ContactArrived("c1", "nowhere")), ImpossibleEvent)
    assert live.impossible_events == 1
    assert [record for record in read(journal.path) if isinstance(record, Handled)] == []


async def test_an_observer_that_fails_stops_neither_the_others_nor_the_router(live: LiveRouter) -> None:
    heard: list[AnyEvent] = []

    def fail(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        raise RuntimeError("a fault of ours")

    live.observe(fail)
    live.observe(lambda event, decisions, now_ms: heard.append(event))
    live.feed(AgentSignedIn("anna"))
    live.feed(ContactArrived("c1", "help"))
    assert len(heard) == 2
    live.stop()


async def test_the_one_timer_wakes_the_router_at_its_deadline(live: LiveRouter, journal: Journal) -> None:
    released = asyncio.Event()

    def look(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        if any(isinstance(decision, ContactReleased) for decision in decisions):
            released.set()

    live.observe(look)
    live.feed(ContactArrived("c1", "help"))
    await asyncio.wait_for(released.wait(), 2)
    handled = [record for record in read(journal.path) if isinstance(record, Handled)]
    assert handled[-1].event == TimePassed()
    assert handled[-1].at_ms - handled[0].at_ms >= 40
    live.stop()


async def test_a_full_disk_stops_no_call(live: LiveRouter, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(record: object) -> None:
        raise journals.JournalError("no space left on device")

    monkeypatch.setattr(journal, "append", full)
    live.feed(ContactArrived("c1", "help"))
    assert live.router.contact("c1") is not None
    assert live.journal_failures == 1
    live.stop()


async def test_after_a_full_disk_a_new_journal_begins_with_the_state(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def new_journal() -> Journal:
        if full:
            raise journals.JournalError("no space left on device")
        made = Journal(tmp_path / "journal-2.jsonl", "never")
        state = msgspec.Raw(live.router.snapshot())
        made.append(Header(0, journals.FORMAT, "Test", "c0ffee", 0, policy_hash(POLICY), POLICY, state))
        return made

    def no_space(record: object) -> None:
        raise journals.JournalError("no space left on device")

    monkeypatch.setattr(shell, "JOURNAL_RETRY_S", 0.01)
    live = LiveRouter(Router(POLICY), journal, EngineClock(), new_journal)
    full = True
    monkeypatch.setattr(journal, "append", no_space)
    live.feed(AgentSignedIn("anna"))
    live.feed(ContactArrived("c1", "help"))
    await asyncio.sleep(0.05)
    assert live.journal_broken
    assert list(read(journal.path))[1:] == []  # a journal with a gap would not replay
    full = False
    async with asyncio.timeout(2):
        while live.journal_broken:
            await asyncio.sleep(0.01)
    live.feed(ContactLeft("c1"))
    assert live.journal_failures >= 2
    replayed = replay(tmp_path / "journal-2.jsonl")
    assert replayed.divergence is None
    assert replayed.events >= 1
    assert any(isinstance(record, Note) and "could not be written" in record.text for record in read(live.journal.path))
    live.stop()


async def test_a_journal_that_was_tampered_with_is_found_out_at_its_record(live: LiveRouter, journal: Journal) -> None:
    live.feed(AgentSignedIn("anna"))
    live.feed(ContactArrived("c1", "help"))
    live.record(SessionSaved(live.clock.now_ms(), "c1", msgspec.Raw(b"{}")))
    live.record(Note(live.clock.now_ms(), "a note"))
    assert replay(journal.path).divergence is None
    text = journal.path.read_text()
    journal.path.write_text(text.replace('"agent":"anna","deadline', '"agent":"otto","deadline'))
    divergence = replay(journal.path).divergence
    assert divergence is not None
    assert divergence.record == 3
    assert "otto" in str(divergence)
    live.stop()


async def test_a_replay_goes_as_far_as_it_is_asked(live: LiveRouter, journal: Journal) -> None:
    live.feed(AgentSignedIn("anna"))
    live.feed(ContactArrived("c1", "help"))
    live.record(SessionSaved(live.clock.now_ms(), "c1", msgspec.Raw(b"{}")))
    assert list(replay(journal.path).sessions) == ["c1"]
    assert replay(journal.path, stop_at=3).router.contact("c1") is None
    live.record(SessionSaved(live.clock.now_ms(), "c1", journals.NOTHING))
    assert replay(journal.path).sessions == {}
    live.stop()


def test_time_never_goes_back_whatever_the_wall_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    future_ms = time.time_ns() // 1_000_000 + 3_600_000
    clock = EngineClock(not_before=future_ms)
    first = clock.now_ms()
    assert first >= future_ms
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now_ms() >= first
