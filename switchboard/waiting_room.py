"""Where a caller is while nobody talks to them: waiting for an agent, or on hold.

Both hear music and, every so often, how it stands; both are taken away by a Bridge the instant that an agent is there.
"""

import asyncio
from collections.abc import Callable

from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.agi.waiting import wait_for_agent
from ivr.flow.effects import Spoken
from router.live.shell import LiveRouter
from switchboard.announcements import Announcer

WATCHDOG_S = 120
"""The dialplan frees a channel whose engine has hung for this long (TIMEOUT(absolute)); a living engine renews it."""


class WaitingRoom:
    """Lets callers wait; serves any number of them."""

    def __init__(self, live: LiveRouter, performer: Performer, announcer: Announcer, *, music_class: str) -> None:
        self._live = live
        self._performer = performer
        self._announcer = announcer
        self._music_class = music_class

    async def wait(
        self,
        channel: AgiChannel,
        contact: str,
        language: str,
        news: asyncio.Event,
        on_key: Callable[[str], bool] | None = None,
    ) -> str | None:
        """Lets a queued contact wait until there is news of it (None), or the caller presses a key that `on_key`
        accepts (the key). Raises `ChannelHungUp` when the caller goes, or an agent's Bridge comes."""
        told = 0

        def announce() -> tuple[Spoken, ...]:
            nonlocal told
            told += 1
            return self._announcer.waiting(contact, language, told - 1)

        key = await self._stay(channel, contact, announce, news, on_key)
        if on_key is not None:
            await self._performer.forget_keys(channel)
        return key

    async def hold(self, channel: AgiChannel, contact: str, language: str, reason: str) -> None:
        """Lets a contact in talk wait while its agent is apart, until it is in no talk any more. Raises `ChannelHungUp`
        when the caller goes, or the Bridge comes that ends the hold."""
        over = asyncio.Event()
        watching = asyncio.ensure_future(self._until_in_no_talk(contact, over))
        try:
            await self._stay(channel, contact, lambda: self._announcer.on_hold(reason, language), over, None)
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    def held(self, contact: str) -> bool:
        """Whether the contact is in talk and on hold."""
        known = self._live.router.contact(contact)
        return known is not None and known.state == "connected" and known.held_since_ms is not None

    async def _until_in_no_talk(self, contact: str, over: asyncio.Event) -> None:
        while (known := self._live.router.contact(contact)) is not None and known.state == "connected":
            await self._live.next_event()
        over.set()

    async def _stay(
        self,
        channel: AgiChannel,
        contact: str,
        announce: Callable[[], tuple[Spoken, ...]],
        news: asyncio.Event,
        on_key: Callable[[str], bool] | None,
    ) -> str | None:
        rules = self._announcer.rules(contact)
        waiting = asyncio.ensure_future(
            wait_for_agent(
                channel,
                self._performer,
                music_class=self._music_class,
                announce=announce,
                first_ms=round((rules.first_after_s or rules.every_s) * 1000),
                every_ms=round(rules.every_s * 1000),
                watchdog_s=WATCHDOG_S,
                on_key=on_key,
            )
        )
        told = asyncio.ensure_future(news.wait())
        try:
            await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
            return None if news.is_set() else await waiting
        finally:
            waiting.cancel()
            told.cancel()
            await asyncio.wait({waiting, told})
