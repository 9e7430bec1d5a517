"""What a real Asterisk does when a talk is taken apart and put together again: what holds and transfers stand on."""

from pathlib import Path

import pytest

from asterisk_conf.names import (
    CONTEXT_AGENT_APART,
    CONTEXT_AGENT_LEG,
    CONTEXT_BACK,
    USER_EVENT_TALK_CODE,
    VAR_OFFER,
    VAR_TALKED,
)
from asterisk_conf.phones import Answer, Keys
from router.ami import actions
from router.ami.client import AmiRefused
from tests.support.raw_agi import RawCall
from tests.support.scene import Scene, scene

pytestmark = pytest.mark.asterisk


async def apart(on: Scene, leg: str) -> tuple[RawCall, RawCall]:
    """Takes the talk apart: the FastAGI calls of the caller and of the agent."""
    places = ((CONTEXT_BACK, "s"), (CONTEXT_AGENT_APART, "s"))
    await on.engine.client.action("Redirect", actions.redirect_both(on.caller.uniqueid, places[0], leg, places[1]))
    calls = [await on.agi.call(), await on.agi.call()]
    calls.sort(key=lambda call: call.uniqueid == leg)
    return calls[0], calls[1]


async def bridge(on: Scene, *channels: str) -> None:
    await on.engine.client.action("Bridge", actions.bridge(*channels))


async def test_both_ends_of_a_talk_go_elsewhere_under_their_names_and_come_back(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        before = await on.status()
        caller, agent = await apart(on, leg)
        assert (caller.uniqueid, caller.channel) == (on.caller.uniqueid, on.caller.channel)
        assert (agent.uniqueid, agent.channel) == (leg, before[leg]["channel"])
        assert caller.headers["agi_arg_3"] == "yes"
        now = await on.status()
        assert set(now) == {on.caller.uniqueid, leg}
        assert now[leg][VAR_OFFER] == "1"
        assert int(now[leg]["timetohangup"]) > 0, "an engine that hangs keeps nobody"
        assert not on.engine.named("Hangup")

        await bridge(on, caller.channel, leg)
        assert (await caller.rest(), await agent.rest()) == (["HANGUP"] * 2, ["HANGUP"] * 2)
        again = await on.status()
        assert again[on.caller.uniqueid]["bridgeid"] == again[leg]["bridgeid"] != ""
        assert again[leg]["timetohangup"] == "0"


async def test_a_consultation_and_its_end_bring_the_agent_back_behind_the_agi_line(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1), Answer(ring_s=0.1, talk_s=0.8)) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        caller, agent = await apart(on, leg)
        other = await on.ring("ben", "2")
        await bridge(on, leg, other)
        assert await agent.rest() == ["HANGUP"] * 2
        assert await caller.ask("NOOP") == "200 result=0", "the caller notices nothing of it"
        await on.engine.event("Hangup", Uniqueid=other)  # ben hangs up
        back = await on.agi.call()
        assert (back.uniqueid, back.headers["agi_network_script"]) == (leg, "apart")
        await bridge(on, caller.channel, leg)
        now = await on.status()
        assert now[on.caller.uniqueid]["bridgeid"] == now[leg]["bridgeid"] != ""


async def test_the_one_consulted_takes_over_and_the_other_agent_goes_on_apart(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1), Answer(ring_s=0.1)) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        caller, _ = await apart(on, leg)
        other = await on.ring("ben", "2")
        await bridge(on, leg, other)
        await bridge(on, caller.channel, other)
        back = await on.agi.call()
        assert back.uniqueid == leg
        now = await on.status()
        assert now[on.caller.uniqueid]["bridgeid"] == now[other]["bridgeid"] != now[leg]["bridgeid"]
        assert now[on.caller.uniqueid][VAR_TALKED] == "yes"


async def test_without_an_engine_both_come_again_and_again(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        for call in await apart(on, leg):
            call.close()
        again = {(await on.agi.call()).uniqueid, (await on.agi.call()).uniqueid}
        assert again == {on.caller.uniqueid, leg}


async def test_only_the_agents_keys_are_codes(tmp_path: Path) -> None:
    keys = [Keys(1.5, "*1"), Keys(3.0, "*2")]
    async with scene(tmp_path, Answer(ring_s=0.1, keys=(Keys(3.5, "*3"),)), callers_keys=keys) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        pressed = await on.engine.event("UserEvent")
        assert (pressed["UserEvent"], pressed["Uniqueid"], pressed["Code"]) == (USER_EVENT_TALK_CODE, leg, "*3")
        assert len(on.engine.named("UserEvent")) == 1
        now = await on.status()
        assert now[on.caller.uniqueid]["bridgeid"] == now[leg]["bridgeid"] != "", "and the talk goes on"


async def test_a_redirect_of_both_moves_nobody_when_one_is_gone(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        leg = await on.ring("anna", "1")
        gone = actions.own_channel_id("t", "gone")
        back, aside = (CONTEXT_BACK, "s"), (CONTEXT_AGENT_APART, "s")
        for pair in ((gone, back, leg, aside), (leg, aside, gone, back)):
            with pytest.raises(AmiRefused, match="does not exist"):
                await on.engine.client.action("Redirect", actions.redirect_both(*pair))
        assert (await on.status())[leg]["context"] == CONTEXT_AGENT_LEG
