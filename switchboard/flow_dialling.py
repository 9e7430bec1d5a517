"""Outside calls of flows: a caller's dial node, within what the centre dials at all (`switchboard.destinations`).

Asterisk's `Dial` runs on the caller's own channel, so the talk goes on if the engine dies. When the caller comes again
after that, a channel variable says that this very call was dialled already, and it is not dialled twice.

Asterisk does not tell when such a call is answered: until it is over, all of it counts as talk for the caps.
"""

import logging
from collections.abc import Callable

from asterisk_conf.names import VAR_DIALLED
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.flow.effects import Dial
from ivr.flow.inputs import DialEnded, Input
from ivr.flow.session import Session
from switchboard.destinations import DestinationRefused, Destinations

log = logging.getLogger(__name__)

_DIAL = "-dial-"
"""Between the contact and the number of the visit in the name of a call."""
MARGIN_S = 60
"""The watchdog of the caller's channel outlasts the longest ringing and talk by so much."""


class FlowDialling:
    """Carries out `Dial`. `watchdog_s`: the watchdog of callers in the IVR, set again behind the call."""

    def __init__(
        self, destinations: Destinations, performer: Performer, *, now_ms: Callable[[], int], watchdog_s: int
    ) -> None:
        self._destinations = destinations
        self._performer = performer
        self._now_ms = now_ms
        self._watchdog_s = watchdog_s

    def caller_gone(self, contact: str) -> None:
        """The caller's channel has ended, and with it what was dialled from there (also by an earlier engine)."""
        for call in self._destinations.calls():
            if channel_of(call) == contact:
                self._destinations.ended(call, self._now_ms())

    async def dial(self, channel: AgiChannel, contact: str, session: Session, effect: Dial) -> Input:
        """Dials and waits until it is over. Raises ChannelHungUp when the caller hangs up."""
        call = f"{contact}{_DIAL}{session.entered}"
        if (await channel.send(codec.get_variable(VAR_DIALLED))).data == call:
            log.info("%s comes back from an outside call that an earlier engine dialled", contact)
            outcome = await self._performer.dialled(channel)
            self._destinations.ended(call, self._now_ms(), outcome.talk_ms)
            return outcome
        now_ms = self._now_ms()
        try:
            destination = self._destinations.check(effect.number, now_ms)
        except DestinationRefused as refusal:
            log.warning("%s is not connected with an outside number: %s", contact, refusal)
            return DialEnded("refused")
        longest_s = (effect.ring_ms + effect.max_ms) // 1_000 + MARGIN_S
        await channel.send(codec.set_variable(VAR_DIALLED, call))
        await channel.send(codec.set_variable("TIMEOUT(absolute)", str(longest_s)))
        self._destinations.started(call, destination, now_ms, contact)
        self._destinations.answered(call, now_ms)
        ended: DialEnded | None = None
        try:
            caller_id = self._destinations.settings.caller_id or ""
            ended = await self._performer.dial(channel, destination.dial_string, effect, caller_id)
            await channel.send(codec.set_variable("TIMEOUT(absolute)", str(self._watchdog_s)))
        finally:
            talk_ms = ended.talk_ms if ended else None
            self._destinations.ended(call, self._now_ms(), talk_ms)
        return ended


def channel_of(call: str) -> str:
    """The Uniqueid of the channel with which an outside call ends: its own, or, if a flow dialled, the caller's."""
    return call.partition(_DIAL)[0]
