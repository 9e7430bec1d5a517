"""Equal input gives equal decisions: across snapshots, processes and hash seeds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from router.core.decisions import AnyDecision, Offer
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, OfferAccepted, OfferDeclined, TimePassed
from router.core.policy import Agent, Condition, KeySpec, Policy, Step, Until
from router.core.router import Router
from tests.support.routing import Floor, agents, queue

ROOT = Path(__file__).parents[3]


def scripted_day(seed: int, restart_every: int | None = None) -> list[AnyDecision]:
    """A few hundred events around agents of many profiles; every tie there is to break."""
    steps = (
        Step("own", Condition({"contact.language": 3}), until=Until(after_ms=4_000, refusals=2)),
        Step("all", Condition(where="agent.site == contact.site || agent.name == contact.owner"), combine="add"),
    )
    queues = tuple(
        queue(f"q{i}", steps=steps, priority=i % 2, wrap_up_ms=1_000 * i, agent_ranking=(KeySpec(key),))
        for i, key in enumerate(("random", "round_robin", "best_fit"))
    )
    people = tuple(
        Agent(f"agent{i}", {"fr": 1 + i % 4, "de": 1 + i % 3}, site=f"s{i % 2}", team=f"t{i % 5}") for i in range(9)
    )
    router = Router(Policy(1, queues, people), seed)
    decisions: list[AnyDecision] = []
    for i in range(300):
        now_ms = 700 * (i // 2)
        if i < 9:
            event = AgentSignedIn(f"agent{i}")
        elif i % 5 == 4:
            event = TimePassed()
        elif i % 3 == 0 and router.offers():
            offer = router.offers()[(i * 7) % len(router.offers())]
            ringing = OfferDeclined(offer.id) if i % 4 == 0 else OfferAccepted(offer.id)
            event = ContactEnded(offer.contact) if offer.state == "accepted" else ringing
        else:
            attributes = {"language": ("fr", "de")[i % 2], "site": f"s{i % 3 % 2}", "owner": f"agent{i % 11}"}
            event = ContactArrived(f"c{i}", f"q{i // 2 % 3}", attributes=attributes)
        decisions += router.handle(event, now_ms)
        if restart_every is not None and i % restart_every == 0:
            router = Router.restore(router.snapshot())
    return decisions


def test_a_restored_router_decides_the_same() -> None:
    straight = scripted_day(seed=3)
    assert sum(isinstance(decision, Offer) for decision in straight) > 50
    assert scripted_day(seed=3, restart_every=4) == straight
    assert scripted_day(seed=4) != straight


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    program = (
        "import sys, msgspec; from tests.unit.router.test_determinism import scripted_day; "
        "sys.stdout.buffer.write(msgspec.json.encode(scripted_day(seed=3)))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0] == msgspec.json.encode(scripted_day(seed=3))


def test_a_snapshot_is_json_and_comes_out_the_same_again() -> None:
    floor = Floor(agents=agents("anna", "bob"))
    for i in range(4):
        floor.arrive(f"c{i}", attributes={"number": i, "share": 0.1 * i, "vip": True, "name": "Zoë"})
    floor.send(OfferAccepted("o1"))
    snapshot = floor.router.snapshot()
    assert json.loads(snapshot)["format"] == 1
    assert Router.restore(snapshot).snapshot() == snapshot


def test_decisions_survive_a_journal() -> None:
    """What is decoded from JSON is equal to what was decided, so that a replay can be compared."""
    decisions = scripted_day(seed=3)
    assert msgspec.json.decode(msgspec.json.encode(decisions), type=list[AnyDecision]) == decisions
