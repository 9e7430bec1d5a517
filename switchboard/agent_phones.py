"""What agents do by dialling a feature code from their phone: sign in with the PIN, sign out, pause, be ready again,
say how the last contact ended, speak a note about it, take longer for their work after it; and how a supervisor throws
the emergency switch.

The agent is the one who is rung at the phone that the call comes from, never one named by the caller. At any phone of
the centre an agent may sign in with number and PIN, and is rung there from then on (`switchboard.desks`).
"""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterisk_conf.names import (
    CODE_DISPOSITION,
    CODE_EMERGENCY,
    CODE_EXTEND_WRAP_UP,
    CODE_NOTE,
    CODE_PAUSE,
    CODE_READY,
    CODE_SIGN_IN,
    CODE_SIGN_IN_HERE,
    CODE_SIGN_OUT,
)
from ivr.agi import codec
from ivr.agi.performer import Performer, RecordingFailed
from ivr.agi.server import AgiChannel, ChannelHungUp
from ivr.flow.effects import TakeVoicemail
from switchboard.api.throttle import Throttle
from switchboard.centre.centre import AgentDetails
from switchboard.centre.secrets import SecretError
from switchboard.operations import Actor, OperationRefused, perform
from switchboard.voicemails import Voicemail, recorded_ms

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

PIN_TRIES = 3
KEY_TIMEOUT_MS = 8_000
MAX_PIN_DIGITS = 12
FREE_GUESSES, LONGEST_PAUSE_S = 6, 900
"""So many wrong PINs in a row cost nothing; after that each doubles the pause of the agent, and of the phone."""
EXTENSION_S = 60
"""What the code for more time after a talk adds."""


_NOTE = TakeVoicemail((), "notes", max_ms=120_000, min_ms=1_000)
"""How agents' notes are recorded, and in which mailbox they are listed."""


class AgentPhones:
    """Serves the FastAGI route `agent`; a phone at which nobody is known is refused, but for signing in."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._guesses = Throttle(FREE_GUESSES, LONGEST_PAUSE_S)

    async def handle(self, channel: AgiChannel) -> None:
        """One call of an agent's phone to a feature code (the first AGI argument)."""
        code = (*channel.headers.arguments, "")[0]
        phone = endpoint(channel.headers.channel)
        agents = self._engine.centre.agents
        agent = agents.get(self._engine.desks.agent_at(phone))
        await channel.send(codec.answer())
        if phone not in agents and phone not in self._engine.centre.desks:
            log.warning("a phone without an agent dialled %s: %s", code, channel.headers.channel)
            await channel.send(codec.stream_file("agent-incorrect"))
        elif code == CODE_SIGN_IN_HERE or (code == CODE_SIGN_IN and phone not in agents):
            await self._sign_in_here(channel, phone)
        elif code == CODE_EMERGENCY:
            await self._emergency(channel, agent, phone)
        elif code == CODE_SIGN_IN:
            await self._sign_in(channel, agents[phone], phone)
        elif agent is None:
            await channel.send(codec.stream_file("agent-incorrect"))
        else:
            await self._serve(channel, agent, code)
        await channel.send(codec.hangup())

    async def _serve(self, channel: AgiChannel, agent: AgentDetails, code: str) -> None:
        if code == CODE_SIGN_OUT:
            await self._do(channel, agent.name, "agent-loggedoff", "sign_out")
        elif code == CODE_PAUSE:
            reasons = self._engine.centre.policy.pause_reasons
            reason = await self._choice(channel, list(reasons)) or (reasons[0] if reasons else "pause")
            await self._do(channel, agent.name, "auth-thankyou", "pause", reason=reason)
        elif code == CODE_READY:
            await self._do(channel, agent.name, "auth-thankyou", "ready")
        elif code == CODE_DISPOSITION:
            how = await self._choice(channel, list(self._engine.centre.dispositions))
            await self._do(channel, agent.name, "auth-thankyou", "disposition", code=how)
        elif code == CODE_EXTEND_WRAP_UP:
            await self._do(channel, agent.name, "auth-thankyou", "extend_wrap_up", seconds=EXTENSION_S)
        elif code == CODE_NOTE:
            await self._note(channel, agent.name)
        else:
            log.error("the dialplan sent the feature code %r, which the engine does not know", code)

    async def _do(self, channel: AgiChannel, agent: str, done: str, operation: str, **arguments: Any) -> None:
        """Asks for the operation and lets the agent hear how it went."""
        try:
            await perform(self._engine, by_phone(agent), operation, {"agent": agent, **arguments})
        except OperationRefused as refusal:
            log.info("%s by phone, %s: %s", agent, operation, refusal)
            done = "agent-incorrect"
        await channel.send(codec.stream_file(done))

    # A spoken note

    async def _note(self, channel: AgiChannel, agent: str) -> None:
        """Records what the agent says of the contact that is here, or was the last one; a hang-up ends it too."""
        known = self._engine.live.router.agent(agent)
        if known is None or known.contact is None:
            await channel.send(codec.stream_file("agent-incorrect"))
            return
        contact, file = known.contact, self._engine.voicemails.file()
        try:
            duration_ms = await Performer().record(channel, _NOTE, str(file))
        except RecordingFailed as error:
            log.error("%s by phone, a note: %s", agent, error)
            await channel.send(codec.stream_file("agent-incorrect"))
            return
        except ChannelHungUp:
            await self._keep_note(agent, contact, file, await recorded_ms(file))
            raise
        await channel.send(codec.stream_file(await self._keep_note(agent, contact, file, duration_ms)))

    async def _keep_note(self, agent: str, contact: str, file: Path, duration_ms: int) -> str:
        """The sound that tells the agent how it went."""
        if duration_ms < _NOTE.min_ms:
            file.with_suffix(".wav").unlink(missing_ok=True)
            return "agent-incorrect"
        now_ms = self._engine.clock.now_ms()
        message = Voicemail(file.name, _NOTE.mailbox, now_ms, duration_ms, number=agent, call=contact)
        try:
            self._engine.voicemails.keep(message)
            await perform(
                self._engine, by_phone(agent), "note", {"agent": agent, "contact": contact, "voicemail": message.id}
            )
        except (OSError, OperationRefused) as error:
            log.error("%s by phone, a note about %s: %s", agent, contact, error)
            return "agent-incorrect"
        return "auth-thankyou"

    # Signing in

    async def _sign_in(self, channel: AgiChannel, agent: AgentDetails, phone: str) -> None:
        sound = "agent-pass"
        for _ in range(PIN_TRIES):
            if await self._accepts(agent, phone, await _digits(channel, sound)):
                await self._do(channel, agent.name, "agent-loginok", "sign_in", phone=phone)
                return
            sound = "agent-incorrect"
        await self._refuse(channel)

    async def _sign_in_here(self, channel: AgiChannel, phone: str) -> None:
        """Number and PIN are asked for together, so that nobody learns which numbers there are."""
        sound = "agent-user"
        for _ in range(PIN_TRIES):
            number = await _digits(channel, sound)
            pin = await _digits(channel, "agent-pass")
            named = (agent for agent in self._engine.centre.agents.values() if agent.extension == number)
            agent = next(named, None)
            if await self._accepts(agent, phone, pin) and agent is not None:
                await self._do(channel, agent.name, "agent-loginok", "sign_in", phone=phone)
                return
            sound = "agent-incorrect"
        await self._refuse(channel)

    # The emergency switch

    async def _emergency(self, channel: AgiChannel, agent: AgentDetails | None, phone: str) -> None:
        """A supervisor gives the PIN, and then 1: everything is closed, or 2: everything is as the hours say again."""
        sound = "agent-pass"
        for _ in range(PIN_TRIES):
            pin = await _digits(channel, sound)
            if agent is not None and await self._accepts(agent, phone, pin) and agent.supervisor:
                await self._switch(channel, agent.name)
                return
            sound = "agent-incorrect"
        await self._refuse(channel)

    async def _switch(self, channel: AgiChannel, agent: str) -> None:
        reply = await channel.send(codec.get_data("beep", KEY_TIMEOUT_MS, 1))
        state = {"1": "emergency", "2": "hours"}.get(reply.result)
        done = "agent-incorrect"
        if state is not None:
            actor = Actor(agent, frozenset({"agent", "supervisor"}), "phone", agent=agent)
            try:
                await perform(self._engine, actor, "switch_queues", {"state": state, "reason": "switched by phone"})
                done = "auth-thankyou"
            except OperationRefused as refusal:
                log.warning("%s by phone, the emergency switch: %s", agent, refusal)
        await channel.send(codec.stream_file(done))

    async def _accepts(self, agent: AgentDetails | None, phone: str, pin: str) -> bool:
        """Whether it is the agent's PIN. Who guesses has to pause, at one phone or at many, and is not told so."""
        keys = [f"phone {phone}", *([f"agent {agent.name}"] if agent else [])]
        if any(self._guesses.wait_s(key) > 0 for key in keys):
            log.warning("a PIN is not looked at after too many wrong ones: %s", ", ".join(keys))
            return False
        for key in keys:
            self._guesses.tried(key)
        if agent is None or not await self._is_pin_of(agent, pin):
            return False
        self._guesses.forgive(f"agent {agent.name}")
        self._guesses.forgive_one(f"phone {phone}")  # or a guesser would sign in as himself in between
        return True

    async def _is_pin_of(self, agent: AgentDetails, pin: str) -> bool:
        if agent.pin is None:
            log.warning("%s cannot sign in by phone: the agent has no PIN (agents.yaml)", agent.name)
            return False
        try:
            # A thread, because checking a hashed PIN takes long on purpose.
            return await asyncio.to_thread(agent.pin.accepts, pin, self._engine.centre.directory)
        except SecretError as error:
            log.error("%s cannot sign in: %s", agent.name, error)
            return False

    async def _refuse(self, channel: AgiChannel) -> None:
        # Not what was typed as the agent's number: it may be a PIN.
        log.warning("a wrong PIN was given %d times at %s", PIN_TRIES, channel.headers.channel)
        await channel.send(codec.stream_file("vm-goodbye"))

    async def _choice(self, channel: AgiChannel, among: list[str]) -> str:
        """One of these by its key, 1 for the first; the only one without being asked, nothing without a key."""
        if len(among) == 1:
            return among[0]
        reply = await channel.send(codec.get_data("beep", KEY_TIMEOUT_MS, len(str(len(among)))))
        if reply.result.isdigit() and 1 <= int(reply.result) <= len(among):
            return among[int(reply.result) - 1]
        return ""


def by_phone(agent: str) -> Actor:
    """An agent who asks for something at the phone."""
    return Actor(agent, frozenset({"agent"}), "phone", agent=agent)


def endpoint(channel: str) -> str:
    """The SIP endpoint of a channel: `anna` of `PJSIP/anna-00000a7f`."""
    return channel.partition("/")[2].rpartition("-")[0]


async def _digits(channel: AgiChannel, sound: str) -> str:
    """What is pressed after the sound, up to `#`."""
    return (await channel.send(codec.get_data(sound, KEY_TIMEOUT_MS, MAX_PIN_DIGITS))).result
