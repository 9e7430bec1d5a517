"""A flow connects its caller with an outside number: within the centre's list and caps, and once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, AgiServer, ChannelHungUp
from ivr.flow.effects import Dial
from ivr.flow.inputs import DialEnded
from ivr.flow.session import Caller, Session
from switchboard.centre.settings import OutboundSettings
from switchboard.destinations import Destinations
from switchboard.flow_dialling import FlowDialling, channel_of
from tests.support.fake_agi import FakeAsterisk

SETTINGS = OutboundSettings(trunk="world", caller_id="+34900100200", country_code="34", allow=["+34"], at_once=1)
DIAL = Dial("911 234 567", ring_ms=20_000, max_ms=600_000)
DIALLED = "EXEC Dial"


@dataclass
class Centre:
    """What the centre dials, and a clock that stands until it is moved."""

    settings: OutboundSettings = SETTINGS
    now_ms: int = 1_000_000
    facts: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.destinations = Destinations(
            self.settings, lambda kind, contact, data: self.facts.append((kind, data)), lambda hours, at_ms: True
        )
        self.dialling = FlowDialling(self.destinations, Performer(), now_ms=lambda: self.now_ms, watchdog_s=600)

    async def dial(
        self, effect: Dial, answers: dict[str, str | Callable[[str], str]]
    ) -> tuple[DialEnded | Exception, list[str]]:
        """How the call ended, and the commands that Asterisk was given."""
        result: asyncio.Future[DialEnded | Exception] = asyncio.get_running_loop().create_future()
        session = Session(Caller("600"), "main", "f", "dial", "en", 0, entered=3)

        async def handler(channel: AgiChannel) -> None:
            try:
                result.set_result(await self.dialling.dial(channel, "c1", session, effect))
            except ChannelHungUp as error:
                result.set_result(error)

        server = AgiServer("127.0.0.1", 0, {"call": handler})
        await server.start()
        try:
            commands = await (await FakeAsterisk.connect(server.port)).serve(answers)
            return await result, commands
        finally:
            await server.stop()


async def test_the_number_is_dialled_as_the_centre_writes_it_and_the_flow_hears_of_the_end() -> None:
    centre = Centre()

    def talk(line: str) -> str:
        centre.now_ms += 65_000
        return "200 result=0"

    answers: dict[str, str | Callable[[str], str]] = {
        DIALLED: talk,
        "GET FULL VARIABLE": "200 result=1 (ANSWER:60000)",
    }
    ended, commands = await centre.dial(DIAL, answers)
    assert ended == DialEnded("answered", 60_000)
    assert 'EXEC Dial "PJSIP/+34911234567@world,20,gf(+34900100200)L(600000)"' in commands
    assert [line for line in commands if "TIMEOUT" in line] == [
        'SET VARIABLE TIMEOUT(absolute) "680"',
        'SET VARIABLE TIMEOUT(absolute) "600"',
    ]
    kind, data = centre.facts[-1]
    assert (kind, data["talk_ms"]) == ("outbound_ended", 60_000), "not the ringing"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("BUSY:", "busy"), ("NOANSWER:", "no_answer"), ("CONGESTION:", "unavailable"), ("CHANUNAVAIL:", "unavailable")],
)
async def test_every_way_not_to_reach_somebody_is_told(status: str, outcome: str) -> None:
    centre = Centre()
    ended, _ = await centre.dial(DIAL, {"GET FULL VARIABLE": f"200 result=1 ({status})"})
    assert ended == DialEnded(outcome)  # type: ignore[arg-type]
    assert centre.facts[-1][1]["talk_ms"] == 0


@pytest.mark.parametrize("number", ["112", "+1 900 555 0100", "'; DROP", "911234567@evil.example", "*43"])
async def test_what_the_centre_does_not_dial_is_refused_and_asterisk_never_hears_of_it(number: str) -> None:
    centre = Centre()
    ended, commands = await centre.dial(Dial(number), {})
    assert ended == DialEnded("refused")
    assert not any(line.startswith("EXEC") for line in commands)
    assert [kind for kind, _ in centre.facts] == ["outbound_refused"]


async def test_the_cap_on_calls_at_once_holds_for_flows_too() -> None:
    centre = Centre()
    centre.destinations.started("other", centre.destinations.check("922222222", centre.now_ms), centre.now_ms)
    ended, _ = await centre.dial(DIAL, {})
    assert ended == DialEnded("refused")


async def test_after_a_crash_the_call_is_not_dialled_twice() -> None:
    answers: dict[str, str | Callable[[str], str]] = {
        "GET VARIABLE SB_DIALLED": "200 result=1 (c1-dial-3)",
        "GET FULL VARIABLE": "200 result=1 (ANSWER:42000)",
    }
    ended, commands = await Centre().dial(DIAL, answers)
    assert ended == DialEnded("answered", 42_000)
    assert not any(line.startswith("EXEC") for line in commands)


async def test_a_caller_who_hangs_up_ends_the_call_for_the_caps() -> None:
    centre = Centre()
    ended, _ = await centre.dial(DIAL, {DIALLED: "HANGUP"})
    assert isinstance(ended, ChannelHungUp)
    assert centre.destinations.calls() == []


async def test_a_call_of_an_earlier_engine_ends_with_its_caller() -> None:
    centre = Centre()
    for contact in ("c1", "c10"):
        destination = Centre(SETTINGS.model_copy(update={"at_once": 9})).destinations.check(DIAL.number, centre.now_ms)
        centre.destinations.started(f"{contact}-dial-3", destination, centre.now_ms)
    assert [channel_of(call) for call in centre.destinations.calls()] == ["c1", "c10"]
    centre.dialling.caller_gone("c1")
    assert centre.destinations.calls() == ["c10-dial-3"]
    assert channel_of("sb-1-2.") == "sb-1-2."
