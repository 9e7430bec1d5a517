"""A supervisor throws the emergency switch at the phone: queues close, and so do the hours of flows, at once."""

from pathlib import Path

import pytest

from ivr.agi.server import AgiServer
from switchboard.agent_phones import AgentPhones
from switchboard.centre.secrets import PinSource
from switchboard.engine import Engine
from switchboard.opening import EmergencyHours
from tests.support.api import running_engine
from tests.support.fake_agi import FakeAsterisk, header_block

PIN = "2468"


async def dial(engine: Engine, *keys: str, supervisor: bool = True, phone: str = "ana") -> list[str]:
    """The phone dials the code and presses these, one after the other; the sounds that it hears."""
    ana = engine.centre.agents["ana"]
    object.__setattr__(ana, "pin", PinSource.model_validate({"secret_env": "PIN_OF_ANA"}))
    object.__setattr__(ana, "supervisor", supervisor)
    server = AgiServer("127.0.0.1", 0, {"agent": AgentPhones(engine).handle})
    await server.start()
    pressed = iter(keys)

    def answer(line: str) -> str:
        return f"200 result={next(pressed, '')}"

    try:
        peer = await FakeAsterisk.connect(
            server.port, header_block("agent", channel=f"PJSIP/{phone}-00000001", arg_1="*19")
        )
        commands = await peer.serve({"GET DATA": answer})
    finally:
        await server.stop()
    return [command.split('"')[1] for command in commands if command.startswith(("STREAM FILE", "GET DATA"))]


@pytest.fixture(autouse=True)
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIN_OF_ANA", PIN)


def states(engine: Engine) -> set[str]:
    router = engine.live.router
    return {switch.state if (switch := router.switch(queue)) else "open" for queue in router.queues()}


async def test_the_switch_closes_everything_and_opens_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        before = states(engine)
        begun = engine.releases.begin("1.1", "100")
        assert begun
        in_progress = begun[0].library.emergencies
        assert "any" not in in_progress
        assert await dial(engine, PIN, "1") == ["agent-pass", "beep", "auth-thankyou"]
        assert states(engine) == {"emergency"}
        assert "any" in in_progress
        assert await dial(engine, PIN, "2") == ["agent-pass", "beep", "auth-thankyou"]
        assert states(engine) == before
        assert "any" not in in_progress


async def test_without_the_right_the_pin_or_a_key_nothing_is_switched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        assert (await dial(engine, PIN, "1", supervisor=False))[-1] == "vm-goodbye"
        assert (await dial(engine, "1357", "1357", "1357"))[-1] == "vm-goodbye"
        assert (await dial(engine, PIN, "9"))[-1] == "agent-incorrect"
        assert (await dial(engine, PIN, "1", phone="stranger"))[-1] == "agent-incorrect"
        assert "emergency" not in states(engine)


async def test_hours_close_with_the_queues_that_follow_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        first, *others = engine.live.router.queues()
        hours = EmergencyHours(engine.live, lambda: {first: "office", "gone": "old"})
        engine.opening.switch(first, "emergency", "fire", "test")
        assert "office" in hours
        assert "shop" not in hours, "nobody follows them, and not every queue is closed"
        for queue in others:
            engine.opening.switch(queue, "emergency", "fire", "test")
        assert "shop" in hours
        engine.opening.follow_hours(first)
        assert "office" not in hours
