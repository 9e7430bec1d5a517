"""What a real Asterisk does when AMI `Bridge` takes a caller out of FastAGI: the facts the live shell is built on."""

import asyncio
from pathlib import Path

import pytest

from asterisk_conf.names import VAR_CONTACT, VAR_DONE, VAR_TALKED
from asterisk_conf.phones import Answer
from router.ami import actions
from router.ami.client import AmiRefused
from tests.support.scene import scene

pytestmark = pytest.mark.asterisk


@pytest.mark.parametrize("prompt", ['STREAM FILE demo-congrats ""', "WAIT FOR DIGIT 30000"])
async def test_bridge_ends_a_prompt_at_once_and_leaves_the_agi_a_corpse(tmp_path: Path, prompt: str) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1, talk_s=1.0)) as on:
        call, engine = on.caller, on.engine
        await call.ask("SET MUSIC ON")
        call.send(prompt)
        leg = await on.ring("anna", "1")
        waiting = await on.status()
        assert waiting[call.uniqueid]["bridgeid"] == waiting[leg]["bridgeid"] == ""
        assert waiting[call.uniqueid]["application"] == "AGI"
        assert int(waiting[call.uniqueid]["timetohangup"]) > 0
        assert VAR_DONE not in waiting[call.uniqueid], "an unset variable is (null)"
        assert waiting[leg][VAR_CONTACT] == call.uniqueid

        began = asyncio.get_running_loop().time()
        await on.join(leg)
        assert (await call.line()).startswith("200 result=-1")
        assert asyncio.get_running_loop().time() - began < 0.5, "no announcement delays the talk"
        for uniqueid in (call.uniqueid, leg):
            await engine.event("BridgeEnter", Uniqueid=uniqueid)

        # The AGI line belongs to another channel now, and ends (AGIEXITONHANGUP): the caller is not there any more.
        assert await call.rest() == ["HANGUP", "HANGUP"]
        talking = await on.status()
        assert set(talking) == {call.uniqueid, leg}, "corpses are not listed"
        assert talking[call.uniqueid]["bridgeid"] == talking[leg]["bridgeid"] != ""
        assert VAR_DONE not in talking[call.uniqueid]
        assert talking[call.uniqueid][VAR_TALKED] == "yes"
        assert talking[call.uniqueid]["timetohangup"] == "0", "the watchdog does not cut a talk"
        call.close()

        # The agent hangs up: the caller goes on after the AGI line, and this dialplan asks the engine again.
        again = await on.agi.call()
        assert (again.uniqueid, again.channel) == (call.uniqueid, call.channel)
        assert again.headers["agi_arg_3"] == "yes"
        hangup = await engine.event("Hangup", Uniqueid=leg)
        assert hangup["Cause"] == "16"
        assert not engine.named("Hangup", Uniqueid=call.uniqueid)
        await again.ask(f"SET VARIABLE {VAR_DONE} yes")
        again.close()
        await engine.event("Hangup", Uniqueid=call.uniqueid)
        assert {event["Uniqueid"] for event in engine.named("Hangup")} == {call.uniqueid, leg}, "none of a corpse"


async def test_a_caller_who_hangs_up_first_ends_the_talk_and_frees_the_agent(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1), caller_leaves_s=1.5) as on:
        on.caller.send("WAIT FOR DIGIT 30000")
        leg = await on.ring("anna", "1")
        await on.join(leg)
        on.caller.close()
        gone = await on.engine.event("Hangup", Uniqueid=on.caller.uniqueid)
        assert (gone["Channel"], gone["Cause"]) == (on.caller.channel, "16")
        await on.engine.event("Hangup", Uniqueid=leg)


async def test_an_idle_agi_is_told_of_the_bridge_by_a_hangup_line_and_ends(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        leg = await on.ring("anna", "1")
        await on.join(leg)
        assert await on.caller.rest() == ["HANGUP", "HANGUP"]


async def test_bridge_with_someone_who_is_gone_is_refused_and_the_caller_keeps_waiting(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        with pytest.raises(AmiRefused, match="Channel2 does not exist"):
            await on.join(actions.own_channel_id("t", "nobody"))
        assert await on.caller.ask("NOOP") == "200 result=0"
        with pytest.raises(AmiRefused, match="Channel1 does not exist"):
            await on.engine.client.action("Bridge", actions.bridge("PJSIP/gone-00000009", on.caller.channel))


async def test_bridge_takes_prefixes_so_ids_must_not_be_prefixes_of_others(tmp_path: Path) -> None:
    """Why `actions.bridge` refuses Uniqueids. `own_channel_id` makes ids that are safe from this."""
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        on.caller.send("WAIT FOR DIGIT 30000")
        leg = await on.ring("anna", "12")
        beginning = {"Channel1": on.caller.uniqueid[:-1], "Channel2": leg.removesuffix("2."), "Tone": "no"}
        await on.engine.client.action("Bridge", beginning)
        for uniqueid in (on.caller.uniqueid, leg):
            await on.engine.event("BridgeEnter", Uniqueid=uniqueid)
        with pytest.raises(AmiRefused, match="No such channel"):
            await on.engine.client.action("Hangup", actions.hangup(leg.removesuffix(".")))


async def test_a_second_bridge_steals_and_the_one_left_behind_goes_on_in_the_dialplan(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer(ring_s=0.1)) as on:
        on.caller.send("WAIT FOR DIGIT 30000")
        first = await on.ring("anna", "1")
        await on.join(first)
        second = await on.ring("anna", "2")
        await on.join(second)
        await on.engine.event("BridgeLeave", Uniqueid=first)
        await on.engine.event("Hangup", Uniqueid=first)
        now = await on.status()
        assert now[on.caller.uniqueid]["bridgeid"] == now[second]["bridgeid"] != ""
