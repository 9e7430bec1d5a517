"""Talks that are held, transferred and shared, on a real Asterisk: whatever happens, nobody is lost or stuck."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.names import CODE_DISPOSITION, CODE_SIGN_IN_HERE
from asterisk_conf.phones import Answer, CallOutcome, Keys, PlannedCall
from router.core.decisions import ContactFinished, HandOver, Offer
from router.core.events import ContactHeld, ContactResumed
from switchboard import facts
from switchboard.operations import OperationRefused
from tests.support.callbacks import CUSTOMER, PREMIUM
from tests.support.live import PIN, QUEUE, Exchange
from tests.support.talks import BEN_EXTENSION, EXPERT_EXTENSION, PATIENCE_S, TalkCentre, running_house

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-talks"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_house(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[TalkCentre]:
    async with TalkCentre(exchange, tmp_path) as made:
        await made.start()
        yield made


async def finished(call: Awaitable[list[CallOutcome]]) -> str | None:
    """How the only call of the caller ended."""
    return (await asyncio.wait_for(call, PATIENCE_S))[0].ended


async def test_hold_and_resume_by_keys(centre: TalkCentre) -> None:
    call = await centre.talk(Keys(2.0, "*1"), Keys(5.0, "*1"))
    await centre.apart("callers", "anna")
    await centre.joined("callers", "anna")
    assert [type(event) for event in centre.events(ContactHeld) + centre.events(ContactResumed)] == [
        ContactHeld,
        ContactResumed,
    ]
    await centre.exchange.hang_up("anna")
    assert await finished(call) == "centre"
    (end,) = centre.decisions(ContactFinished)
    assert end.talk_ms > end.hold_ms > 500
    await centre.over()


@pytest.mark.parametrize("said", ["with the hold", "by API", "by a key"])
async def test_a_caller_on_hold_is_told_why(exchange: Exchange, tmp_path: Path, said: str) -> None:
    async with TalkCentre(exchange, tmp_path, announce_every_s=1) as centre:
        await centre.start()
        call = await centre.talk(*((Keys(2.0, "*1"), Keys(4.0, "2")) if said == "by a key" else ()))
        if said == "by API":
            await centre.ask("hold", agent="anna")
        if said != "by a key":
            await centre.ask("hold", agent="anna", reason="asking a colleague")
        await centre.apart("callers", "anna")
        async with asyncio.timeout(PATIENCE_S):
            while "vm-intro&queue-thankyou" not in await exchange.asterisk.cli("core show channels concise"):
                await asyncio.sleep(0.02)
        await centre.ask("resume", agent="anna")
        await centre.joined("callers", "anna")
        await exchange.hang_up("callers")
        assert await finished(call) == "centre"
        await centre.over()


async def test_blind_transfer_to_a_queue_by_keys(centre: TalkCentre) -> None:
    call = await centre.talk(Keys(2.0, "*2"), Keys(5.0, f"{EXPERT_EXTENSION}#"), others=("eva",))
    await centre.joined("callers", "eva")
    await centre.gone("anna")
    await centre.until_agent("anna", "ready")
    await centre.exchange.hang_up("eva")
    assert await finished(call) == "centre"
    assert centre.served() == [("help", "anna", "expert"), ("expert", "eva", None)]
    await centre.over()


async def test_blind_transfer_to_an_agent_while_talking_and_from_hold(centre: TalkCentre) -> None:
    call = await centre.talk(others=("eva",))
    with pytest.raises(OperationRefused, match="ben is not signed in"):
        await centre.ask("transfer", agent="anna", to_agent="ben")
    await centre.ask("transfer", agent="anna", to_agent="eva", note="a hard one")
    await centre.joined("callers", "eva")
    known = {"topic": "bill", "number": "600100200", "transferred_by": "anna", "notes": "anna: a hard one"}
    assert known.items() <= centre.contact().attributes.items()
    await centre.ask("hold", agent="eva")
    await centre.apart("callers", "eva")
    await centre.ask("transfer", agent="eva", to_agent="anna")
    await centre.joined("callers", "anna")
    await centre.exchange.hang_up("anna")
    assert await finished(call) == "centre"
    await centre.over()


async def test_blind_transfer_outside_and_the_flow_goes_on_behind_it(centre: TalkCentre) -> None:
    await centre.world(Answer(ring_s=0.5, talk_s=1.5))
    call = await centre.talk()
    with pytest.raises(OperationRefused, match="never dialled"):
        await centre.ask("transfer", agent="anna", to_number=PREMIUM)
    await centre.ask("transfer", agent="anna", to_number=CUSTOMER)
    await centre.joined("callers", "world")
    await centre.gone("anna")
    await centre.until_agent("anna", "ready")
    assert await finished(call) == "centre"
    assert centre.served() == [("help", "anna", None)]
    assert any('"node":"after"' in path.read_text() for path in centre.journals)
    (ended,) = centre.facts(facts.OUTBOUND_ENDED)
    assert ended.data["talk_ms"] > 500
    await centre.over()


async def test_who_cannot_be_reached_outside_goes_back_to_the_queue(centre: TalkCentre) -> None:
    await centre.world(Answer(ring_s=0.2, status=486))
    call = await centre.talk(others=("ben",))
    await centre.ask("transfer", agent="anna", to_number=CUSTOMER)
    await centre.joined("callers", "ben")
    await centre.exchange.hang_up("ben")
    assert await finished(call) == "centre"
    assert centre.served() == [("help", "anna", "help"), ("help", "ben", None)]
    await centre.over()


async def test_attended_transfer_by_keys(centre: TalkCentre) -> None:
    call = await centre.talk(Keys(2.0, "*3"), Keys(5.0, f"{BEN_EXTENSION}#"), Keys(10.0, "*4"), others=("ben",))
    await centre.joined("anna", "ben")
    await centre.apart("callers")
    await centre.joined("callers", "ben")
    await centre.gone("anna")
    await centre.until_agent("anna", "ready")
    await centre.until_agent("ben", "busy")
    (handed,) = centre.decisions(HandOver)
    assert (handed.from_agent, handed.to_agent) == ("anna", "ben")
    await centre.exchange.hang_up("ben")
    assert await finished(call) == "centre"
    await centre.over()


async def test_a_consultation_that_is_cancelled_and_one_that_nobody_takes(centre: TalkCentre) -> None:
    call = await centre.talk(others=("ben",))
    await centre.ask("consult", agent="anna", to_agent="ben", note="may I?")
    await centre.joined("anna", "ben")
    with pytest.raises(OperationRefused, match="being consulted"):
        await centre.ask("hold", agent="ben")
    await centre.ask("cancel_consult", agent="anna")
    await centre.gone("ben")
    await centre.apart("callers", "anna")
    await centre.until_agent("ben", "ready")
    await centre.ask("resume", agent="anna")
    await centre.joined("callers", "anna")
    await centre.ask("consult", agent="anna", to_queue="expert")  # nobody is there
    await centre.apart("callers", "anna")
    await centre.ask("resume", agent="anna")
    await centre.joined("callers", "anna")
    await centre.exchange.hang_up("callers")
    await finished(call)
    assert centre.served() == [("help", "anna", None)]
    await centre.over()


async def test_an_outside_party_is_consulted_and_takes_over(centre: TalkCentre) -> None:
    await centre.world(Answer(ring_s=0.3))
    call = await centre.talk()
    await centre.ask("consult", agent="anna", to_number=CUSTOMER)
    await centre.joined("anna", "world")
    await centre.ask("complete_transfer", agent="anna")
    await centre.joined("callers", "world")
    await centre.until_agent("anna", "ready")
    await centre.exchange.hang_up("callers")
    await finished(call)
    await centre.gone("world")
    await centre.over()


async def test_requeue_and_escalation_keep_what_is_known(centre: TalkCentre) -> None:
    call = await centre.talk(Keys(2.0, "*6"), others=("eva",))
    await centre.joined("callers", "eva")
    known = {"topic": "bill", "number": "600100200", "escalated_by": "anna", "escalated_from": "help"}
    assert known.items() <= centre.contact().attributes.items()
    with pytest.raises(OperationRefused, match="no second level"):
        await centre.ask("escalate", agent="eva")
    await centre.ask("requeue", agent="eva", note="again, please", priority=7)
    await centre.until_calls(waiting=1)
    again = centre.contact()
    assert (known | {"requeued_by": "eva", "notes": "eva: again, please"}).items() <= again.attributes.items()
    assert (again.own_priority, again.queue) == (7, "expert")
    await centre.exchange.hang_up("callers")
    await finished(call)
    await centre.over()


Stage = Callable[[TalkCentre], Awaitable[None]]


async def held(centre: TalkCentre) -> None:
    await centre.ask("hold", agent="anna")
    await centre.apart("callers", "anna")


async def asking(centre: TalkCentre) -> None:
    """Ben's phone rings."""
    await centre.ask("consult", agent="anna", to_agent="ben")
    await centre.until_agent("ben", "ringing")
    await centre.apart("callers", "anna")


async def consulting(centre: TalkCentre) -> None:
    await centre.ask("consult", agent="anna", to_agent="ben")
    await centre.joined("anna", "ben")


async def asking_outside(centre: TalkCentre) -> None:
    await centre.ask("consult", agent="anna", to_number=CUSTOMER)
    await centre.joined("anna", "world")


STAGES = (held, asking, consulting, asking_outside)


async def test_the_caller_hangs_up_in_each_stage(centre: TalkCentre) -> None:
    await centre.world(Answer(ring_s=0.2))
    for stage in STAGES:
        call = await centre.talk(others=("ben",) if stage is held else ())
        await stage(centre)
        await centre.exchange.hang_up("callers")
        await finished(call)
        await centre.gone("anna", "ben", "world")
        await centre.until_agent("anna", "ready")
    assert centre.served() == [("help", "anna", None)] * len(STAGES)
    await centre.over()


async def test_the_agent_hangs_up_in_each_stage_and_the_caller_is_not_left_alone(centre: TalkCentre) -> None:
    await centre.world(Answer(ring_s=0.2))
    for stage in STAGES:
        call = await centre.talk(others=("ben",) if stage is held else ())
        await stage(centre)
        await centre.exchange.hang_up("anna")
        next_one = "world" if stage is asking_outside else "ben"
        await centre.joined("callers", next_one)
        await centre.exchange.hang_up(next_one)
        assert await finished(call) == "centre"
        await centre.until_agent("anna", "ready")
    await centre.over()


@pytest.mark.parametrize("stage", [held, consulting, asking_outside])
async def test_the_engine_is_killed_and_all_goes_on(centre: TalkCentre, stage: Stage) -> None:
    await centre.world(Answer(ring_s=0.2))
    call = await centre.talk(others=("ben",))
    await stage(centre)
    await centre.restart()
    other = {held: "", consulting: "ben", asking_outside: "world"}[stage]
    if other:
        await centre.joined("anna", other)
        await centre.ask("cancel_consult", agent="anna")
        await centre.gone(other)
    await centre.apart("callers", "anna")
    await centre.ask("resume", agent="anna")
    await centre.joined("callers", "anna")
    await centre.exchange.hang_up("anna")
    assert await finished(call) == "centre"
    assert centre.served() == [("help", "anna", None)]
    await centre.over()


async def test_the_agent_of_a_caller_on_hold_goes_while_no_engine_is_there(centre: TalkCentre) -> None:
    call = await centre.talk(others=("ben",))
    await held(centre)
    await centre.kill()
    await centre.exchange.hang_up("anna")
    await centre.start()
    await centre.joined("callers", "ben")
    assert centre.notes()[-1].count("1 agents gone from a caller on hold") == 1
    await centre.exchange.hang_up("ben")
    assert await finished(call) == "centre"
    await centre.over()


async def test_decline_hang_up_wrap_up_and_disposition(exchange: Exchange, tmp_path: Path) -> None:
    async with TalkCentre(exchange, tmp_path, wrap_up_s=60) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=None))
        callers = await centre.call(PlannedCall(QUEUE))
        await centre.until_agent("anna", "ringing")
        await centre.phone("ben", Answer(ring_s=0.1))
        await centre.ask("decline", agent="anna")
        await centre.joined("callers", "ben")
        await centre.ask("hang_up", agent="ben")
        assert await finished(callers.finished()) == "centre"
        await centre.until_agent("ben", "wrap_up")
        await centre.dial("ben", CODE_DISPOSITION, "2")
        (said,) = centre.facts(facts.DISPOSITION)
        assert (said.agent, said.data["code"], said.contact != "") == ("ben", "open", True)
        await centre.ask("extend_wrap_up", agent="ben", seconds=60)
        await centre.ask("end_wrap_up", agent="ben")
        await centre.until_agent("ben", "ready")
        with pytest.raises(OperationRefused, match="no wrap-up"):
            await centre.ask("end_wrap_up", agent="ben")
        await centre.over()


async def test_an_agent_signs_in_at_a_hot_desk_and_is_rung_there(centre: TalkCentre) -> None:
    await centre.phone("desk", Answer(ring_s=0.1, talk_s=1.0), sign_in=False)
    outcome = await centre.dial("desk", CODE_SIGN_IN_HERE, f"101#{PIN}")
    assert outcome.ended == "centre"
    await centre.until_agent("anna", "ready")
    with pytest.raises(OperationRefused, match="anna is signed in at the phone desk"):
        await centre.ask("sign_in", agent="ben", phone="desk")
    await centre.restart()  # and the next engine knows it too
    callers = await centre.call(PlannedCall(QUEUE))
    await centre.joined("callers", "desk")
    assert await finished(callers.finished()) == "centre"
    assert [offer.agent for offer in centre.decisions(Offer)] == ["anna"]
    await centre.over()
