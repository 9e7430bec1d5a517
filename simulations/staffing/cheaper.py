"""Why nothing cheaper: staffs with one agent less that come nearest to all goals, simulated in the days of the proof,
or in more where these cannot tell.

They may show that somebody can be spared after all, for the search looked at few: then the proof is begun again without
them.
"""

from dataclasses import dataclass

import numpy

from simulations.erlang.numerics import Floats
from simulations.staffing.evaluation import Known
from simulations.staffing.proof import Look, Proof
from simulations.staffing.requirements import Counts
from simulations.staffing.search import Search

APART = 2
"""Agents so many intervals apart are taken away in one simulation: what one is missed for, the other is not."""
MOST_ROUNDS = 2
"""So often agents are spared: each time asks for another proof, and saves less than the one before."""

Place = tuple[int, int]
"""A group and an interval."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One agent of group `group` less in `interval`, and the goal that is then kept least: `goal` by position, in
    interval `at` (None: over the whole time), `value` with the half-width of its interval."""

    group: int
    interval: int
    goal: int
    at: int | None
    value: float
    half: float
    missed: bool
    """By more than chance. Not missed: this is open."""
    spared: bool
    """All goals are surely met without them."""


def thrifty(search: Search, proof: Proof, staff: Counts) -> tuple[Look, list[Removal]]:
    """The proof of the staff without those whom it can spare, and what becomes of the goals when one more of a group
    goes. Raises Unreachable as `Proof.run`."""
    for once_more in reversed(range(MOST_ROUNDS + 1)):
        look = proof.run(staff)
        removals = _nearest(search, proof, look)
        spared = [removal for removal in removals if removal.spared]
        if not spared or proof.is_over or not once_more:
            break
        staff = look.staff.copy()
        for removal in spared if search.each_interval else spared[:1]:
            staff[removal.group, removal.interval] -= 1
    return look, removals


def _nearest(search: Search, proof: Proof, look: Look) -> list[Removal]:
    """Of each group the agent whom, by the subgradients, the goals miss least."""
    able = look.staff > search.program.lower
    harm = numpy.where(able, _harm(search, look), numpy.inf)
    nearest = [(g, int(harm[g].argmin())) for g in range(len(harm)) if able[g].any()]
    return [removal for pack in _packs(nearest, search.each_interval) for removal in _told(search, proof, look, pack)]


def _told(search: Search, proof: Proof, look: Look, pack: list[Place]) -> list[Removal]:
    """What becomes of the goals without those of the pack, simulated until that can be told."""
    staff = look.staff.copy()
    for place in pack:
        staff[place] -= 1
    days, measured = look.days, search.evaluator.measure([staff], look.days, "why nothing cheaper")[0]
    while True:
        known = measured.intervals(proof.confidence) if search.each_interval else measured.day(proof.confidence)
        removals = [_removal(search, known, g, i) for g, i in pack]
        more = next((number for number in proof.looks if number > len(days)), None)
        if more is None or all(removal.missed or removal.spared for removal in removals):
            return removals
        longer = range(days.start, days.start + more)
        rest = search.evaluator.measure([staff], range(days.stop, longer.stop), "why nothing cheaper")[0]
        days, measured = longer, measured.and_then(rest)
        proof.unseen = max(proof.unseen, days.stop)


def _harm(search: Search, look: Look) -> Floats:
    """Groups x intervals: by how much of its bound some goal would be missed without one agent."""
    margins, contacts = look.measured.margins.mean(axis=0), look.measured.denominators.mean(axis=0)
    loss = search.own
    if not search.each_interval:
        margins, contacts = (each.sum(axis=1, keepdims=True) for each in (margins, contacts))
        loss = search.on_the_day
    short = (loss - margins[:, None]) / numpy.where(contacts > 0, contacts, 1.0)[:, None]
    worst: Floats = (short * numpy.array([goal.scale / goal.bound for goal in search.goals])[:, None, None]).max(axis=0)
    return worst


def _packs(chosen: list[Place], each_interval: bool) -> list[list[Place]]:
    """Those who can be taken away together, since the goals of their intervals are others."""
    packs: list[list[Place]] = []
    for g, i in chosen:
        fitting = (pack for pack in packs if each_interval and all(abs(i - other) >= APART for _, other in pack))
        pack = next(fitting, None)
        if pack is None:
            packs.append([(g, i)])
        else:
            pack.append((g, i))
    return packs


def _removal(search: Search, known: Known, g: int, i: int) -> Removal:
    """What is known of the goals of the interval and the next, or of the whole time, and the least kept of them."""
    first = i if search.each_interval else 0
    values, half, better = (
        each.reshape(len(search.goals), -1)[:, first : first + 2] for each in (known.values, known.half, known.better)
    )
    bounds = numpy.array([[goal.bound] for goal in search.goals])
    k, later = map(int, numpy.unravel_index(numpy.nanargmin((better - half) / bounds), better.shape))
    return Removal(
        group=g,
        interval=i,
        goal=k,
        at=i + later if search.each_interval else None,
        value=float(values[k, later]),
        half=float(half[k, later]),
        missed=bool(better[k, later] + half[k, later] < 0),
        spared=bool(better[k, later] - half[k, later] >= 0),
    )
