"""The agents' legs: rings their phones, joins them with the callers, and tells the router what became of it.

A leg is a channel that we originate with a ChannelId of our own and that waits in the dialplan
(`sb-agent-leg`) when the agent has answered; the AMI action Bridge then takes the caller out of whatever the
caller hears (see docs/design-notes.md for the measurement). Every command is checked against the core's state
when it comes to be carried out, because the world moves while an action is on its way.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from asterisk_conf.names import (
    CHANNEL_PREFIX,
    CONTEXT_AGENT_LEG,
    CONTEXT_AGENT_RELEASED,
    CONTEXT_VOICEMAIL,
    TALK_CODES,
    VAR_CONSULT,
    VAR_CONTACT,
    VAR_FEATURES,
    VAR_OFFER,
    VAR_WHISPER,
)
from router.ami import actions
from router.ami.client import AmiClient, AmiError, Event
from router.core.decisions import AnyDecision, CancelOffer, Connect, EndTalk, Offer, ReleaseAgent
from router.core.events import (
    AnyEvent,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
)
from router.live.joining import Joining
from router.live.lines import VOICEMAIL_PREFIX, Lines
from router.live.rung import Rung, hang_up, may_ring, offer_failure
from router.live.shell import LiveRouter
from router.live.tasks import Tasks

log = logging.getLogger(__name__)

Party = Literal["agent", "caller"]

# Asterisk rings a little longer than the router's own deadline, so that the router decides and Asterisk is the net.
RING_GRACE_MS = 2_000


@dataclass(slots=True, kw_only=True)
class Leg(Rung):
    """One attempt to bring an agent to the phone. A leg that was `joined` is `apart` while its caller is on hold; the
    agent may then talk with somebody else about the caller. `order`: commands that concern the talk, one after the
    other. `variables` are the channel's own besides offer and contact. While it
    is `whispering` the agent has answered but hears (and may have to accept) first what is coming."""

    offer: str
    agent: str
    state: Literal["ringing", "answered", "joined", "apart", "gone"] = "ringing"
    variables: Mapping[str, str] = field(default_factory=dict)
    whispering: bool = False
    order: asyncio.Lock = field(default_factory=asyncio.Lock)


class AgentLegs:
    """Carries out the router's commands on Asterisk. `phone_of` gives the dial string of an agent's phone
    (`PJSIP/anna`), `caller_id_of` what the agent's phone shows for a contact, `lines` the contact's channel, `epoch`
    makes ChannelIds unique over engine starts. `variables_of` gives what else the dialplan shall know of a leg
    (VAR_WHISPER, VAR_RECORDING)."""

    def __init__(
        self,
        client: AmiClient,
        live: LiveRouter,
        *,
        phone_of: Callable[[str], str],
        caller_id_of: Callable[[str], str],
        lines: Lines,
        epoch: str,
        variables_of: Callable[[Offer], Mapping[str, str]] = lambda offer: {},
    ) -> None:
        self._client = client
        self._live = live
        self.phone_of = phone_of
        self._caller_id_of = caller_id_of
        self._lines = lines
        self._epoch = epoch
        self._variables_of = variables_of
        self.when_gone_apart: Callable[[Leg], None] = lambda leg: None
        """Told of an agent who hung up while the caller was on hold (see `router.live.talks`)."""
        self.asked_to_go: Callable[[], Sequence[str]] = tuple
        """The channels whose hang-up was asked for, the first one first (see `router.live.hang_ups`)."""
        self.moved: set[str] = set()
        """The contacts whose callers are with an outside party, or on the way back (`router.live.outside`, `talks`)."""
        self._by_offer: dict[str, Leg] = {}
        self._by_channel: dict[str, Leg] = {}
        self._by_contact: dict[str, Leg] = {}
        self._joining = Joining(client, lines)
        self._spawn = Tasks().spawn

    def joined(self, contact: str) -> bool:
        """Whether it is by our doing where the contact's caller is or goes: joined with an agent (or about to be), on
        hold, with an outside party, on the way back from a talk. The caller's FastAGI then ends without a hang-up."""
        return contact in self._by_contact or contact in self.moved

    def talked(self, contact: str) -> bool:
        """Whether the two have been joined; of the talk's end nothing has been heard yet."""
        leg = self._by_contact.get(contact)
        return leg is not None and leg.state == "joined"

    def offers(self) -> list[str]:
        """Every offer that has a leg, or may have one."""
        return list(self._by_offer)

    def channel_id(self, offer: str) -> str:
        """The ChannelId of a leg that this engine makes for the offer."""
        return actions.own_channel_id(self._epoch, offer)

    def talking(self, agent: str) -> Leg | None:
        """The leg on which the agent has been joined with somebody."""
        return next((leg for leg in self._by_offer.values() if leg.agent == agent and leg.state == "joined"), None)

    def of_contact(self, contact: str) -> Leg | None:
        """The leg that is joined with the contact, about to be, or apart from it."""
        return self._by_contact.get(contact)

    def on(self, channel_id: str) -> Leg | None:
        """The leg with this channel."""
        return self._by_channel.get(channel_id)

    # What is whispered to the agent before the talk

    def whispering(self, channel_id: str) -> Leg | None:
        """The leg with this channel, if its agent is to hear what is coming."""
        leg = self._by_channel.get(channel_id)
        return leg if leg and leg.whispering else None

    def accepted(self, leg: Leg) -> None:
        """The agent has heard what is coming, and takes it."""
        if leg.whispering and not leg.unwanted:
            leg.whispering, leg.state = False, "answered"
            self._live.feed(OfferAccepted(leg.offer))

    def declined(self, leg: Leg) -> None:
        """The agent has heard what is coming, and does not take it."""
        if leg.whispering and not leg.unwanted:
            self._drop(leg)
            self._live.feed(OfferDeclined(leg.offer))

    def whisper_again(self, offer: str) -> None:
        """The engine that whispered on this (adopted) leg is gone: begins anew."""
        leg = self._by_offer[offer]
        leg.whispering = True
        self._spawn(self._redirect(leg, CONTEXT_AGENT_LEG))

    # What a resync finds

    def adopt(
        self, offer: str, contact: str, agent: str, channel_id: str, state: Literal["ringing", "answered"]
    ) -> None:
        """Takes over a leg that is there in Asterisk, of an earlier engine or our own."""
        leg = self._by_offer.get(offer) or Leg(contact, channel_id, offer=offer, agent=agent)
        leg.state = state
        self._by_offer[offer] = self._by_channel[channel_id] = leg

    def talk_goes_on(self, offer: str) -> None:
        """The leg is joined with its caller."""
        leg = self._by_offer[offer]
        leg.state = "joined"
        self._by_contact[leg.contact] = leg

    def stands_apart(self, offer: str) -> Leg:
        """The leg's caller is on hold."""
        leg = self._by_offer[offer]
        leg.state = "apart"
        self._by_contact[leg.contact] = leg
        return leg

    def join(self, offer: str) -> None:
        """The agent has accepted and both are there: joins them."""
        leg = self._by_offer[offer]
        self._by_contact[leg.contact] = leg
        self._spawn(self._join(leg))

    def hear(self, offer: str) -> None:
        """The agent hears the voicemail that this offer is about."""
        if offer in self._by_offer:
            self.send(offer, CONTEXT_VOICEMAIL)
            self.talk_goes_on(offer)

    def end_talk(self, contact: str) -> None:
        """The contact has no leg any more; the leg that it had ends."""
        if leg := self.detach(contact):
            self._drop(leg)

    def detach(self, contact: str) -> Leg | None:
        """The contact has no leg any more; the leg is wanted no more, but does not end yet."""
        leg = self._by_contact.pop(contact, None)
        if leg is not None:
            leg.unwanted = True
        return leg

    def hand_over(self, offer: str, contact: str) -> None:
        """The leg of this offer, joined so far with somebody else, is joined with the contact."""
        if leg := self._by_offer.get(offer):
            if self._by_contact.get(leg.contact) is leg:
                del self._by_contact[leg.contact]
            leg.contact, leg.state = contact, "answered"
            self.join(offer)

    def send(self, offer: str, context: str) -> None:
        """The agent, who is not joined with anybody, goes to another context."""
        if leg := self._by_offer.get(offer):
            self._spawn(self._redirect(leg, context))

    def drop(self, offer: str) -> None:
        """Nobody is left for the agent to talk to."""
        if leg := self._by_offer.get(offer):
            self._drop(leg)

    def forget(self, offer: str) -> None:
        """The leg is not there (any more)."""
        if leg := self._by_offer.get(offer):
            self._forget(leg)

    # Decisions of the router

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        for decision in decisions:
            match decision:
                case Offer(contact=contact) if self._is_call(contact):
                    self._ring(decision, now_ms)
                case CancelOffer(offer=offer):
                    self.drop(offer)
                case ReleaseAgent(offer=offer):
                    if leg := self._by_offer.get(offer):
                        self._release(leg)
                case Connect(offer=offer, contact=contact) if contact.startswith(VOICEMAIL_PREFIX):
                    self.hear(offer)
                case Connect(offer=offer, contact=contact) if self._is_call(contact):
                    self.join(offer)
                case EndTalk(offer=offer):
                    if (leg := self._by_offer.get(offer)) and leg.state == "answered":
                        self._release(leg)  # its customer was not reached
                case _:
                    pass

    def _is_call(self, name: str) -> bool:
        """Agents take other work without a telephone."""
        contact = self._live.router.contact(name)
        return contact is None or contact.channel == "voice"

    def _ring(self, offer: Offer, now_ms: int) -> None:
        channel_id = self.channel_id(offer.offer)
        variables = {VAR_FEATURES: "#".join(TALK_CODES), **self._variables_of(offer)}
        contact = self._live.router.contact(offer.contact)
        if contact is not None and contact.consult_of is not None:
            variables[VAR_CONSULT] = "yes"
        leg = Leg(offer.contact, channel_id, offer=offer.offer, agent=offer.agent, variables=variables)
        leg.whispering = VAR_WHISPER in variables
        self._by_offer[leg.offer] = self._by_channel[channel_id] = leg
        self._spawn(self._originate(leg, max(1_000, offer.deadline_ms - now_ms) + RING_GRACE_MS))

    async def _originate(self, leg: Leg, timeout_ms: int) -> None:
        try:
            action = actions.originate(
                channel=self.phone_of(leg.agent),
                channel_id=leg.channel_id,
                context=CONTEXT_AGENT_LEG,
                extension="s",
                priority=1,
                caller_id=self._caller_id_of(leg.contact),
                timeout_ms=timeout_ms,
                variables={VAR_OFFER: leg.offer, VAR_CONTACT: leg.contact, **leg.variables},
            )
            await self._client.action("Originate", action)
        except AmiError as error:
            log.warning("cannot ring %s for %s: %s", leg.agent, leg.contact, error)
            if may_ring(error):
                return
            self._forget(leg)
            self._live.feed(OfferFailed(leg.offer, "error"))

    async def _join(self, leg: Leg) -> None:
        async with leg.order:
            match await self._joining.caller_with(leg.contact, leg.channel_id):
                case "joined":
                    if leg.state == "answered":
                        leg.state = "joined"
                case "not joined":
                    self._not_joined(leg, OfferFailed(leg.offer, "error"))
                case "caller gone":
                    self._not_joined(leg, ContactLeft(leg.contact))

    def _not_joined(self, leg: Leg, news: AnyEvent) -> None:
        """One of the two is gone, or Asterisk would not. The core learns which, so that nobody stays stuck."""
        if leg.state == "gone":
            return  # its hang-up was heard meanwhile and has been seen to
        if self._by_contact.get(leg.contact) is leg:
            del self._by_contact[leg.contact]
        self._live.feed(news)
        self._drop(leg)

    async def _redirect(self, leg: Leg, context: str) -> None:
        try:
            await self._client.action("Redirect", actions.redirect(leg.channel_id, context, "s", 1))
        except AmiError as error:
            log.info("the leg of %s was gone before it came to %s: %s", leg.agent, context, error)

    def _release(self, leg: Leg) -> None:
        """Ends the leg with an explanation."""
        leg.unwanted = True
        self._spawn(self._redirect(leg, CONTEXT_AGENT_RELEASED))

    def _drop(self, leg: Leg) -> None:
        leg.unwanted = True
        self._spawn(self._hang_up(leg.channel_id))

    async def _hang_up(self, channel_id: str) -> None:
        def gone() -> bool:
            leg = self._by_channel.get(channel_id)
            return leg is None or leg.hangup is not None

        if await hang_up(self._client, channel_id, gone) and (leg := self._by_channel.get(channel_id)):
            self._forget(leg)  # there is no such channel; one that came yet would be hung up for want of an offer

    # Events of Asterisk

    def on_event(self, event: Event) -> None:
        if event.name == "OriginateResponse":
            self._on_originated(event)
        elif event.name == "Hangup":
            self._on_hangup(event)

    def _on_originated(self, event: Event) -> None:
        channel_id = event.get("Uniqueid", "")
        leg = self._by_channel.get(channel_id)
        if leg is None:
            of_ours = channel_id.startswith(CHANNEL_PREFIX) and not self._lines.is_line(channel_id)
            if of_ours and event.get("Response") == "Success":
                self._spawn(self._hang_up(channel_id))  # its offer is long dead
            return
        if event.get("Response") == "Success":
            if leg.hangup is not None:  # these two events are not ordered: it answered and was gone at once
                self._forget(leg)
                self._live.feed(OfferFailed(leg.offer, "error"))
                return
            if leg.state != "ringing":
                return  # the agent's key was faster than this event
            leg.state = "answered"
            if leg.unwanted:
                self._drop(leg)
            elif not leg.whispering:
                self._live.feed(OfferAccepted(leg.offer))
            return
        leg.not_answered(event, lambda: self._fail(leg))

    def _on_hangup(self, event: Event) -> None:
        channel = event.get("Uniqueid", "")
        leg = self._by_channel.get(channel)
        if leg is None:
            self._on_caller_gone(self._lines.contact(channel))
            return
        leg.hangup = event
        if leg.state == "ringing":
            if leg.failed is not None:
                self._fail(leg)
            return  # the OriginateResponse that follows says what it meant
        state, in_talk = leg.state, self._by_contact.get(leg.contact) is leg
        self._forget(leg)
        if in_talk and state == "joined":
            self._live.feed(ContactEnded(leg.contact, self._ended_by(leg, "agent")))
        elif in_talk and state == "apart":
            self.when_gone_apart(leg)
        elif leg.whispering and not leg.unwanted:
            self._live.feed(OfferDeclined(leg.offer))
        elif in_talk or not leg.unwanted:
            self._live.feed(OfferFailed(leg.offer, "error"))  # gone between the answer and the joining

    def _fail(self, leg: Leg) -> None:
        """The leg came to nothing; tells the router why, if it still cares."""
        if leg.state == "gone" or leg.failed is None:
            return
        self._forget(leg)
        if not leg.unwanted:
            self._live.feed(offer_failure(leg.offer, leg.outcome()))

    def _on_caller_gone(self, contact: str) -> None:
        leg = self._by_contact.pop(contact, None)
        if leg is not None:
            self._live.feed(ContactEnded(contact, self._ended_by(leg, "caller")))
            self._drop(leg)

    def _ended_by(self, leg: Leg, gone: Party) -> Party:
        """Whoever asked to go first; `gone` where nobody did. Asterisk tells of the two ends in any order."""
        parties: dict[str, Party] = {self._lines.uniqueid(leg.contact): "caller", leg.channel_id: "agent"}
        return next((parties[channel] for channel in self.asked_to_go() if channel in parties), gone)

    def _forget(self, leg: Leg) -> None:
        leg.state = "gone"
        self._by_offer.pop(leg.offer, None)
        self._by_channel.pop(leg.channel_id, None)
        if self._by_contact.get(leg.contact) is leg:
            del self._by_contact[leg.contact]
