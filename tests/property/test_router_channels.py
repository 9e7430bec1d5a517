"""Random rules of channels and random days: never over capacity, never together what the rules forbid, and what is
handling time is counted from the decisions alone."""

from random import Random

import pytest

from router.core import decisions, events
from router.core.policy import Agent, Channel, Policy
from router.core.policy_check import check_policy
from router.core.router import Router
from tests.support.routing import queue

NAMES = ("voice", "chat", "email", "task")
DAYS = 60


def rules(rng: Random) -> tuple[Channel, ...]:
    """Any rules that do not contradict each other: of each two channels one comes beside the other, or one interrupts
    the other, or neither."""
    beside: dict[str, list[str]] = {name: [] for name in NAMES}
    interrupts: dict[str, list[str]] = {name: [] for name in NAMES}
    for i, one in enumerate(NAMES):
        for other in NAMES[i + 1 :]:
            first, second = rng.sample((one, other), 2)
            match rng.choice(("beside", "both", "interrupts", "interrupts", "neither")):
                case "beside":
                    beside[first].append(second)
                case "both":
                    beside[first].append(second)
                    beside[second].append(first)
                case "interrupts":
                    interrupts[first].append(second)
    return tuple(Channel(name, tuple(beside[name]), tuple(interrupts[name])) for name in NAMES)


class Day:
    """The router, and what its decisions alone say of who works on what since when."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.channels = {channel.name: channel for channel in rules(rng)}
        self.capacity = {
            name: {channel: rng.randint(0, 3) for channel in rng.sample(NAMES, rng.randint(2, 4))}
            for name in ("anna", "bob")
        }
        people = tuple(Agent(name, capacity=capacity) for name, capacity in self.capacity.items())
        queues = tuple(queue(name, channel=name, wrap_up_ms=rng.choice((0, 500))) for name in NAMES)
        policy = Policy(1, queues, people, channels=tuple(self.channels.values()))
        assert [problem for problem in check_policy(policy) if problem.severity == "error"] == []
        self.router = Router(policy)
        self.now_ms = self.arrived = self.interrupted = self.resumed = 0
        self.channel_of: dict[str, str] = {}
        self.agent_of: dict[str, str] = {}
        self.since: dict[str, int] = {}
        self.handled: dict[str, int] = {}
        for name in self.capacity:
            self.feed(events.AgentSignedIn(name))

    def feed(self, event: events.Event) -> None:
        for decision in self.router.handle(event, self.now_ms):
            self.observe(decision)
        self.router.check()
        for agent in self.capacity:
            self.check(agent)

    def observe(self, decision: decisions.Decision) -> None:
        match decision:
            case decisions.Connect(contact=contact, agent=agent):
                self.agent_of[contact], self.since[contact] = agent, self.now_ms
            case decisions.WorkInterrupted(contact=contact, by=by):
                assert self.channel_of[contact] in self.channels[self.channel_of[by]].interrupts
                self.handled[contact] = self.handled.get(contact, 0) + self.now_ms - self.since.pop(contact)
                self.interrupted += 1
            case decisions.WorkResumed(contact=contact):
                self.since[contact] = self.now_ms
                self.resumed += 1
            case decisions.ContactFinished(contact=contact, outcome="answered", talk_ms=talk_ms):
                working_ms = self.now_ms - self.since.pop(contact, self.now_ms)
                assert talk_ms == self.handled.pop(contact, 0) + working_ms
                del self.agent_of[contact]

    def check(self, agent: str) -> None:
        had = [contact for contact, of in self.agent_of.items() if of == agent]
        for name in NAMES:
            assert sum(self.channel_of[contact] == name for contact in had) <= self.capacity[agent].get(name, 0)
        active = {self.channel_of[contact] for contact in had if contact in self.since}
        for one in active:
            for other in active - {one}:
                assert other in self.channels[one].beside or one in self.channels[other].beside, active

    def go_on(self) -> None:
        rng = self.rng
        self.now_ms += rng.choice((0, 1, 100, 400))
        offers = [offer for offer in self.router.offers() if offer.state == "ringing"]
        match rng.choice(("arrive", "arrive", "accept", "accept", "accept", "decline", "end", "pass")):
            case "arrive":
                self.arrived += 1
                name, contact = rng.choice(NAMES), f"c{self.arrived}"
                self.channel_of[contact] = name
                self.feed(events.ContactArrived(contact, name, name))
            case "accept" if offers:
                self.feed(events.OfferAccepted(rng.choice(offers).id))
            case "decline" if offers:
                self.feed(events.OfferDeclined(rng.choice(offers).id))
            case "end" if self.agent_of:
                self.feed(events.ContactEnded(rng.choice([*sorted(self.agent_of), *sorted(self.since) * 3])))
            case _:
                self.feed(events.TimePassed())


@pytest.mark.parametrize("seed", range(DAYS))
def test_what_goes_together_at_one_agent(seed: int) -> None:
    day = Day(Random(seed))
    for _ in range(150):
        day.go_on()


def test_the_days_are_full_of_interruptions() -> None:
    """So that the test above means something."""
    days = [Day(Random(seed)) for seed in range(20)]
    for day in days:
        for _ in range(150):
            day.go_on()
    assert sum(day.interrupted for day in days) > 30
    assert sum(day.resumed for day in days) > 30
