"""An agent hears a voicemail on the phone: who called and when, the message, and keys for what is next."""

import logging
from typing import TYPE_CHECKING

from asterisk_conf.names import VAR_DONE
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.effects import Prompt
from switchboard.callbacks import BookingRefused
from switchboard.voicemails import UnknownVoicemail, Voicemail

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

AGAIN, CALL_BACK, DONE = "1", "2", "3"
KEYS = AGAIN + CALL_BACK + DONE
KEY_MS = 8_000
ASKED = 3
"""How often an agent who presses nothing is asked for a key before it is taken for done."""
PROMPT = "voicemail-keys"
"""The centre's own prompt that says what the keys do, if there is one; a beep otherwise."""


class VoicemailPhone:
    """Serves the FastAGI route `voicemail`: an agent's leg that has taken a voicemail."""

    def __init__(self, engine: "Engine", performer: Performer) -> None:
        self._engine = engine
        self._performer = performer

    async def handle(self, channel: AgiChannel) -> None:
        """One agent, from the answer on. Ends with the channel's `VAR_DONE`, so that the dialplan hangs up."""
        contact = (*channel.headers.arguments, "")[0]
        await channel.unless_hung_up(self._engine.until_ready())  # an engine that starts does not know its legs yet
        leg = self._engine.legs.on(channel.headers.uniqueid)
        try:
            message = self._engine.voicemails.get(contact)
        except UnknownVoicemail:
            message = None  # somebody has deleted it meanwhile
        if message is not None and leg is not None and leg.contact == contact:
            await self._play(channel, message, leg.agent)
        await channel.send(codec.set_variable(VAR_DONE, "yes"))

    async def _play(self, channel: AgiChannel, message: Voicemail, agent: str) -> None:
        key = AGAIN
        while key == AGAIN:
            key = await self._say(channel, message)
            self._engine.voicemails.heard(message.id, agent)
            for _ in range(ASKED):
                if key and key in KEYS:
                    break
                key = await self._ask(channel)
        if key == CALL_BACK:
            done = self._book(message, agent)
            await channel.send(codec.stream_file("auth-thankyou" if done else "pbx-invalid"))

    async def _say(self, channel: AgiChannel, message: Voicemail) -> str:
        """The key that ended it, if any."""
        zone = str(self._engine.centre.zone)
        reply = await channel.send(codec.say_datetime(message.at_ms // 1000, KEYS, zone=zone))
        if not reply.key and message.number.isdecimal():
            reply = await channel.send(codec.say_digits(message.number, KEYS))
        if not reply.key:
            path = self._engine.voicemails.path(message)
            reply = await channel.send(codec.stream_file(str(path.with_suffix("")), KEYS))
        if not reply.ok:
            log.error("the voicemail %s could not be played", message.id)
        return reply.key

    async def _ask(self, channel: AgiChannel) -> str:
        prompts = self._engine.centre.prompts
        if PROMPT in prompts.entries:
            language = self._engine.centre.languages[0]
            key, _ = await self._performer.speak(channel, (prompts.prompt(PROMPT, language),), KEYS)
        else:
            key, _ = await self._performer.speak(channel, (Prompt("beep", sounds=("beep",)),), KEYS)
        return key or (await channel.send(codec.wait_for_digit(KEY_MS))).key

    def _book(self, message: Voicemail, agent: str) -> bool:
        try:
            self._engine.callbacks.book(
                message.queue or "", message.number, attributes=message.attributes, directed_to=agent
            )
        except BookingRefused as refusal:
            log.warning("no callback for the voicemail %s: %s", message.id, refusal)
            return False
        return True
