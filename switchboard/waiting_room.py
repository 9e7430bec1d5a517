"""Where a caller is while nobody talks to them: waiting for an agent, or on hold.

Both hear music and, every so often, how it stands; both are taken away by a Bridge the instant that an agent is there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel
from ivr.agi.waiting import wait_for_agent
from ivr.flow.effects import Spoken
from router.live.shell import LiveRouter
from switchboard.announcements import Announcer

WATCHDOG_S = 120
"""The dialplan frees a channel whose engine has hung for this long (TIMEOUT(absolute)); a living engine renews it."""


class News:
    """Whether there is news of somebody who waits. It ends the waiting by itself: a second task for each caller, which
    waits for an asyncio.Event, would cost several kilobytes."""

    __slots__ = ("_ended_by_it", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._ended_by_it: asyncio.Timeout | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        if not self._is_set and self._ended_by_it is not None:
            self._ended_by_it.reschedule(0)
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    @asynccontextmanager
    async def ends(self) -> AsyncIterator[None]:
        """Leaves the block, without an error, as soon as there is news."""
        over = asyncio.timeout(0 if self._is_set else None)
        try:
            async with over:
                self._ended_by_it = over
                yield
        except TimeoutError:
            if not over.expired():
                raise
        finally:
            if self._ended_by_it is over:
                self._ended_by_it = None


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
        news: News,
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

    async def hold(self, channel: AgiChannel, contact: str, language: str, reason: Callable[[], str]) -> None:
        """Lets a contact in talk wait while its agent is apart, until it is in no talk any more. Raises `ChannelHungUp`
        when the caller goes, or the Bridge comes that ends the hold."""
        over = News()
        watching = asyncio.ensure_future(self._until_in_no_talk(contact, over))
        try:
            await self._stay(channel, contact, lambda: self._announcer.on_hold(reason(), language), over, None)
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    def held(self, contact: str) -> bool:
        """Whether the contact is in talk and on hold."""
        known = self._live.router.contact(contact)
        return known is not None and known.state == "connected" and known.held_since_ms is not None

    async def _until_in_no_talk(self, contact: str, over: News) -> None:
        while (known := self._live.router.contact(contact)) is not None and known.state == "connected":
            await self._live.next_event()
        over.set()

    async def _stay(
        self,
        channel: AgiChannel,
        contact: str,
        announce: Callable[[], tuple[Spoken, ...]],
        news: News,
        on_key: Callable[[str], bool] | None,
    ) -> str | None:
        rules = self._announcer.rules(contact)
        key = None
        async with news.ends():
            key = await wait_for_agent(
                channel,
                self._performer,
                music_class=self._music_class,
                announce=announce,
                first_ms=round((rules.first_after_s or rules.every_s) * 1000),
                every_ms=round(rules.every_s * 1000),
                watchdog_s=WATCHDOG_S,
                on_key=on_key,
            )
        return None if news.is_set() else key
