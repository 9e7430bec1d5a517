"""Waiting callers who press keys: when, which, and what the router and the flow hear of it."""

from router.core.events import ContactLeft, ContactMoved
from simulations.contact import Contact
from simulations.features.waiting_keys import WaitingKey, chosen
from simulations.run import Run
from simulations.scenario import Kind

WAY = "\1"
"""Before a key, instead of an exit: the caller has pressed it."""


def estimated_over(run: Run, contact: str, seconds: float) -> bool:
    """Whether the median of the wait that the router expects is above so many seconds; 0 is always exceeded."""
    if not seconds:
        return True
    estimate = run.shell.router.estimated_wait(contact, run.shell.now_ms)
    return estimate is not None and estimate.p50_ms > seconds * 1000


def waits_on_the_line(run: Run, contact: str) -> bool:
    """Whether it waits, and is no callback."""
    known = run.shell.router.contact(contact)
    return known is not None and known.waits and known.callback is None


class WaitingKeys:
    """Presses the keys of one replication's callers."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def begin(self, contact: Contact, kind: Kind, queue: str, keys: str | None = None, keep: str = "") -> None:
        """The contact begins to wait (once more: `waits`) in this queue, where the flow takes these `keys` (None: there
        is no flow), and at those of `keep` lets it keep its place."""
        if kind.waiting_keys is None:
            return
        stream = f"{contact.kind}/waiting key/{contact.attempt}.{contact.waits}"
        found = chosen(kind.waiting_keys, queue, self._run.streams.uniforms(stream)[contact.number])
        if found is None or (keys is not None and found[0] not in keys):
            return
        name, key = found
        after_s = self._run.streams.draws(f"{stream}/after", key.after_s)[contact.number]
        wait = contact.waits
        keeps = keys is not None and name in keep
        self._run.shell.after(
            round(after_s * 1000), lambda: self._presses(contact, wait, name, key, keeps, keys is not None)
        )

    def _presses(self, contact: Contact, wait: int, name: str, key: WaitingKey, keeps: bool, in_flow: bool) -> None:
        run = self._run
        if contact.waits != wait or contact.kept is not None or not waits_on_the_line(run, contact.name):
            return
        if not estimated_over(run, contact.name, key.when_wait_over_s):
            return
        contact.tally.pressed_keys += 1
        if keeps:
            back, contact.back = contact.back, run.shell.env.event()
            contact.kept = contact.back
            assert back is not None
            back.succeed(WAY + name)
        elif key.to_queue is not None and not in_flow:
            run.shell.feed(ContactMoved(contact.name, key.to_queue))
        else:
            contact.pressed = name if in_flow else ""
            run.shell.feed(ContactLeft(contact.name, "left", name))
