"""Callbacks on a real Asterisk: the agent is rung first, then the customer behind a trunk, and they talk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.phones import AgentPhone, Answer, Keys, PlannedCall
from router.core.decisions import ContactFinished, ContactParked, CustomerReached, Offer, RingCustomer
from router.core.events import CallbackFailed, ContactArrived, ContactEnded
from switchboard import facts
from switchboard.operations import OperationRefused
from tests.support.callbacks import CUSTOMER, OTHER, PREMIUM, CallbackCentre, running_world
from tests.support.live import QUEUE, Exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-callbacks"),
    pytest.mark.asyncio(loop_scope="module"),
]
PATIENCE_S = 30


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_world(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[CallbackCentre]:
    async with CallbackCentre(exchange, tmp_path) as made:
        await made.start()
        yield made


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def until_callbacks(centre: CallbackCentre, *states: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await centre.callback_states() != list(states):
            await asyncio.sleep(0.05)


def endings(centre: CallbackCentre) -> list[str]:
    return [decision.outcome for decision in centre.decisions(ContactFinished)]


async def rung(phone: AgentPhone, times: int = 1) -> None:
    await until(lambda: len(phone.outcomes) >= times)


async def answered(phone: AgentPhone) -> None:
    await until(lambda: phone.outcomes and phone.outcomes[-1].answered_s is not None)


async def test_a_callback_keeps_its_place_and_the_agent_is_rung_first(
    centre: CallbackCentre, exchange: Exchange
) -> None:
    world = await centre.world(Answer(ring_s=0.5))
    before = await centre.call(PlannedCall(QUEUE, hang_up_after_s=30))
    await centre.until_calls(waiting=1)
    callback = await centre.book()
    after = await centre.call(PlannedCall(QUEUE, hang_up_after_s=30))
    await centre.until_calls(waiting=3)
    # Three offers in a row: the earlier caller, the callback, the later caller.
    anna = await centre.phone(
        "anna", Answer(ring_s=0.2, talk_s=0.5), Answer(ring_s=0.5), Answer(ring_s=0.2, talk_s=0.5)
    )
    await answered(world)
    await exchange.until_bridged()
    await centre.until_calls(talking=1)
    earlier, later = (event.contact for event in centre.events(ContactArrived) if event.callback is None)
    assert [offer.contact for offer in centre.decisions(Offer)] == [earlier, callback]
    assert len(anna.outcomes) == 2  # her phone had rung, and she was there, when the customer's began to ring
    await exchange.hang_up("world")
    for callers in (before, after):
        assert (await asyncio.wait_for(callers.finished(), PATIENCE_S))[0].ended == "centre"
    assert [offer.contact for offer in centre.decisions(Offer)] == [earlier, callback, later]
    assert endings(centre) == ["answered"] * 3
    assert world.outcomes[0].ended == "centre"
    (dialled,) = centre.facts(facts.OUTBOUND_DIALLED)
    (ended,) = centre.facts(facts.OUTBOUND_ENDED)
    assert dialled.contact == ended.contact == callback
    assert dialled.data["number"] == ended.data["number"] == CUSTOMER
    assert ended.data["talk_ms"] > 0
    await centre.over()


async def test_a_waiting_caller_presses_a_key_hangs_up_and_is_rung_at_the_old_place(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=0.2, talk_s=0.5))
    # 1: a callback; 1: at the number the caller calls from.
    asking = await centre.call(PlannedCall(QUEUE, caller="911234567", keys=(Keys(1.0, "1"), Keys(3.0, "1"))))
    await centre.until_calls(waiting=1)
    later = await centre.call(PlannedCall(QUEUE, hang_up_after_s=40))
    await until_callbacks(centre, "queued")
    # The agent is there while the caller still hears the goodbye: the customer is rung when that line is free.
    await centre.phone("anna", Answer(ring_s=0.1), Answer(ring_s=0.1, talk_s=0.3))
    assert (await asyncio.wait_for(asking.finished(), PATIENCE_S))[0].ended == "centre"
    assert (await asyncio.wait_for(later.finished(), PATIENCE_S))[0].ended == "centre"
    assert len(world.outcomes) == 1
    first, second = (event.contact for event in centre.events(ContactArrived))
    assert [offer.contact for offer in centre.decisions(Offer)] == [first, second]
    assert endings(centre) == ["answered", "answered"]
    assert centre.facts(facts.OUTBOUND_DIALLED)[0].data["number"] == CUSTOMER
    await centre.over()


async def test_the_customer_hangs_up_and_the_agent_has_wrap_up(centre: CallbackCentre) -> None:
    await centre.world(Answer(ring_s=0.2, talk_s=1.0))
    anna = await centre.phone("anna", Answer(ring_s=0.2))
    await centre.book()
    await centre.until_agent("anna", "wrap_up", timeout_s=PATIENCE_S)
    await centre.until_agent("anna", "ready")
    assert endings(centre) == ["answered"]
    await until(lambda: anna.outcomes[0].ended == "centre")
    assert [event.by for event in centre.events(ContactEnded)] == ["caller"]
    await centre.over()


async def test_the_agent_hangs_up_and_the_customer_s_call_is_over(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=0.2))
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=2.0))
    await centre.book()
    await answered(world)
    await until(lambda: world.outcomes[0].ended == "centre")
    assert endings(centre) == ["answered"]
    await centre.over()


async def test_who_is_busy_or_does_not_answer_is_tried_again_and_then_not_reached(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=0.2, status=486), Answer(ring_s=None))
    await centre.phone("anna", Answer(ring_s=0.2))
    await centre.book()
    await rung(world)
    await until_callbacks(centre, "parked")
    await centre.until_agent("anna", "ready")
    await until_callbacks(centre)
    assert [event.cause for event in centre.events(CallbackFailed)] == ["busy", "no_answer"]
    first, second = world.outcomes
    assert first.ended_s is not None
    assert second.started_s is not None
    assert second.started_s - first.ended_s >= centre.retry_s
    assert endings(centre) == ["unreached"]
    await centre.over()


async def test_an_agent_who_hangs_up_while_the_customer_rings_costs_no_try(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=None), Answer(ring_s=0.3, talk_s=0.5))
    await centre.phone("anna", Answer(ring_s=0.2, talk_s=1.0))
    await centre.book()
    await rung(world)
    await until(lambda: world.outcomes[0].ended == "cancelled")
    await centre.phone("ben", Answer(ring_s=0.2))
    await until(lambda: centre.decisions(CustomerReached))
    assert [decision.attempt for decision in centre.decisions(RingCustomer)] == [1, 1]
    await until(lambda: endings(centre) == ["answered"])
    await centre.over()


async def test_a_customer_is_held_and_sent_back_to_the_queue_like_any_caller(
    centre: CallbackCentre, exchange: Exchange
) -> None:
    world = await centre.world(Answer(ring_s=0.2))
    await centre.phone("anna", Answer(ring_s=0.1))
    callback = await centre.book()
    await centre.until_calls(talking=1)
    await exchange.until_bridged()
    await centre.ask("hold", agent="anna")
    await until_in(exchange, "world", "AGI")
    await centre.ask("resume", agent="anna")
    await exchange.until_bridged()
    await centre.ask("pause", agent="anna", reason="break")
    await centre.ask("requeue", agent="anna")
    await until_in(exchange, "world", "AGI")
    await centre.until_calls(waiting=1)
    await centre.phone("ben", Answer(ring_s=0.1, talk_s=0.5))
    await until(lambda: world.outcomes[0].ended == "centre")
    assert [(offer.agent, offer.contact) for offer in centre.decisions(Offer)] == [
        ("anna", callback),
        ("ben", callback),
    ]
    assert len(world.outcomes) == 1  # on the line all the time, and rung once
    await until(lambda: endings(centre) == ["answered", "answered"])
    await centre.over()


async def until_in(exchange: Exchange, endpoint: str, application: str) -> None:
    """Waits until the channel of this endpoint is in this application of the dialplan."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(
            name.startswith(f"PJSIP/{endpoint}-") and at == application
            for name, at in (await exchange.channels()).items()
        ):
            await asyncio.sleep(0.05)


async def test_a_callback_is_called_off_while_the_customer_rings(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=None))
    await centre.phone("anna", Answer(ring_s=0.2))
    callback = await centre.book()
    await rung(world)
    await centre.ask("cancel_callback", contact=callback)
    await until(lambda: world.outcomes[0].ended == "cancelled")
    await centre.until_agent("anna", "ready")
    assert endings(centre) == ["left"]
    with pytest.raises(OperationRefused, match="no callback"):
        await centre.ask("cancel_callback", contact=callback)
    await centre.over()


async def test_nobody_is_rung_before_the_chosen_time(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=0.2, talk_s=0.3))
    await centre.phone("anna", Answer(ring_s=0.1))
    at = datetime.now(UTC) + timedelta(seconds=60)
    callback = await centre.book(at=at.isoformat())
    await until_callbacks(centre, "parked")
    sooner = datetime.now(UTC) + timedelta(seconds=2)
    await centre.ask("reschedule_callback", contact=callback, at=sooner.isoformat())
    assert [parked.until_ms for parked in centre.decisions(ContactParked)][-1] == round(sooner.timestamp() * 1000)
    await until(lambda: endings(centre) == ["answered"])
    (dialled,) = centre.facts(facts.OUTBOUND_DIALLED)
    assert dialled.at_ms >= sooner.timestamp() * 1000
    assert len(world.outcomes) == 1
    with pytest.raises(OperationRefused, match="to come"):
        await centre.book(at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    await centre.over()


async def test_one_callback_for_a_number_however_often_it_is_asked_for(centre: CallbackCentre) -> None:
    await centre.world(Answer(ring_s=0.2, talk_s=0.3))
    first = await centre.ask("book_callback", queue="help", number="911 23 45 67")
    again = await centre.ask("book_callback", queue="help", number=CUSTOMER)
    assert (first["merged"], again["merged"]) == (False, True)
    await centre.phone("anna", Answer(ring_s=0.1))
    await until(lambda: sorted(endings(centre)) == ["answered", "merged"])
    assert len(centre.facts(facts.OUTBOUND_DIALLED)) == 1
    await centre.over()


async def test_numbers_that_are_not_allowed_are_neither_booked_nor_dialled(exchange: Exchange, tmp_path: Path) -> None:
    outbound = "country_code: '34', allow: ['+34'], deny: ['+34803'], per_number_per_day: 1"
    async with CallbackCentre(exchange, tmp_path, outbound=outbound, retry_s=0.5) as centre:
        await centre.start()
        for number in (PREMIUM, "+18765551234", "112", "911@evil", "911234567&PJSIP/ben"):
            with pytest.raises(OperationRefused):
                await centre.book(number)
        assert len(centre.facts(facts.OUTBOUND_REFUSED)) == 5
        world = await centre.world(Answer(ring_s=0.1, status=486))
        await centre.phone("anna", Answer(ring_s=0.1))
        await centre.book(OTHER)  # busy, and there is one call a day to a number
        await until(lambda: endings(centre) == ["unreached"])
        assert [event.cause for event in centre.events(CallbackFailed)] == ["busy", "error"]
        assert len(world.outcomes) == 1
        assert "times within a day" in centre.facts(facts.OUTBOUND_REFUSED)[-1].data["reason"]
        await centre.over()


async def test_the_engine_dies_while_a_callback_waits(centre: CallbackCentre) -> None:
    world = await centre.world(Answer(ring_s=0.2, talk_s=0.3))
    callback = await centre.book()
    await centre.kill()
    await centre.start()
    await until_callbacks(centre, "queued")
    await centre.phone("anna", Answer(ring_s=0.1))
    await until(lambda: endings(centre) == ["answered"])
    assert [offer.contact for offer in centre.decisions(Offer)] == [callback]
    assert len(world.outcomes) == 1
    await centre.over()


async def test_the_engine_dies_while_the_customer_rings(exchange: Exchange, tmp_path: Path) -> None:
    async with CallbackCentre(exchange, tmp_path, customer_ring_s=40) as centre:
        await centre.start()
        world = await centre.world(Answer(ring_s=10))
        await centre.phone("anna", Answer(ring_s=0.1))
        await centre.book()
        await rung(world)
        await centre.kill()
        await centre.start()
        await answered(world)
        await exchange.until_bridged(PATIENCE_S)
        await exchange.hang_up("world")
        await until(lambda: endings(centre) == ["answered"])
        assert len(world.outcomes) == 1
        assert len(centre.facts(facts.OUTBOUND_DIALLED)) == 1
        await until(lambda: centre.facts(facts.OUTBOUND_ENDED))
        assert centre.facts(facts.OUTBOUND_ENDED)[-1].data["talk_ms"] > 0
        assert any("1 customers being reached" in note for note in centre.notes())
        await centre.over()


async def test_the_customer_answers_while_there_is_no_engine(exchange: Exchange, tmp_path: Path) -> None:
    async with CallbackCentre(exchange, tmp_path, customer_ring_s=25) as centre:
        await centre.start()
        world = await centre.world(Answer(ring_s=1.0))
        await centre.phone("anna", Answer(ring_s=0.1))
        await centre.book()
        await rung(world)
        await centre.kill()
        await answered(world)
        await centre.start()
        await exchange.until_bridged(PATIENCE_S)
        await centre.until_calls(talking=1)
        await exchange.hang_up("anna")
        await until(lambda: world.outcomes[0].ended == "centre")
        assert endings(centre) == ["answered"]
        await centre.over()


async def test_the_engine_dies_during_the_talk(centre: CallbackCentre, exchange: Exchange) -> None:
    world = await centre.world(Answer(ring_s=0.2))
    await centre.phone("anna", Answer(ring_s=0.1))
    await centre.book()
    await answered(world)
    await centre.until_calls(talking=1)
    await exchange.until_bridged()
    await centre.kill()
    await centre.start()
    await centre.until_calls(talking=1)
    assert centre.notes()[-1].count("1 talks kept") == 1
    await exchange.hang_up("anna")
    await until(lambda: world.outcomes[0].ended == "centre")
    await until(lambda: endings(centre) == ["answered"])
    await centre.over()
