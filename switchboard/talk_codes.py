"""What agents press during a talk: hold, transfer, consult, complete, requeue, escalate, no
recording now.

In a talk Asterisk itself collects the codes from the agent's keys (features.conf), never from the caller's, and tells
of them by an event. While the caller is on hold the agent's leg is with us, by the FastAGI route `apart`: there the
same codes are pressed, a key for the reason of the hold, and the number of a destination, which ends with `#`. A
destination is the extension of an agent, the extension of a queue, or an outside number that the centre allows.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asterisk_conf.names import (
    CODE_COMPLETE,
    CODE_CONSULT,
    CODE_ESCALATE,
    CODE_HOLD,
    CODE_PAUSE_RECORDING,
    CODE_REQUEUE,
    CODE_RESUME_RECORDING,
    CODE_TRANSFER,
    TALK_CODES,
    USER_EVENT_TALK_CODE,
)
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.agi.waiting import wait_for_agent
from router.ami.client import Event
from router.live.legs import Leg
from router.live.tasks import Tasks
from switchboard.agent_phones import by_phone
from switchboard.operations import OperationRefused, perform
from switchboard.waiting_room import WATCHDOG_S

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

KEY_TIMEOUT_MS = 3_000
NUMBER_TIMEOUT_MS = 8_000
MAX_NUMBER_DIGITS = 20
NOBODY, WRONG, DONE = "vm-nobodyavail", "pbx-invalid", "auth-thankyou"
_ASKS_FOR_NUMBER = {CODE_TRANSFER: "transfer", CODE_CONSULT: "consult"}
_OPERATIONS = {
    CODE_COMPLETE: "complete_transfer",
    CODE_REQUEUE: "requeue",
    CODE_ESCALATE: "escalate",
    CODE_PAUSE_RECORDING: "pause_recording",
    CODE_RESUME_RECORDING: "resume_recording",
}


class TalkCodes:
    """Serves the FastAGI route `apart`, and hears of the codes that Asterisk has collected."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._performer = Performer()
        self._news: dict[str, asyncio.Event] = {}
        self._number_wanted: dict[str, str] = {}
        self._sounds: dict[str, str] = {}
        self._spawn = Tasks().spawn
        engine.talks.consult_failed = engine.outside.failed = self._nobody_reached

    def on_event(self, event: Event) -> None:
        if event.name == "UserEvent" and event.get("UserEvent") == USER_EVENT_TALK_CODE:
            leg = self._engine.legs.on(event.get("Uniqueid", ""))
            code = event.get("Code", "")
            if leg is not None and code in TALK_CODES.values():
                self._spawn(self._pressed(leg, code))

    async def handle(self, channel: AgiChannel) -> None:
        """An agent whose caller is on hold, or whose talk has just ended."""
        unique = channel.headers.uniqueid
        if self._engine.legs.on(unique) is None:
            await channel.unless_hung_up(self._engine.until_ready())  # a starting engine does not know its legs yet
        try:
            while (leg := self._engine.legs.on(unique)) is not None and not leg.unwanted:
                self._news[unique] = asyncio.Event()
                if sound := self._sounds.pop(unique, ""):
                    await channel.send(codec.stream_file(sound))
                elif code := self._number_wanted.pop(unique, ""):
                    await self._ask_for_number(channel, leg, code)
                else:
                    await self._wait(channel, leg)
        finally:
            for of_leg in (self._news, self._sounds, self._number_wanted):
                of_leg.pop(unique, None)
        await channel.send(codec.hangup())

    # The agent's keys

    async def _wait(self, channel: AgiChannel, leg: Leg) -> None:
        """Music until the agent presses a code, or there is news for the agent."""
        keys = asyncio.ensure_future(
            wait_for_agent(
                channel,
                self._performer,
                music_class=self._engine.centre.settings.asterisk.music,
                announce=lambda: (),
                every_ms=0,
                watchdog_s=WATCHDOG_S,
                on_key=lambda key: key == "*" or bool(self._reason(key)),
            )
        )
        news = asyncio.ensure_future(self._news[leg.channel_id].wait())
        try:
            await asyncio.wait({keys, news}, return_when=asyncio.FIRST_COMPLETED)
            if not keys.done():
                return
            code = await keys
            if code == "*":
                code += await self._performer.wait_for_key(channel, KEY_TIMEOUT_MS)
        finally:
            keys.cancel()
            news.cancel()
            await asyncio.wait({keys, news})
        if code in TALK_CODES.values():
            await self._pressed(leg, code)
        elif reason := self._reason(code):
            with suppress(OperationRefused):  # the hold has just ended
                await self._ask(leg, "hold", reason=reason)
                self._tell(leg, DONE)
        else:
            self._tell(leg, WRONG)

    def _reason(self, key: str) -> str:
        """The reason of a hold that the agent chooses by this key."""
        reasons = self._engine.centre.hold_reasons
        return reasons[int(key) - 1] if key.isdigit() and 1 <= int(key) <= len(reasons) else ""

    async def _pressed(self, leg: Leg, code: str) -> None:
        on_hold = self._engine.talks.on_hold(leg.contact)
        try:
            if code == CODE_HOLD:
                await self._ask(leg, "resume" if on_hold else "hold")
            elif code in _ASKS_FOR_NUMBER:
                self._number_wanted[leg.channel_id] = code
                if not on_hold:
                    await self._ask(leg, "hold")
                elif leg.channel_id in self._news:
                    self._news[leg.channel_id].set()
                else:
                    await self._ask(leg, "cancel_consult")  # which brings the agent here
            else:
                await self._ask(leg, _OPERATIONS[code])
        except OperationRefused as refusal:
            self._number_wanted.pop(leg.channel_id, None)
            log.info("%s pressed %s: %s", leg.agent, code, refusal)
            self._tell(leg, WRONG)

    async def _ask_for_number(self, channel: AgiChannel, leg: Leg, code: str) -> None:
        reply = await channel.send(codec.get_data("pbx-transfer", NUMBER_TIMEOUT_MS, MAX_NUMBER_DIGITS))
        if not reply.result:
            self._tell(leg, WRONG)
            return
        try:
            await self._ask(leg, _ASKS_FOR_NUMBER[code], **self._destination(reply.result))
        except OperationRefused as refusal:
            log.info("%s pressed %s and a destination that is refused (%s)", leg.agent, code, refusal.kind)
            self._tell(leg, WRONG)

    def _destination(self, number: str) -> dict[str, str]:
        centre = self._engine.centre
        for agent in centre.agents.values():
            if agent.extension == number:
                return {"to_agent": agent.name}
        queue = centre.queue_extensions.get(number)
        return {"to_queue": queue} if queue else {"to_number": number}

    async def _ask(self, leg: Leg, operation: str, **arguments: Any) -> None:
        await perform(self._engine, by_phone(leg.agent), operation, {"agent": leg.agent, **arguments})

    # News for the agent

    def _nobody_reached(self, contact: str) -> None:
        if leg := self._engine.legs.of_contact(contact):
            self._tell(leg, NOBODY)

    def _tell(self, leg: Leg, sound: str) -> None:
        """The agent hears this if (and as soon as) the caller is on hold."""
        if leg.state == "apart":
            self._sounds[leg.channel_id] = sound
            if leg.channel_id in self._news:
                self._news[leg.channel_id].set()
