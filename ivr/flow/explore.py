"""Finds callers who reach every exit of every node, or says why none can.

Forward search over what the machine itself does: from every kind of call (number, caller, time of day) each answer that
the flows can tell apart is tried, breadth first, and first from where something new was reached. States that only
differ in what no expression looks at are one. What was found is played again as flow tests, so that nothing is claimed
that does not happen; what was not found is proved to be unreachable (`ivr.flow.unreachable`), or it is said that it was
not found within so many steps.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from documents import read
from ivr.flow.effects import Effect
from ivr.flow.library import Library
from ivr.flow.machine import Machine
from ivr.flow.scripted import run_tests
from ivr.flow.session import Caller, Session, Visit
from ivr.flow.trying import DEFAULT_AT, NEW_WORLD, Move, Trying, World, after
from ivr.flow.unreachable import Unreachable, unreachable
from ivr.flow.ways import Coverage, Way, new_visits, ways_taken

STEPS = 20_000
MOST_DONE = 60
_MOST_SETTLING = 200
_RESTS = frozenset({"", "Collect", "Enqueue", "TakeVoicemail"})
"""Where a flow test stops by itself: nothing goes on without the caller."""


@dataclass(frozen=True, slots=True)
class Start:
    """Who calls, and when; `emergency`: somebody has thrown the emergency switch."""

    dials: str
    flow: str
    at: datetime
    caller: str
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Trail:
    """A call as far as it has come, and what was done on the way."""

    start: Start
    session: Session
    effect: Effect
    visits: tuple[Visit, ...]
    ways: frozenset[Way] = frozenset()
    does: tuple[Any, ...] = ()
    world: World = NEW_WORLD


@dataclass(slots=True)
class Explored:
    """What was found: `tests` as data, each with the ways for which it was made; what is unreachable, with the proof;
    what was not found, with what else can be said. `steps` is how many answers were tried, `exhausted` whether none
    was left."""

    tests: list[dict[str, Any]]
    claims: list[frozenset[Way]]
    coverage: Coverage
    unreachable: Unreachable
    missing: dict[Way, str]
    steps: int
    exhausted: bool

    def document(self) -> dict[str, Any]:
        """The tests as a file of flow tests."""
        return {"tests": self.tests}


def explore(library: Library, numbers: Mapping[str, str], steps: int = STEPS) -> Explored:
    """Explores the flows that these numbers lead to."""
    search = _Search(library, numbers, steps)
    search.run()
    tests, claims, coverage = _tests(search, library, numbers)
    shut = unreachable(library, list(dict.fromkeys(numbers.values())))
    missing = {}
    for flow in library.flows:
        for way in coverage.all_ways(flow):
            if way in coverage.ways:
                shut.ways.pop(way, None)
            elif way not in shut.ways:
                missing[way] = _why_missing(search, way)
    return Explored(tests, claims, coverage, shut, missing, search.steps, not search.queues)


def _why_missing(search: "_Search", way: Way) -> str:
    if way in search.found:
        return "a caller gets there whom flow tests cannot describe"
    left = "" if search.queues else ", and nothing else was left to try"
    more = "; perhaps only a fault outside the flow leads there" if way.exit == "error" else ""
    return f"not found within {search.steps:,} steps{left}{more}"


@dataclass(slots=True)
class _Search:
    library: Library
    numbers: Mapping[str, str]
    limit: int
    steps: int = 0
    turns: int = 0
    found: dict[Way, Trail] = field(default_factory=dict)
    entered: dict[tuple[str, str], Trail] = field(default_factory=dict)
    queues: dict[Start, deque[Trail]] = field(default_factory=dict)
    """What is left to go on from: first the usual call and then, by turns, all others."""
    seen: set[Any] = field(default_factory=set)

    def run(self) -> None:
        trying = Trying(self.library)
        closed = replace(self.library, emergencies=frozenset(self.library.hours))
        machines = {False: Machine(self.library), True: Machine(closed)}
        wanted = {way for flow in self.library.flows for way in Coverage(self.library.flows).all_ways(flow)}
        for start in self._starts(trying):
            now_ms = _now_ms(self.library, start.at)
            caller = Caller(start.caller, start.dials, "")
            session, effects = machines[start.emergency].start(start.flow, caller, now_ms)
            visits = new_visits(None, session)
            ways = frozenset(ways_taken(self.library.flows, visits))
            self._note(Trail(start, session, effects[-1], visits, ways), trying)
        while self.queues and self.steps < self.limit and wanted - self.found.keys():
            trail = self._next()
            now_ms = _now_ms(self.library, trail.start.at)
            for move in trying.moves(trail.session, trail.effect, trail.world):
                self._note(_moved(machines[trail.start.emergency], self.library, trail, move, now_ms), trying)

        def settled(trail: Trail) -> Trail:
            return self._settled(machines[trail.start.emergency], trying, trail)

        self.found = {way: settled(trail) for way, trail in self.found.items()}
        self.entered = {node: settled(trail) for node, trail in self.entered.items()}

    def _next(self) -> Trail:
        """The next trail to go on from: every second time one of the first call that has any."""
        self.turns += 1
        start = next(iter(self.queues))
        if self.turns % 2:
            *_, start = islice(self.queues, 1 + self.turns // 2 % len(self.queues))
        trail = self.queues[start].popleft()
        if not self.queues[start]:
            del self.queues[start]
        return trail

    def _starts(self, trying: Trying) -> list[Start]:
        """Every number by every caller at every time; the usual call first."""
        moments, callers = trying.moments(), trying.callers()
        starts = [
            Start(number, flow, at, caller)
            for at in moments
            for caller in callers
            for number, flow in self.numbers.items()
        ]
        if self.library.hours:
            starts += [Start(number, flow, DEFAULT_AT, callers[0], True) for number, flow in self.numbers.items()]
        return sorted(starts, key=lambda s: (s.at != DEFAULT_AT) + (s.caller != callers[0]) + s.emergency)

    def _note(self, trail: Trail, trying: Trying) -> None:
        """Keeps what is new about this trail, and whether to go on from there."""
        self.steps += 1
        fresh = [way for way in trail.ways if way not in self.found]
        self.found |= dict.fromkeys(fresh, trail)
        for visit in trail.visits:
            self.entered.setdefault((visit.flow, visit.node), trail)
        if trail.session.finished or len(trail.does) >= MOST_DONE:
            return
        key = _key(trail, trying)
        if key not in self.seen:
            self.seen.add(key)
            queue = self.queues.setdefault(trail.start, deque())
            if fresh:
                queue.appendleft(trail)
            else:
                queue.append(trail)

    def _settled(self, machine: Machine, trying: Trying, trail: Trail) -> Trail:
        """The trail, gone on to where nothing more happens by itself."""
        now_ms = _now_ms(self.library, trail.start.at)
        for _ in range(_MOST_SETTLING):
            if trail.session.finished or trail.session.waiting_for in _RESTS:
                break
            move = trying.moves(trail.session, trail.effect, trail.world)[0]
            trail = _moved(machine, self.library, trail, move, now_ms)
        return trail


def _moved(machine: Machine, library: Library, trail: Trail, move: Move, now_ms: int) -> Trail:
    session, effects = machine.resume(trail.session, move.answer, now_ms)
    visits = (*trail.visits, *new_visits(trail.session, session))
    ways = trail.ways
    if len(visits) > len(trail.visits):
        ways = ways | frozenset(ways_taken(library.flows, visits))
    does = trail.does if move.does is None else (*trail.does, move.does)
    effect = effects[-1] if effects else trail.effect
    return Trail(trail.start, session, effect, visits, ways, does, after(trail.world, move))


def _key(trail: Trail, trying: Trying) -> Any:
    """What can still make a difference."""
    session, fields = trail.session, trying.fields
    attributes = sorted(
        (name, type(value).__name__, value)
        for name, value in session.attributes.items()
        if fields is None or name in fields
    )
    return (
        session.flow,
        session.node,
        session.waiting_for,
        session.language,
        tuple(attributes),
        json.dumps(session.memory, sort_keys=True, default=str),
        tuple((frame.flow, frame.node) for frame in session.frames),
        session.place and (session.place.flow, session.place.node),
        tuple(sorted(session.asked_at)),
        trail.world.pins,
        trail.world.wrong_pins,
        trail.start,
    )


def _now_ms(library: Library, at: datetime) -> int:
    return int(at.replace(tzinfo=library.zone).timestamp() * 1000)


def _tests(
    search: _Search, library: Library, numbers: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[frozenset[Way]], Coverage]:
    """Few callers who together come through everything that was found: the longest ways first, each where it adds
    something. Those who do not come there again, played as flow tests, are left out."""
    coverage = Coverage(library.flows)
    tests: list[dict[str, Any]] = []
    claims: list[frozenset[Way]] = []
    reached: list[tuple[str, Trail]] = [(str(way), trail) for way, trail in search.found.items()]
    reached += [(f"{flow}.{node}", trail) for (flow, node), trail in search.entered.items()]
    for name, trail in sorted(reached, key=lambda item: -len(item[1].ways)):
        nodes = {(visit.flow, visit.node) for visit in trail.visits}
        if trail.ways <= coverage.ways and nodes <= coverage.nodes:
            continue
        test = _test(f"reaches {name}", trail, library.hours)
        source = read(json.dumps({"tests": [test]}))
        (result,) = run_tests(source, library, numbers)
        if result.problems:
            continue
        before = set(coverage.ways)
        coverage.add(result.visits)
        tests.append(test)
        claims.append(frozenset(coverage.ways - before))
    return tests, claims, coverage


def _test(name: str, trail: Trail, hours: Iterable[str]) -> dict[str, Any]:
    """The trail as a flow test, in a centre with these opening hours."""
    start, session = trail.start, trail.session
    given: dict[str, Any] = {"dials": start.dials}
    if start.caller:
        given["caller"] = start.caller
    if start.at != DEFAULT_AT:
        given["at"] = start.at.isoformat(timespec="minutes")
    if start.emergency:
        given["emergency"] = list(hours)
    if trail.world.lookups:
        given["lookups"] = [stub for _, stub in trail.world.lookups]
    if trail.world.pins:
        given["pins"] = dict(trail.world.pins)
    waits = {"Enqueue": "in_queue"}.get(session.waiting_for, "asked")
    outcome = session.outcome.partition(":")[0] if session.finished else waits
    does = {"does": list(trail.does)} if trail.does else {}
    return {"name": name[:200], "given": given, **does, "expect": {"node": session.node, "outcome": outcome}}
