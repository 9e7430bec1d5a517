"""What supervisors do with talks and waiting contacts: monitor, record or not, move, pull, hang up."""

from typing import Annotated, Literal

from pydantic import Field

from router.ami.actions import hangup
from router.ami.client import AmiError
from router.core.entities import Contact
from router.core.events import ContactLeft, ContactMoved
from switchboard.operations.agents import OfAgent, feed, known_agent
from switchboard.operations.base import (
    AgentName,
    Answer,
    Ask,
    ContactId,
    Done,
    FreeText,
    OperationRefused,
    QueueName,
    Request,
    operation,
)
from switchboard.operations.queues import known_queue
from switchboard.supervision import CannotMonitor, Monitor

Mode = Annotated[
    Literal["listen", "whisper", "barge"],
    Field(
        description="listen: hears both, is heard by nobody. whisper: the agent hears the supervisor. "
        "barge: everybody hears everybody."
    ),
]


class StartMonitor(OfAgent):
    """Whose talk, by whom, and how."""

    supervisor: AgentName
    """Whose phone is rung: an agent who is a supervisor (agents.yaml)."""
    mode: Mode = "listen"


class OfSupervisor(Ask):
    """Concerns what one supervisor monitors."""

    supervisor: AgentName


class ChangeMonitor(OfSupervisor):
    """How from now on."""

    mode: Mode


class Nothing(Ask):
    """Nothing needs to be said."""


class MonitorNow(Answer):
    """A supervisor who monitors an agent."""

    supervisor: str
    agent: str
    contact: str
    mode: Literal["listen", "whisper", "barge"]
    ringing: bool
    """The supervisor's phone is not answered yet."""
    actor: str
    """Who asked for it."""


@operation("POST", "/agents/{agent}/monitor", roles=("supervisor",))
async def monitor(request: Request, ask: StartMonitor) -> Done:
    """Ring a supervisor's phone to listen to an agent's talk, to whisper or to barge in.

    During it the key 4 is listen, 5 whisper, 6 barge, and * ends it. It ends with the talk.
    """
    known_agent(request, ask.agent)
    details = request.engine.centre.agents.get(known_agent(request, ask.supervisor))
    if details is None or not details.supervisor:
        raise OperationRefused(f"{ask.supervisor} is not a supervisor (agents.yaml: supervisor: true)", "forbidden")
    try:
        await request.engine.monitors.start(ask.agent, ask.supervisor, ask.mode, str(request.actor))
    except (CannotMonitor, AmiError) as error:
        raise OperationRefused(str(error)) from error
    request.changed({}, {"agent": ask.agent, "supervisor": ask.supervisor, "mode": ask.mode})
    return Done(message=f"The phone of {ask.supervisor} rings for the talk of {ask.agent} ({ask.mode}).")


@operation("POST", "/monitors/{supervisor}/mode", roles=("supervisor",))
async def change_monitor(request: Request, ask: ChangeMonitor) -> Done:
    """Change how a supervisor takes part in a talk."""
    current = _monitor_of(request, ask.supervisor)
    before = current.mode
    try:
        await request.engine.monitors.change(current, ask.mode)
    except (CannotMonitor, AmiError) as error:
        raise OperationRefused(str(error)) from error
    request.changed({"mode": before}, {"mode": ask.mode})
    return Done(message=f"{ask.supervisor} takes part in the talk of {current.agent}: {ask.mode}.")


@operation("POST", "/monitors/{supervisor}/stop", roles=("supervisor",))
async def stop_monitor(request: Request, ask: OfSupervisor) -> Done:
    """End what a supervisor monitors; the talk goes on."""
    current = _monitor_of(request, ask.supervisor)
    try:
        await request.engine.monitors.stop(current)
    except AmiError as error:
        raise OperationRefused(str(error)) from error
    request.changed({"agent": current.agent, "mode": current.mode}, {})
    return Done(message=f"{ask.supervisor} no longer monitors {current.agent}.")


@operation("GET", "/monitors", roles=("supervisor", "auditor"))
async def monitors(request: Request, ask: Nothing) -> list[MonitorNow]:
    """Who monitors whom at this moment."""
    return [
        MonitorNow(
            supervisor=each.supervisor,
            agent=each.agent,
            contact=each.contact,
            mode=each.mode,
            ringing=not each.begun,
            actor=each.actor,
        )
        for each in request.engine.monitors.all()
    ]


@operation("POST", "/agents/{agent}/recording/pause", roles=("supervisor",), own=True)
async def pause_recording(request: Request, ask: OfAgent) -> Done:
    """Keep what is said now out of the recording of an agent's talk (a card number, for example).

    Asterisk writes silence until the recording is resumed or the talk ends. By phone: *7 during the talk.
    """
    return await _record(request, ask.agent, False)


@operation("POST", "/agents/{agent}/recording/resume", roles=("supervisor",), own=True)
async def resume_recording(request: Request, ask: OfAgent) -> Done:
    """Go on with the recording of an agent's talk after a pause. By phone: *8 during the talk."""
    return await _record(request, ask.agent, True)


async def _record(request: Request, agent: str, sound: bool) -> Done:
    recording = request.engine.recordings.of_agent(known_agent(request, agent))
    if recording is None:
        raise OperationRefused(f"no talk of {agent} is being recorded")
    try:
        changed = await request.engine.recordings.pause(recording, not sound)
    except AmiError as error:
        raise OperationRefused(f"Asterisk would not: {error}; the recording may still have sound") from error
    request.changed({"sound": sound != changed}, {"sound": sound})
    return Done(message=f"The recording of the talk of {agent} {'has sound again' if sound else 'is silent now'}.")


def _monitor_of(request: Request, supervisor: str) -> Monitor:
    current = request.engine.monitors.of(supervisor)
    if current is None:
        raise OperationRefused(f"{supervisor} monitors nobody", "unknown")
    return current


class OfContact(Ask):
    """Concerns one contact."""

    contact: ContactId


class Move(OfContact):
    """Where to."""

    queue: QueueName
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """The priority that it has there; by default that of the queue."""


class Pull(OfContact):
    """To whom."""

    agent: AgentName


class SetPriority(OfContact):
    """How urgent."""

    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class HangUp(OfContact):
    """Why."""

    reason: Annotated[FreeText, Field(min_length=1, max_length=200)]
    """For the records."""


@operation("POST", "/contacts/{contact}/move", roles=("supervisor",))
async def move(request: Request, ask: Move) -> Done:
    """Move a waiting contact to another queue; it keeps its age."""
    known_queue(request, ask.queue)
    contact = waiting(request, ask.contact)
    before = contact.queue
    feed(request, ContactMoved(ask.contact, ask.queue, priority=ask.priority))
    request.changed({"queue": before}, {"queue": ask.queue})
    return Done(message=f"{ask.contact} waits in {ask.queue}.")


@operation("POST", "/contacts/{contact}/pull", roles=("supervisor",))
async def pull(request: Request, ask: Pull) -> Done:
    """Give a waiting contact to one agent, whatever the conditions say, as soon as that agent is free."""
    known_agent(request, ask.agent)
    contact = waiting(request, ask.contact)
    agent = request.engine.live.router.agent(ask.agent)
    if agent is None or agent.presence == "offline":
        raise OperationRefused(f"{ask.agent} is signed out")
    feed(request, ContactMoved(ask.contact, contact.queue, directed_to=ask.agent, priority=contact.own_priority))
    request.changed({}, {"directed_to": ask.agent})
    return Done(message=f"{ask.contact} goes to {ask.agent} (or back to its queue when {ask.agent} does not take it).")


@operation("POST", "/contacts/{contact}/priority", roles=("supervisor",))
async def set_priority(request: Request, ask: SetPriority) -> Done:
    """Change how urgent a waiting contact is; it keeps its age."""
    contact = waiting(request, ask.contact)
    before = contact.own_priority
    feed(request, ContactMoved(ask.contact, contact.queue, priority=ask.priority))
    request.changed({"priority": before}, {"priority": ask.priority})
    return Done(message=f"{ask.contact} has the priority {ask.priority}.")


@operation("POST", "/contacts/{contact}/hang-up", roles=("supervisor",))
async def hang_up_call(request: Request, ask: HangUp) -> Done:
    """Hang up a call, or take a contact without a line out of its queue."""
    engine = request.engine
    contact = engine.live.router.contact(ask.contact)
    request.changed({"queue": contact.queue, "state": contact.state} if contact else {}, {})
    if ask.contact in engine.calls or engine.lines.rung(ask.contact):
        try:
            await engine.ami.action("Hangup", hangup(engine.lines.uniqueid(ask.contact)))
        except AmiError as error:
            raise OperationRefused(f"Asterisk would not: {error}") from error
        return Done(message=f"{ask.contact} is hung up.")
    waiting(request, ask.contact)
    feed(request, ContactLeft(ask.contact, "left"))
    return Done(message=f"{ask.contact} is taken out of its queue.")


def waiting(request: Request, name: str) -> Contact:
    """The contact, if it waits (or rings) at this moment."""
    contact = request.engine.live.router.contact(name)
    if contact is None:
        raise OperationRefused(f"no contact {name!r} waits or talks", "unknown")
    if not contact.waits:
        raise OperationRefused(f"{name} does not wait; it is {contact.state}")
    return contact
