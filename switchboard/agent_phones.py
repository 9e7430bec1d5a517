"""What agents do by dialling a feature code from their phone: sign in with the PIN, sign out, pause, be ready again."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from asterisk_conf.names import CODE_PAUSE, CODE_READY, CODE_SIGN_IN, CODE_SIGN_OUT
from ivr.agi import codec
from ivr.agi.server import AgiChannel
from router.core.events import AgentPaused, AgentReady, AgentSignedIn, AgentSignedOut, AnyEvent
from router.live.shell import LiveRouter
from switchboard.centre.centre import AgentDetails
from switchboard.centre.secrets import SecretError

log = logging.getLogger(__name__)

PIN_TRIES = 3
KEY_TIMEOUT_MS = 8_000
MAX_PIN_DIGITS = 12


class AgentPhones:
    """Serves the FastAGI route `agent`. The agent is the one whose endpoint the call comes from, never one named by
    the caller; a phone without an agent is refused."""

    def __init__(
        self,
        live: LiveRouter,
        agents: Mapping[str, AgentDetails],
        pause_reasons: tuple[str, ...],
        centre_directory: Path,
    ) -> None:
        self._live = live
        self.agents = agents
        self.pause_reasons = pause_reasons
        self._directory = centre_directory

    async def handle(self, channel: AgiChannel) -> None:
        """One call of an agent's phone to a feature code (the first AGI argument)."""
        code = (*channel.headers.arguments, "")[0]
        agent = self.agents.get(_endpoint(channel.headers.channel))
        await channel.send(codec.answer())
        if agent is None:
            log.warning("a phone without an agent dialled %s: %s", code, channel.headers.channel)
            await channel.send(codec.stream_file("agent-incorrect"))
        else:
            await self._serve(channel, agent, code)
        await channel.send(codec.hangup())

    async def _serve(self, channel: AgiChannel, agent: AgentDetails, code: str) -> None:
        event: AnyEvent
        if code == CODE_SIGN_IN:
            if not await self._knows_pin(channel, agent):
                await channel.send(codec.stream_file("vm-goodbye"))
                return
            event, done = AgentSignedIn(agent.name), "agent-loginok"
        elif code == CODE_SIGN_OUT:
            event, done = AgentSignedOut(agent.name), "agent-loggedoff"
        elif code == CODE_PAUSE:
            event, done = AgentPaused(agent.name, await self._reason(channel)), "auth-thankyou"
        elif code == CODE_READY:
            event, done = AgentReady(agent.name), "auth-thankyou"
        else:
            log.error("the dialplan sent the feature code %r, which the engine does not know", code)
            return
        refusal = self._live.feed(event)
        await channel.send(codec.stream_file(done if refusal is None else "agent-incorrect"))

    async def _knows_pin(self, channel: AgiChannel, agent: AgentDetails) -> bool:
        if agent.pin is None:
            log.warning("%s cannot sign in by phone: the agent has no PIN (agents.yaml)", agent.name)
            return False
        sound = "agent-pass"
        for _ in range(PIN_TRIES):
            reply = await channel.send(codec.get_data(sound, KEY_TIMEOUT_MS, MAX_PIN_DIGITS))
            try:
                # A thread, because checking a hashed PIN takes long on purpose.
                if await asyncio.to_thread(agent.pin.accepts, reply.result, self._directory):
                    return True
            except SecretError as error:
                log.error("%s cannot sign in: %s", agent.name, error)
                return False
            sound = "agent-incorrect"
        log.warning("%s gave a wrong PIN %d times at %s", agent.name, PIN_TRIES, channel.headers.channel)
        return False

    async def _reason(self, channel: AgiChannel) -> str:
        """The pause reason by its key, 1 for the first of the centre's; the first without a key."""
        if len(self.pause_reasons) > 1:
            reply = await channel.send(codec.get_data("beep", KEY_TIMEOUT_MS, 1))
            if reply.result.isdigit() and 1 <= int(reply.result) <= len(self.pause_reasons):
                return self.pause_reasons[int(reply.result) - 1]
        return self.pause_reasons[0] if self.pause_reasons else "pause"


def _endpoint(channel: str) -> str:
    """The SIP endpoint of a channel: `anna` of `PJSIP/anna-00000a7f`."""
    return channel.partition("/")[2].rpartition("-")[0]
