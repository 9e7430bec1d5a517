"""From a history to all that a scenario needs to know about callers and agents."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy
from numpy.typing import NDArray

from documents import DocumentError, Problem, nearest
from simulations.history.agent_speed import AgentSpeed, agent_speeds
from simulations.history.busyness import Dispersion, Within, correlation, dispersion, within_days
from simulations.history.choosing import NodeChoices, choices_of
from simulations.history.days import CALLBACK, WEEKDAYS, Days, Kinds, days_of, kinds_of, zone_of_history
from simulations.history.durations import Fit, fit_durations, rounded
from simulations.history.flows import FlowCallers, flow_callers, through_flows
from simulations.history.form import Floats, History
from simulations.history.grouping import AgentGroup, agent_groups
from simulations.history.keys import LEAST_PRESSES, KeyFit, fit_keys, pressed_keys
from simulations.history.overflowing import Overflowing, overflows_of
from simulations.history.patience import PatienceFit, fit_patience
from simulations.history.redialling import LEAST, Redialling, redials_of
from simulations.history.staffing import Presence, presence
from simulations.history.words import shortened
from simulations.history.zones import Bools
from simulations.setting import Centre

_FEW = 100
_SHOWN = 8
_NOTICEABLE = 0.05
"""Fits further off than this from what was measured are told of."""


@dataclass(frozen=True, slots=True)
class KindFit:
    """One kind of contact in its queue. `handle` is talk and hold, the agents' factors taken out."""

    name: str
    queue: str
    contacts: int
    answered: int
    abandoned: int
    handle: Fit | None
    patience: PatienceFit | None
    dispersion: Dispersion
    keys: tuple[KeyFit, ...] = ()
    """Pressed while waiting, to leave the queue."""


RUN_OFF_MINUTES = 60
"""So long after the last interval agents are there in a scenario."""


@dataclass(frozen=True, slots=True)
class QueueFit:
    """What is the same for all kinds of a queue: work after the talk, the wait after which contacts overflow, and the
    queue in which they then go on."""

    wrap_up: Fit | None
    longest_wait_s: float | None
    overflow_to: str | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that was found. `training` are the days that counted (an index into `days.dates`)."""

    zone: ZoneInfo
    days: Days
    kinds: Kinds
    fits: tuple[KindFit, ...]
    queues: dict[str, QueueFit]
    together: Dispersion
    correlation: float | None
    within: Within | None
    redialling: Redialling
    ring: Fit | None
    refused_share: float
    speeds: dict[str, AgentSpeed]
    presence: Presence
    choices: tuple[NodeChoices, ...]
    second_stays: Bools
    """Contacts that came by overflow from another queue: no arrivals."""
    notes: tuple[str, ...] = field(default=())
    notes_of_arrivals: tuple[str, ...] = ()
    """Those that are about who will come, which does not matter where real days are played."""
    centre: Centre | None = None
    flows: tuple[FlowCallers, ...] = ()
    """Callers who come through the flows of the `centre`, where one was given; kinds are then those who do not."""
    groups: tuple[AgentGroup, ...] = ()

    def weekdays(self) -> list[int]:
        """The weekdays that are there, in order."""
        return sorted(set(self.days.weekdays.tolist()))

    def of_weekday(self, weekday: int) -> NDArray[numpy.bool_]:
        found: Bools = self.days.weekdays == weekday
        return found

    def last_day(self, weekday: int) -> date:
        return max(day for day, is_one in zip(self.days.dates, self.of_weekday(weekday), strict=True) if is_one)

    @property
    def last_minute(self) -> int:
        """The end of the run-off, as a minute of the day."""
        days = self.days
        return min(1440, days.first_minute + days.intervals * days.interval_minutes + RUN_OFF_MINUTES)

    def present(self, day: date) -> dict[str, tuple[tuple[int, int], ...]]:
        """When each agent was there, in minutes of the day, between the first interval and the end of the run-off: who
        signs out late, or never, has not worked all night."""
        first, last = self.days.first_minute, self.last_minute
        found = {}
        for agent, spans in self.presence.on(day, self.zone).items():
            cut = ((max(first, begin), min(last, end)) for begin, end in spans)
            if kept := tuple((begin, end) for begin, end in cut if begin < end):
                found[agent] = kept
        return found

    def served(self, day: date) -> tuple[str, ...]:
        """The queues that somebody who was there served."""
        served = {queue for agent in self.present(day) for queue in self.presence.queues.get(agent, ())}
        return tuple(queue for queue in self.queues if queue in served)


def calibrate(
    history: History,
    *,
    zone: str | None = None,
    interval_minutes: int = 30,
    hours: tuple[int, int] | None = None,
    queues: Sequence[str] | None = None,
    dates: Sequence[date] | None = None,
    centre: Centre | None = None,
) -> Calibration:
    """Everything from the contacts of these `dates` (all by default). With a `centre`, callers who came through its
    flows are calibrated as such, and what is the same for all contacts of a queue is found by queue.

    Raises DocumentError where there is nothing to learn from: no contact, a queue that does not exist, a queue of which
    not one contact was answered.
    """
    where = zone_of_history(history, zone)
    _known_queues(history, queues)
    kinds = kinds_of(history, queues, by_queue=centre is not None)
    redialling = redials_of(history)
    overflowing = overflows_of(history)
    counted = ~redialling.again & ~overflowing.second
    if centre is not None:
        counted &= ~through_flows(history)
    all_days = days_of(history, kinds, where, interval_minutes, hours, counted)
    days = all_days if dates is None else _only(all_days, dates)
    used = days.day_of >= 0
    if not used.any():
        raise DocumentError([Problem("no contact came on these days")])
    notes: list[str] = [f"{day} does not count: {why}" for day, why in days.dropped]
    speeds = agent_speeds(history, kinds.of, used)
    work_s = _work_s(history, speeds)
    fits = tuple(
        _kind(history, kinds, place, days, used, work_s, overflowing, notes) for place in range(len(kinds.names))
    )
    _work_is_known(fits)
    again = frozenset(history.texts("contact")[redialling.again].tolist())
    flows = () if centre is None else flow_callers(history, centre, days, where, again, notes)
    totals = days.counts.sum(axis=2)
    everybody = sum((flow.counts for flow in flows), days.counts.sum(axis=0))
    together = dispersion(everybody.sum(axis=1), days.weekdays)
    joined = correlation(list(totals), days.weekdays, [fit.dispersion.scv or 0.0 for fit in fits])
    of_days = _told_of_days(days, together)
    notes += of_days
    ring, refused = _ringing(history, used)
    there = presence(history)
    if not there.seen:
        notes.append("the records do not say when agents were there; that was guessed from the contacts they took")
    of_redials = _told_of_redials(redialling, history)
    notes += of_redials
    if centre is not None:
        _tell_of_strangers(there, centre, notes)
    found = Calibration(
        where,
        days,
        kinds,
        tuple(fit for fit in fits if fit.contacts),
        {queue: _queue(history, queue, used, overflowing) for queue in dict.fromkeys(kinds.queues)},
        together,
        joined,
        within_days(everybody, days.weekdays),
        redialling,
        ring,
        refused,
        speeds,
        there,
        choices_of(history),
        overflowing.second,
        tuple(notes),
        (*of_days, *of_redials),
        centre,
        flows,
        agent_groups(_queues_of(there, kinds), speeds),
    )
    of_weekdays = [] if centre is not None else _told_of_weekdays(found)
    return replace(
        found,
        notes=(*found.notes, *of_weekdays),
        notes_of_arrivals=(*found.notes_of_arrivals, *of_weekdays),
    )


def _told_of_weekdays(found: Calibration) -> list[str]:
    """What the scenarios of weekdays leave out: nobody was there who would serve it."""
    notes = []
    for weekday in found.weekdays():
        day = found.last_day(weekday)
        came = found.days.counts[:, found.of_weekday(weekday)].sum(axis=(1, 2)) > 0
        queues = {queue for queue, some in zip(found.kinds.queues, came.tolist(), strict=True) if some}
        if left := sorted(queues.difference(found.served(day))):
            name = WEEKDAYS[weekday].capitalize()
            notes.append(f"on the last {name} ({day}) nobody was there who serves {shortened(left)}: left out")
    return notes


def _queues_of(there: Presence, kinds: Kinds) -> dict[str, tuple[str, ...]]:
    """Of each agent those queues that count."""
    counted = set(kinds.queues)
    return {agent: tuple(queue for queue in queues if queue in counted) for agent, queues in there.queues.items()}


def _known_queues(history: History, queues: Sequence[str] | None) -> None:
    present = set(history.texts("queue").tolist())
    problems = [
        Problem(f"there is no queue {queue!r} in the history", hint=nearest(queue, present))
        for queue in queues or ()
        if queue not in present
    ]
    if problems:
        raise DocumentError(problems)


def _work_is_known(fits: Sequence[KindFit]) -> None:
    known = dict.fromkeys(f"--queue {shlex.quote(fit.queue)}" for fit in fits if fit.handle is not None)
    hint = f"leave its queue out: {' '.join(known)}" if known else ""
    problems = [
        Problem(
            f"of the {fit.contacts} contacts of {fit.name!r} {fit.answered or 'not one'} "
            f"{'were' if fit.answered > 1 else 'was'} answered{', with no talk known' if fit.answered else ''}, so "
            "nothing is known of the work",
            hint=hint,
        )
        for fit in fits
        if fit.contacts and fit.handle is None
    ]
    if problems:
        raise DocumentError(problems)


def _only(days: Days, dates: Sequence[date]) -> Days:
    chosen = [place for place, day in enumerate(days.dates) if day in set(dates)]
    index = {place: new for new, place in enumerate(chosen)}
    day_of = numpy.array([index.get(int(place), -1) for place in days.day_of], dtype=numpy.int64)
    return Days(
        tuple(days.dates[place] for place in chosen),
        days.first_minute,
        days.interval_minutes,
        days.counts[:, chosen, :],
        day_of,
        numpy.where(day_of >= 0, days.interval_of, -1),
        days.dropped,
    )


def _work_s(history: History, speeds: dict[str, AgentSpeed]) -> Floats:
    """Handle times (talk and hold) in seconds as an agent of the factor 1 would have had them; negative: not known."""
    talk, hold = history.ints("talk_ms"), history.ints("hold_ms")
    names, of = numpy.unique(history.texts("agent").astype(str), return_inverse=True)
    factors = numpy.array([speeds[name].factor if name in speeds else 1.0 for name in names.tolist()])
    found: Floats = numpy.where(talk >= 0, (talk + numpy.maximum(0, hold)) / 1000 / factors[of], -1.0)
    return found


def _kind(
    history: History,
    kinds: Kinds,
    place: int,
    days: Days,
    used: Bools,
    work_s: Floats,
    overflowing: Overflowing,
    notes: list[str],
) -> KindFit:
    name, of = kinds.names[place], used & (kinds.of == place)
    outcome, wait_s = history.texts("outcome"), history.ints("wait_ms") / 1000
    answered, abandoned = of & (outcome == "answered"), of & (outcome == "abandoned")
    handle = fit_durations(work_s[answered & (work_s >= 0)])
    waited = of & (wait_s >= 0) & (history.texts("channel") != CALLBACK)
    patience = fit_patience(wait_s[waited], abandoned[waited]) if waited.any() else None
    total = int(of.sum())
    if total:
        _tell_of_kind(name, total, handle, patience, notes)
    spread = dispersion(days.counts[place].sum(axis=1), days.weekdays)
    queue = kinds.queues[place]
    keys = _keys(history, name, queue, waited, overflowing, notes)
    return KindFit(name, queue, total, int(answered.sum()), int(abandoned.sum()), handle, patience, spread, keys)


def _keys(
    history: History, name: str, queue: str, waited: Bools, overflowing: Overflowing, notes: list[str]
) -> tuple[KeyFit, ...]:
    """The keys that these contacts pressed while they waited."""
    pressed = pressed_keys(history.texts("outcome")[waited].tolist(), history.texts("exit")[waited].tolist())
    leads_to = {key: overflowing.target(queue, key) for key in {*pressed} - {""}}
    found, few = fit_keys(history.ints("wait_ms")[waited] / 1000, pressed, leads_to)
    notes += [
        f"{name}: {count} pressed the key {key!r} while they waited, fewer than {LEAST_PRESSES}: left out"
        for key, count in few.items()
    ]
    return found


def _tell_of_kind(name: str, total: int, handle: Fit | None, patience: PatienceFit | None, notes: list[str]) -> None:
    if total < _FEW:
        notes.append(f"{name}: only {total} {'contact' if total == 1 else 'contacts'}, so its figures are rough")
    if handle is not None and handle.chosen == "empirical":
        notes.append(f"{name}: no usual distribution fits the handle times; the measured ones are used")
    if patience is not None and patience.document is None:
        notes.append(
            f"{name}: {patience.abandoned} gave up, too few to tell how patient callers are; they wait for ever"
        )
    elif patience is not None and (distance := patience.distance or 0) > _NOTICEABLE:
        notes.append(
            f"{name}: the fitted patience is up to {100 * distance:.0f} % off what was seen; look at its picture"
        )


def _told_of_days(days: Days, together: Dispersion) -> list[str]:
    notes = []
    if len(days.dates) == 1:
        notes.append("there is one day only: nothing is known of how days differ, and rates are those of this day")
    elif together.scv is None:
        notes.append("no weekday is there twice, so nothing is known of how days differ")
    else:
        once = [day.capitalize() for number, day in enumerate(WEEKDAYS) if int((days.weekdays == number).sum()) == 1]
        if once:
            notes.append(f"there is one {', one '.join(once)} only")
    return notes


def _told_of_redials(redialling: Redialling, history: History) -> list[str]:
    known = redialling.after["abandoned"][0]
    if known >= LEAST:
        return []
    if not (history.texts("caller") != "").any():
        return ["the records have no callers' numbers, so nothing is known of who calls again; redials are left out"]
    return [f"{known} contacts of known callers gave up, too few to tell who calls again; redials are left out"]


def _tell_of_strangers(there: Presence, centre: Centre, notes: list[str]) -> None:
    known = {agent.name for agent in centre.policy.agents}
    strangers = sorted(agent for agent in there.spans if agent not in known)
    if strangers:
        shown = ", ".join(strangers[:_SHOWN]) + (f" and {len(strangers) - _SHOWN} more" * (len(strangers) > _SHOWN))
        notes.append(f"the centre has no such agents, so they are left out: {shown}")


def _queue(history: History, queue: str, used: Bools, overflowing: Overflowing) -> QueueFit:
    of = used & (history.texts("queue") == queue)
    wrap_up = history.ints("wrap_up_ms")[of & (history.texts("outcome") == "answered")]
    known = wrap_up[wrap_up >= 0]
    timed_out = of & (history.texts("outcome") == "overflowed") & (history.texts("exit") != "empty")
    waits = history.ints("wait_ms")[timed_out] / 1000
    longest = None
    if len(waits) >= 5:
        middle = float(numpy.median(waits))
        # A time limit shows as equal waits; other reasons to overflow do not.
        longest = middle if (numpy.abs(waits - middle) <= 2).mean() > 0.8 and middle > 0 else None
    goes_to = overflowing.target(queue) if longest is not None else None
    return QueueFit(fit_durations(known / 1000) if known.any() else None, longest, goes_to)


def _ringing(history: History, used: Bools) -> tuple[Fit | None, float]:
    ring = history.ints("ring_ms")[used]
    known = ring[ring >= 0] / 1000
    offers, refused = history.ints("offers")[used].sum(), history.ints("refused")[used].sum()
    return (fit_durations(known) if known.any() else None), rounded(float(refused / offers)) if offers else 0.0
