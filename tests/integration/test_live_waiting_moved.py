"""Supervisors act on callers who wait, on a real Asterisk: nobody is dropped, and the order stays."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from asterisk_conf.phones import Answer, PlannedCall
from router.core.decisions import ContactFinished, ContactQueued, Offer
from router.core.events import ContactArrived
from switchboard.cli.main import app
from tests.support.live import QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-supervision"),
    pytest.mark.asyncio(loop_scope="module"),
]

AGENTS = """\
agents:
  anna: {skills: {help: 9}}
  ben: {}
  zoe: {skills: {help: 10}}
"""
QUEUES = """\
queues:
  help:
    goal: {answered_within_s: 20, share: 0.8}
    skills: {help: 1}
    steps: [{name: all}]
    longest_wait_s: 120
    last_action: {exit: nobody}
    when_closed: {exit: nobody}
    at_closing: {exit: nobody}
  second:
    goal: {answered_within_s: 20, share: 0.8}
    skills: {help: 10}
    steps: [{name: all}]
    longest_wait_s: 120
    last_action: {exit: nobody}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, tmp_path) as made:
        made.write({"agents.yaml": AGENTS, "queues.yaml": QUEUES})
        await made.start()
        yield made


async def tell(centre: LiveCentre, *arguments: str) -> str:
    """What the command `switchboard` says, which must succeed."""
    command = [*arguments, "--engine", str(centre.engine_directory)]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.output


def arrived(centre: LiveCentre) -> list[str]:
    return [event.contact for event in centre.events(ContactArrived)]


async def test_skills_and_settings_change_under_waiting_callers_and_the_order_stays(centre: LiveCentre) -> None:
    callers = await centre.call(*(PlannedCall(QUEUE, start_s=0.3 * number) for number in range(4)))
    await centre.until_calls(waiting=4)
    await tell(centre, "queue", "set", "help", "ring_s=7", "wrap_up_s=0.2", "weight=3")
    await centre.phone("ben", Answer(ring_s=0.1, talk_s=0.3))
    assert centre.decisions(Offer) == []  # ben cannot help
    await tell(centre, "supervise", "skill", "ben", "help", "7")
    outcomes = await asyncio.wait_for(callers.finished(), 40)
    assert [outcome.ended for outcome in outcomes] == ["centre"] * 4
    assert [offer.contact for offer in centre.decisions(Offer)] == arrived(centre)
    assert {decision.outcome for decision in centre.decisions(ContactFinished)} == {"answered"}

    await tell(centre, "queue", "set", "help", "priority=5")
    listed = await tell(centre, "overrides", "list")
    assert "ben: help 7" in listed
    assert "help: ring_s 7" in listed
    await centre.ask("reload")  # they are laid over the files again
    assert (await centre.ask("overrides"))["skills"] == {"ben": {"help": 7}}
    await tell(centre, "overrides", "clear")
    assert "Nothing" in await tell(centre, "overrides", "list")
    await centre.over()


async def test_a_waiting_caller_is_pulled_past_the_others_moved_and_hung_up(centre: LiveCentre) -> None:
    callers = await centre.call(*(PlannedCall(QUEUE, start_s=0.3 * number) for number in range(3)))
    await centre.until_calls(waiting=3)
    first, second, third = arrived(centre)
    await tell(centre, "supervise", "move", first, "second")
    assert centre.decisions(ContactQueued)[-1].moved_from == "help"
    await tell(centre, "supervise", "priority", third, "9")
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.3), Answer(ring_s=0.1, talk_s=0.3), sign_in=False)
    await centre.ask("sign_in", agent="anna")
    await centre.until(lambda state: len(centre.decisions(ContactFinished)) == 2, timeout_s=20)
    assert [offer.contact for offer in centre.decisions(Offer)] == [third, second]
    await tell(centre, "supervise", "pull", first, "anna")  # her level would not do for the queue
    await centre.until(lambda state: centre.decisions(Offer)[-1].contact == first)
    await callers.finished()
    last = await centre.call(PlannedCall(QUEUE))
    await centre.ask("sign_out", agent="anna")
    await centre.until_calls(waiting=1)
    await tell(centre, "supervise", "hang-up", arrived(centre)[-1], "--reason", "a test")
    assert (await last.finished())[0].ended == "centre"
    await centre.over()


async def test_queues_close_open_and_meet_an_emergency_with_callers_waiting(centre: LiveCentre) -> None:
    waiting = await centre.call(PlannedCall(QUEUE), PlannedCall(QUEUE, start_s=0.2))
    await centre.until_calls(waiting=2)
    assert "help is closed: stocktaking" in await tell(centre, "queue", "close", "help", "--reason", "stocktaking")
    assert {outcome.ended for outcome in await waiting.finished()} == {"centre"}
    late = await centre.call(PlannedCall(QUEUE))
    assert (await late.finished())[0].ended == "centre"
    await centre.kill()
    await centre.start()
    assert "closed" in await tell(centre, "queue", "list")
    assert "help is open" in await tell(centre, "queue", "hours", "help")
    again = await centre.call(PlannedCall(QUEUE))
    await centre.until_calls(waiting=1)
    assert "second is in an emergency" in await tell(centre, "queue", "emergency", "all", "--reason", "fire")
    assert (await again.finished())[0].ended == "centre"
    await tell(centre, "queue", "hours", "all")
    assert {decision.outcome for decision in centre.decisions(ContactFinished)} == {"overflowed"}
    await centre.over()
