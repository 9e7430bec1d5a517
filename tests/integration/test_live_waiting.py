"""Waiting on a real Asterisk: ways out by real keys, places that are kept, last actions with callers on the line."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.phones import Answer, Keys, PlannedCall
from router.core.decisions import Connect, ContactFinished, ContactQueued, ContactReleased
from router.core.events import ContactArrived, ContactLeft, ContactMoved
from tests.support.live import QUEUE, Exchange, LiveCentre, manager, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-waiting"),
    pytest.mark.asyncio(loop_scope="module"),
]

FLOW = """\
schema: 2
name: queue
start: wait
on_error: failed
nodes:
  wait:
    type: enqueue
    queue: help
    keys: {"1": {to: aside, keeps_place: true}, "2": out, "3": {to: other, keeps_place: true}}
    answered: after
    exits: {nobody: sorry, EXITS}
    otherwise: failed
  aside:
    type: menu
    say: [long, long]
    choices: {"1": wait, "3": other}
    first_digit_s: 20
    no_input: {retries: 0, to: wait}
    no_match: {retries: 0, to: wait}
  other: {type: enqueue, queue: other, answered: after, exits: {nobody: sorry}, otherwise: failed}
  out: {type: play, say: [beep], next: end}
  after: {type: play, say: [beep], next: end}
  sorry: {type: play, say: [beep], next: end}
  engaged: {type: play, say: [beep], next: end}
  deserted: {type: play, say: [beep], next: end}
  failed: {type: hangup, reason: failed}
  end: {type: hangup}
"""
QUEUES = """\
busy_retry_s: 1
queues:
  help:
    goal: {answered_within_s: 20, share: 0.8}
    skills: {help: 1}
    steps: [{name: all}]
    ring_s: 5
    wrap_up_s: 0.2
    agent_ranking: [best_fit]
    MORE
  other:
    goal: {answered_within_s: 20, share: 0.8}
    skills: {help: 6}
    steps: [{name: all}]
    longest_wait_s: 120
    last_action: {exit: nobody}
    ring_s: 5
    wrap_up_s: 0.2
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


class Waiting(LiveCentre):
    """A centre whose one flow waits, with ways out. `more` is said of its queue besides."""

    more: str = "longest_wait_s: 120\n    last_action: {exit: nobody}"
    exits: str = ""

    def write(self, changes: dict[str, str] | None = None) -> None:
        files = {
            "flows/queue.yaml": FLOW.replace("EXITS", self.exits),
            "queues.yaml": QUEUES.replace("MORE", self.more),
        }
        super().write(files | (changes or {}))

    def visited(self, node: str) -> int:
        """How many callers have been at this node."""
        sessions = "\n".join(path.read_text() for path in self.journals)
        return sum(f'"queue","{node}"' in line for line in _last_of_each(sessions))

    async def recorded(self, condition: Callable[[], object], timeout_s: float = 20) -> None:
        """Waits until `condition` holds of what the journals say, of which the engine's state need not tell."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.05)

    def outcomes(self) -> Counter[str]:
        return Counter(decision.outcome for decision in self.decisions(ContactFinished))


def _last_of_each(journal: str) -> list[str]:
    """The last record of each session that is not its end."""
    last: dict[str, str] = {}
    for line in journal.splitlines():
        if '"record":"session"' in line and not line.endswith('"session":null}'):
            last[line.partition('"contact":"')[2].partition('"')[0]] = line
    return list(last.values())


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[Waiting]:
    async with Waiting(exchange, tmp_path) as made:
        await made.start()
        yield made


async def test_a_key_leads_out_of_the_queue_at_any_moment_of_an_announcement(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Announcements every second, keys at random moments: in music, in words, and between two commands."""
    async with Waiting(exchange, tmp_path, announce_every_s=1) as centre:
        await centre.start()
        rng = random.Random(11)
        calls = [PlannedCall(QUEUE, start_s=0.2 * n, keys=(Keys(rng.uniform(0.8, 6), "2"),)) for n in range(40)]
        callers = await centre.call(*calls)
        outcomes = await asyncio.wait_for(callers.finished(), 60)
        assert Counter(outcome.ended for outcome in outcomes) == {"centre": 40}
        assert centre.visited("out") == 40
        assert centre.outcomes() == {"left": 40}
        # From the end of the tone to the last of a beep and a goodbye: no announcement was heard to its end before.
        late = [outcome.ended_s - outcome.keys_s[0] for outcome in outcomes if outcome.ended_s]
        assert max(late) < 8
        await centre.over()


async def test_who_keeps_the_place_is_answered_out_of_the_flow_and_goes_on_behind_the_queue(centre: Waiting) -> None:
    first = await centre.call(PlannedCall(QUEUE, keys=(Keys(0.8, "1"),)))
    await centre.recorded(lambda: centre.visited("aside"))
    second = await centre.call(PlannedCall(QUEUE, hang_up_after_s=30))
    await centre.until_calls(waiting=2)
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.5))
    outcomes = [*await first.finished(), *await second.finished()]
    assert [outcome.ended for outcome in outcomes] == ["centre", "centre"]
    arrived = [event.contact for event in centre.events(ContactArrived)]
    assert [decision.contact for decision in centre.decisions(Connect)] == arrived
    assert centre.visited("after") == 2
    assert centre.outcomes() == {"answered": 2}
    await centre.over()


async def test_who_comes_back_to_the_queue_goes_on_waiting_and_who_goes_to_another_is_moved(centre: Waiting) -> None:
    back, over = (
        await centre.call(PlannedCall(QUEUE, keys=(Keys(0.8, "1"), Keys(3, "1")))),
        await centre.call(PlannedCall(QUEUE, start_s=0.5, keys=(Keys(0.8, "1"), Keys(3, "3")))),
    )
    straight = await centre.call(PlannedCall(QUEUE, start_s=1, keys=(Keys(2, "3"),)))
    await centre.recorded(lambda: len(centre.events(ContactMoved)) == 2)
    await centre.until_calls(waiting=3)
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.3))
    for callers in (back, over, straight):
        assert (await asyncio.wait_for(callers.finished(), 30))[0].ended == "centre"
    assert {event.queue for event in centre.events(ContactMoved)} == {"other"}
    assert len(centre.events(ContactArrived)) == 3
    assert centre.visited("after") == 3
    assert centre.outcomes() == {"answered": 3}
    await centre.over()


async def test_who_hangs_up_aside_has_given_up(centre: Waiting) -> None:
    callers = await centre.call(PlannedCall(QUEUE, keys=(Keys(0.8, "1"),), hang_up_after_s=3))
    assert (await callers.finished())[0].ended == "caller"
    await centre.until_calls(ivr=0, waiting=0)
    assert centre.events(ContactLeft)
    assert centre.outcomes() == {"abandoned": 1}
    await centre.over()


async def test_a_place_is_kept_over_a_crash_of_the_engine(centre: Waiting) -> None:
    aside = await centre.call(PlannedCall(QUEUE, keys=(Keys(0.8, "1"),)))
    await centre.recorded(lambda: centre.visited("aside"))
    await centre.kill()
    await centre.start()
    later = await centre.call(PlannedCall(QUEUE))
    await centre.until_calls(waiting=2)
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.3))
    assert (await asyncio.wait_for(aside.finished(), 30))[0].ended == "centre"
    assert (await asyncio.wait_for(later.finished(), 30))[0].ended == "centre"
    arrived = [event.contact for event in centre.events(ContactArrived)]
    assert [decision.contact for decision in centre.decisions(Connect)] == arrived
    assert centre.visited("after") == 2
    await centre.over()


async def test_keys_of_a_talk_are_not_written_down(exchange: Exchange, centre: Waiting) -> None:
    callers = await centre.call(PlannedCall(QUEUE, keys=(Keys(1, "9"), Keys(5, "4111"))))
    await centre.until_calls(waiting=1)
    await centre.recorded(lambda: callers.outcomes[0].keys_s)
    await asyncio.sleep(1)  # the tone itself
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=8))
    await centre.until_calls(talking=1)
    (contact,) = [event.contact for event in centre.events(ContactArrived)]
    async with manager(exchange) as ami:
        await centre.recorded(lambda: callers.outcomes[0].keys_s[1:])
        await asyncio.sleep(1.5)  # the tones themselves
        noted = await ami.action("Getvar", {"Channel": contact, "Variable": "SB_PRESSED"})
    assert noted.get("Value", "") in ("", "9")
    assert (await asyncio.wait_for(callers.finished(), 30))[0].ended == "centre"
    await centre.over()


async def test_a_full_queue_and_one_that_the_last_agent_leaves_lead_by_their_exits(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with Waiting(exchange, tmp_path) as centre:
        centre.more += "\n    full_at: 1\n    when_full: {exit: full}\n    when_unstaffed: {exit: unstaffed}"
        centre.exits = "full: engaged, unstaffed: deserted"
        centre.write()
        await centre.start()
        await centre.ask("sign_in", agent="anna")
        await centre.ask("pause", agent="anna", reason="break")
        waiting = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(waiting=1)
        assert (await (await centre.call(PlannedCall(QUEUE))).finished())[0].ended == "centre"
        await centre.ask("sign_out", agent="anna")
        assert (await asyncio.wait_for(waiting.finished(), 20))[0].ended == "centre"
        assert [decision.action.target for decision in centre.decisions(ContactReleased)] == ["full", "unstaffed"]
        assert (centre.visited("engaged"), centre.visited("deserted")) == (1, 1)
        await centre.over()


async def test_who_overflows_waits_on_with_the_age_and_the_keys_of_before(exchange: Exchange, tmp_path: Path) -> None:
    async with Waiting(exchange, tmp_path) as centre:
        centre.more = "longest_wait_s: 1.5\n    last_action: {queue: other}"
        centre.exits = ""
        centre.write()
        await centre.start()
        stays = await centre.call(PlannedCall(QUEUE))
        leaves = await centre.call(PlannedCall(QUEUE, keys=(Keys(4, "2"),)))
        await centre.recorded(lambda: sum(move.queue == "other" for move in centre.decisions(ContactQueued)) == 2)
        assert (await asyncio.wait_for(leaves.finished(), 20))[0].ended == "centre"
        await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.3))
        assert (await asyncio.wait_for(stays.finished(), 20))[0].ended == "centre"
        moved = [queued for queued in centre.decisions(ContactQueued) if queued.queue == "other"]
        assert [queued.moved_from for queued in moved] == ["help", "help"]
        assert all(queued.arrived_ms is not None for queued in moved)
        assert (centre.visited("after"), centre.visited("out")) == (1, 1)
        await centre.over()


async def test_closing_time_sends_those_who_wait_and_those_who_come_by_their_exits(
    exchange: Exchange, tmp_path: Path
) -> None:
    """Who is out of the queue with the place kept learns of it on coming back."""
    async with Waiting(exchange, tmp_path) as centre:
        centre.more += "\n    when_closed: {exit: closed}\n    at_closing: {exit: closing}"
        centre.exits = "closed: engaged, closing: deserted"
        centre.write()
        await centre.start()
        in_music = await centre.call(PlannedCall(QUEUE))
        aside = await centre.call(PlannedCall(QUEUE, keys=(Keys(0.8, "1"), Keys(9, "1"))))
        await centre.recorded(lambda: len(centre.events(ContactArrived)) == 2 and centre.visited("aside"))
        await centre.ask("switch_queue", queue="help", state="closed", reason="closing time")
        late = await centre.call(PlannedCall(QUEUE))
        for callers in (in_music, aside, late):
            assert (await asyncio.wait_for(callers.finished(), 30))[0].ended == "centre"
        released = Counter(decision.action.target for decision in centre.decisions(ContactReleased))
        assert released == {"closing": 2, "closed": 1}
        assert (centre.visited("deserted"), centre.visited("engaged")) == (2, 1)
        await centre.over()


async def test_a_caller_who_was_cut_off_comes_back_to_the_old_place(exchange: Exchange, tmp_path: Path) -> None:
    async with Waiting(exchange, tmp_path) as centre:
        centre.more += "\n    reentry: {within_s: 60}"
        centre.write()
        await centre.start()
        cut_off = await centre.call(PlannedCall(QUEUE, caller="600111111", hang_up_after_s=1.5))
        await centre.until_calls(waiting=1)
        stranger = await centre.call(PlannedCall(QUEUE, caller="600222222"))
        await centre.until_calls(waiting=2)
        await cut_off.finished()
        await centre.until_calls(waiting=1)
        again = await centre.call(PlannedCall(QUEUE, caller="600111111"))
        await centre.until_calls(waiting=2)
        await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.3))
        for callers in (again, stranger):
            assert (await asyncio.wait_for(callers.finished(), 30))[0].ended == "centre"
        caller_of = {event.contact: event.caller for event in centre.events(ContactArrived)}
        served = [caller_of[decision.contact] for decision in centre.decisions(Connect)]
        assert served == ["600111111", "600222222"]
        await centre.over()


async def test_a_caller_who_was_cut_off_in_talk_comes_back_to_the_same_agent(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with Waiting(exchange, tmp_path, wrap_up_s=0.1) as centre:
        centre.more += "\n    reentry: {within_s: 60}\n    preferred_agent_s: 20"
        centre.write()
        await centre.start()
        await centre.phone("ben", Answer(ring_s=0.2, talk_s=20), Answer(ring_s=0.2, talk_s=0.3))
        cut_off = await centre.call(PlannedCall(QUEUE, caller="600111111", hang_up_after_s=3))
        await cut_off.finished()
        await centre.phone("anna", Answer(ring_s=0.2, talk_s=0.3))  # who fits better
        await centre.until_agent("ben", "ready")
        again = await centre.call(PlannedCall(QUEUE, caller="600111111"))
        stranger = await centre.call(PlannedCall(QUEUE, caller="600222222"))
        for callers in (again, stranger):
            assert (await asyncio.wait_for(callers.finished(), 30))[0].ended == "centre"
        caller_of = {event.contact: event.caller for event in centre.events(ContactArrived)}
        served = [(caller_of[decision.contact], decision.agent) for decision in centre.decisions(Connect)]
        assert served[0] == ("600111111", "ben")
        assert sorted(served[1:]) == [("600111111", "ben"), ("600222222", "anna")]
        await centre.over()
