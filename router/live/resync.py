"""In step with Asterisk again: after a start, a lost AMI connection or a restart of Asterisk.

The core's state (from memory or from the journal) is laid beside what Asterisk's `Status` lists. Each contact, offer
and leg is in one of few situations, and each has one consequence; what fits nowhere is released and counted. Callers
who wait need nothing here: the dialplan brings them back to the engine, and they find their place kept.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from asterisk_conf.names import CHANNEL_PREFIX, VAR_OFFER, VAR_RECORDING, VAR_RECORDING_PAUSES, VAR_TALKED, VAR_WHISPER
from router.ami import actions
from router.ami.client import AmiClient, AmiRefused, Event
from router.core.events import AnyEvent, ContactEnded, ContactLeft, OfferAccepted, OfferFailed
from router.core.state import LiveOffer
from router.live.legs import AgentLegs
from router.live.shell import LiveRouter

_UP = "6"
_VARIABLES = (VAR_OFFER, VAR_TALKED, VAR_WHISPER, VAR_RECORDING, VAR_RECORDING_PAUSES)
_FALLBACK = "Queue"
"""The application of a caller whom the dialplan has given to the fallback queue, and who is no longer ours."""


@dataclass(slots=True)
class Findings:
    """What a resync found, counted by kind; `channels` are those there are, by their Uniqueids, with our variables."""

    channels: Mapping[str, Event]
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join([f"{len(self.channels)} channels", *(f"{n} {kind}" for kind, n in self.counts.items())])


async def resync(
    client: AmiClient, live: LiveRouter, legs: AgentLegs, channel_is: Callable[[str, str], None]
) -> Findings:
    """Brings core and Asterisk together. `channel_is` is told the name of each channel by its Uniqueid.

    Raises AmiError when Asterisk cannot be asked; it is then asked again after the next login.
    """
    # Those that come from now on are no concern of this listing.
    offers, legs_before = live.router.offers(), legs.offers()
    waiting = [contact.id for contact in live.router.contacts() if contact.state != "connected"]
    listed = await client.collect("Status", actions.status(variables=_VARIABLES), until="StatusComplete")
    channels = {event.get("Uniqueid", ""): event for event in listed}
    leg_of_offer = {
        event.variables[VAR_OFFER]: event
        for unique, event in channels.items()
        if unique.startswith(CHANNEL_PREFIX) and VAR_OFFER in event.variables
    }
    for unique, event in channels.items():
        channel_is(unique, event["Channel"])
    found = Findings(channels)
    for name in waiting:  # first, so that nobody is offered a caller who is gone
        contact = live.router.contact(name)
        if contact is None or contact.state == "connected":
            continue
        if name not in channels:
            found.counts["callers gone"] += 1
            live.feed(ContactLeft(name))
        elif channels[name].get("Application") == _FALLBACK:
            found.counts["callers in the fallback queue"] += 1
            live.feed(ContactLeft(name, "left"))
    for offer in offers:
        if live.router.offer(offer.id) is None:
            continue  # it ended while we asked
        leg = leg_of_offer.get(offer.id)
        if offer.state == "accepted":
            news = _talking(offer, channels.get(offer.contact), leg, legs, found)
        else:
            news = _ringing(offer, leg, legs, found)
        if news is not None:
            live.feed(news)
    for name in legs_before:
        if name not in leg_of_offer and live.router.offer(name) is None:
            legs.forget(name)
    ours = {offer.id for offer in live.router.offers()}.intersection(legs.offers())
    for unique, event in channels.items():
        if unique.startswith(CHANNEL_PREFIX) and event.variables.get(VAR_OFFER) not in ours:
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
            return ContactEnded(offer.contact)
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
