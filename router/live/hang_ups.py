"""Whoever has asked for a hang-up is hung up, also when Asterisk forgets it.

Asterisk takes a channel out of the dialplan (for a Bridge, and for some Redirects) by a masquerade. A hang-up that was
asked for an instant before, by a BYE or by a command, is a flag that stays on the corpse and a frame that the dialplan
may have read already; so it is lost with them (`channel_do_masquerade` in Asterisk's main/channel.c, which leaves
`softhangup` where it is). The channel then stands in the bridge with no phone behind it: its partner hears silence, the
bridge looks as it should, and no Hangup comes. The only trace is the event HangupRequest (SoftHangupRequest, where a
command asked), which is sent at the moment of asking. So a channel that is there yet GRACE_S after one is hung up
again, until it is gone: whatever crossed the first hang-up, a later one finds the channel where it stays.
"""

import asyncio
import logging
from collections.abc import Callable

from router.ami import actions
from router.ami.client import AmiClient, AmiError, AmiRefused, Event

log = logging.getLogger(__name__)

GRACE_S = 0.25
"""A channel that ends as it should is gone within milliseconds."""
LONGEST_PAUSE_S = 5.0


class HangUps:
    """Sees to all hang-ups that are asked for of channels that are `ours` (told by their Uniqueid)."""

    def __init__(self, client: AmiClient, *, ours: Callable[[str], bool]) -> None:
        self._client = client
        self._ours = ours
        self._pending: dict[str, asyncio.Task[None]] = {}

    @property
    def pending(self) -> list[str]:
        """The channels that are asked to go."""
        return list(self._pending)

    def on_event(self, event: Event) -> None:
        channel = event.get("Uniqueid", "")
        if event.name in ("HangupRequest", "SoftHangupRequest"):
            if channel not in self._pending and self._ours(channel):
                self._pending[channel] = asyncio.create_task(self._see_to(channel, event.get("Channel", channel)))
        elif event.name == "Hangup" and (task := self._pending.pop(channel, None)):
            task.cancel()

    def stop(self) -> None:
        """Nobody is there any more to be told."""
        for task in self._pending.values():
            task.cancel()
        self._pending.clear()

    async def _see_to(self, channel: str, name: str) -> None:
        pause_s = GRACE_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self._client.action("Hangup", actions.hangup(channel))
                log.warning("%s was to be hung up %g s ago and is still there: hung up again", name, pause_s)
            except AmiRefused:
                break  # it is gone
            except AmiError as error:
                log.info("cannot hang up %s: %s; trying again", name, error)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._pending.pop(channel, None)
