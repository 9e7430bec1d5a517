"""A caller in a raw FastAGI on a real Asterisk, agents' phones, and the joining of them: for facts about talks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from asterisk_conf.names import (
    CONTEXT_AGENT_LEG,
    TALK_CODES,
    VAR_CONTACT,
    VAR_DONE,
    VAR_FEATURES,
    VAR_OFFER,
    VAR_TALKED,
)
from asterisk_conf.phones import AgentPhone, Answer, Callers, Keys, PlannedCall
from asterisk_conf.site import Phone
from router.ami import actions
from router.ami.client import AmiRefused
from tests.support.ami_recorder import Recorder
from tests.support.asterisk import AMI_SECRET, NUMBER, running_asterisk
from tests.support.raw_agi import RawAgi, RawCall


class Scene:
    """A caller in FastAGI, and phones for agents."""

    def __init__(self, engine: Recorder, agi: RawAgi, caller: RawCall) -> None:
        self.engine = engine
        self.agi = agi
        self.caller = caller

    async def ring(self, phone: str, offer: str) -> str:
        """Rings an agent; returns the leg's channel id once the leg is in the dialplan."""
        channel_id = actions.own_channel_id("t", offer)
        variables = {VAR_OFFER: offer, VAR_CONTACT: self.caller.uniqueid, VAR_FEATURES: "#".join(TALK_CODES)}
        action = actions.originate(
            channel=f"PJSIP/{phone}",
            channel_id=channel_id,
            context=CONTEXT_AGENT_LEG,
            extension="s",
            timeout_ms=5_000,
            variables=variables,
        )
        await self.engine.client.action("Originate", action)
        told = await self.engine.event("OriginateResponse", Uniqueid=channel_id)
        assert (told["Response"], told["Reason"]) == ("Success", "4")
        return channel_id

    async def join(self, channel_id: str) -> None:
        await self.engine.client.action("Setvar", actions.setvar(self.caller.uniqueid, VAR_TALKED, "yes"))
        await self.engine.client.action("Bridge", actions.bridge(self.caller.channel, channel_id))

    async def status(self) -> dict[str, dict[str, str]]:
        asked = actions.status(variables=[VAR_OFFER, VAR_CONTACT, VAR_TALKED, VAR_DONE])
        found = await self.engine.client.collect("Status", asked, until="StatusComplete")
        return {event["Uniqueid"]: dict(event) | event.variables for event in found}


@contextlib.asynccontextmanager
async def scene(
    directory: Path, *answers: Answer, caller_leaves_s: float | None = None, callers_keys: Sequence[Keys] = ()
) -> AsyncIterator[Scene]:
    """The caller has answered and is in FastAGI; anna's phone does the first of `answers`, ben's the second."""
    async with contextlib.AsyncExitStack() as stack:
        agi = await stack.enter_async_context(RawAgi())
        lines = [
            await stack.enter_async_context(AgentPhone(directory / "sip", name, [answer]))
            for name, answer in zip(("anna", "ben"), answers, strict=False)
        ]
        phones = tuple(Phone(line.name, contact=line.contact) for line in lines)
        _, site = await stack.enter_async_context(
            running_asterisk(
                directory,
                agi_port=agi.port,
                phones=phones,
                watchdog_s=60,
                more_events=("BridgeEnter", "BridgeLeave"),
            )
        )
        engine = await stack.enter_async_context(Recorder(site.ports.ami, AMI_SECRET))
        plan = PlannedCall(NUMBER, hang_up_after_s=caller_leaves_s, keys=tuple(callers_keys))
        callers = await stack.enter_async_context(Callers(directory / "sip", [plan], ("127.0.0.1", site.ports.sip)))
        call = await agi.call()
        assert await call.ask("ANSWER") == "200 result=0"
        on = Scene(engine, agi, call)
        yield on
        agi.close_all()  # Asterisk and SIPp end at once only when nothing is under way
        for uniqueid in await on.status():
            with contextlib.suppress(AmiRefused):
                await engine.client.action("Hangup", actions.hangup(uniqueid))
        await asyncio.wait_for(callers.finished(), 5)
