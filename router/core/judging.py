"""What events name, found or refused: shared by the judges of contact events and of agent events.

A judge holds an event against the table in `state`. It changes nothing, and returns what to do about the event, None
if it is ignored, or raises ImpossibleEvent.
"""

from collections.abc import Callable

from documents import nearest
from router.core.entities import Agent, Contact
from router.core.errors import impossible
from router.core.state import State


class CarryOut:
    """What is to be done about an event."""

    def do(self) -> None:
        raise NotImplementedError


class Do(CarryOut):
    """This."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def do(self) -> None:
        self._act()


class Judge:
    def __init__(self, state: State) -> None:
        self._state = state

    def _contact(self, name: str) -> Contact | None:
        """The contact, None if it is finished."""
        contact = self._state.contacts.get(name)
        if contact is None and name not in self._state.finished:
            impossible(f"there is no contact {name!r}")
        return contact

    def _present(self, name: str) -> Contact:
        """The contact, for somebody who wants something done with it."""
        contact = self._contact(name)
        if contact is None:
            impossible(f"the contact {name!r} is finished", self._state.finished[name])
        return contact

    def _talking(self, name: str) -> Contact:
        contact = self._present(name)
        if contact.state != "connected":
            impossible(f"the contact {name!r} is {contact.state}: it does not talk", contact)
        return contact

    def _agent(self, name: str) -> Agent:
        agent = self._state.agents.get(name)
        if agent is None or agent.removed:
            impossible(f"there is no agent {name!r} ({nearest(name, self._state.current.agents)})")
        return agent

    def _signed_in(self, name: str) -> Agent:
        agent = self._agent(name)
        if agent.presence == "offline":
            impossible(f"the agent {name!r} is not signed in", agent)
        return agent

    def _check_queue(self, name: str, channel: str | None = None) -> None:
        """`channel`: of the contact that is to enter it."""
        queue = self._state.current.queues.get(name)
        if queue is None:
            impossible(f"there is no queue {name!r} ({nearest(name, self._state.current.queues)})")
        if channel is not None and queue.channel != channel:
            impossible(f"the queue {name!r} takes {queue.channel} contacts, not {channel}")
