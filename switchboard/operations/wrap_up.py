"""What agents do after a talk: say how it ended, take longer for their work, be done with it."""

from typing import Annotated

from pydantic import Field, model_validator

from documents import nearest
from router.core.entities import Agent
from router.core.events import AgentReady, WrapUpExtended
from switchboard.facts import DISPOSITION, NOTE
from switchboard.operations.agents import OfAgent, feed, known_agent
from switchboard.operations.base import ContactId, Done, FreeText, OperationRefused, Request, operation
from switchboard.operations.voicemails import VoicemailId, known_voicemail


class Disposition(OfAgent):
    """How a contact ended."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    """One of the centre's dispositions (agents.yaml)."""
    note: Annotated[FreeText, Field(max_length=2_000)] = ""
    contact: ContactId | None = None
    """By default the contact that the agent has, or the last one."""


class NoteOfContact(OfAgent):
    """What an agent notes about a contact: in writing, or spoken."""

    text: Annotated[FreeText, Field(max_length=2_000)] = ""
    voicemail: VoicemailId | None = None
    """Instead of a text: a recording among the voicemails. By phone: *17 after the talk."""
    contact: ContactId | None = None
    """By default the contact that the agent has, or the last one."""

    @model_validator(mode="after")
    def _one(self) -> "NoteOfContact":
        if bool(self.text) == (self.voicemail is not None):
            raise ValueError("say what to note: one of 'text' and 'voicemail'")
        return self


class Extend(OfAgent):
    """How much longer."""

    seconds: Annotated[int, Field(ge=1, le=3_600)]


@operation("POST", "/agents/{agent}/disposition", roles=("supervisor",), own=True)
async def disposition(request: Request, ask: Disposition) -> Done:
    """Say how a contact ended, by one of the centre's codes and a note; during the talk or after it."""
    known = request.engine.centre.dispositions
    if ask.code not in known:
        raise OperationRefused(f"unknown disposition {ask.code!r} ({nearest(ask.code, known)})", "invalid")
    contact = _contact(request, ask)
    request.engine.fact(
        DISPOSITION,
        contact=contact,
        agent=ask.agent,
        actor=request.actor.name,
        data={"code": ask.code, "note": ask.note},
    )
    request.changed({}, {"disposition": ask.code})
    return Done(message=f"{contact}: {known[ask.code]}.")


@operation("POST", "/agents/{agent}/note", roles=("supervisor",), own=True)
async def note(request: Request, ask: NoteOfContact) -> Done:
    """Note something about a contact, in writing or spoken; during the talk or after it. It is part of its story."""
    contact = _contact(request, ask)
    said = {"text": ask.text} if ask.text else {"voicemail": known_voicemail(request, str(ask.voicemail)).id}
    request.engine.fact(NOTE, contact=contact, agent=ask.agent, actor=request.actor.name, data=said)
    request.changed({}, said)
    return Done(message=f"{contact}: noted.")


@operation("POST", "/agents/{agent}/extend-wrap-up", roles=("supervisor",), own=True)
async def extend_wrap_up(request: Request, ask: Extend) -> Done:
    """Give the agent more time for the wrap-up under way."""
    feed(request, WrapUpExtended(_agent(request, ask).name, ask.seconds * 1_000))
    return Done(message=f"{ask.agent} has {ask.seconds} s more.")


@operation("POST", "/agents/{agent}/end-wrap-up", roles=("supervisor",), own=True)
async def end_wrap_up(request: Request, ask: OfAgent) -> Done:
    """End the agent's wrap-up."""
    if _agent(request, ask).wrap_up_ms is None:
        raise OperationRefused(f"{ask.agent} is in no wrap-up")
    feed(request, AgentReady(ask.agent))
    return Done(message=f"{ask.agent} is ready.")


def _contact(request: Request, ask: Disposition | NoteOfContact) -> str:
    contact = ask.contact or _agent(request, ask).contact
    if contact is None:
        raise OperationRefused(f"{ask.agent} has no contact now; say which one it was", "invalid")
    return contact


def _agent(request: Request, ask: OfAgent) -> Agent:
    agent = request.engine.live.router.agent(known_agent(request, ask.agent))
    assert agent is not None
    return agent
