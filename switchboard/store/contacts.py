"""Stays in queues and offers, from the router's events and decisions.

The rules are those of `router.core.metrics`, so that figures made of the rows are those that the engine counted: a
contact that moves on ends one stay and begins another with its age; a talk that failed to begin has not been.
"""

from router.core import decisions
from router.core.events import ContactArrived, ContactEnded, ContactLeft, ContactMoved, ContactTransferred, Event
from router.core.snapshot import SavedContact
from switchboard.store import queue_log
from switchboard.store.batch import Batch
from switchboard.store.policies import PolicyView
from switchboard.store.rows import OfferRow, Stay, Wait


class Stays:
    """The contacts in the queues and in talks."""

    def __init__(self, batch: Batch, policy: PolicyView) -> None:
        self._batch = batch
        self._policy = policy
        self._open: dict[str, Stay] = {}
        self._waiting: dict[str, dict[int, Stay]] = {}
        self._waits: dict[int, Wait] = {}
        self._offers: dict[str, OfferRow] = {}
        self._event: Event | None = None
        self._ended: dict[str, Stay] = {}
        self._reason = ""

    def restore(self, stays: list[Stay], waits: list[Wait], offers: list[OfferRow]) -> None:
        """Goes on with what the database has as open."""
        self._open = {stay.contact: stay for stay in stays}
        self._waits = {wait.contact_id: wait for wait in waits}
        for stay in stays:
            if stay.id in self._waits:
                self._waiting.setdefault(stay.queue, {})[stay.id] = stay
        self._offers = {offer.offer: offer for offer in offers}

    def begin(self, event: Event) -> None:
        """The decisions that follow are about this event."""
        self._event = event
        self._ended.clear()
        self._reason = event.key if isinstance(event, ContactLeft) else ""

    def offer(self, offer: str) -> OfferRow | None:
        """The offer of this id, if it rings or its talk is under way."""
        return self._offers.get(offer)

    # Waiting

    def queued(self, decision: decisions.ContactQueued, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is not None and (stay.agent or stay.queue == decision.queue):
            if not stay.agent and stay.id not in self._waits:  # a callback whose time has come
                self._starts_waiting(stay, now_ms)
            return
        if stay is None:
            known = (decision.wait_from_ms, decision.arrived_ms, now_ms)
            arrived_ms, moved_from = next(at_ms for at_ms in known if at_ms is not None), ""
        else:
            arrived_ms, moved_from = stay.arrived_ms, stay.queue
            stay.ended_by = "moved" if isinstance(self._event, ContactMoved) else ""
            self._leave(stay, "moved", now_ms, decision.reason)
        stay = self._make(decision.contact, decision.queue, arrived_ms, now_ms)
        stay.moved_from, stay.callback, stay.consult = moved_from, decision.callback, decision.consult
        stay.entry_position = 1 + self._before(stay)
        self._open[stay.contact] = stay
        self._starts_waiting(stay, now_ms)
        self._log(now_ms, stay, queue_log.entered(stay))

    def parked(self, decision: decisions.ContactParked, now_ms: int) -> None:
        if stay := self._open.get(decision.contact):
            stay.callback = True
            self._stops_waiting(stay, now_ms)
            self._batch.change(stay)

    def step_entered(self, decision: decisions.StepEntered, now_ms: int) -> None:
        if stay := self._open.get(decision.contact):
            stay.step = decision.step
            self._batch.change(stay)

    # Offers and talks

    def offered(self, decision: decisions.Offer, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is None:
            return
        stay.offers += 1
        stay.offered_ms = now_ms if stay.offered_ms is None else stay.offered_ms
        record, row = decision.record, self._batch.new_id()
        offer = OfferRow(row, decision.offer, stay.contact, stay.id, record.queue, record.step, decision.agent, now_ms)
        self._offers[decision.offer] = offer
        self._batch.change(offer)
        self._batch.change(stay)

    def offer_ended(self, decision: decisions.OfferEnded, now_ms: int) -> None:
        offer, stay = self._offers.pop(decision.offer, None), self._open.get(decision.contact)
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
            stay.agent, stay.answered_ms, stay.wait_ms = "", None, 0
            self._starts_waiting(stay, now_ms)
        self._batch.change(stay)
        if offer is not None:
            self._log(now_ms, stay, queue_log.not_taken(stay, offer, now_ms))

    def connected(self, decision: decisions.Connect, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is not None:
            self._answered(stay, decision.offer, decision.agent, now_ms - stay.arrived_ms, now_ms)

    def reached(self, decision: decisions.CustomerReached, now_ms: int) -> None:
        stay = self._open.get(decision.contact)
        if stay is not None:
            self._answered(stay, decision.offer, decision.agent, decision.wait_ms, now_ms)

    def _answered(self, stay: Stay, offer_id: str, agent: str, wait_ms: int, now_ms: int) -> None:
        if stay.agent:
            return
        self._stops_waiting(stay, now_ms)
        stay.agent, stay.answered_ms, stay.wait_ms = agent, now_ms, wait_ms
        self._batch.change(stay)
        if offer := self._offers.get(offer_id):
            offer.accepted_ms, offer.cause = now_ms, "accepted"
            self._batch.change(offer)
            self._log(now_ms, stay, queue_log.connected(stay, offer, now_ms))

    def handed_over(self, decision: decisions.HandOver, now_ms: int) -> Stay | None:
        """The stay, which another agent goes on with."""
        stay = self._open.get(decision.contact)
        if stay is not None:
            stay.handed_over += 1
            self._log(now_ms, stay, queue_log.handed_over(stay, decision.from_agent, decision.to_agent, now_ms))
            stay.agent = decision.to_agent
            stay.talk_ms += decision.talk_ms
            stay.hold_ms += decision.hold_ms
            self._batch.change(stay)
        return stay

    # Ends

    def released(self, decision: decisions.ContactReleased, now_ms: int) -> None:
        self._reason = decision.reason

    def finished(self, decision: decisions.ContactFinished, now_ms: int) -> Stay | None:
        """The stay is over; given back if an agent has handled it (a consultation leaves no work)."""
        stay = self._open.get(decision.contact)
        if stay is None:  # sent away by a full or closed queue, or taken over in the middle of a talk
            stay = self._make(decision.contact, decision.queue, decision.arrived_ms, now_ms)
        stay.callback, stay.consult = decision.callback, decision.consult
        if decision.outcome != "answered":
            stay.wait_ms = decision.wait_ms
            self._leave(stay, decision.outcome, now_ms, self._reason)
            return None
        stay.answered_ms = stay.answered_ms if stay.agent else now_ms
        stay.agent, stay.wait_ms = decision.agent or "", decision.wait_ms
        stay.talk_ms += decision.talk_ms
        stay.hold_ms += decision.hold_ms
        stay.outcome, stay.ended_by = "answered", self._ended_by()
        stay.transferred_to = decision.transferred_to or ""
        self._close(stay, now_ms)
        self._log(now_ms, stay, queue_log.talked(stay, self._directed_to(), now_ms))
        return None if stay.consult else stay

    def reconcile(self, present: dict[str, SavedContact], now_ms: int) -> None:
        """A journal begins with these contacts. Where something is missing before it (deleted journals, a disk that was
        full), what it would have said is not known: contacts that are no more end as `lost`, others begin in the
        middle, and those that are known are taken as they are now."""
        for stay in list(self._open.values()):
            contact = present.get(stay.contact)
            if contact is None:
                self._leave(stay, "lost", now_ms, "")
            elif contact.queue != stay.queue:
                self._leave(stay, "moved", now_ms, "")
        for contact in present.values():
            stay = self._open.get(contact.id) or self._begun(contact)
            agent = contact.agent or "" if contact.state == "connected" else ""
            if agent and not stay.agent:
                self._stops_waiting(stay, now_ms)
                stay.answered_ms, stay.wait_ms = contact.answered_ms or now_ms, contact.waited_ms or 0
            if not agent and contact.state in ("queued", "offered") and stay.id not in self._waits:
                stay.answered_ms = None
                self._starts_waiting(stay, now_ms)
            if stay.agent != agent:
                stay.agent = agent
                self._batch.change(stay)

    def _begun(self, contact: SavedContact) -> Stay:
        """A stay of which the journals do not have the beginning."""
        arrived_ms = contact.arrived_ms if contact.wait_from_ms is None else contact.wait_from_ms
        stay = self._open[contact.id] = self._make(contact.id, contact.queue, arrived_ms, contact.queued_ms, contact)
        stay.callback, stay.consult = contact.callback is not None, contact.consult_of is not None
        stay.offers = contact.offers
        return stay

    def _leave(self, stay: Stay, outcome: str, now_ms: int, reason: str) -> None:
        """The contact ends its stay without an agent (or, lost, whatever it was doing)."""
        stay.outcome = outcome
        if not stay.agent and outcome in ("moved", "lost"):
            stay.wait_ms = now_ms - stay.arrived_ms
        rests = stay.callback and stay.answered_ms is None  # entered, and waits for its time or for the next try
        if stay.id in self._waits or rests:
            self._log(now_ms, stay, queue_log.left(stay, 1 + self._before(stay), now_ms, reason))
        self._close(stay, now_ms)

    def _close(self, stay: Stay, now_ms: int) -> None:
        stay.ended_ms = now_ms
        self._stops_waiting(stay, now_ms)
        self._open.pop(stay.contact, None)
        self._ended[stay.contact] = stay
        for offer in [offer for offer in self._offers.values() if offer.contact_id == stay.id]:
            if offer.accepted_ms is not None:
                offer.ended_ms = now_ms
                self._batch.change(offer)
                del self._offers[offer.offer]
        self._batch.change(stay)

    # Parts

    def _make(
        self, contact: str, queue: str, arrived_ms: int, queued_ms: int, known: SavedContact | None = None
    ) -> Stay:
        """A new stay with what is known of the contact: from its arrival, its stay before, or a snapshot."""
        goal = self._policy.goal(queue)
        stay = Stay(
            self._batch.new_id(),
            contact,
            queue,
            arrived_ms,
            queued_ms,
            answered_within_ms=goal.answered_within_ms,
            short_abandon_ms=goal.short_abandon_ms,
        )
        arrival = self._event if isinstance(self._event, ContactArrived) and self._event.contact == contact else None
        source = arrival or known or self._ended.get(contact)
        if source is not None:
            stay.channel, stay.caller, stay.attributes = source.channel, source.caller, source.attributes
        if isinstance(self._event, ContactTransferred) and self._event.contact == contact:
            stay.attributes = {**stay.attributes, **self._event.attributes}
        stay.intent = str(stay.attributes.get("intent", ""))
        stay.language = str(stay.attributes.get("language", ""))
        stay.skills = self._policy.skills(queue, {**stay.attributes, "queue": queue, "channel": stay.channel})
        self._batch.change(stay)
        return stay

    def _starts_waiting(self, stay: Stay, now_ms: int) -> None:
        wait = self._waits[stay.id] = Wait(self._batch.new_id(), stay.id, now_ms)
        self._waiting.setdefault(stay.queue, {})[stay.id] = stay
        self._batch.change(wait)

    def _stops_waiting(self, stay: Stay, now_ms: int) -> None:
        if wait := self._waits.pop(stay.id, None):
            wait.to_ms = now_ms
            del self._waiting[stay.queue][stay.id]
            self._batch.change(wait)

    def _before(self, stay: Stay) -> int:
        """How many wait in the queue who came before."""
        place = (stay.arrived_ms, stay.id)
        return sum((other.arrived_ms, other.id) < place for other in self._waiting.get(stay.queue, {}).values())

    def _directed_to(self) -> str:
        return (isinstance(self._event, ContactTransferred) and self._event.directed_to) or ""

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

    def _log(self, now_ms: int, stay: Stay, line: queue_log.Line) -> None:
        if not stay.consult:
            queue_log.add(self._batch, now_ms, line)
