"""In step with Asterisk again: talks that were taken apart, and consultations (see `router.live.resync`)."""

from collections import Counter
from collections.abc import Mapping

from router.ami.client import Event
from router.core.entities import Contact, LiveOffer
from router.core.events import AnyEvent, ContactEnded
from router.core.router import Router
from router.live.legs import AgentLegs
from router.live.talks import Consultation, Talks

FALLBACK = "Queue"
"""The application of a caller whom the dialplan has given to the fallback queue, and who is no longer ours."""


def on_hold(
    offer: LiveOffer,
    contact: Contact,
    caller: Event | None,
    leg: Event | None,
    legs: AgentLegs,
    talks: Talks,
    counts: Counter[str],
) -> AnyEvent | None:
    """A contact whose agent has put it on hold."""
    if caller is None or caller.get("Application") == FALLBACK:
        counts["talks over"] += 1
        legs.forget(offer.id)
        return ContactEnded(offer.contact)
    if leg is None:
        counts["agents gone from a caller on hold"] += 1
        legs.forget(offer.id)
        return talks.left_alone(contact)
    counts["on hold"] += 1
    bridge = caller.get("BridgeID")
    legs.adopt(offer.id, offer.contact, offer.agent, leg["Uniqueid"], "answered")
    talks.stands_apart(offer.id, joined=bool(bridge) and bridge == leg.get("BridgeID"))
    return None


def consulting(
    offer: LiveOffer,
    consult: Contact,
    asker: Event | None,
    leg: Event | None,
    legs: AgentLegs,
    counts: Counter[str],
) -> AnyEvent | None:
    """An accepted consultation. Who asks may be gone: then the contact that it asks about goes to the one asked."""
    if leg is None:
        counts["consultations over"] += 1
        legs.forget(offer.id)
        return ContactEnded(consult.id)
    counts["consultations kept"] += 1
    legs.adopt(offer.id, consult.id, offer.agent, leg["Uniqueid"], "answered")
    bridge = leg.get("BridgeID")
    if asker is None or (bridge and bridge == asker.get("BridgeID")):
        legs.talk_goes_on(offer.id)
    else:
        legs.join(offer.id)
    return None


def take_over_consultations(router: Router, leg_of_offer: Mapping[str, Event], talks: Talks) -> None:
    """The line of each consultation is the leg of who asks, if it is there."""
    for consult in router.contacts():
        about = router.contact(consult.consult_of) if consult.consult_of else None
        asker = leg_of_offer.get(about.offer) if about and about.offer else None
        if about is not None and asker is not None:
            talks.consulting(consult.id, Consultation(about.id), asker["Uniqueid"])
