"""Real SIP calls by SIPp through a real Asterisk: keys reach FastAGI, agents' phones ring, answer and refuse."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.names import CODE_SIGN_IN, CONTEXT_AGENT_LEG, VAR_DONE
from asterisk_conf.phones import AgentPhone, Answer, Callers, Keys, PlannedCall, feature_call
from asterisk_conf.site import Phone
from router.ami import actions
from tests.support.ami_recorder import Recorder
from tests.support.asterisk import AMI_SECRET, NUMBER, running_asterisk
from tests.support.raw_agi import RawAgi

pytestmark = pytest.mark.asterisk


async def test_keys_pressed_by_callers_reach_fastagi(tmp_path: Path) -> None:
    plans = [
        PlannedCall(NUMBER, caller="600100201", keys=(Keys(1.0, "42#"),)),
        PlannedCall(NUMBER, caller="600100202", start_s=0.1, keys=(Keys(0.8, "7"), Keys(1.8, "*")), hang_up_after_s=3),
    ]
    heard: dict[str, list[str]] = {}

    async def listen(agi: RawAgi) -> None:
        call = await agi.call()
        await call.ask("ANSWER")
        if call.headers["agi_callerid"] == "600100201":
            heard["data"] = [await call.ask("GET DATA silence/10 5000 5")]
            await call.ask(f"SET VARIABLE {VAR_DONE} yes")
            call.close()
        else:
            heard["digits"] = [await call.ask("WAIT FOR DIGIT 5000") for _ in range(2)]
            heard["hangup"] = [await call.line()]

    async with (
        RawAgi() as agi,
        running_asterisk(tmp_path / "asterisk", agi_port=agi.port) as (_, site),
        Callers(tmp_path / "sip", plans, ("127.0.0.1", site.ports.sip)) as callers,
    ):
        await asyncio.gather(listen(agi), listen(agi))
        first, second = await callers.finished()

    assert heard == {
        "data": ["200 result=42"],
        "digits": [f"200 result={ord('7')}", f"200 result={ord('*')}"],
        "hangup": ["HANGUP"],
    }
    assert first.ended == "centre"
    assert second.ended == "caller"
    assert len(second.keys_s) == 2
    assert second.answered_s is not None
    assert second.ended_s is not None
    assert second.ended_s - second.answered_s == pytest.approx(3, abs=0.4)


async def originate(engine: Recorder, offer: str, timeout_ms: int = 5_000) -> dict[str, str]:
    """Rings anna's phone; returns the OriginateResponse and, when it failed, the cause of the hang-up with it."""
    channel_id = f"sb-test-{offer}"
    action: Any = actions.originate(
        channel="PJSIP/anna",
        channel_id=channel_id,
        context=CONTEXT_AGENT_LEG,
        extension="s",
        timeout_ms=timeout_ms,
        variables={},
    )
    seen = len(engine.named("OriginateResponse"))
    await engine.client.action("Originate", action)
    await engine.until(lambda: len(engine.named("OriginateResponse")) > seen)
    told = dict(engine.named("OriginateResponse")[seen])
    if told["response"] == "Failure":
        told["cause"] = (await engine.event("Hangup", Uniqueid=channel_id))["Cause"]
    return told


async def test_an_agents_phone_answers_refuses_and_rings_out_as_planned(tmp_path: Path) -> None:
    answers = [
        Answer(ring_s=0.2, talk_s=0.5),
        Answer(ring_s=0.2, status=486),
        Answer(ring_s=0.2, status=603),
        Answer(ring_s=None),
        Answer(ring_s=0),
    ]
    async with (
        AgentPhone(tmp_path / "sip", "anna", answers) as phone,
        running_asterisk(tmp_path / "asterisk", agi_port=1, phones=(Phone("anna", contact=phone.contact),)) as (
            _,
            site,
        ),
        Recorder(site.ports.ami, AMI_SECRET) as engine,
    ):
        answered = await originate(engine, "answered")
        await engine.event("Hangup", Uniqueid="sb-test-answered")  # anna has talked for half a second
        busy = await originate(engine, "busy")
        declined = await originate(engine, "declined")
        no_answer = await originate(engine, "no-answer", timeout_ms=700)
        up = await originate(engine, "up")
        await engine.client.action("Hangup", actions.hangup("sb-test-up"))
        await engine.event("Hangup", Uniqueid="sb-test-up")
    assert answered["response"] == up["response"] == "Success"
    assert [told["cause"] for told in (busy, declined, no_answer)] == ["17", "21", "19"]
    assert [outcome.ended for outcome in phone.outcomes] == ["phone", "refused", "refused", "cancelled", "centre"]


async def test_an_agent_dials_a_feature_code_with_a_pin(tmp_path: Path) -> None:
    async with (
        RawAgi() as agi,
        running_asterisk(
            tmp_path / "asterisk", agi_port=agi.port, phones=(Phone("anna", contact="sip:anna@127.0.0.2:9"),)
        ) as (_, site),
        feature_call(tmp_path / "sip", "anna", CODE_SIGN_IN, ("127.0.0.1", site.ports.sip), pin="1234") as dialled,
    ):
        call = await agi.call()
        assert call.headers["agi_network_script"] == "agent"
        assert call.headers["agi_arg_1"] == CODE_SIGN_IN
        assert call.channel.startswith("PJSIP/anna-")
        await call.ask("ANSWER")
        assert await call.ask("GET DATA agent-pass 8000 12") == "200 result=1234"
        await call.ask("HANGUP")
        call.close()
        [outcome] = await dialled.finished()
    assert outcome.ended == "centre"


async def test_calls_that_fail_have_no_proper_end_and_sipp_says_why(tmp_path: Path) -> None:
    plans = [PlannedCall("5559999"), PlannedCall("5559998")]
    async with (
        running_asterisk(tmp_path / "asterisk", agi_port=1) as (_, site),
        Callers(tmp_path / "sip", plans, ("127.0.0.1", site.ports.sip)) as callers,
    ):
        outcomes = await callers.finished()
        assert [outcome.proper for outcome in outcomes] == [False, False]
        assert "404 Not Found" in callers.problem()
