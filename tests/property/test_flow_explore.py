"""Over random flows: each caller that exploring finds does take what it claims, and no random caller ever comes where
it says that none can."""

import json
from random import Random

from hypothesis import given, settings

from documents import read
from ivr.flow.explore import explore
from ivr.flow.scripted import run_tests
from ivr.flow.session import Caller
from ivr.flow.ways import Coverage, new_visits
from tests.property.test_flow_machine import SEEDS, Author, answer
from tests.support.flows import NOON

NUMBERS = {"100": "main"}
DAY_MS = 86_400_000


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_claims_hold(seed: int) -> None:

    machine = Author(Random(seed)).machine()
    found = explore(machine.library, NUMBERS, 1_500)
    again = Coverage(machine.library.flows)
    if found.tests:
        results = run_tests(read(json.dumps(found.document())), machine.library, NUMBERS)
        for result, claimed in zip(results, found.claims, strict=True):
            assert not result.problems, result
            again.add(result.visits)
            assert claimed <= again.ways
    assert again.ways == found.coverage.ways
    met = Coverage(machine.library.flows)
    for number in range(25):
        random = Random(seed + number)
        now_ms = NOON + random.randrange(400 * DAY_MS)
        session, effects = machine.start("main", Caller(random.choice(["", "1"]), "100"), now_ms)
        visits = new_visits(None, session)
        for _ in range(25):
            if session.finished:
                break
            before = session
            session, effects = machine.resume(session, answer(random, effects[-1]), now_ms)
            visits += new_visits(before, session)
        met.add(visits)
    assert not met.ways & found.unreachable.ways.keys()
    assert not met.nodes & found.unreachable.nodes.keys()
