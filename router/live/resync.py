"""In step with Asterisk again: after a start, a lost AMI connection or a restart of Asterisk.

The core's state (from memory or from the journal) is laid beside what Asterisk's `Status` lists. Each contact, offer
and leg is in one of few situations, and each has one consequence; what fits nowhere is released and counted. Callers
who wait need nothing here: the dialplan brings them back to the engine, and they find their place kept.
"""

from collections import Counter
from dataclasses import dataclass, field

from asterisk_conf.names import CHANNEL_PREFIX, VAR_OFFER
from router.ami import actions
from router.ami.client import AmiClient, AmiError, Event
from router.core.events import AnyEvent, ContactEnded, ContactLeft, OfferAccepted, OfferFailed
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


async def resync(client: AmiClient, live: LiveRouter, legs: AgentLegs) -> Findings:
    """Brings core and Asterisk together. Raises AmiError when Asterisk cannot be asked; it is then asked again after
    the next login."""
    offers = list(live.router.offers())  # those made from now on are no concern of this listing
    listed = await client.collect(
        "Status", actions.status(variables=(VAR_OFFER, VAR_BRIDGE_PEER)), until="StatusComplete"
    )
    channels = {event.get("Uniqueid", ""): event for event in listed}
    leg_of_offer = {
        offer: event
        for unique, event in channels.items()
        if unique.startswith(CHANNEL_PREFIX) and (offer := _variable(event, VAR_OFFER))
    }
    found = Findings(frozenset(channels))
    wanted: set[str] = set()
    for offer in offers:
        leg = leg_of_offer.get(offer.id)
        if leg is not None:
            wanted.add(leg.get("Uniqueid", ""))
        if live.router.offer(offer.id) is None:
            continue  # it ended while we asked
        if offer.state == "ringing":
            event = _ringing(offer.id, offer.contact, offer.agent, leg, legs, found)
        else:
            event = _talking(offer.id, offer.contact, offer.agent, channels.get(offer.contact), leg, legs, found)
        if event is not None:
            live.feed(event)
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


def _ringing(
    offer: str, contact: str, agent: str, leg: Event | None, legs: AgentLegs, found: Findings
) -> AnyEvent | None:
    if leg is None:
        found.counts["back to queue"] += 1
        legs.forget(offer)
        return OfferFailed(offer, "error")
    found.counts["offers kept"] += 1
    answered = leg.get("ChannelState") == _UP
    legs.adopt(offer, contact, agent, leg.get("Uniqueid", ""), "answered" if answered else "ringing")
    return OfferAccepted(offer) if answered else None


def _talking(
    offer: str,
    contact: str,
    agent: str,
    caller: Event | None,
    leg: Event | None,
    legs: AgentLegs,
    found: Findings,
) -> AnyEvent | None:
    if caller is None:
        found.counts["talks over"] += 1
        legs.drop(offer)
        return ContactEnded(contact)
    if leg is None:
        legs.forget(offer)
        if _variable(caller, VAR_BRIDGE_PEER):
            found.counts["talks over"] += 1
            return ContactEnded(contact)
        found.counts["back to queue"] += 1
        return OfferFailed(offer, "error")
    legs.adopt(offer, contact, agent, leg.get("Uniqueid", ""), "answered")
    bridge = caller.get("BridgeID")
    if bridge and bridge == leg.get("BridgeID"):
        found.counts["talks kept"] += 1
        legs.talk_goes_on(offer)
    else:
        found.counts["joined again"] += 1
        legs.join(offer)
    return None


def _variable(event: Event, name: str) -> str:
    """The value of a channel variable that Status was asked for; `(null)` is Asterisk's word for unset."""
    for line in event.get_all("Variable"):
        key, _, value = line.partition("=")
        if key == name and value != "(null)":
            return value
    return ""
