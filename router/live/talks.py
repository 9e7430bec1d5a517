"""Talks on Asterisk: hold and resume, transfers, consultations.

A talk is taken apart by one Redirect of both ends: the caller comes back to the engine (`sb-back`), which plays music
and updates, and the agent's leg goes to `sb-agent-apart`, where keys say what is next. Names and Uniqueids stay, so
Bridge joins any two of those concerned at any time: agent and caller again, agent and the one consulted, and in the
end the one consulted and the caller. Whoever is left behind by a Bridge goes on in the dialplan.

A consultation is a contact of the core whose line is the leg of the agent who asks; so the agent who is asked is rung
and joined as for any other contact. An outside number has no agent and is rung by `router.live.outside`.

A caller on hold has said no goodbye: when the agent hangs up then, the caller goes on with the one consulted, if they
were talking, and otherwise back into the queue, to the old place.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from asterisk_conf.names import CONTEXT_AGENT_APART, CONTEXT_BACK
from router.ami import actions
from router.ami.client import AmiClient, AmiError
from router.core.decisions import AnyDecision, ContactFinished, EndTalk, HandOver, Hold, OfferEnded, Resume
from router.core.entities import Contact
from router.core.events import (
    AnyEvent,
    ContactArrived,
    ContactHeld,
    ContactLeft,
    ContactTransferred,
    TransferCompleted,
)
from router.live.joining import Joining
from router.live.legs import AgentLegs, Leg
from router.live.lines import Lines
from router.live.outside import OutsideLegs
from router.live.shell import LiveRouter
from router.live.tasks import Tasks

log = logging.getLogger(__name__)

ON_THE_WAY_S = 3.0
"""How long after a Redirect the end of the caller's old FastAGI may still be heard of."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """The contact that it asks about, and whether one agent is asked, and nobody else."""

    about: str
    of_one: bool = False


class Talks:
    """Carries out `Hold`, `Resume`, `EndTalk` and `HandOver`. `consult_failed` is told the contact about which an agent
    asked, when nobody was reached."""

    def __init__(
        self, client: AmiClient, live: LiveRouter, legs: AgentLegs, lines: Lines, outside: OutsideLegs
    ) -> None:
        self._client = client
        self._live = live
        self._legs = legs
        self._lines = lines
        self._outside = outside
        self.consult_failed: Callable[[str], None] = lambda contact: None
        self._consults: dict[str, Consultation] = {}
        self._joining = Joining(client, lines)
        self._spawn = Tasks().spawn
        legs.when_gone_apart = self._agent_gone

    # Decisions of the router

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """Hears of decisions before the legs do: a consultation has its line before anybody is rung for it."""
        match event:
            case ContactArrived(consult_of=str(about)) if leg := self._legs.of_contact(about):
                asked = Consultation(about, of_one=event.directed_to is not None)
                self.consulting(event.contact, asked, leg.channel_id)
            case _:
                pass
        for decision in decisions:
            match decision:
                case Hold(contact=contact):
                    if leg := self._legs.of_contact(contact):
                        leg.state = "apart"
                        self._spawn(self._part(leg))
                case Resume(contact=contact):
                    if leg := self._legs.of_contact(contact):
                        self._spawn(self._join_again(leg))
                case HandOver(contact=contact, offer=offer, consult=consult):
                    self._lines.detach(consult)
                    self._consults.pop(consult, None)
                    self._legs.end_talk(contact)
                    self._legs.hand_over(offer, contact)
                case EndTalk(contact=contact):
                    self._end(contact)
                case OfferEnded(contact=contact, cause=cause) if contact in self._consults:
                    if self._consults[contact].of_one and cause != "cancelled":
                        self._live.feed(ContactLeft(contact, "left"))  # who asks decides what is next
                        self.consult_failed(self._consults[contact].about)
                case ContactFinished(contact=contact, outcome=outcome) if contact in self._consults:
                    if outcome != "answered" and not isinstance(event, ContactLeft):
                        self.consult_failed(self._consults[contact].about)
                    self._consultation_over(contact)
                case ContactFinished(contact=contact, outcome="answered"):
                    self._legs.end_talk(contact)
                case _:
                    pass

    def consulting(self, consult: str, asked: Consultation, channel_id: str) -> None:
        """The line of this consultation is the leg of the agent who asks."""
        self._consults.setdefault(consult, asked)
        self._lines.attach(consult, channel_id)

    def _end(self, contact: str) -> None:
        """The contact's talk is over for its agent; a caller waits again."""
        if contact in self._consults:
            self._legs.end_talk(contact)
        elif leg := self._legs.detach(contact):
            self._legs.moved.add(contact)
            self._spawn(self._bring_back(contact, leg, joined=leg.state == "joined"))

    def _consultation_over(self, consult: str) -> None:
        del self._consults[consult]
        self._lines.detach(consult)
        self._legs.end_talk(consult)

    def _agent_gone(self, leg: Leg) -> None:
        """The agent hung up while the caller was on hold."""
        contact = self._live.router.contact(leg.contact)
        if contact is not None and contact.state == "connected" and (news := self.left_alone(contact)):
            self._live.feed(news)

    def left_alone(self, contact: Contact) -> AnyEvent | None:
        """What becomes of a caller on hold whose agent is gone; None: an outside party takes over."""
        consult = self._live.router.contact(contact.consult) if contact.consult else None
        if consult is not None and consult.state == "connected":
            return TransferCompleted(contact.id, consult.id)
        if self._outside.complete(contact.id):
            return None
        return ContactTransferred(contact.id, contact.queue)

    # What a resync finds

    def stands_apart(self, offer: str, *, joined: bool) -> None:
        """The contact of this offer is on hold; but Asterisk has it still (or again) `joined` with its agent."""
        leg = self._legs.stands_apart(offer)
        if joined:
            self._spawn(self._part(leg))

    # Commands to Asterisk

    async def _part(self, leg: Leg) -> None:
        async with leg.order:
            if leg.state != "apart" or not self.on_hold(leg.contact):
                return
            caller = self._lines.uniqueid(leg.contact)
            places = (CONTEXT_BACK, "s"), (CONTEXT_AGENT_APART, "s")
            try:
                # Should the engine go now, the dialplan must not take the caller for served.
                await self._joining.not_served(leg.contact)
                action = actions.redirect_both(caller, places[0], leg.channel_id, places[1])
                await self._client.action("Redirect", action)
            except AmiError as error:  # one of them is gone: the hang-up, or the next resync, says what it means
                log.info("cannot put %s on hold: %s", leg.contact, error)

    async def _join_again(self, leg: Leg) -> None:
        async with leg.order:
            contact = leg.contact
            if leg.state != "apart" or self.on_hold(contact):
                return
            outcome = await self._joining.caller_with(contact, leg.channel_id)
            if outcome == "joined" and leg.state == "apart":
                leg.state = "joined"
        if outcome in ("not joined", "caller gone") and self._legs.of_contact(contact) is leg:
            self._live.feed(ContactHeld(contact, "they could not be joined"))

    async def _bring_back(self, contact: str, leg: Leg, *, joined: bool) -> None:
        """The caller, no longer served, comes back to the engine; one on hold is there already. Then the agent's leg
        ends: the other way round the caller would come back by the end of the talk, and be moved once more."""
        async with leg.order:
            known = self._live.router.contact(contact)
            try:
                if known is not None and known.waits:
                    await self._joining.not_served(contact)
                    if joined:
                        caller = self._lines.uniqueid(contact)
                        await self._client.action("Redirect", actions.redirect(caller, CONTEXT_BACK, "s"))
            except AmiError as error:
                log.info("%s was gone before it could wait again: %s", contact, error)
        self._legs.drop(leg.offer)
        asyncio.get_running_loop().call_later(ON_THE_WAY_S, self._legs.moved.discard, contact)

    def on_hold(self, contact: str) -> bool:
        """Whether the core has the contact on hold."""
        known = self._live.router.contact(contact)
        return known is not None and known.state == "connected" and known.held_since_ms is not None
