"""Callbacks: books them, for callers in a flow and for people, and says when a customer may be rung.

What becomes of a callback is the router's to decide (`router.core.callbacks`), and ringing is done by
`router.live.customers`. Here is what both need to know of the centre: which numbers it dials at all
(`switchboard.destinations`), and when the queue is open.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asterisk_conf.names import VAR_DONE
from ivr.agi import codec
from ivr.agi.server import AgiChannel
from ivr.flow.effects import BookCallback
from ivr.flow.hours import Hours
from ivr.flow.inputs import CallbackBooked, EffectFailed, Input
from ivr.flow.session import Session
from router.core.events import Attribute, Callback, CallbackFailed, CallbackRequested, ContactArrived, OfferFailed
from router.core.policy import CallbackRules
from router.live.journal import Fact
from router.live.shell import LiveRouter
from switchboard import facts
from switchboard.destinations import DestinationRefused, Destinations
from switchboard.waiting_room import News, WaitingRoom

log = logging.getLogger(__name__)

AHEAD_MS = 60 * 86_400_000
"""A time that is further away is taken for a mistake."""
ASK_AGAIN_MS = 15 * 60_000
"""When a closed queue of which no opening is known is looked at again."""


class BookingRefused(Exception):
    """This callback cannot be booked; the message says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class Booked:
    """The contact that will be rung. `merged`: it is another one, which was there already for this caller."""

    contact: str
    merged: bool


class Callbacks:
    """Books callbacks and says when they are rung. `hours_of` gives the opening hours of a queue, if it has any."""

    def __init__(
        self, live: LiveRouter, destinations: Destinations, *, hours_of: Callable[[str], Hours | None]
    ) -> None:
        self._live = live
        self._destinations = destinations
        self._hours_of = hours_of
        self._booked = 0

    # Booking

    def book_callback(self, contact: str, session: Session, effect: BookCallback) -> Input:
        """Carries out the effect of a flow's callback node for the caller in this session."""
        try:
            booked = self.book(
                effect.queue,
                effect.number,
                caller=self._destinations.caller(session.caller.number),
                at_ms=effect.at_ms,
                attributes=effect.attributes,
                priority=effect.priority,
                contact=contact,
            )
        except BookingRefused as refusal:
            log.info("no callback for %s: %s", contact, refusal)
            return EffectFailed(str(refusal))
        return CallbackBooked(merged=booked.merged)

    def book(
        self,
        queue: str,
        number: str,
        *,
        caller: str = "",
        at_ms: int | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        priority: int | None = None,
        contact: str | None = None,
        directed_to: str | None = None,
    ) -> Booked:
        """Books a callback to `number`, as soon as it is its turn or at a time.

        `contact` is the call in which the caller asks: if it waits in the queue, its place becomes the callback's.
        Raises BookingRefused.
        """
        rules = self._rules(queue)
        if rules is None:
            raise BookingRefused(f"the queue {queue!r} takes no callbacks (queues.yaml: callback)")
        try:
            wanted = Callback(self._destinations.allowed(number), self._checked_time(queue, at_ms))
        except DestinationRefused as refusal:
            raise BookingRefused(str(refusal)) from refusal
        waiting = self._live.router.contact(contact) if contact else None
        if waiting is not None and waiting.waits and waiting.queue == queue:
            name = waiting.id
            refused = self._live.feed(CallbackRequested(name, wanted))
        else:
            self._booked += 1
            name = f"callback-{self._live.clock.now_ms():x}-{self._booked}"
            arrived = ContactArrived(
                name,
                queue,
                attributes=dict(attributes or {}),
                priority=priority,
                caller=caller or wanted.number,
                callback=wanted,
                directed_to=directed_to,
            )
            refused = self._live.feed(arrived)
        if refused is not None:
            raise BookingRefused(str(refused))
        merged = self._live.router.contact(name) is None
        data = {"queue": queue, "number": wanted.number, "at_ms": wanted.not_before_ms, "call": contact}
        now_ms = self._live.clock.now_ms()
        self._live.record(Fact(now_ms, facts.CALLBACK_BOOKED, contact=name, data={**data, "merged": merged}))
        return Booked(name, merged)

    def reschedule(self, contact: str, at_ms: int | None, number: str | None = None) -> None:
        """Another time (None: as soon as it is its turn) or number for a callback. Raises BookingRefused."""
        known = self._live.router.contact(contact)
        if known is None or known.callback is None or known.has_agent:
            raise BookingRefused(f"no callback {contact!r} waits")
        try:
            wanted = self._destinations.allowed(number) if number else known.callback.number
        except DestinationRefused as refusal:
            raise BookingRefused(str(refusal)) from refusal
        refused = self._live.feed(CallbackRequested(contact, Callback(wanted, self._checked_time(known.queue, at_ms))))
        if refused is not None:
            raise BookingRefused(str(refused))

    def _checked_time(self, queue: str, at_ms: int | None) -> int | None:
        now_ms = self._live.clock.now_ms()
        if at_ms is None:
            return None
        if not now_ms < at_ms <= now_ms + AHEAD_MS:
            raise BookingRefused("the time for the callback must be to come, and within 60 days")
        hours = self._hours_of(queue)
        if hours is not None and not hours.is_open(at_ms):
            raise BookingRefused(f"the queue {queue!r} is closed at that time")
        return at_ms

    def _rules(self, queue: str) -> CallbackRules | None:
        return next((spec.callback for spec in self._live.router.policy.queues if spec.name == queue), None)


class Dialling:
    """Says whether the customer of a callback is rung now, and how (`router.live.customers.Dialling`)."""

    def __init__(
        self, live: LiveRouter, destinations: Destinations, *, hours_of: Callable[[str], Hours | None]
    ) -> None:
        self._live = live
        self._destinations = destinations
        self._hours_of = hours_of

    @property
    def caller_id(self) -> str:
        """What the customer's phone shows."""
        return self._destinations.settings.caller_id or ""

    def begin(self, contact: str, offer: str, number: str, channel_id: str) -> tuple[str, int] | None:
        """The dial string and how many ms it rings. A closed queue puts the callback off to its opening; a number that
        may not be dialled now counts as a try."""
        now_ms = self._live.clock.now_ms()
        known = self._live.router.contact(contact)
        if known is None:
            return None
        if (opens_ms := self._closed_until(known.queue, now_ms)) is not None:
            log.info("the callback %s is put off: the queue %s is closed", contact, known.queue)
            self._live.feed(OfferFailed(offer, "error"))
            self._live.feed(CallbackRequested(contact, Callback(number, opens_ms)))
            return None
        try:
            destination = self._destinations.check(number, now_ms)
        except DestinationRefused as refusal:
            log.warning("the customer of %s is not rung: %s", contact, refusal)
            self._live.feed(CallbackFailed(contact, "error"))
            return None
        self._destinations.started(channel_id, destination, now_ms, contact)
        spec = next((spec for spec in self._live.router.policy.queues if spec.name == known.queue), None)
        rules = spec.callback if spec and spec.callback else CallbackRules()
        return destination.dial_string, rules.ring_ms

    def failed(self, channel_id: str) -> None:
        """Asterisk would not dial after all."""
        self._destinations.ended(channel_id, self._live.clock.now_ms())

    def _closed_until(self, queue: str, now_ms: int) -> int | None:
        """When the queue opens, if it is closed now."""
        hours = self._hours_of(queue)
        if hours is None or hours.is_open(now_ms):
            return None
        return next(iter(hours.open_times(now_ms, 15, 1)), now_ms + ASK_AGAIN_MS)


class CustomersOnTheLine:
    """The customer's side of a callback in our FastAGI: behind the talk, or taken out of it (hold, transfer)."""

    def __init__(self, live: LiveRouter, room: WaitingRoom, language: Callable[[], str]) -> None:
        self._live = live
        self._room = room
        self._language = language

    async def handle(self, channel: AgiChannel, contact: str) -> None:
        """The customer waits as long as the router knows the contact; then the call is over."""
        while (known := self._live.router.contact(contact)) is not None:
            language = str(known.attributes.get("language") or self._language())
            if self._room.held(contact):
                await self._room.hold(channel, contact, language, lambda: "")
            else:
                await self._wait(channel, contact, language)
        await channel.send(codec.set_variable(VAR_DONE, "yes"))

    async def _wait(self, channel: AgiChannel, contact: str, language: str) -> None:
        news = News()
        watching = asyncio.ensure_future(self._until_over(contact, news))
        try:
            await self._room.wait(channel, contact, language, news)
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _until_over(self, contact: str, news: News) -> None:
        while self._live.router.contact(contact) is not None and not self._room.held(contact):
            await self._live.next_event()
        news.set()
