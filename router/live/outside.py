"""Calls to outside numbers for a caller in talk: the agent consults somebody outside, or the caller is sent there.

The outside party has no agent and is no contact: it is a leg of our own beside the talk. While it rings and while the
agent asks, the caller is on hold and the contact stays the agent's. Joined with the outside party, the caller has been
answered, and behind that talk the flow goes on as behind any other. If nobody is reached, a caller who was to be sent
there goes back to the queue, to the old place; an agent who asked decides.

Whether a number may be dialled at all is not asked here but before (`switchboard.destinations`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from asterisk_conf.names import CONTEXT_AGENT_LEG, VAR_CONSULT, VAR_CONTACT, VAR_OUTSIDE
from router.ami import actions
from router.ami.client import AmiClient, AmiError, AmiRefused, Event
from router.core.decisions import AnyDecision, ContactFinished, EndTalk, HandOver
from router.core.events import AnyEvent, ContactEnded, ContactTransferred
from router.live.joining import Joining
from router.live.legs import AgentLegs
from router.live.lines import Lines
from router.live.rung import Rung, hang_up, may_ring
from router.live.shell import LiveRouter
from router.live.tasks import Tasks

log = logging.getLogger(__name__)

RING_MS = 45_000
_UP = "6"

Purpose = Literal["consult", "transfer"]


@dataclass(slots=True)
class OutsideLeg(Rung):
    """One call to an outside number for a contact. `with_agent`, `with_caller`: whom it is joined with."""

    purpose: Purpose
    state: Literal["ringing", "answered", "with_agent", "with_caller"] = "ringing"


class OutsideLegs:
    """At most one at a time for a contact. `failed` is told the contact for which an agent asked, when nobody was
    reached; `epoch` makes ChannelIds unique over engine starts."""

    def __init__(self, client: AmiClient, live: LiveRouter, legs: AgentLegs, lines: Lines, *, epoch: str) -> None:
        self._client = client
        self._live = live
        self._legs = legs
        self._lines = lines
        self._epoch = epoch
        self._count = 0
        self.failed: Callable[[str], None] = lambda contact: None
        self._by_contact: dict[str, OutsideLeg] = {}
        self._by_channel: dict[str, OutsideLeg] = {}
        self._joining = Joining(client, lines)
        self._spawn = Tasks().spawn

    def of_contact(self, contact: str) -> OutsideLeg | None:
        return self._by_contact.get(contact)

    def next_channel_id(self) -> str:
        """The ChannelId for the next call."""
        self._count += 1
        return actions.own_channel_id(self._epoch, "outside", str(self._count))

    # What agents ask for

    def dial(self, contact: str, channel_id: str, dial_string: str, caller_id: str, purpose: Purpose) -> None:
        """Rings the outside party; the caller is on hold. To transfer, the agent's leg ends now."""
        outside = OutsideLeg(contact, channel_id, purpose)
        self._add(outside)
        if purpose == "transfer":
            self._legs.end_talk(contact)
        self._spawn(self._originate(outside, dial_string, caller_id))

    def cancel(self, contact: str) -> bool:
        """The agent does not ask any more, or the talk has gone elsewhere; whether there was anybody to be asked."""
        outside = self._by_contact.get(contact)
        if outside is None or outside.state == "with_caller":
            return False
        self._drop(outside)
        return True

    def complete(self, contact: str) -> bool:
        """The outside party, who has been consulted, goes on with the caller; whether there is one."""
        outside = self._by_contact.get(contact)
        if outside is None or outside.state not in ("answered", "with_agent"):
            return False
        self._spawn(self._join_caller(outside))
        return True

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """The talk may be over, or go elsewhere."""
        for decision in decisions:
            if isinstance(decision, ContactFinished | EndTalk | HandOver):
                self.cancel(decision.contact)

    # Events of Asterisk

    def on_event(self, event: Event) -> bool:
        """Whether the event was about a call of this kind, and nobody else's business."""
        uniqueid = event.get("Uniqueid", "")
        outside = self._by_channel.get(uniqueid)
        if outside is None:
            contact = self._lines.contact(uniqueid)
            if event.name == "Hangup" and contact in self._by_contact and self._is_connected(contact):
                self._live.feed(ContactEnded(contact, "caller"))
            return False
        if event.name == "OriginateResponse":
            self._on_originated(outside, reached=event.get("Response") == "Success")
        elif event.name == "Hangup":
            self._on_hangup(outside, event)
        return True

    def _on_originated(self, outside: OutsideLeg, *, reached: bool) -> None:
        if not reached or outside.hangup is not None:
            self._not_reached(outside)
            return
        outside.state = "answered"
        if outside.unwanted:
            self._drop(outside)
        elif outside.purpose == "transfer":
            self._spawn(self._join_caller(outside))
        else:
            self._spawn(self._join_agent(outside))

    def _on_hangup(self, outside: OutsideLeg, event: Event) -> None:
        outside.hangup = event
        if outside.state != "ringing":  # of one that rings, the OriginateResponse that follows says what it meant
            self._forget(outside)
            if outside.state == "answered" and outside.purpose == "transfer":
                self._back_to_queue(outside.contact)

    def _not_reached(self, outside: OutsideLeg) -> None:
        self._forget(outside)
        if outside.unwanted:
            return
        if outside.purpose == "transfer":
            self._back_to_queue(outside.contact)
        else:
            self.failed(outside.contact)

    # What a resync finds

    def channels(self) -> list[str]:
        """The ChannelIds of all calls under way."""
        return list(self._by_channel)

    def found(self, channels: Mapping[str, Event], before: Sequence[str]) -> None:
        """These channels are there, by Uniqueid; of the calls known `before`, all others are over. Talks of outside
        parties go on; a party of an earlier engine that is joined with nobody is hung up."""
        for unique, event in channels.items():
            if contact := event.variables.get(VAR_OUTSIDE):
                self._found(unique, contact, event, channels.get(self._lines.uniqueid(contact)))
        for channel_id in before:
            if channel_id not in channels and (gone := self._by_channel.get(channel_id)):
                self._forget(gone)  # what it means for the contact is the resync's to say

    def _found(self, unique: str, contact: str, event: Event, caller: Event | None) -> None:
        outside = self._by_channel.get(unique)
        known = outside is not None
        if outside is None:
            outside = OutsideLeg(contact, unique, "consult")
            self._add(outside)
        bridge, up = event.get("BridgeID"), event.get("ChannelState") == _UP
        if bridge and caller is not None and caller.get("BridgeID") == bridge:
            outside.state = "with_caller"
            if self._is_connected(contact):
                self._live.feed(ContactEnded(contact, "agent"))
        elif bridge:
            outside.state = "with_agent"
        elif not known:
            outside.state = "answered" if up else "ringing"
            self._drop(outside)
        elif outside.state == "ringing" and up:
            self._on_originated(outside, reached=True)

    # Commands to Asterisk

    async def _originate(self, outside: OutsideLeg, dial_string: str, caller_id: str) -> None:
        try:
            action = actions.originate(
                channel=dial_string,
                channel_id=outside.channel_id,
                context=CONTEXT_AGENT_LEG,
                extension="s",
                caller_id=caller_id,
                timeout_ms=RING_MS,
                variables={VAR_OUTSIDE: outside.contact, VAR_CONTACT: outside.contact, VAR_CONSULT: "yes"},
            )
            await self._client.action("Originate", action)
        except AmiError as error:
            log.warning("cannot dial an outside number for %s: %s", outside.contact, error)
            if may_ring(error):
                return
            self._not_reached(outside)

    async def _join_agent(self, outside: OutsideLeg) -> None:
        leg = self._legs.of_contact(outside.contact)
        try:
            if leg is None:
                raise AmiRefused("Bridge", "the agent is gone")
            async with leg.order:
                await self._joining.both(leg.channel_id, outside.channel_id)
            if outside.state == "answered":
                outside.state = "with_agent"
        except AmiError as error:
            log.warning("cannot join an agent with an outside number for %s: %s", outside.contact, error)
            self._drop(outside)

    async def _join_caller(self, outside: OutsideLeg) -> None:
        contact = outside.contact
        leg = self._legs.of_contact(contact)
        order = leg.order if leg is not None else asyncio.Lock()
        async with order:
            outcome = await self._joining.caller_with(contact, outside.channel_id)
        if outcome == "joined":
            outside.state = "with_caller"
            self._live.feed(ContactEnded(contact, "agent"))
        elif outcome != "not known":
            self._drop(outside)
            self._back_to_queue(contact)

    def _back_to_queue(self, contact: str) -> None:
        known = self._live.router.contact(contact)
        if known is not None and known.state == "connected":
            self._live.feed(ContactTransferred(contact, known.queue))

    def _is_connected(self, contact: str) -> bool:
        known = self._live.router.contact(contact)
        return known is not None and known.state == "connected"

    def _add(self, outside: OutsideLeg) -> None:
        self._by_contact[outside.contact] = self._by_channel[outside.channel_id] = outside
        self._legs.moved.add(outside.contact)

    def _drop(self, outside: OutsideLeg) -> None:
        outside.unwanted = True
        self._spawn(self._hang_up(outside))

    async def _hang_up(self, outside: OutsideLeg) -> None:
        if await hang_up(self._client, outside.channel_id, lambda: outside.hangup is not None):
            self._forget(outside)

    def _forget(self, outside: OutsideLeg) -> None:
        self._by_channel.pop(outside.channel_id, None)
        if self._by_contact.get(outside.contact) is outside:
            del self._by_contact[outside.contact]
            self._legs.moved.discard(outside.contact)
