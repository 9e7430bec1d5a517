"""The caller's side of a live call: runs the flow machine over FastAGI and lets the caller wait for an agent.

A caller may come to `Calls.handle` several times in one call: after a crash of the engine the dialplan comes again
and the session goes on where it was; after a talk that the agent ended, Asterisk goes on behind the AGI line and the
flow goes on behind its enqueue node. The FastAGI connection stays open while the caller waits. When an agent answers,
the AMI action Bridge takes the caller out of the AGI within milliseconds, whatever is being played; what is left of the
connection then belongs to a dead channel and is closed at once.

A caller who takes a way out that keeps the place goes through the flow as in front of the queue, while the contact
stays in the router. So whatever the flow does then, the Bridge of an agent's answer may come, and the flow goes on
behind the enqueue node.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from asterisk_conf.names import VAR_DONE, VAR_RETURNS, VAR_TALKED
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, ChannelHungUp
from ivr.flow.effects import BookCallback, Effect, Enqueue, HangUp, LookUp, Reviewed, TakeVoicemail
from ivr.flow.inputs import Dequeued, EffectFailed, HungUp, Input, WayOut
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, MachineError, Session
from router.core.decisions import AnyDecision, Connect, ContactFinished, ContactReleased, EndTalk, Hold
from router.core.errors import ImpossibleEvent
from router.core.events import AnyEvent, ContactArrived, ContactEnded, ContactLeft, ContactMoved
from router.live.legs import AgentLegs
from router.live.shell import LiveRouter
from switchboard.call import Call
from switchboard.messages import Messages, Voicemails
from switchboard.waiting_room import WaitingRoom

log = logging.getLogger(__name__)

IVR_WATCHDOG_S, IVR_RENEWAL_MS = 600, 30_000
"""The watchdog (see `waiting_room`) can be renewed in the IVR only between effects, so there it leaves room for the
longest prompt."""
ANSWERED = "answered"
"""The exit of an enqueue node after a talk."""
BRIDGE_S = 5.0
"""So long a caller whose flow has ended is given for the Bridge of an agent who has just answered."""
_CONTACT_ID = re.compile(r"[\w.:-]{1,150}")


class Flows(Protocol):
    """Which version of the flows is whose."""

    def begin(self, contact: str, number: str) -> tuple[Machine, str] | None:
        """For a call to this dialled number: its flows, and the flow it begins with. None: there is no such number."""

    def machine_of(self, session: Session) -> Machine:
        """For a session that an earlier engine began: its flows."""


Doer = Callable[[AgiChannel, str, Session, Any], Awaitable[Input]]
"""Carries out an effect for the caller on this channel: the contact, its session, the effect."""
Note = Callable[[str, Session, Any], None]
"""Takes an effect for which the caller does not wait: the contact, its session, the effect."""


class Calls:
    """All calls in progress, by contact id (the Uniqueid of the caller's channel)."""

    def __init__(
        self,
        *,
        flows: Flows,
        live: LiveRouter,
        caller_of: Callable[[str], str] = lambda number: number,
        legs: AgentLegs,
        performer: Performer,
        room: WaitingRoom,
        look_up: Callable[[LookUp], Awaitable[Input]],
        music_class: str,
        in_step: Callable[[], Awaitable[object]],
        save: Callable[[str, Session | None], None],
        on_finished: Callable[[str, Session, bool], None],
        book_callback: Callable[[str, Session, BookCallback], Input] | None = None,
        voicemails: Voicemails | None = None,
        doers: Mapping[type[Effect], Doer] | None = None,
        notes: Mapping[type[Effect], Note] | None = None,
        before_waiting: Callable[[AgiChannel, str, str], Awaitable[None]] | None = None,
    ) -> None:
        self._flows = flows
        self._live = live
        self._caller_of = caller_of
        self._legs = legs
        self._performer = performer
        self._room = room
        self._look_up = look_up
        self._book_callback = book_callback
        self._messages = Messages(voicemails, performer, legs)
        self._doers = doers or {}
        self._notes = notes or {}
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

    def served(self, contact: str) -> tuple[str, str]:
        """The queue and the agent of the caller's last talk; empty without one."""
        call = self._calls.get(contact)
        return call.served if call else ("", "")

    def channel(self, contact: str) -> str | None:
        """The name of the caller's channel, once it has been seen by this engine."""
        call = self._calls.get(contact)
        return call.channel if call else None

    def channel_is(self, contact: str, channel: str) -> None:
        """Asterisk says that this is the name of the caller's channel."""
        if call := self._calls.get(contact):
            call.channel = channel

    def recover(self, contact: str, session: Session, served: tuple[str, str] = ("", "")) -> None:
        """Takes over a session of an earlier engine; the caller will come again by the dialplan's loop. `served`: the
        queue and the agent of the caller's last talk."""
        entered_queue = session.waiting_for == "Enqueue"
        call = Call(session, self._flows.machine_of(session), entered_queue=entered_queue, served=served)
        self._calls[contact] = call
        if session.place:
            call.entered_queue, call.queue = True, session.place.queue

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
            # It also does when only the line to us has broken: the caller is there yet, and the dialplan comes again.
            call = self._calls.get(contact)
            if call and call.stay not in (None, channel):
                return  # the caller is with us again: this is news of an earlier stay
            if channel.told_of_hangup and not self._legs.joined(contact) and not (call and call.joining):
                self.caller_gone(contact)

    def caller_gone(self, contact: str) -> None:
        """The caller's channel has ended: so do the session and, if it waits, the contact. May be told twice."""
        call = self._calls.get(contact)
        if self._waits_on_the_line(contact):
            self._live.feed(ContactLeft(contact, "left" if call and call.messages else "abandoned"))
        if call:
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
                case ContactFinished(
                    contact=contact, outcome="answered", transferred_to=None, queue=queue, agent=agent
                ) if call := self._calls.get(contact):
                    call.served = (queue, agent or "")
                    call.goes_on(ANSWERED)  # usually the caller is about to come back from the Bridge
                case Hold(contact=contact, reason=reason) if call := self._calls.get(contact):
                    call.hold_reason, call.with_agent = reason, True
                case EndTalk(contact=contact) if call := self._calls.get(contact):
                    call.with_agent = True
                case _:
                    pass

    def told_why(self, contact: str, reason: str) -> None:
        """A contact on hold is told this reason from now on."""
        if call := self._calls.get(contact):
            call.hold_reason = reason

    async def _converse(self, channel: AgiChannel, contact: str, number: str, talked: bool) -> None:
        call = self._calls.get(contact)
        effects = await self._come_again(channel, contact, call, talked) if call else None
        if call is None or effects is None:
            begun = self._flows.begin(contact, number)
            if begun is None:
                log.error("a call came for the number %r, which the centre does not have", number)
                return
            await channel.send(codec.answer())
            caller = Caller(number=channel.headers.caller_number, dialled=number)
            machine, flow = begun
            session, effects = machine.start(flow, caller, self._live.clock.now_ms())
            call = self._calls[contact] = Call(session, machine, stay=channel)
        call.channel = channel.headers.channel
        renewed_ms = self._live.clock.now_ms()
        while True:
            self._save(contact, call.session)
            for effect in effects[:-1]:
                if isinstance(effect, Reviewed):
                    self._messages.reviewed(call, effect)
                elif note := self._notes.get(type(effect)):
                    note(contact, call.session, effect)
                else:
                    await self._performer.perform(channel, effect)
            last = effects[-1] if effects else HangUp()
            if isinstance(last, HangUp):
                await self._leave_queue(channel, contact)
                await channel.send(codec.set_variable(VAR_DONE, "yes"))
                self._finish(contact, call)
                return
            if talked and isinstance(last, Enqueue) and not self._has_agent(contact):
                talked = False  # who waits once more has not been served
                await channel.send(codec.set_variable(VAR_TALKED, "no"))
                await channel.send(codec.set_variable(VAR_RETURNS, "0"))
            if self._live.clock.now_ms() - renewed_ms > IVR_RENEWAL_MS:
                renewed_ms = self._live.clock.now_ms()
                await channel.send(codec.set_variable("TIMEOUT(absolute)", str(IVR_WATCHDOG_S)))
            answer = await self._answer(channel, contact, call, last)
            if call.session.finished:
                raise ChannelHungUp("AMI knew before FastAGI that the caller is gone")
            call.session, effects = call.machine.resume(call.session, answer, self._live.clock.now_ms())

    async def _come_again(self, channel: AgiChannel, contact: str, call: Call, talked: bool) -> list[Effect] | None:
        """The caller is back: from a talk that the agent ended, or because an engine was gone for a while. None: the
        flow that the caller was in is no more."""
        call.stay, call.joining = channel, False
        talked, call.with_agent = talked or call.with_agent, False
        if self._room.held(contact):
            call.joining = True  # how it ends, AMI says: by a Bridge or by a hang-up
            await self._room.hold(channel, contact, call.session.language, lambda: call.hold_reason)
            await channel.send(codec.channel_status())  # raises where AMI's news of a hang-up was faster
            call.joining, talked = False, True
        queued = call.session.waiting_for == "Enqueue" or call.session.place is not None
        served = talked and queued and await self._talk_is_over(channel, contact)
        if served:
            call.take_exit()
        elif talked and call.session.place is not None and self._waits_on_the_line(contact):
            call.session = call.session.back_in_place()  # the agent has sent the caller on to a queue
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
        if known is not None and known.has_agent and self._legs.talked(contact):
            # Raises where a Bridge has taken the channel away this instant: the end of a hold, not of the talk.
            await channel.send(codec.channel_status())
            known = self._live.router.contact(contact)  # news of the hang-up may have come meanwhile
        if known is not None and known.has_agent and self._legs.talked(contact):
            self._live.feed(ContactEnded(contact, "agent"))  # whose hang-up is still on its way to us
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
            case BookCallback():
                if self._book_callback is None:
                    return EffectFailed("this centre books no callbacks")
                return self._book_callback(contact, call.session, effect)
            case TakeVoicemail():
                return await self._messages.take(channel, contact, call, effect)
            case _ if doer := self._doers.get(type(effect)):
                return await doer(channel, contact, call.session, effect)
            case _:
                return await self._performer.perform(channel, effect)

    # Waiting

    async def _wait(self, channel: AgiChannel, contact: str, call: Call, effect: Enqueue) -> Input:
        """Waits in the queue until the router gives the contact back, or the caller takes a way out. When an agent
        takes the contact this ends with ChannelHungUp, because the Bridge takes the channel away."""
        refusal = self._enter(contact, call, effect)
        if refusal is not None:
            return EffectFailed(f"queue {effect.queue!r}: {refusal}")
        call.entered_queue = True

        def takes_way_out(key: str) -> bool:
            if key not in effect.keys or not self._waits_on_the_line(contact):
                return False  # an agent has answered: the Bridge is on its way
            if key not in effect.keep_place:
                self._live.feed(ContactLeft(contact, "left", key))
                call.queue = None
            return True

        on_key = takes_way_out if effect.keys else None
        key = await self._room.wait(channel, contact, call.session.language, call.news, on_key)
        if key is not None:
            return WayOut(key)
        call.queue = None
        return Dequeued(call.take_exit() or ANSWERED)

    def _enter(self, contact: str, call: Call, effect: Enqueue) -> ImpossibleEvent | None:
        """Brings the contact into the queue, if it is not there (it may have kept its place, or be back after a
        crash). Returns the router's refusal."""
        before, call.queue = call.queue, effect.queue
        elsewhere = before is not None and before != effect.queue
        if elsewhere:
            call.take_exit()  # what the queue that the caller has left decided meanwhile
        if self._waits_on_the_line(contact):
            return self._live.feed(ContactMoved(contact, effect.queue, priority=effect.priority)) if elsewhere else None
        if call.released is not None or self._live.router.contact(contact) is not None:
            return None
        return self._live.feed(
            ContactArrived(
                contact,
                effect.queue,
                attributes=effect.attributes,
                priority=effect.priority,
                preferred_agent=effect.preferred_agent,
                caller=self._caller_of(call.session.caller.number),
            )
        )

    async def _leave_queue(self, channel: AgiChannel, contact: str) -> None:
        """The flow has ended while the caller still had a place."""
        if self._has_agent(contact):
            with suppress(TimeoutError):
                async with asyncio.timeout(BRIDGE_S):
                    await channel.unless_hung_up(asyncio.Event().wait())
        if self._waits_on_the_line(contact):
            self._live.feed(ContactLeft(contact, "left"))

    def _waits_on_the_line(self, contact: str) -> bool:
        """Whether the contact is the caller, waiting; a callback waits without one."""
        known = self._live.router.contact(contact)
        return known is not None and known.waits and known.callback is None

    def _has_agent(self, contact: str) -> bool:
        known = self._live.router.contact(contact)
        return known is not None and known.has_agent and known.callback is None

    def _finish(self, contact: str, call: Call) -> None:
        if self._calls.pop(contact, None) is call:
            self._messages.call_over(contact, call)
            self._on_finished(contact, call.session, call.entered_queue)
            self._save(contact, None)
