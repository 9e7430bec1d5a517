"""Who guesses PINs at a phone has to pause, also the one who then knows the right PIN, and is not told why."""

from pathlib import Path
from typing import Any

import pytest

from ivr.agi.server import AgiServer
from switchboard.agent_phones import FREE_GUESSES, PIN_TRIES, AgentPhones
from switchboard.centre.secrets import PinSource
from switchboard.engine import Engine
from tests.support.api import running_engine
from tests.support.fake_agi import FakeAsterisk, header_block

PIN, WRONG = "2468", "1357"


async def call(server: AgiServer, pin: str) -> list[str]:
    """The phone of ana dials the code to sign in; the sounds that it hears."""
    phone = await FakeAsterisk.connect(server.port, header_block("agent", channel="PJSIP/ana-00000001", arg_1="*11"))
    commands = await phone.serve({"GET DATA": f"200 result={pin}"})
    return [command.split('"')[1] for command in commands if command.startswith(("STREAM FILE", "GET DATA"))]


@pytest.fixture
def pin_of_ana(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "pin").write_text(PIN)
    (tmp_path / "pin").chmod(0o600)
    return {"secret_file": str(tmp_path / "pin")}


async def test_after_some_wrong_pins_even_the_right_one_has_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pin_of_ana: dict[str, Any]
) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        server = await _phones(engine, pin_of_ana)
        try:
            assert (await call(server, PIN))[-1] == "agent-loginok"
            for _ in range(FREE_GUESSES // PIN_TRIES + 2):
                assert (await call(server, WRONG))[-1] == "vm-goodbye"
            assert (await call(server, PIN))[-1] == "vm-goodbye"
        finally:
            await server.stop()
    assert "a PIN is not looked at after too many wrong ones: phone ana, agent ana" in caplog.text
    assert PIN not in caplog.text
    assert WRONG not in caplog.text


async def _phones(engine: Engine, pin: dict[str, Any]) -> AgiServer:

    object.__setattr__(engine.centre.agents["ana"], "pin", PinSource.model_validate(pin))
    server = AgiServer("127.0.0.1", 0, {"agent": AgentPhones(engine).handle})
    await server.start()
    return server
