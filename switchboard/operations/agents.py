"""Agents' presence: signed in or out, ready, paused, wrap-up."""

from typing import Annotated

from pydantic import Field

from documents import nearest
from router.core.events import AgentPaused, AgentReady, AgentSignedIn, AgentSignedOut, AnyEvent
from switchboard.operations.base import AgentName, Ask, Done, FreeText, OperationRefused, Request, operation


class OfAgent(Ask):
    """Concerns one agent."""

    agent: AgentName


class SignIn(OfAgent):
    """Who signs in, and where."""

    phone: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The phone at which the agent is rung from now on; by default the agent's own."""


class Pause(OfAgent):
    """A pause and why."""

    reason: Annotated[FreeText, Field(min_length=1, max_length=200)]
    """One of the centre's pause reasons, if it has any."""


@operation("POST", "/agents/{agent}/sign-in", roles=("supervisor",), own=True)
async def sign_in(request: Request, ask: SignIn) -> Done:
    """Sign an agent in, ready for contacts, at the agent's own phone or at another."""
    known_agent(request, ask.agent)
    phone = _free_phone(request, ask.agent, ask.phone or ask.agent)
    desks = request.engine.desks
    before = desks.phone_of(ask.agent)
    desks.seat(ask.agent, phone)  # first, because signing in may ring the phone at once
    try:
        return _change(request, ask, AgentSignedIn(ask.agent), f"{ask.agent} is signed in.")
    except OperationRefused:
        desks.seat(ask.agent, before)
        raise


@operation("POST", "/agents/{agent}/sign-out", roles=("supervisor",), own=True)
async def sign_out(request: Request, ask: OfAgent) -> Done:
    """Sign an agent out: at once when free, otherwise after the present contact."""
    done = f"{ask.agent} is signed out (after the present contact, if there is one)."
    return _change(request, ask, AgentSignedOut(ask.agent), done)


@operation("POST", "/agents/{agent}/pause", roles=("supervisor",), own=True)
async def pause(request: Request, ask: Pause) -> Done:
    """Pause an agent: at once when free, otherwise after the present contact."""
    known = request.engine.centre.policy.pause_reasons
    if known and ask.reason not in known:
        raise OperationRefused(f"unknown pause reason {ask.reason!r} ({nearest(ask.reason, known)})", "invalid")
    return _change(request, ask, AgentPaused(ask.agent, ask.reason), f"{ask.agent} is paused: {ask.reason}.")


@operation("POST", "/agents/{agent}/ready", roles=("supervisor",), own=True)
async def ready(request: Request, ask: OfAgent) -> Done:
    """End an agent's pause or wrap-up."""
    return _change(request, ask, AgentReady(ask.agent), f"{ask.agent} is ready.")


def known_agent(request: Request, name: str) -> str:
    """The agent's name, if there is one of that name."""
    known = [agent.name for agent in request.engine.live.router.agents()]
    if name not in known:
        raise OperationRefused(f"no agent {name!r} ({nearest(name, known)})", "unknown")
    return name


def _free_phone(request: Request, agent: str, phone: str) -> str:
    """The phone, if it is one of the centre's at which nobody else is signed in."""
    engine = request.engine
    known = [*engine.centre.agents, *engine.centre.desks]
    if phone not in known:
        raise OperationRefused(f"no phone {phone!r} ({nearest(phone, known)})", "unknown")
    sitting = engine.live.router.agent(engine.desks.agent_at(phone))
    if sitting is not None and sitting.name != agent and sitting.presence != "offline":
        raise OperationRefused(f"{sitting.name} is signed in at the phone {phone}")
    return phone


def feed(request: Request, event: AnyEvent) -> None:
    """Gives the router an event that somebody asked for; its refusal is an answer to that person."""
    refusal = request.engine.live.feed(event)
    if refusal is not None:
        raise OperationRefused(str(refusal))


def _change(request: Request, ask: OfAgent, event: AnyEvent, done: str) -> Done:
    known_agent(request, ask.agent)
    before = _presence(request, ask.agent)
    feed(request, event)
    request.changed(before, _presence(request, ask.agent))
    return Done(message=done)


def _presence(request: Request, name: str) -> dict[str, str]:
    agent = request.engine.live.router.agent(name)
    return {"presence": agent.presence, "reason": agent.reason} if agent else {}
