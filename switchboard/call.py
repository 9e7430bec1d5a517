"""One call in progress, as `switchboard.calls` knows it."""

from dataclasses import dataclass, field

from ivr.agi.server import AgiChannel
from ivr.flow.machine import Machine
from ivr.flow.session import Session
from switchboard.waiting_room import News


@dataclass(slots=True)
class Call:
    """A call in progress: its session, the machine (the version of the flows) that the session began with, and the name
    of the caller's channel. `stay`: the caller's FastAGI connection, the last one if there is none now. `joining`:
    during it the caller was to be joined with an agent. `queue`: into which the flow has put the caller, who may be out
    of it with the place kept. `messages`: those left, so that a caller who goes now has not given up. `recording`: one
    is being left. `with_agent`: the caller comes back from a talk, whatever the dialplan says. `served`: the queue and
    the agent of the last talk."""

    session: Session
    machine: Machine
    channel: str | None = None
    stay: AgiChannel | None = None
    entered_queue: bool = False
    queue: str | None = None
    messages: set[str] = field(default_factory=set)
    recording: bool = False
    hold_reason: str = ""
    with_agent: bool = False
    joining: bool = False
    released: str | None = None
    served: tuple[str, str] = ("", "")
    news: News = field(default_factory=News)

    def goes_on(self, exit_name: str) -> None:
        """The router has done with the contact: the flow goes on behind its enqueue node, by this exit."""
        self.released = exit_name
        self.news.set()

    def take_exit(self) -> str | None:
        """The exit by which the flow goes on, once."""
        exit_name, self.released = self.released, None
        self.news.clear()
        return exit_name
