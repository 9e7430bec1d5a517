"""In step with Asterisk again: after a start, a lost AMI connection or a restart of Asterisk.

The core's state (from memory or from the journal) is laid beside what Asterisk's `Status` lists. Each contact, offer
and leg is in one of few situations, and each has one consequence; what fits nowhere is released and counted. Callers
who wait need nothing here: the dialplan brings them back to the engine, and they find their place kept.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from asterisk_conf.names import (
    CHANNEL_PREFIX,
    VAR_CALLBACK,
    VAR_CONTACT,
    VAR_OFFER,
    VAR_OUTSIDE,
    VAR_RECORDING,
    VAR_RECORDING_PAUSES,
    VAR_TALKED,
    VAR_WHISPER,
)
from router.ami import actions
from router.ami.client import AmiClient, AmiRefused, Event
from router.core.entities import LiveOffer
from router.core.events import AnyEvent, ContactEnded, ContactLeft, OfferAccepted, OfferFailed
from router.live.customers import Customers
from router.live.legs import AgentLegs
from router.live.lines import VOICEMAIL_PREFIX, Lines
from router.live.outside import OutsideLegs
from router.live.resync_talks import FALLBACK, consulting, on_hold, take_over_consultations
from router.live.shell import LiveRouter
from router.live.talks import Talks

_UP = "6"
_VARIABLES = (
    VAR_OFFER,
    VAR_CONTACT,
    VAR_CALLBACK,
    VAR_OUTSIDE,
    VAR_TALKED,
    VAR_WHISPER,
    VAR_RECORDING,
    VAR_RECORDING_PAUSES,
)


@dataclass(slots=True)
class Findings:
    """What a resync found, counted by kind; `channels` are those there are, by their Uniqueids, with our variables."""

    channels: Mapping[str, Event]
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join([f"{len(self.channels)} channels", *(f"{n} {kind}" for kind, n in self.counts.items())])


async def resync(
    client: AmiClient,
    live: LiveRouter,
    legs: AgentLegs,
    customers: Customers,
    talks: Talks,
    outside: OutsideLegs,
    lines: Lines,
    channel_is: Callable[[str, str], None],
) -> Findings:
    """Brings core and Asterisk together. `channel_is` is told the name of each channel by its Uniqueid.

    Raises AmiError when Asterisk cannot be asked; it is then asked again after the next login.
    """
    # Those that come from now on are no concern of this listing.
    offers, legs_before = live.router.offers(), legs.offers()
    customers_before, outside_before = customers.channels(), outside.channels()
    waiting = [contact.id for contact in live.router.contacts() if contact.waits]
    consultations = {contact.id for contact in live.router.contacts() if contact.consult_of is not None}
    listed = await client.collect("Status", actions.status(variables=_VARIABLES), until="StatusComplete")
    channels = {event.get("Uniqueid", ""): event for event in listed}
    leg_of_offer = {
        event.variables[VAR_OFFER]: event
        for unique, event in channels.items()
        if unique.startswith(CHANNEL_PREFIX) and VAR_OFFER in event.variables
    }
    for unique, event in channels.items():
        channel_is(unique, event["Channel"])
    customers.found(channels, customers_before)
    found = Findings(channels)
    outside.found(channels, outside_before)
    take_over_consultations(live.router, leg_of_offer, talks)
    for name in waiting:  # first, so that nobody is offered a caller who is gone
        contact = live.router.contact(name)
        if contact is None or not contact.waits or not lines.has_line(contact):
            continue
        line = channels.get(lines.uniqueid(name))
        if line is None:
            found.counts["callers gone"] += 1
            live.feed(ContactLeft(name))
        elif line.get("Application") == FALLBACK:
            found.counts["callers in the fallback queue"] += 1
            live.feed(ContactLeft(name, "left"))
    # Consultations before the talks that they ask about: the one asked may have to go on with the caller.
    for offer in sorted(offers, key=lambda offer: offer.contact not in consultations):
        if live.router.offer(offer.id) is None:
            continue  # it ended while we asked
        leg = leg_of_offer.get(offer.id)
        contact = live.router.contact(offer.contact)
        if contact is not None and contact.channel != "voice":
            continue  # no business of Asterisk's
        if contact is not None and contact.state == "reaching":
            news = _reaching(offer, leg, legs, customers, channels, found)
        elif contact is not None and contact.id.startswith(VOICEMAIL_PREFIX) and offer.state == "accepted":
            news = _listening(offer, leg, legs, found)
        elif offer.state == "accepted" and contact is not None and contact.consult_of is not None:
            news = consulting(offer, contact, channels.get(lines.uniqueid(contact.id)), leg, legs, found.counts)
        elif offer.state == "accepted" and contact is not None and contact.held_since_ms is not None:
            line = channels.get(lines.uniqueid(contact.id))
            news = on_hold(offer, contact, line, leg, legs, talks, found.counts)
        elif offer.state == "accepted":
            news = _talking(offer, channels.get(lines.uniqueid(offer.contact)), leg, legs, found)
        else:
            news = _ringing(offer, leg, legs, found)
        if news is not None:
            live.feed(news)
    for name in legs_before:
        if name not in leg_of_offer and live.router.offer(name) is None:
            legs.forget(name)
    ours = {offer.id for offer in live.router.offers()}.intersection(legs.offers())
    for unique, event in channels.items():
        if (
            unique.startswith(CHANNEL_PREFIX)
            and event.variables.get(VAR_OFFER) not in ours
            and VAR_OUTSIDE not in event.variables
            and not lines.is_line(unique)
        ):
            found.counts["foreign legs"] += 1
            try:
                await client.action("Hangup", actions.hangup(unique))
            except AmiRefused:
                continue  # it went by itself
    return found


def _ringing(offer: LiveOffer, leg: Event | None, legs: AgentLegs, found: Findings) -> AnyEvent | None:
    if leg is None:
        found.counts["back to queue"] += 1
        legs.forget(offer.id)
        return OfferFailed(offer.id, "error")
    found.counts["offers kept"] += 1
    answered = leg.get("ChannelState") == _UP
    if answered and leg.variables.get(VAR_WHISPER) == "yes":
        if legs.whispering(leg["Uniqueid"]) is None:
            legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered")
            legs.whisper_again(offer.id)
        return None
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered" if answered else "ringing")
    return OfferAccepted(offer.id) if answered else None


def _reaching(
    offer: LiveOffer,
    leg: Event | None,
    legs: AgentLegs,
    customers: Customers,
    channels: Mapping[str, Event],
    found: Findings,
) -> AnyEvent | None:
    if leg is None:
        found.counts["back to queue"] += 1
        legs.forget(offer.id)
        return OfferFailed(offer.id, "error")
    found.counts["customers being reached"] += 1
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered")
    return customers.reaching(offer, channels)


def _listening(offer: LiveOffer, leg: Event | None, legs: AgentLegs, found: Findings) -> AnyEvent | None:
    if leg is None:
        found.counts["talks over"] += 1
        legs.forget(offer.id)
        return ContactEnded(offer.contact)
    found.counts["voicemails being heard"] += 1
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered")
    legs.talk_goes_on(offer.id)
    return None


def _talking(
    offer: LiveOffer, caller: Event | None, leg: Event | None, legs: AgentLegs, found: Findings
) -> AnyEvent | None:
    if caller is None:
        found.counts["talks over"] += 1
        legs.forget(offer.id)
        return ContactEnded(offer.contact)
    if leg is None:
        legs.forget(offer.id)
        if caller.variables.get(VAR_TALKED) == "yes":  # set just before the Bridge, taken back when that fails
            found.counts["talks over"] += 1
            return ContactEnded(offer.contact, "agent")
        found.counts["back to queue"] += 1
        return OfferFailed(offer.id, "error")
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered")
    bridge = caller.get("BridgeID")
    if bridge and bridge == leg.get("BridgeID"):
        found.counts["talks kept"] += 1
        legs.talk_goes_on(offer.id)
    else:
        found.counts["joined again"] += 1
        legs.join(offer.id)
    return None
