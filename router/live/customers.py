"""The customers of callbacks: rings them when their agents are there, joins the two, and tells the router.

The agent has answered and hears a ringing tone (`sb-reaching`) while the customer is rung on a channel of our own,
which is the contact's line from then on (`lines`). Once the customer has answered, the two are joined as any caller and
agent are (`legs.join`), and what comes then is the same too: behind the talk the customer's channel goes on as a
caller's does. Whether an answering machine has answered is not looked at.

A caller who asked for the callback and is still hearing the confirmation is not rung on a line that is engaged by
ourselves: the ringing waits for the end of that call, LINE_FREE_S at most.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from asterisk_conf.names import CONTEXT_CALLBACK, CONTEXT_REACHING, VAR_CALLBACK, VAR_CONTACT
from router.ami import actions, causes
from router.ami.client import AmiClient, AmiError, Event
from router.core.decisions import AnyDecision, EndTalk, OfferEnded, RingCustomer
from router.core.entities import LiveOffer
from router.core.events import AnyEvent, CallbackFailed, CallbackFailure, CallbackReached, ContactLeft
from router.live.legs import AgentLegs
from router.live.lines import Lines
from router.live.rung import Rung, hang_up, may_ring
from router.live.shell import LiveRouter
from router.live.tasks import Tasks

log = logging.getLogger(__name__)

LINE_FREE_S = 15.0
_UP = "6"


@dataclass(slots=True, kw_only=True)
class Customer(Rung):
    """One attempt to bring a customer to the phone. Once `answered`, the customer is the caller of the contact."""

    offer: str
    number: str = ""
    state: Literal["engaged", "ringing", "answered", "gone"] = "engaged"


class Dialling(Protocol):
    """What says whether and how a customer is rung now."""

    @property
    def caller_id(self) -> str:
        """What the customer's phone shows."""

    def begin(self, contact: str, offer: str, number: str, channel_id: str) -> tuple[str, int] | None:
        """The dial string and how many ms it rings; None: the customer is not rung now, and the router knows it."""

    def failed(self, channel_id: str) -> None:
        """Asterisk would not dial after all."""


class Customers:
    """Carries out `RingCustomer` on Asterisk. `on_the_phone` says whether the call is still under way in which the
    contact came; `epoch` makes ChannelIds unique over engine starts."""

    def __init__(
        self,
        client: AmiClient,
        live: LiveRouter,
        legs: AgentLegs,
        lines: Lines,
        *,
        dialling: Dialling,
        on_the_phone: Callable[[str], bool],
        epoch: str,
    ) -> None:
        self._client = client
        self._live = live
        self._legs = legs
        self._lines = lines
        self._dialling = dialling
        self._on_the_phone = on_the_phone
        self._epoch = epoch
        self._by_offer: dict[str, Customer] = {}
        self._by_channel: dict[str, Customer] = {}
        self._spawn = Tasks().spawn

    # Decisions of the router

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        for decision in decisions:
            match decision:
                case RingCustomer():
                    self._begin(decision)
                case EndTalk(offer=offer) | OfferEnded(offer=offer):
                    customer = self._by_offer.get(offer)
                    if customer and customer.state in ("engaged", "ringing") and not customer.unwanted:
                        self._drop(customer)
                case _:
                    pass

    def _begin(self, decision: RingCustomer) -> None:
        if (there := self._on_the_line(decision.contact)) is not None:
            self._moves_to(there, decision.offer)
            return
        channel_id = actions.own_channel_id(self._epoch, decision.offer, "customer")
        customer = Customer(decision.contact, channel_id, offer=decision.offer, number=decision.number)
        self._by_offer[customer.offer] = self._by_channel[channel_id] = customer
        self._legs.send(customer.offer, CONTEXT_REACHING)
        if self._on_the_phone(customer.contact):
            asyncio.get_running_loop().call_later(LINE_FREE_S, self._ring, customer)
        else:
            self._ring(customer)

    def _on_the_line(self, contact: str) -> Customer | None:
        """The customer, if reached before: the agent of then could not be joined."""
        customer = self._by_channel.get(self._lines.rung(contact) or "")
        return customer if customer and customer.state == "answered" else None

    def _moves_to(self, customer: Customer, offer: str) -> None:
        self._by_offer.pop(customer.offer, None)
        customer.offer = offer
        self._by_offer[offer] = customer
        self._reached(customer)

    def _ring(self, customer: Customer) -> None:
        if customer.state != "engaged":
            return
        dialled = self._dialling.begin(customer.contact, customer.offer, customer.number, customer.channel_id)
        if dialled is None:
            self._forget(customer)
            return
        customer.state = "ringing"
        self._lines.attach(customer.contact, customer.channel_id)
        self._spawn(self._originate(customer, *dialled))

    async def _originate(self, customer: Customer, dial_string: str, ring_ms: int) -> None:
        try:
            action = actions.originate(
                channel=dial_string,
                channel_id=customer.channel_id,
                context=CONTEXT_CALLBACK,
                extension="s",
                caller_id=self._dialling.caller_id,
                timeout_ms=ring_ms,
                variables={VAR_CONTACT: customer.contact, VAR_CALLBACK: customer.offer},
            )
            await self._client.action("Originate", action)
        except AmiError as error:
            log.warning("cannot ring the customer of %s: %s", customer.contact, error)
            if may_ring(error):
                return
            self._dialling.failed(customer.channel_id)
            self._fail(customer, "error")

    # Events of Asterisk

    def on_event(self, event: Event) -> None:
        """Hears of an event after the agents' legs have: a talk under way is theirs."""
        channel = event.get("Uniqueid", "")
        customer = self._by_channel.get(channel)
        if event.name == "OriginateResponse" and customer is not None:
            self._on_originated(customer, event)
        elif event.name == "Hangup" and customer is not None:
            self._on_hangup(customer, event)
        elif event.name == "Hangup":
            for waiting in list(self._by_offer.values()):
                if waiting.state == "engaged" and waiting.contact == channel:
                    self._ring(waiting)

    def _on_originated(self, customer: Customer, event: Event) -> None:
        if event.get("Response") != "Success":
            customer.not_answered(event, lambda: self._not_reached(customer))
        elif customer.hangup is not None:  # these two are not ordered: answered, and gone at once
            self._fail(customer, "declined")
        else:
            self._reached(customer)

    def _reached(self, customer: Customer) -> None:
        customer.state = "answered"
        self._live.feed(CallbackReached(customer.contact))
        contact = self._live.router.contact(customer.contact)
        if customer.unwanted or contact is None or contact.state != "connected" or contact.offer != customer.offer:
            self._drop(customer)  # the agent is gone, or somebody has ended it
        else:
            self._legs.join(customer.offer)

    def _not_reached(self, customer: Customer) -> None:
        if customer.state == "gone" or customer.failed is None:
            return
        self._fail(customer, _FAILURES.get(customer.outcome(), "error"))

    def _on_hangup(self, customer: Customer, event: Event) -> None:
        customer.hangup = event
        if customer.state == "ringing":
            if customer.failed is not None:
                self._not_reached(customer)
            return  # the OriginateResponse that follows says what it meant
        self._forget(customer)
        contact = self._live.router.contact(customer.contact)
        if contact is not None and contact.waits and contact.callback is None:
            self._live.feed(ContactLeft(customer.contact))  # sent on to a queue, and did not wait

    def _fail(self, customer: Customer, cause: CallbackFailure) -> None:
        if customer.state == "gone":
            return
        self._forget(customer)
        if not customer.unwanted:
            self._live.feed(CallbackFailed(customer.contact, cause))

    # What a resync finds

    def channels(self) -> list[str]:
        """The channels of customers who are rung or have been reached."""
        return [customer.channel_id for customer in self._by_channel.values() if customer.state != "engaged"]

    def found(self, channels: Mapping[str, Event], known_before: list[str]) -> None:
        """These channels are there, by Uniqueid; of those that were `known_before` no others are."""
        for unique, event in channels.items():
            offer, contact = event.variables.get(VAR_CALLBACK), event.variables.get(VAR_CONTACT)
            if offer and contact and unique not in self._by_channel and self._live.router.contact(contact):
                customer = Customer(contact, unique, offer=offer)
                self._by_offer[offer] = self._by_channel[unique] = customer
                self._lines.attach(contact, unique)
                customer.state = "answered" if event.get("ChannelState") == _UP else "ringing"
        for channel_id in known_before:
            gone = self._by_channel.get(channel_id)
            if gone is not None and channel_id not in channels:
                gone.unwanted = True  # what it means for the contact is the resync's to say
                self._forget(gone)

    def reaching(self, offer: LiveOffer, channels: Mapping[str, Event]) -> AnyEvent | None:
        """What has become of a customer whom the agent of this offer waits for."""
        customer = self._by_offer.get(offer.id)
        if customer is None:
            return CallbackFailed(offer.contact, "error")
        event = channels.get(customer.channel_id)
        if event is not None and event.get("ChannelState") == _UP:
            self._reached(customer)
        return None

    # Ends

    def _drop(self, customer: Customer) -> None:
        customer.unwanted = True
        if customer.state == "engaged":
            self._forget(customer)
        else:
            self._spawn(self._hang_up(customer))

    async def _hang_up(self, customer: Customer) -> None:
        def gone() -> bool:
            return customer.state == "gone" or customer.hangup is not None

        if await hang_up(self._client, customer.channel_id, gone):
            self._forget(customer)

    def _forget(self, customer: Customer) -> None:
        customer.state = "gone"
        if self._by_offer.get(customer.offer) is customer:
            del self._by_offer[customer.offer]
        self._by_channel.pop(customer.channel_id, None)
        if self._lines.rung(customer.contact) == customer.channel_id:
            self._lines.detach(customer.contact)


_FAILURES: dict[causes.Outcome, CallbackFailure] = {
    "busy": "busy",
    "no_answer": "no_answer",
    "declined": "declined",
    "unreachable": "unreachable",
    "congestion": "error",
}
