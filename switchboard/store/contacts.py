"""Stays in queues and offers, from the router's events and decisions.

The rules are those of `router.core.metrics`, so that figures made of the rows are those that the engine counted: a
contact that moves on ends one stay and begins another with its age; a talk that failed to begin has not been.
"""

from typing import Any

from router.core import decisions
from router.core.events import ContactArrived, ContactEnded, ContactLeft, ContactMoved, ContactTransferred, Event
from router.core.state import Contact
from switchboard.store import queue_log
from switchboard.store.batch import Batch
from switchboard.store.policies import PolicyView
from switchboard.store.rows import OfferRow, Stay


class Stays:
    """The contacts in the queues and in talks. `emit` takes the lines for queue_log, `handled` the stays that an agent
    has finished."""

    def __init__(self, batch: Batch, policy: PolicyView) -> None:
        self._batch = batch
        self._policy = policy
        self._open: dict[str, Stay] = {}
        self._waiting: dict[str, dict[int, Stay]] = {}
        self._offers: dict[str, OfferRow] = {}
        self._event: Event | None = None
        self._ended: dict[str, Stay] = {}
        self._reason = ""

    def restore(self, stays: list[Stay], offers: list[OfferRow]) -> None:
        """Goes on with what the database has as open."""
        for stay in stays:
            self._open[stay.contact] = stay
            if stay.waits:
                self._waiting.setdefault(stay.queue, {})[stay.id] = stay
        self._offers = {offer.offer: offer for offer in offers}

    def begin(self, event: Event) -> None:
        """The decisions that follow are about this event."""
        self._event = event
        self._ended.clear()
        self._reason = ""

    def queued(self, decision: decisions.ContactQueued, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is None:
            arrived_ms = now_ms if decision.arrived_ms is None else decision.arrived_ms
            self._enter(decision.contact, decision.queue, arrived_ms, now_ms)
        elif not stay.agent and stay.queue != decision.queue:
            stay.ended_by = "moved" if isinstance(self._event, ContactMoved) else ""
            self._leave(stay, "moved", now_ms, decision.reason)
            self._enter(decision.contact, decision.queue, stay.arrived_ms, now_ms, moved_from=stay.queue)

    def step_entered(self, decision: decisions.StepEntered, now_ms: int) -> None:
        if stay := self._open.get(decision.contact):
            stay.step = decision.step
            self._batch.change(stay)

    def offered(self, decision: decisions.Offer, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is None:
            return
        stay.offers += 1
        stay.offered_ms = now_ms if stay.offered_ms is None else stay.offered_ms
        record = decision.record
        offer = OfferRow(
            self._batch.new_id(),
            decision.offer,
            stay.contact,
            stay.id,
            record.queue,
            record.step,
            decision.agent,
            now_ms,
        )
        self._offers[decision.offer] = offer
        self._batch.change(offer)
        self._batch.change(stay)

    def offer_ended(self, decision: decisions.OfferEnded, now_ms: int) -> None:
        offer = self._offers.pop(decision.offer, None)
        stay = self._open.get(decision.contact)
        if offer is not None:
            offer.ended_ms, offer.cause = now_ms, decision.cause
            self._batch.change(offer)
        if stay is None:
            return
        if decision.cause == "declined":
            stay.declined += 1
        elif decision.cause == "no_answer":
            stay.no_answer += 1
        elif decision.cause != "cancelled":
            stay.offer_failed += 1
        if stay.agent:  # joining the two failed: the contact waits again
            stay.agent, stay.answered_ms, stay.waited_until_ms, stay.wait_ms = "", None, None, 0
            self._waiting.setdefault(stay.queue, {})[stay.id] = stay
        self._batch.change(stay)
        if offer is not None:
            self._log(now_ms, queue_log.not_taken(stay, offer, now_ms))

    def connected(self, decision: decisions.Connect, now_ms: int) -> None:
        stay, offer = self._open.get(decision.contact), self._offers.get(decision.offer)
        if stay is None or stay.agent:
            return
        self._waiting[stay.queue].pop(stay.id, None)
        stay.agent, stay.answered_ms, stay.waited_until_ms = decision.agent, now_ms, now_ms
        stay.wait_ms = now_ms - stay.arrived_ms
        self._batch.change(stay)
        if offer is not None:
            offer.accepted_ms, offer.cause = now_ms, "accepted"
            self._batch.change(offer)
            self._log(now_ms, queue_log.connected(stay, offer, now_ms))

    def released(self, decision: decisions.ContactReleased, now_ms: int) -> None:
        self._reason = decision.reason

    def finished(self, decision: decisions.ContactFinished, now_ms: int) -> Stay | None:
        """The stay is over; given back if an agent has handled it."""
        stay = self._open.get(decision.contact)
        sent_away = stay is None and decision.outcome != "answered"
        if stay is None:  # sent away by a full or closed queue, or taken over in the middle of a talk
            stay = self._make(decision.contact, decision.queue, decision.arrived_ms, now_ms)
        if decision.outcome != "answered":
            stay.wait_ms = decision.wait_ms
            if sent_away:
                stay.outcome = decision.outcome
                self._close(stay, now_ms)
            else:
                self._leave(stay, decision.outcome, now_ms, self._reason, wait_ms=decision.wait_ms)
            return None
        self._waiting.get(stay.queue, {}).pop(stay.id, None)
        stay.answered_ms = stay.answered_ms if stay.agent else now_ms
        stay.waited_until_ms = stay.waited_until_ms or now_ms
        stay.agent, stay.wait_ms = decision.agent or "", decision.wait_ms
        stay.talk_ms, stay.hold_ms = decision.talk_ms, decision.hold_ms
        stay.outcome, stay.transferred_to = "answered", self._transferred_to(decision)
        stay.ended_by = self._ended_by()
        self._close(stay, now_ms)
        self._log(now_ms, queue_log.talked(stay, now_ms))
        return stay

    def handed_over(self, decision: decisions.HandOver, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is not None:
            self._log(now_ms, queue_log.handed_over(stay, decision.from_agent, decision.to_agent, now_ms))
            stay.agent = decision.to_agent
            self._batch.change(stay)

    def reconcile(self, present: dict[str, Contact], now_ms: int) -> None:
        """A journal begins with these contacts. Where journals are missing before it, what they would have said is not
        known: contacts that are no more end as `lost`, others begin in the middle."""
        for stay in [stay for contact, stay in self._open.items() if contact not in present]:
            self._leave(stay, "lost", now_ms, "")
        for contact in present.values():
            if contact.id in self._open:
                continue
            stay = self._make(contact.id, contact.queue, contact.arrived_ms, now_ms, contact.attributes)
            stay.channel, stay.queued_ms, stay.offers = contact.channel, contact.queued_ms, contact.offers
            self._open[stay.contact] = stay
            if contact.state == "connected":
                stay.agent, stay.answered_ms = contact.agent or "", contact.answered_ms
                stay.waited_until_ms = contact.answered_ms
                stay.wait_ms = (contact.answered_ms or now_ms) - contact.arrived_ms
            else:
                self._waiting.setdefault(stay.queue, {})[stay.id] = stay
            self._batch.change(stay)

    def _enter(self, contact: str, queue: str, arrived_ms: int, now_ms: int, moved_from: str = "") -> None:
        stay = self._make(contact, queue, arrived_ms, now_ms)
        stay.moved_from = moved_from
        waiting = self._waiting.setdefault(queue, {})
        stay.entry_position = 1 + sum(other.arrived_ms <= arrived_ms for other in waiting.values())
        waiting[stay.id] = self._open[contact] = stay
        self._log(now_ms, queue_log.entered(stay))

    def _make(
        self, contact: str, queue: str, arrived_ms: int, now_ms: int, attributes: dict[str, Any] | None = None
    ) -> Stay:
        """A new stay with what is known of the contact: from its arrival, or from its stay before."""
        goal = self._policy.goal(queue)
        stay = Stay(
            self._batch.new_id(),
            contact,
            queue,
            arrived_ms,
            now_ms,
            answered_within_ms=goal.answered_within_ms,
            short_abandon_ms=goal.short_abandon_ms,
            attributes=attributes or {},
        )
        if before := self._ended.get(contact):
            stay.channel, stay.caller, stay.attributes = before.channel, before.caller, before.attributes
        match self._event:
            case ContactArrived(contact=arriving) as event if arriving == contact:
                stay.channel, stay.caller, stay.attributes = event.channel, event.caller, event.attributes
            case ContactTransferred(contact=transferred, attributes=added) if transferred == contact:
                stay.attributes = {**stay.attributes, **added}
        stay.intent = str(stay.attributes.get("intent", ""))
        stay.language = str(stay.attributes.get("language", ""))
        view = {**stay.attributes, "queue": queue, "channel": stay.channel}
        stay.skills = self._policy.skills(queue, view)
        self._batch.change(stay)
        return stay

    def _leave(self, stay: Stay, outcome: str, now_ms: int, reason: str, wait_ms: int | None = None) -> None:
        """The contact ends its stay without an agent (or, lost, whatever it was doing)."""
        stay.outcome = outcome
        waiting = self._waiting.get(stay.queue, {})
        if stay.id in waiting:
            position = 1 + sum(other.arrived_ms < stay.arrived_ms for other in waiting.values())
            self._log(now_ms, queue_log.left(stay, position, now_ms, reason))
            del waiting[stay.id]
        if not stay.agent:
            stay.wait_ms = now_ms - stay.arrived_ms if wait_ms is None else wait_ms
        self._close(stay, now_ms)

    def _close(self, stay: Stay, now_ms: int) -> None:
        stay.ended_ms = now_ms
        stay.waited_until_ms = now_ms if stay.waited_until_ms is None else stay.waited_until_ms
        self._open.pop(stay.contact, None)
        self._ended[stay.contact] = stay
        for offer in [offer for offer in self._offers.values() if offer.contact_id == stay.id]:
            if offer.accepted_ms is not None:
                offer.ended_ms = now_ms
                self._batch.change(offer)
                del self._offers[offer.offer]
        self._batch.change(stay)

    def _transferred_to(self, decision: decisions.ContactFinished) -> str:
        if isinstance(self._event, ContactTransferred) and self._event.directed_to:
            return self._event.directed_to
        return decision.transferred_to or ""

    def _ended_by(self) -> str:
        match self._event:
            case ContactEnded(by=by):
                return by
            case ContactLeft():
                return "caller"
            case ContactTransferred():
                return "agent"
            case _:
                return ""

    def _log(self, now_ms: int, line: queue_log.Line) -> None:
        queue_log.add(self._batch, now_ms, line)
