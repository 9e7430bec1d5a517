"""The caller's side of a live call: runs the flow machine over FastAGI and lets the caller wait for an agent.

A caller may come to `Calls.handle` several times in one call: after a crash of the engine the dialplan comes again
and the session goes on where it was; after a talk that the agent ended, Asterisk goes on behind the AGI line and the
flow goes on behind its enqueue node. The FastAGI connection stays open while the caller waits. When an agent answers,
the AMI action Bridge takes the caller out of the AGI within milliseconds, whatever is being played; what is left of the
connection then belongs to a dead channel and is closed at once.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from asterisk_conf.names import VAR_DONE, VAR_TALKED
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, ChannelHungUp
from ivr.agi.waiting import wait_for_agent
from ivr.flow.effects import Effect, Enqueue, HangUp, LookUp, Spoken
from ivr.flow.inputs import Dequeued, EffectFailed, HungUp, Input
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, MachineError, Session
from router.core.decisions import AnyDecision, Connect, ContactFinished, ContactReleased
from router.core.events import AnyEvent, ContactArrived, ContactEnded, ContactLeft
from router.live.legs import AgentLegs
from router.live.shell import LiveRouter

log = logging.getLogger(__name__)

WATCHDOG_S = 120
"""The dialplan frees a channel whose engine has hung for this long (TIMEOUT(absolute)); a living engine renews it."""
IVR_WATCHDOG_S, IVR_RENEWAL_MS = 600, 30_000
"""In the IVR it can be renewed only between effects, so there it leaves room for the longest prompt."""
ANSWERED = "answered"
"""The exit of an enqueue node after a talk."""
_CONTACT_ID = re.compile(r"[\w.:-]{1,150}")


@dataclass(slots=True)
class Call:
    """A call in progress: its session, the machine (the version of the flows) that the session began with, and the
    name of the caller's channel. `stay`: the caller's FastAGI connection, the last one if there is none now. `joining`:
    during it the caller was to be joined with an agent."""

    session: Session
    machine: Machine
    channel: str | None = None
    stay: AgiChannel | None = None
    entered_queue: bool = False
    joining: bool = False
    released: str | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def goes_on(self, exit_name: str) -> None:
        """The router has done with the contact: the flow goes on behind its enqueue node, by this exit."""
        self.released = exit_name
        self.news.set()

    def take_exit(self) -> str | None:
        """The exit by which the flow goes on, once."""
        exit_name, self.released = self.released, None
        self.news.clear()
        return exit_name


class Calls:
    """All calls in progress, by contact id (the Uniqueid of the caller's channel)."""

    def __init__(
        self,
        *,
        machine: Machine,
        flow_of_number: Callable[[str], str | None],
        live: LiveRouter,
        legs: AgentLegs,
        performer: Performer,
        look_up: Callable[[LookUp], Awaitable[Input]],
        announce: Callable[[str], tuple[Spoken, ...]],
        announce_every_ms: int,
        music_class: str,
        in_step: Callable[[], Awaitable[object]],
        save: Callable[[str, Session | None], None],
        on_finished: Callable[[str, Session, bool], None],
        before_waiting: Callable[[AgiChannel, str, str], Awaitable[None]] | None = None,
    ) -> None:
        self.machine = machine
        self._flow_of_number = flow_of_number
        self._live = live
        self._legs = legs
        self._performer = performer
        self._look_up = look_up
        self._announce = announce
        self._announce_every_ms = announce_every_ms
        self._music_class = music_class
        self._in_step = in_step
        self._before_waiting = before_waiting
        self._save = save
        self._on_finished = on_finished
        self._calls: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, contact: str) -> bool:
        return contact in self._calls

    def contacts(self) -> list[str]:
        return list(self._calls)

    def session(self, contact: str) -> Session | None:
        call = self._calls.get(contact)
        return call.session if call else None

    def channel(self, contact: str) -> str | None:
        """The name of the caller's channel, once it has been seen by this engine."""
        call = self._calls.get(contact)
        return call.channel if call else None

    def channel_is(self, contact: str, channel: str) -> None:
        """Asterisk says that this is the name of the caller's channel."""
        if call := self._calls.get(contact):
            call.channel = channel

    def recover(self, contact: str, session: Session) -> None:
        """Takes over a session of an earlier engine; the caller will come again by the dialplan's loop."""
        self._calls[contact] = Call(session, self.machine, entered_queue=session.waiting_for == "Enqueue")

    async def handle(self, channel: AgiChannel) -> None:
        """One stay of a caller in our FastAGI (route `call`)."""
        contact, number, talked = (*channel.headers.arguments, "", "", "")[:3]
        if not _CONTACT_ID.fullmatch(contact):
            log.error("a call came with the contact id %r; is the dialplan the rendered one?", contact)
            return
        try:
            await self._converse(channel, contact, number, talked == "yes")
        except ChannelHungUp:
            # Taken away by our own Bridge, or really gone? From here they look the same, and the talk may be over
            # already; so where a Bridge was on its way, AMI's Hangup of the caller's channel (or the resync) decides.
            call = self._calls.get(contact)
            if call and call.stay not in (None, channel):
                return  # the caller is with us again: this is news of an earlier stay
            if not self._legs.joined(contact) and not (call and call.joining):
                self.caller_gone(contact)

    def caller_gone(self, contact: str) -> None:
        """The caller's channel has ended: so do the session and, if it waits, the contact. May be told twice."""
        waiting = self._live.router.contact(contact)
        if waiting is not None and waiting.state in ("queued", "offered"):
            self._live.feed(ContactLeft(contact))
        if call := self._calls.get(contact):
            call.session, _ = call.machine.resume(call.session, HungUp(), self._live.clock.now_ms())
            self._finish(contact, call)

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """Hears of contacts that the router gives to an agent, or back to their flow."""
        for decision in decisions:
            match decision:
                case Connect(contact=contact) if call := self._calls.get(contact):
                    call.joining = True
                case ContactReleased(contact=contact, action=action) if call := self._calls.get(contact):
                    call.goes_on(action.target)
                case ContactFinished(contact=contact, outcome="answered", transferred_to=None) if call := (
                    self._calls.get(contact)
                ):
                    call.goes_on(ANSWERED)  # usually the caller is about to come back from the Bridge
                case _:
                    pass

    async def _converse(self, channel: AgiChannel, contact: str, number: str, talked: bool) -> None:
        call = self._calls.get(contact)
        effects = await self._come_again(channel, contact, call, talked) if call else None
        if call is None or effects is None:
            flow = self._flow_of_number(number)
            if flow is None:
                log.error("a call came for the number %r, which the centre does not have", number)
                return
            await channel.send(codec.answer())
            caller = Caller(number=channel.headers.caller_number, dialled=number)
            session, effects = self.machine.start(flow, caller, self._live.clock.now_ms())
            call = self._calls[contact] = Call(session, self.machine, stay=channel)
        call.channel = channel.headers.channel
        renewed_ms = self._live.clock.now_ms()
        while True:
            self._save(contact, call.session)
            for effect in effects[:-1]:
                await self._performer.perform(channel, effect)
            last = effects[-1] if effects else HangUp()
            if isinstance(last, HangUp):
                await channel.send(codec.set_variable(VAR_DONE, "yes"))
                self._finish(contact, call)
                return
            if talked and isinstance(last, Enqueue) and self._live.router.contact(contact) is None:
                talked = False  # who waits once more has not been served
                await channel.send(codec.set_variable(VAR_TALKED, "no"))
            if self._live.clock.now_ms() - renewed_ms > IVR_RENEWAL_MS:
                renewed_ms = self._live.clock.now_ms()
                await channel.send(codec.set_variable("TIMEOUT(absolute)", str(IVR_WATCHDOG_S)))
            answer = await self._answer(channel, contact, call, last)
            call.session, effects = call.machine.resume(call.session, answer, self._live.clock.now_ms())

    async def _come_again(self, channel: AgiChannel, contact: str, call: Call, talked: bool) -> list[Effect] | None:
        """The caller is back: from a talk that the agent ended, or because an engine was gone for a while. None: the
        flow that the caller was in is no more."""
        call.stay, call.joining = channel, False
        served = talked and call.session.waiting_for == "Enqueue" and await self._talk_is_over(channel, contact)
        if served:
            call.take_exit()
        now_ms = self._live.clock.now_ms()
        if served:
            with suppress(MachineError):  # raised where the flow has changed since
                call.session, effects = call.machine.resume(call.session, Dequeued(ANSWERED), now_ms)
                return effects
        try:
            call.session, effects = call.machine.again(call.session, now_ms)
        except MachineError as error:
            log.warning("%s begins anew: %s", contact, error)
            return None
        if served and call.session.waiting_for == "Enqueue":
            log.info("the flow of %s has changed; it goes on behind its queue in the new version", contact)
            call.session, after = call.machine.resume(call.session, Dequeued(ANSWERED), now_ms)
            effects = [*effects[:-1], *after]
        return effects

    async def _talk_is_over(self, channel: AgiChannel, contact: str) -> bool:
        """Whether a caller for whom a Bridge was ordered has really talked, and is not waiting (again)."""
        known = self._live.router.contact(contact)
        if known is not None and known.state == "connected" and not self._legs.joined(contact):
            # A starting engine has not seen yet what became of the talk that its journal knows of.
            await channel.send(codec.set_music(True, self._music_class))
            await channel.unless_hung_up(self._in_step())
            known = self._live.router.contact(contact)
        if known is not None and self._legs.talked(contact):
            self._live.feed(ContactEnded(contact))  # the agent's hang-up is still on its way to us
            known = self._live.router.contact(contact)
        return known is None

    async def _answer(self, channel: AgiChannel, contact: str, call: Call, effect: Effect) -> Input:
        match effect:
            case Enqueue():
                if self._before_waiting:
                    await self._before_waiting(channel, contact, effect.queue)
                return await self._wait(channel, contact, call, effect)
            case LookUp():
                return await channel.unless_hung_up(self._look_up(effect))
            case _:
                return await self._performer.perform(channel, effect)

    async def _wait(self, channel: AgiChannel, contact: str, call: Call, effect: Enqueue) -> Input:
        """Waits in the queue until the router gives the contact back. When an agent takes the contact this ends with
        ChannelHungUp, because the Bridge takes the channel away."""
        if call.released is None and self._live.router.contact(contact) is None:
            refusal = self._live.feed(
                ContactArrived(
                    contact,
                    effect.queue,
                    attributes=effect.attributes,
                    priority=effect.priority,
                    preferred_agent=effect.preferred_agent,
                )
            )
            if refusal is not None:
                return EffectFailed(f"queue {effect.queue!r}: {refusal}")
        call.entered_queue = True
        waiting = asyncio.ensure_future(
            wait_for_agent(
                channel,
                self._performer,
                music_class=self._music_class,
                announce=lambda: self._announce(contact),
                every_ms=self._announce_every_ms,
                watchdog_s=WATCHDOG_S,
            )
        )
        news = asyncio.ensure_future(call.news.wait())
        try:
            await asyncio.wait({waiting, news}, return_when=asyncio.FIRST_COMPLETED)
            if call.released is None:
                await waiting
                raise AssertionError("waiting ends only by the channel's end")
            return Dequeued(call.take_exit() or ANSWERED)
        finally:
            waiting.cancel()
            news.cancel()
            await asyncio.wait({waiting, news})

    def _finish(self, contact: str, call: Call) -> None:
        if self._calls.pop(contact, None) is call:
            self._on_finished(contact, call.session, call.entered_queue)
            self._save(contact, None)
