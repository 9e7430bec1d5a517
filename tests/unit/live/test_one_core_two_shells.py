"""The one idea, shown: what the live shell decided on a real clock, the simulated shell decides in simulated time."""

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from router.core import decisions, events
from router.core.policy import Policy
from router.core.router import ImpossibleEvent, Router
from router.live.clock import EngineClock
from router.live.journal import FORMAT, Handled, Header, Journal, policy_hash, read
from router.live.recovery import replay
from router.live.shell import LiveRouter
from simulations.shell import replay_events
from switchboard.centre import load_centre
from switchboard.demo.day import compressed

BANK = Path(__file__).parents[3] / "examples/bank"
SEED = 11


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The bank's, so short that within a second its steps end, offers ring out and wrap-ups pass."""
    policy = compressed(load_centre(BANK).policy)
    for _ in range(4):
        policy = compressed(policy)
    quick = tuple(msgspec.structs.replace(queue, ring_ms=60) for queue in policy.queues)
    return msgspec.structs.replace(policy, queues=quick)


async def live_day(policy: Policy, directory: Path) -> Path:
    """A second of a busy centre through the live shell: agents answer, decline, let it ring; callers give up."""
    journal = Journal(directory / "journal-1.jsonl")
    clock = EngineClock()
    now_ms = clock.now_ms()
    journal.append(Header(now_ms, FORMAT, "bank", "", SEED, policy_hash(policy), policy))
    live = LiveRouter(Router(policy, seed=SEED), journal, clock)
    dice = random.Random(SEED)
    tasks = asyncio.TaskGroup()

    async def later(seconds: float, event: events.AnyEvent) -> None:
        await asyncio.sleep(seconds)  # the day's own time, not a wait for something else
        live.feed(event)

    def play_agents(event: events.AnyEvent, decided: list[decisions.AnyDecision], now_ms: int) -> None:
        for decision in decided:
            if isinstance(decision, decisions.Offer):
                chance = dice.random()
                if chance < 0.75:
                    tasks.create_task(later(dice.uniform(0.005, 0.03), events.OfferAccepted(decision.offer)))
                elif chance < 0.9:
                    tasks.create_task(later(0.01, events.OfferDeclined(decision.offer)))
            elif isinstance(decision, decisions.Connect):
                tasks.create_task(later(dice.uniform(0.01, 0.1), events.ContactEnded(decision.contact)))

    live.observe(play_agents)
    live.start()
    async with tasks:
        for agent in policy.agents:
            live.feed(events.AgentSignedIn(agent.name))
        for number in range(60):
            queue = dice.choice(policy.queues).name
            attributes = {"language": dice.choice(["en", "es"]), "tier": dice.choice(["gold", "standard"])}
            arrival = events.ContactArrived(f"c{number}", queue, attributes=attributes)
            tasks.create_task(later(number * 0.012, arrival))
            if dice.random() < 0.3:
                tasks.create_task(later(number * 0.012 + 0.2, events.ContactLeft(f"c{number}")))
    live.stop()
    journal.close()
    return journal.path


async def test_the_live_shell_and_the_simulated_shell_decide_the_same(policy: Policy, tmp_path: Path) -> None:
    path = await live_day(policy, tmp_path)
    recorded = [record for record in read(path) if isinstance(record, Handled)]
    log = [(record.at_ms, record.event, record.decisions) for record in recorded]

    assert replay_events(policy, SEED, [(at_ms, event) for at_ms, event, _ in log]) == log
    assert replay(path).divergence is None

    kinds = {type(decision) for record in recorded for decision in record.decisions}
    assert {decisions.Offer, decisions.CancelOffer, decisions.Connect, decisions.StepEntered} <= kinds
    assert sum(isinstance(record.event, events.TimePassed) for record in recorded) > 20


async def test_another_policy_is_seen_to_decide_otherwise(policy: Policy, tmp_path: Path) -> None:
    """The comparison can fail: with the agents in another order some decision differs, and what follows from it."""
    recorded = [record for record in read(await live_day(policy, tmp_path)) if isinstance(record, Handled)]
    log = [(record.at_ms, record.event, record.decisions) for record in recorded]
    reordered = msgspec.structs.replace(policy, agents=policy.agents[::-1])
    try:
        assert replay_events(reordered, SEED, [(at_ms, event) for at_ms, event, _ in log]) != log
    except ImpossibleEvent:
        pass  # it went so far another way that an event of the recording became impossible
