"""Callers who ask for a callback while they wait, or book one in a flow, and customers who are rung back."""

from collections.abc import Callable, Mapping

from ivr.flow.effects import BookCallback
from ivr.flow.inputs import CallbackBooked, EffectFailed, Input
from router.core.decisions import RingCustomer
from router.core.events import (
    AnyEvent,
    Callback,
    CallbackFailed,
    CallbackReached,
    CallbackRequested,
    ContactArrived,
    ContactLeft,
    ContactMoved,
)
from router.core.policy import Queue
from simulations.callers import IvrCallers
from simulations.contact import Contact
from simulations.features.callbacks import Callbacks
from simulations.run import Run
from simulations.scenario import Kind
from simulations.waiting_keys import estimated_over

RUNG_BACK = "\0"
"""Instead of an exit: the caller hung up and will be rung back."""


class CallingBack:
    """The callbacks of one replication, of the contacts that are `inside`."""

    def __init__(
        self,
        run: Run,
        queues: Mapping[str, Queue],
        inside: Mapping[str, Contact],
        ivr: IvrCallers | None,
        hang_up_line: Callable[[Contact], None],
    ) -> None:
        self._run, self._shell, self._streams = run, run.shell, run.streams
        self._kinds, self._queues, self._inside, self._ivr = run.setting.scenario.kinds, queues, inside, ivr
        self._hang_up_line = hang_up_line

    def may_ask(self, contact: Contact, wishes: Callbacks) -> None:
        stream = f"{contact.kind}/callback/{contact.attempt}.{contact.visits}"
        if self._queues[contact.queue].callback is None:
            return
        if self._streams.uniforms(stream)[contact.number] < wishes.share:
            after_s = self._streams.draws(f"{stream}/after", wishes.after_s)[contact.number]
            visit = contact.visits
            self._shell.after(round(after_s * 1000), lambda: self._ask(contact, wishes, visit))

    def _ask(self, contact: Contact, wishes: Callbacks, visit: int) -> None:
        router = self._shell.router
        known = router.contact(contact.name)
        if known is None or not known.waits or contact.visits != visit or contact.kept is not None:
            return
        if self._queues[known.queue].callback is None:  # overflowed meanwhile
            return
        if not estimated_over(self._run, contact.name, wishes.when_wait_over_s):
            return
        if wishes.when_ahead and router.position(contact.name) <= wishes.when_ahead:
            return
        contact.tally.asked_for_callback += 1
        contact.callback, contact.gives_up_ms = True, None
        back, contact.back = contact.back, None
        if back is not None:
            back.succeed(RUNG_BACK)
        self._hang_up_line(contact)
        self._shell.feed(CallbackRequested(contact.name, Callback(contact.name)))
        if wishes.to_queue is not None and wishes.to_queue != contact.queue:
            self._shell.feed(ContactMoved(contact.name, wishes.to_queue))

    def book(self, contact: Contact, kind: Kind, caller: str, wish: BookCallback) -> Input:
        """The flow books a callback; how the router sees the contact from now on."""
        queue = self._queues[wish.queue]
        if queue.callback is None:
            return EffectFailed(f"the queue {wish.queue!r} has no callbacks")
        assert self._ivr is not None
        not_before_ms = None if wish.at_ms is None else wish.at_ms - self._ivr.start_unix_ms
        kept, contact.kept = contact.kept, None
        contact.callback = True
        if kept is not None:  # the flow goes on by itself from here
            known = self._shell.router.contact(contact.name)
            if known is not None and known.waits and known.queue == wish.queue:
                contact.back, contact.gives_up_ms = None, None
                contact.tally.asked_for_callback += 1
                self._shell.feed(CallbackRequested(contact.name, Callback(contact.name, not_before_ms)))
                return CallbackBooked()
            if known is not None and known.waits:
                self._shell.feed(ContactLeft(contact.name, "left"))
        contact.back = None
        self._shell.feed(
            ContactArrived(
                contact.name,
                wish.queue,
                queue.channel,
                wish.attributes,
                kind.priority if wish.priority is None else wish.priority,
                caller=caller,
                callback=Callback(contact.name, not_before_ms),
            )
        )
        return CallbackBooked()

    def ring_customer(self, decision: RingCustomer) -> None:
        contact = self._inside[decision.contact]
        wishes = self._kinds[contact.kind].callbacks or Callbacks(share=0)
        rules = self._queues[contact.queue].callback
        assert rules is not None
        stream = f"{contact.kind}/customer/{contact.attempt}.{contact.rung}"
        contact.rung += 1
        rings_ms = round(self._streams.draws(f"{stream}/rings", wishes.rings_s)[contact.number] * 1000)
        reached = rings_ms <= rules.ring_ms and self._streams.uniforms(stream)[contact.number] < wishes.reached
        answer: AnyEvent
        answer = CallbackReached(contact.name) if reached else CallbackFailed(contact.name, "no_answer")
        rung = contact.rung
        self._shell.after(rings_ms if reached else rules.ring_ms, lambda: self._customer_answers(contact, rung, answer))

    def _customer_answers(self, contact: Contact, rung: int, answer: AnyEvent) -> None:
        if contact.rung == rung:
            self._shell.feed(answer)
