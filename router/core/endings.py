"""The end of contacts, and of policy versions with the last contact on them."""

from router.core import reentry
from router.core.decisions import ContactFinished, Outcome
from router.core.duplicates import Duplicates
from router.core.entities import Contact
from router.core.goals import Goals
from router.core.index import Index
from router.core.state import State
from router.core.timers import Kind, Timers


class Endings:
    """Takes contacts out of the router."""

    def __init__(self, state: State, index: Index, timers: Timers, duplicates: Duplicates, goals: Goals) -> None:
        self._state = state
        self._index = index
        self._timers = timers
        self._duplicates = duplicates
        self._goals = goals

    def finish(self, contact: Contact, outcome: Outcome, reason: str, transferred_to: str | None = None) -> None:
        """The contact is gone. It is in no line any more."""
        state = self._state
        now_ms = state.clock_ms
        talked = contact.state == "connected"
        state.out.append(
            ContactFinished(
                contact.id,
                contact.queue,
                outcome,
                state.wait_from_ms(contact),
                self._waited_ms(contact),
                now_ms - contact.answered_ms if contact.answered_ms is not None else 0,
                contact.agent if talked else None,
                contact.offers,
                contact.held_ms(now_ms),
                transferred_to,
                contact.callback is not None,
                contact.consult_of is not None,
            )
        )
        self._goals.unanswered(contact, outcome)
        if state.explains:
            state.note(contact, outcome + (f": {reason}" if reason else ""))
        if contact.caller and (outcome == "abandoned" or (talked and transferred_to is None)):
            reentry.remember(state, contact)
        if contact.waits:
            self._index.leave(contact)
        if contact.callback is not None:
            self._duplicates.remove(contact)
        if contact.consult_of is not None:
            state.contacts[contact.consult_of].consult = None
        self._timers.stop(Kind.CONTACT, contact.id)
        if contact.id in state.dirty_contacts:
            del state.dirty_contacts[contact.id]
        del state.contacts[contact.id]
        state.remember_finished(contact)
        self._unuse(contact.version)

    def _waited_ms(self, contact: Contact) -> int:
        """The wait that is counted. A callback that never came up had none."""
        if contact.waited_ms is not None:
            return contact.waited_ms
        if contact.state == "parked" and contact.callback is not None and not contact.callback.tries:
            return 0
        return self.wait_so_far_ms(contact)

    def wait_so_far_ms(self, contact: Contact) -> int:
        return self._state.clock_ms - self._state.wait_from_ms(contact)

    def set_version(self, contact: Contact, version: int) -> None:
        """From now on the contact is handled by this version of the policy."""
        if version != contact.version:
            before, contact.version, contact.rules = contact.version, version, None
            self._state.users[version] = self._state.users.get(version, 0) + 1
            self._unuse(before)

    def _unuse(self, version: int) -> None:
        """One contact fewer on this version; one that nobody uses any more is forgotten."""
        state = self._state
        state.users[version] -= 1
        if not state.users[version]:
            del state.users[version]
            if version != state.current.spec.version:
                del state.versions[version]
                self._index.retired()
