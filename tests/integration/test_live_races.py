"""Races on a real Asterisk, driven on purpose, with the engine in this process so that nothing can hide in it."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path

import pytest

from asterisk_conf.phones import AgentPhone, Answer, Callers, PlannedCall
from router.ami import actions
from router.ami.client import AmiRefused
from router.ami.codec import Headers, Response
from router.core.decisions import AnyDecision, Connect, ContactFinished
from router.core.events import AgentSignedIn, AnyEvent
from router.live.journal import Handled, read
from router.live.recovery import replay
from switchboard.centre import load_centre
from switchboard.engine import Engine
from tests.support.live import QUEUE, Exchange, LiveCentre, manager, running_exchange

pytestmark = [pytest.mark.asterisk, pytest.mark.xdist_group("live-races")]

RACERS = ("anna", "ben", "carla", "dan", "eva", "finn")
ROUNDS = 150


@asynccontextmanager
async def engine_in_process(exchange: Exchange, directory: Path) -> AsyncIterator[Engine]:
    centre = LiveCentre(exchange, directory, wrap_up_s=0)
    agents = "".join(f"  {name}: {{skills: {{help: 5}}}}\n" for name in RACERS)
    centre.write({"agents.yaml": f"pause_reasons: [break]\nagents:\n{agents}"})
    async with Engine(load_centre(directory / "centre")).running() as engine:
        await asyncio.wait_for(engine.until_ready(), 20)
        for agent in RACERS:
            engine.live.feed(AgentSignedIn(agent))
        yield engine


def nothing_is_left(engine: Engine) -> bool:
    return not (
        engine.live.router.contacts()
        or engine.live.router.offers()
        or engine.calls.contacts()
        or engine.legs.offers()
        or any(agent.state != "ready" for agent in engine.live.router.agents())
    )


def outcomes_in(journal: Path) -> list[str]:
    decisions = [decision for record in read(journal) if isinstance(record, Handled) for decision in record.decisions]
    return [decision.outcome for decision in decisions if isinstance(decision, ContactFinished)]


async def until_nothing_is_left(engine: Engine, timeout_s: float = 10) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while not nothing_is_left(engine):
                await asyncio.sleep(0.02)
    except TimeoutError:
        router = engine.live.router
        raise AssertionError(
            f"left over: {router.contacts()} {router.offers()} {engine.calls.contacts()} {engine.legs.offers()} "
            f"{[(agent.name, agent.state, agent.shown_reason) for agent in router.agents()]}"
        ) from None


async def test_callers_who_hang_up_at_the_instant_of_the_answer_leave_nothing_behind(tmp_path: Path) -> None:
    """Half of the callers hang up around the moment of the answer, as SIP has it; the channels of the others are hung
    up so many tenths of a millisecond after the router has heard of the answer, while the two are being joined."""
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(running_exchange(tmp_path / "asterisk", RACERS))
        engine = await stack.enter_async_context(engine_in_process(exchange, tmp_path))
        ami = await stack.enter_async_context(manager(exchange))
        hang_ups: list[asyncio.Task[None]] = []

        async def hang_up(contact: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            with suppress(AmiRefused):  # gone by itself
                await ami.action("Hangup", actions.hangup(contact))

        def on_connect(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
            for decision in decisions:
                if isinstance(decision, Connect):
                    delay_s = 0.0002 * (len(hang_ups) % 30)
                    hang_ups.append(asyncio.create_task(hang_up(decision.contact, delay_s)))

        engine.live.observe(on_connect)
        for name in RACERS:
            phone = AgentPhone(tmp_path / "phones", name, [Answer(ring_s=0.3)])
            phone.port = exchange.lines[name]
            await stack.enter_async_context(phone)
        # Asterisk's answer takes half a second without voice; then the phone rings.
        calls = [
            PlannedCall(QUEUE, start_s=0.1 * number, hang_up_after_s=(0.7, 0.8, 0.9, 5, 5)[number % 5])
            for number in range(2 * ROUNDS)
        ]
        callers = await stack.enter_async_context(Callers(tmp_path / "calls", calls, exchange.sip))
        outcomes = await asyncio.wait_for(callers.finished(), 120)
        assert all(outcome.proper for outcome in outcomes), callers.problem()
        await asyncio.gather(*hang_ups)
        await until_nothing_is_left(engine)
        assert engine.live.impossible_events == 0
        assert engine.agi.stats["handler_error"] == 0
        engine.live.router.check()
        journal = engine.journal.path
    endings = Counter(outcomes_in(journal))
    assert endings.total() == 2 * ROUNDS
    assert endings["answered"] >= ROUNDS // 2
    assert endings["abandoned"] > 0  # both sides of the race were met
    assert replay(journal).divergence is None


def joins_later(engine: Engine, delays_s: Iterator[float]) -> None:
    """Each Bridge comes so much later, so that hang-ups meet it at every moment."""
    act = engine.ami.action

    async def action(name: str, headers: Headers | None = None, **limits: float | None) -> Response:
        if name == "Bridge":
            await asyncio.sleep(next(delays_s))
        return await act(name, headers, **limits)

    engine.ami.action = action  # type: ignore[method-assign]


async def test_agents_who_hang_up_at_the_instant_of_their_answer_cost_nobody_a_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The leg is gone before, while or after it is joined: the caller is served by the next or has been served.
    Some hang-ups are lost in the joining (see `router.live.hang_ups`): were nothing done about it, a few callers in a
    hundred would stay in silence, each with an agent who is busy for ever."""
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(running_exchange(tmp_path / "asterisk", RACERS))
        engine = await stack.enter_async_context(engine_in_process(exchange, tmp_path))
        joins_later(engine, cycle(0.0002 * step for step in range(30)))
        for name in RACERS:
            phone = AgentPhone(tmp_path / "phones", name, [Answer(ring_s=0.1, talk_s=0.0)])
            phone.port = exchange.lines[name]
            await stack.enter_async_context(phone)
        callers = Callers(
            tmp_path / "calls", [PlannedCall(QUEUE, start_s=0.1 * n) for n in range(ROUNDS)], exchange.sip
        )
        await stack.enter_async_context(callers)
        outcomes = await asyncio.wait_for(callers.finished(), 120)
        assert {outcome.ended for outcome in outcomes} == {"centre"}
        await until_nothing_is_left(engine)
        assert engine.live.impossible_events == 0
        journal = engine.journal.path
    print(f"hang-ups that Asterisk had lost: {sum('hung up again' in line for line in caplog.messages)}")
    assert outcomes_in(journal) == ["answered"] * ROUNDS
    assert replay(journal).divergence is None


async def test_without_an_engine_callers_reach_the_fallback_queue_and_a_hung_one_lets_them_go(tmp_path: Path) -> None:
    """Nobody listens: the dialplan tries, then asks its own queue. The engine hangs: the watchdog does the same. An
    engine that comes (back) then leaves those callers where they are."""
    site = {"engine_tries": 1, "watchdog_s": 4, "fallback": ("ben",), "fallback_s": 30}
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(running_exchange(tmp_path / "asterisk", **site))
        centre = await stack.enter_async_context(LiveCentre(exchange, tmp_path))
        ben = AgentPhone(tmp_path / "phones", "ben", [Answer(ring_s=0.2, talk_s=4)])
        ben.port = exchange.lines["ben"]
        await stack.enter_async_context(ben)
        no_engine = await centre.call(PlannedCall(QUEUE))
        await until_shown(exchange, "Queue")
        await centre.start()
        assert (await asyncio.wait_for(no_engine.finished(), 30))[0].ended == "centre"
        assert ben.outcomes[0].ended in ("phone", "centre")
        hung = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(waiting=1)
        await centre.ask("sign_in", agent="anna")
        await centre.ask("pause", agent="anna", reason="break")
        await centre.kill()
        await until_shown(exchange, "Queue")
        await centre.start()
        await centre.until_calls(waiting=0)  # not ours any more
        assert (await asyncio.wait_for(hung.finished(), 30))[0].ended == "centre"
        centre.signal(signal.SIGSTOP)
        frozen = await centre.call(PlannedCall(QUEUE))
        await until_shown(exchange, "Queue", timeout_s=10)
        centre.signal(signal.SIGCONT)
        assert (await asyncio.wait_for(frozen.finished(), 30))[0].ended == "centre"
        assert len(ben.outcomes) == 3
        await centre.over()


async def until_shown(exchange: Exchange, application: str, timeout_s: float = 15) -> None:
    """Waits until a channel is in this application."""
    async with asyncio.timeout(timeout_s):
        while application not in (await exchange.channels()).values():
            await asyncio.sleep(0.1)
