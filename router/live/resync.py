"""In step with Asterisk again: after a start, a lost AMI connection or a restart of Asterisk.

The core's state (from memory or from the journal) is laid beside what Asterisk's `Status` lists. Each contact, offer
and leg is in one of few situations, and each has one consequence; what fits nowhere is released and counted. Callers
who wait need nothing here: the dialplan brings them back to the engine, and they find their place kept.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from asterisk_conf.names import CHANNEL_PREFIX, VAR_OFFER
from router.ami import actions
from router.ami.client import AmiClient, AmiError, Event
from router.core.events import AnyEvent, ContactEnded, ContactLeft, OfferAccepted, OfferFailed
from router.core.state import LiveOffer
from router.live.legs import AgentLegs
from router.live.shell import LiveRouter

VAR_BRIDGE_PEER = "BRIDGEPEER"
"""Asterisk itself sets this on a channel that is or was bridged (main/bridge.c), so it tells a talk that is over from
one that never began."""
_UP = "6"


@dataclass(slots=True)
class Findings:
    """What a resync found, counted by kind; `channels` are the Uniqueids of all channels there are."""

    channels: frozenset[str]
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join([f"{len(self.channels)} channels", *(f"{n} {kind}" for kind, n in self.counts.items())])


async def resync(
    client: AmiClient, live: LiveRouter, legs: AgentLegs, channel_is: Callable[[str, str], None]
) -> Findings:
    """Brings core and Asterisk together. `channel_is` is told the name of each channel by its Uniqueid.

    Raises AmiError when Asterisk cannot be asked; it is then asked again after the next login.
    """
    offers = live.router.offers()  # those made from now on are no concern of this listing
    listed = await client.collect(
        "Status", actions.status(variables=(VAR_OFFER, VAR_BRIDGE_PEER)), until="StatusComplete"
    )
    channels = {event.get("Uniqueid", ""): event for event in listed}
    leg_of_offer = {
        event.variables[VAR_OFFER]: event
        for unique, event in channels.items()
        if unique.startswith(CHANNEL_PREFIX) and VAR_OFFER in event.variables
    }
    for unique, event in channels.items():
        channel_is(unique, event["Channel"])
    found = Findings(frozenset(channels))
    wanted: set[str] = set()
    for offer in offers:
        leg = leg_of_offer.get(offer.id)
        if leg is not None:
            wanted.add(leg.get("Uniqueid", ""))
        if live.router.offer(offer.id) is None:
            continue  # it ended while we asked
        if offer.state == "accepted":
            news = _talking(offer, channels.get(offer.contact), leg, legs, found)
        else:
            news = _ringing(offer, leg, legs, found)
        if news is not None:
            live.feed(news)
    for contact in live.router.contacts():
        if contact.state == "queued" and contact.id not in channels:
            found.counts["callers gone"] += 1
            live.feed(ContactLeft(contact.id))
    for unique in channels:
        if unique.startswith(CHANNEL_PREFIX) and unique not in wanted:
            found.counts["foreign legs"] += 1
            try:
                await client.action("Hangup", actions.hangup(unique))
            except AmiError:
                continue  # it went by itself
    return found


def _ringing(offer: LiveOffer, leg: Event | None, legs: AgentLegs, found: Findings) -> AnyEvent | None:
    if leg is None:
        found.counts["back to queue"] += 1
        legs.forget(offer.id)
        return OfferFailed(offer.id, "error")
    found.counts["offers kept"] += 1
    answered = leg.get("ChannelState") == _UP
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered" if answered else "ringing")
    return OfferAccepted(offer.id) if answered else None


def _talking(
    offer: LiveOffer, caller: Event | None, leg: Event | None, legs: AgentLegs, found: Findings
) -> AnyEvent | None:
    if caller is None:
        found.counts["talks over"] += 1
        legs.drop(offer.id)
        return ContactEnded(offer.contact)
    if leg is None:
        legs.forget(offer.id)
        if caller.variables.get(VAR_BRIDGE_PEER):
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
