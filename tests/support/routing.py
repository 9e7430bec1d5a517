"""A router in a few words: policies with good defaults, and a floor on which things happen and are looked at."""

from typing import TypeVar

from router.core.decisions import AnyDecision, Decision, Offer
from router.core.events import AgentSignedIn, ContactArrived, Event, TimePassed
from router.core.policy import Agent, Condition, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router

Kind = TypeVar("Kind", bound=Decision)

VOICEMAIL = LastAction("exit", "voicemail")
ANYBODY = (Step("anybody"),)


def queue(name: str = "billing", *, steps: tuple[Step, ...] = ANYBODY, **fields: object) -> Queue:
    defaults: dict[str, object] = {"goal": Goal(20_000, 0.8), "last_action": VOICEMAIL}
    return Queue(name, steps=steps, **{**defaults, **fields})


def skilled(name: str, level: int = 1) -> Condition:
    return Condition({name: level})


def agents(*names: str, **fields: object) -> tuple[Agent, ...]:
    return tuple(Agent(name, **fields) for name in names)


class Floor:
    """A router and what it decided. Every event is followed by the check of all invariants."""

    def __init__(
        self, *queues: Queue, agents: tuple[Agent, ...], ready: bool = True, seed: int = 0, **fields: object
    ) -> None:
        self.router = Router(Policy(1, queues or (queue(),), agents, **fields), seed)
        self.now_ms = 0
        self.decisions: list[AnyDecision] = []
        for agent in agents if ready else ():
            self.send(AgentSignedIn(agent.name))

    def send(self, event: Event, at_ms: int | None = None) -> list[AnyDecision]:
        """At the time of the event before, unless a time is given; every deadline on the way is kept."""
        if at_ms is not None:
            self.wait_until(at_ms)
        return self._handle(event)

    def wait_until(self, at_ms: int) -> list[AnyDecision]:
        first = len(self.decisions)
        while (deadline_ms := self.router.next_deadline_ms()) is not None and deadline_ms <= at_ms:
            self.now_ms = deadline_ms
            self._handle(TimePassed())
        self.now_ms = at_ms
        return self.decisions[first:]

    def arrive(self, contact: str, queue: str = "billing", at_ms: int | None = None, **fields: object) -> str | None:
        """Who is offered the contact at once."""
        return taker(self.send(ContactArrived(contact, queue, **fields), at_ms), contact)

    def _handle(self, event: Event) -> list[AnyDecision]:
        decisions = self.router.handle(event, self.now_ms)
        self.decisions += decisions
        self.router.check()
        return decisions

    def offer(self, contact: str) -> str:
        """The contact's offer, ringing or accepted."""
        offer = self.router.contact(contact).offer
        assert offer is not None, f"{contact} has no offer"
        return offer

    def state(self, agent: str) -> tuple[str, str]:
        found = self.router.agent(agent)
        return found.state, found.shown_reason


def only(decisions: list[AnyDecision], kind: type[Kind]) -> list[Kind]:
    return [decision for decision in decisions if isinstance(decision, kind)]


def taker(decisions: list[AnyDecision], contact: str) -> str | None:
    """The agent to whom the contact was offered (first), if any."""
    return next((offer.agent for offer in only(decisions, Offer) if offer.contact == contact), None)
