"""Live calls on a real Asterisk: from the first key to the proper end, and what agents' phones do to offers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.names import CODE_PAUSE, CODE_READY, CODE_SIGN_OUT
from asterisk_conf.phones import Answer, Keys, PlannedCall
from router.core.decisions import ContactFinished, Offer, OfferEnded
from router.core.events import AgentSignedIn, ContactArrived
from switchboard.operations import OperationRefused
from tests.support.live import (
    CODE_SIGN_IN,
    COLLECT,
    MENU,
    NOWHERE,
    PIN,
    PROMPT,
    QUEUE,
    Exchange,
    LiveCentre,
    running_exchange,
)

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-calls"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, tmp_path) as made:
        await made.start()
        yield made


def endings(centre: LiveCentre) -> list[str]:
    return [decision.outcome for decision in centre.decisions(ContactFinished)]


def causes(centre: LiveCentre) -> list[tuple[str, str]]:
    return [(decision.agent, decision.cause) for decision in centre.decisions(OfferEnded)]


def came_by(centre: LiveCentre, node: str) -> bool:
    """Whether a caller has been at this node of a flow, by the sessions in the journal."""
    return any(f'"node":"{node}"' in path.read_text() for path in centre.journals)


async def test_keys_queue_talk_and_the_flow_goes_on_when_the_agent_hangs_up(centre: LiveCentre) -> None:
    await centre.phone("anna", Answer(ring_s=0.3, talk_s=1.0))
    by_key = await centre.call(PlannedCall(MENU, keys=(Keys(1.0, "1"),)))
    await centre.until_calls(talking=1)
    await centre.until_agent("anna", "wrap_up")
    await centre.until_agent("anna", "ready")
    at_once = await centre.call(PlannedCall(QUEUE))
    for callers in (by_key, at_once):
        (outcome,) = await callers.finished()
        assert outcome.ended == "centre"
    assert endings(centre) == ["answered", "answered"]
    assert came_by(centre, "after")
    await centre.over()


async def test_a_caller_who_hangs_up_first_ends_the_talk(centre: LiveCentre) -> None:
    await centre.phone("anna", Answer(ring_s=0.3))
    callers = await centre.call(PlannedCall(QUEUE, hang_up_after_s=1.5))
    await centre.until_calls(talking=1)
    await centre.until_agent("anna", "wrap_up")
    await centre.until_agent("anna", "ready")
    assert (await callers.finished())[0].ended == "caller"
    assert endings(centre) == ["answered"]
    assert not came_by(centre, "after")
    await centre.over()


@pytest.mark.parametrize(
    ("refusal", "cause", "then"),
    [
        (Answer(ring_s=None), "no_answer", "paused"),
        (Answer(ring_s=0.2, status=603), "declined", "ready"),
        (Answer(ring_s=0.2, status=486), "busy", "ready"),
    ],
)
async def test_an_offer_that_fails_goes_to_the_next_agent_and_the_caller_keeps_the_place(
    exchange: Exchange, tmp_path: Path, refusal: Answer, cause: str, then: str
) -> None:
    async with LiveCentre(exchange, tmp_path, ring_s=1.5) as centre:
        await centre.start()
        await centre.phone("anna", refusal)
        first = await centre.call(PlannedCall(QUEUE, hang_up_after_s=12))
        await centre.until_agent("anna", "ringing")
        second = await centre.call(PlannedCall(QUEUE, hang_up_after_s=12))
        await centre.until_calls(waiting=2)
        await centre.until(lambda state: causes(centre))
        if then == "paused":
            await centre.until_agent("anna", "paused", "no answer")
        else:
            await centre.ask("pause", agent="anna", reason="break")  # or the callers would be offered to her again
            await centre.until_agent("anna", "paused")
        await centre.phone("ben", Answer(ring_s=0.2, talk_s=0.5))
        await asyncio.gather(first.finished(), second.finished())
        assert causes(centre)[0] == ("anna", cause)
        arrived = [event.contact for event in centre.events(ContactArrived)]
        to_ben = [offer.contact for offer in centre.decisions(Offer) if offer.agent == "ben"]
        assert to_ben[0] == arrived[0]
        await centre.over()


async def test_a_phone_that_is_not_there_is_paused_and_rung_no_more(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path, ring_s=1) as centre:
        await centre.start()
        await centre.ask("sign_in", agent="anna")  # nothing listens on her line
        callers = await centre.call(PlannedCall(QUEUE))
        await centre.until_agent("anna", "paused")
        await centre.phone("ben", Answer(ring_s=0.2, talk_s=0.3))
        assert (await callers.finished())[0].ended == "centre"
        assert [offer.agent for offer in centre.decisions(Offer)] == ["anna", "ben"]
        await centre.over()


async def test_a_caller_may_hang_up_in_a_prompt_while_waiting_and_while_the_phone_rings(centre: LiveCentre) -> None:
    callers = await centre.call(
        PlannedCall(PROMPT, hang_up_after_s=2.0),
        PlannedCall(MENU, hang_up_after_s=2.0),
        PlannedCall(COLLECT, hang_up_after_s=2.0),
        PlannedCall(QUEUE, hang_up_after_s=2.0),
    )
    await centre.until_calls(ivr=3, waiting=1)
    assert {outcome.ended for outcome in await callers.finished()} == {"caller"}
    await centre.until_calls(ivr=0, waiting=0)
    await centre.phone("anna", Answer(ring_s=None))
    ringing = await centre.call(PlannedCall(QUEUE, hang_up_after_s=1.0))
    await centre.until_agent("anna", "ringing")
    assert (await ringing.finished())[0].ended == "caller"
    await centre.until_agent("anna", "ready")
    assert endings(centre) == ["abandoned", "abandoned"]
    assert causes(centre) == [("anna", "cancelled")]
    await centre.over()


async def test_an_announcement_is_heard_and_never_delays_the_offer(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path, announce_every_s=1) as centre:
        await centre.start()
        callers = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(waiting=1)
        async with asyncio.timeout(5):
            while "queue-youarenext" not in await exchange.asterisk.cli("core show channels concise"):
                await asyncio.sleep(0.02)
        await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.3))
        rung = asyncio.get_running_loop().time()
        await centre.until_calls(talking=1)  # "Your call is now first in line..." takes far longer than this
        assert asyncio.get_running_loop().time() - rung < 1.0
        assert (await callers.finished())[0].ended == "centre"
        await centre.over()


async def test_wrong_keys_silence_and_keys_that_no_menu_has(centre: LiveCentre) -> None:
    callers = await centre.call(
        PlannedCall(MENU, keys=(Keys(1.0, "9"), Keys(3.0, "#"))),
        PlannedCall(MENU),
        PlannedCall(MENU, keys=(Keys(1.0, "D"), Keys(3.0, "A"))),
        PlannedCall(MENU, keys=(Keys(1.0, "*"),)),
        PlannedCall(COLLECT, keys=(Keys(1.0, "12*#"), Keys(4.0, "AB12"))),
        PlannedCall(COLLECT, keys=(Keys(1.0, "1234"),)),
        PlannedCall(COLLECT),
    )
    outcomes = await asyncio.wait_for(callers.finished(), 40)
    assert [outcome.ended for outcome in outcomes] == ["centre"] * 7
    assert all(came_by(centre, node) for node in ("wrong", "silent", "right", "bye"))
    await centre.over()


async def test_a_flood_of_digits_hurts_nobody(centre: LiveCentre) -> None:
    flood = (Keys(0.8, "1234567890" * 5),)
    callers = await centre.call(
        PlannedCall(COLLECT, keys=flood), PlannedCall(MENU, keys=flood, hang_up_after_s=10), PlannedCall(MENU)
    )
    outcomes = await asyncio.wait_for(callers.finished(), 40)
    assert all(outcome.proper for outcome in outcomes)
    await centre.over()


async def test_a_queue_that_does_not_exist_is_an_error_of_the_flow_and_no_endless_music(centre: LiveCentre) -> None:
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.2))
    callers = await centre.call(PlannedCall(NOWHERE))
    assert (await callers.finished())[0].ended == "centre"
    assert [event.queue for event in centre.events(ContactArrived)] == ["help"]
    await centre.over(expected_errors=["there is no queue 'nowhere'"])


async def test_agents_sign_in_pause_and_sign_out_from_their_phones(centre: LiveCentre) -> None:
    assert (await centre.dial("anna", CODE_SIGN_IN, PIN)).ended == "centre"
    await centre.until_agent("anna", "ready")
    await centre.dial("anna", CODE_PAUSE, "2")
    await centre.until_agent("anna", "paused", "lunch")
    await centre.dial("anna", CODE_READY)
    await centre.until_agent("anna", "ready")
    await centre.dial("anna", CODE_SIGN_OUT)
    await centre.until_agent("anna", "offline")
    await centre.over()


async def test_three_wrong_pins_do_not_sign_in(centre: LiveCentre) -> None:
    outcome = await centre.dial("anna", CODE_SIGN_IN, "1111#2222#3333")
    assert outcome.ended == "centre"
    assert centre.events(AgentSignedIn) == []
    assert "a wrong PIN was given 3 times" in centre.log.read_text()
    await centre.over()


async def test_agents_are_managed_by_command_with_clear_refusals(centre: LiveCentre) -> None:
    for command in (["sign-in", "anna"], ["pause", "anna", "lunch"], ["ready", "anna"], ["sign-out", "anna"]):
        process = await centre.spawn("agent", *command, "--engine", centre.engine_directory)
        assert await process.wait() == 0
    assert "anna is paused: lunch." in centre.log.read_text()
    with pytest.raises(OperationRefused, match="anna"):
        await centre.ask("sign_in", agent="ana")
    with pytest.raises(OperationRefused, match="lunch"):
        await centre.ask("pause", agent="anna", reason="lunsh")
    await centre.over()


async def test_a_reload_while_calls_wait_keeps_them_and_changes_what_comes(centre: LiveCentre) -> None:
    waiting = await centre.call(PlannedCall(QUEUE))
    await centre.until_calls(waiting=1)
    centre.write({"queues.yaml": "queues: {help: {oops: 1}}\n"})
    with pytest.raises(OperationRefused, match="nothing is changed"):
        await centre.ask("reload")
    centre.wrap_up_s = 0
    queue_flow = (centre.directory / "centre/flows/queue.yaml").read_text()
    centre.write({"flows/queue.yaml": queue_flow.replace("answered: after, ", "")})
    assert "policy 2" in (await centre.ask("reload"))["message"]
    await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.3))
    assert (await waiting.finished())[0].ended == "centre"
    assert came_by(centre, "after")  # the flow that the caller began with
    await centre.until_agent("anna", "ready")
    assert (await (await centre.call(PlannedCall(QUEUE))).finished())[0].ended == "centre"
    assert endings(centre) == ["answered", "answered"]
    await centre.over()
