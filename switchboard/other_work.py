"""Contacts that are not calls, where the engine itself has to act: offers that agents get without being asked."""

from router.core.decisions import AnyDecision, Offer
from router.core.events import AnyEvent, OfferAccepted
from router.live.shell import LiveRouter


class OtherWork:
    """Accepts the offers of channels with `auto_accept` in the agents' name. (A call is accepted by picking up.)"""

    def __init__(self, live: LiveRouter) -> None:
        self._live = live

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        for decision in decisions:
            if isinstance(decision, Offer):
                self._accept(decision.offer, decision.contact)

    def carry_on(self) -> None:
        """Accepts what an earlier engine had only just offered."""
        for offer in self._live.router.offers():
            if offer.state == "ringing":
                self._accept(offer.id, offer.contact)

    def _accept(self, offer: str, name: str) -> None:
        contact = self._live.router.contact(name)
        channel = "voice" if contact is None else contact.channel
        if channel != "voice" and any(c.name == channel and c.auto_accept for c in self._live.router.policy.channels):
            self._live.feed(OfferAccepted(offer))
