"""What the model is worth: fitted on some days, it plays the others with their real arrivals, and is compared with what
really happened on them.

Only what was fitted is drawn (work, patience, ringing); who came when, and which agents were there, is as recorded. So
a difference is the model's, not that of a forecast. With a centre callers come through its real flows when they really
called, and what they press is drawn, too; queues then keep the goals of the centre. Two things are told of each figure:

* Coverage: in how many intervals of single days reality lies within the interval that the model predicted for it. Near
  `level` if the model's days vary like real ones. Shares of few contacts have few values, so it may be above.
* Bias: the model's figure less the real one, over all days; its interval is Student's, from
  the differences of single days; that the fit itself is uncertain is not in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy

from documents import DocumentError, Problem, Source
from router.core.measures import CONTACT_METRICS
from router.core.policy import Goal
from router.core.tallies import ContactTally
from simulations.engines import Engine
from simulations.history.calibration import Calibration
from simulations.history.days import MINUTE_MS
from simulations.history.flows import through_flows
from simulations.history.form import History
from simulations.history.scenarios import scenario_of_day
from simulations.history.words import shortened
from simulations.places import Place, PlaceLost
from simulations.replications import Progress, Study, run_studies
from simulations.scenario import Scenario
from simulations.setting import settle
from simulations.statistics import added, mean_estimate

COMPARED = ("service_level_share", "asa_ms", "abandon_share")
CONFIDENCE = 0.95
"""Of the interval of a bias."""
LEAST_CONTACTS = 5
"""An interval with fewer contacts says nothing of shares."""
USUAL_WITHIN_S = 20.0
"""The goal where nobody says one."""
_METRICS = {metric.name: metric for metric in CONTACT_METRICS}

Value = float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One interval of one day in one queue: what was, and what the model's runs say: middle and bounds."""

    day: date
    interval: int
    queue: str
    offered: int
    real: Value
    mean: Value
    low: Value
    high: Value

    @property
    def within(self) -> bool | None:
        """None: it cannot be told."""
        if self.real is None or self.low is None or self.high is None or self.offered < LEAST_CONTACTS:
            return None
        return self.low <= self.real <= self.high


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of one queue (all together: an empty name) over all days of the test. `bias_error` is the half-width
    of the bias's interval; None with one day."""

    queue: str
    metric: str
    real: Value
    model: Value
    bias: Value
    bias_error: Value
    judged: int
    within: int

    @property
    def coverage(self) -> Value:
        return self.within / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class BackTest:
    """The whole comparison. `level` is the share that predicted intervals should hold."""

    trained: tuple[date, ...]
    tested: tuple[date, ...]
    replications: int
    level: float
    verdicts: tuple[Verdict, ...]
    cells: dict[str, tuple[Cell, ...]]
    profile: dict[tuple[str, str], tuple[Cell, ...]]
    notes: tuple[str, ...]
    ended: str = ""
    engine: str = ""
    notices: tuple[str, ...] = ()
    """What simulated, for people, and why it was not what they asked for."""


def split(found: Calibration, tested: int | None) -> tuple[list[date], list[date]]:
    """The days to learn from, and the last `tested` ones (a third by default) to test on. Raises DocumentError with
    fewer than two days."""
    dates = list(found.days.dates)
    if len(dates) < 2:
        raise DocumentError([Problem("there is one day only; a back-test needs days to learn from and others to test")])
    count = max(1, len(dates) // 3) if tested is None else tested
    if count >= len(dates):
        raise DocumentError([Problem(f"{count} of {len(dates)} days to test on leave none to learn from")])
    return dates[:-count], dates[-count:]


def back_test(
    history: History,
    found: Calibration,
    everything: Calibration,
    tested: Sequence[date],
    place: Place,
    *,
    replications: int = 30,
    level: float = 0.9,
    answered_within_s: float = USUAL_WITHIN_S,
    seed: int = 1,
    progress: Progress | None = None,
    engine: Engine = "simpy",
) -> BackTest:
    """Plays the days `tested` by what was `found` on others. `everything` is the calibration of all days, which knows
    who came and who was there on them. `answered_within_s` is the goal of every queue, but those of a centre have their
    own.

    Raises DocumentError for a day that cannot be played (nobody was there).
    """
    met = {flow.name for flow in found.flows}
    notes = [note for note in found.notes if note not in found.notes_of_arrivals]
    notes += [
        f"{flow.name} came on the days of the test only, so nothing is known of them: left out"
        for flow in everything.flows
        if flow.name not in met
    ]
    settings, days, real = [], [], []
    for day in tested:
        traces = _traces(history, everything, day)
        document = _document(found, day, traces, replications, answered_within_s, seed)
        came = {fit.queue for fit in found.fits if traces.get(fit.name)}
        if found.centre is None and (left := sorted(came.difference(found.served(day)))) and document["kinds"]:
            notes.append(f"on {day} nobody was there who serves {shortened(left)}: left out")
        if not document["staff"] or not document["kinds"]:
            notes.append(f"{day} is not played: {'nobody came' if document['staff'] else 'no agent was there'}")
            continue
        source = Source(f"{day}", document, {})
        settings.append(settle(source, Scenario.model_validate(document), found.centre))
        days.append(day)
        real.append(_real(history, everything, day, {queue.name: queue.goal for queue in settings[-1].policy.queues}))
    if not settings:
        raise DocumentError([Problem(note) for note in notes if " is not played: " in note])
    studies = run_studies(settings, place, progress, engine)
    done = min(len(study.outcomes) for study in studies)
    if not done:
        ended = studies[0].ended
        raise KeyboardInterrupt if ended == "interrupted" else PlaceLost(ended)
    queues = list(found.queues)
    cells = {metric: tuple(_cells(days, studies, real, queues, metric, level)) for metric in COMPARED}
    names = ["", *queues] if len(queues) > 1 else queues
    verdicts = [_verdict(queue, metric, queues, studies, real, cells[metric]) for metric in COMPARED for queue in names]
    profile = {
        (queue, metric): _profile(days, studies, real, queue, metric, level) for metric in COMPARED for queue in queues
    }
    ended = next((study.ended for study in studies if study.ended), "")
    return BackTest(
        tuple(found.days.dates),
        tuple(days),
        done,
        level,
        tuple(verdicts),
        cells,
        profile,
        tuple(notes),
        ended,
        studies[0].engine,
        studies[0].notices,
    )


def _document(
    found: Calibration,
    day: date,
    traces: Mapping[str, list[Any]],
    replications: int,
    answered_within_s: float,
    seed: int,
) -> dict[str, Any]:
    document = scenario_of_day(found, day, "the history", traces)
    for queue in document["policy"]["queues"].values() if found.centre is None else ():
        queue["answered_within_s"] = answered_within_s
    return document | {"replications": replications, "seed": seed}


def _traces(history: History, everything: Calibration, day: date) -> dict[str, list[dict[str, float]]]:
    """When contacts of each kind came, in seconds since the first interval."""
    days, kinds = everything.days, everything.kinds
    at = datetime(day.year, day.month, day.day, tzinfo=everything.zone).timestamp() * 1000
    begin = round(at) + days.first_minute * MINUTE_MS + _shift_of_the_clock(everything, day)
    of_day = (days.day_of == days.dates.index(day)) & ~everything.second_stays
    if everything.centre is not None:
        of_day &= ~through_flows(history)
    arrived = history.ints("arrived_ms")
    came = {name: arrived[of_day & (kinds.of == place)] for place, name in enumerate(kinds.names)}
    for flow in everything.flows:
        came[flow.name] = numpy.sort(flow.entered_ms[flow.day_of == days.dates.index(day)])
    return {name: [{"at_s": max(0, int(ms) - begin) / 1000} for ms in moments] for name, moments in came.items()}


def _shift_of_the_clock(everything: Calibration, day: date) -> int:
    """On a day on which the clock was changed before the first interval, wall time is not time since midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=everything.zone)
    first = midnight.replace(hour=everything.days.first_minute // 60 % 24)
    before, after = midnight.utcoffset(), first.utcoffset()
    assert before is not None
    assert after is not None
    return round((before - after).total_seconds() * 1000)


def _real(
    history: History, everything: Calibration, day: date, goals: Mapping[str, Goal]
) -> dict[tuple[str, int], ContactTally]:
    """What happened on this day, by queue and interval of arrival."""
    days = everything.days
    rows = numpy.flatnonzero((days.day_of == days.dates.index(day)) & (everything.kinds.of >= 0))
    queue, outcome = history.texts("queue"), history.texts("outcome")
    wait = history.ints("wait_ms")
    found: dict[tuple[str, int], ContactTally] = {}
    for row in rows.tolist():
        if queue[row] not in goals:
            continue  # the centre has this queue no more
        goal = goals[queue[row]]
        tally = found.setdefault((queue[row], int(days.interval_of[row])), ContactTally())
        tally.arrived += 1
        match outcome[row]:
            case "answered":
                tally.answered += 1
                tally.answered_within += int(wait[row]) <= goal.answered_within_ms
                tally.wait_answered_ms += max(0, int(wait[row]))
            case "abandoned":
                tally.abandoned += 1
                tally.short_abandons += 0 <= int(wait[row]) < goal.short_abandon_ms
            case "left":
                tally.left += 1
            case "overflowed" | "failed":
                tally.overflowed += 1
            case "moved":
                tally.moved_out += 1
            case _:
                pass  # open: nobody knows how it went on
    return found


def _value(metric: str, tally: ContactTally | None) -> Value:
    return None if tally is None else _METRICS[metric].compute(tally)


def _bounds(values: Sequence[Value], level: float) -> tuple[Value, Value, Value]:
    """Mean and bounds. The quantiles are those at p (n + 1), between which a further run lies with the probability
    `level`, however few runs there are."""
    known = [value for value in values if value is not None]
    if not known:
        return None, None, None
    low, high = numpy.quantile(known, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return float(numpy.mean(known)), float(low), float(high)


Real = Sequence[dict[tuple[str, int], ContactTally]]


def _cells(
    days: Sequence[date], studies: Sequence[Study], real: Real, queues: Sequence[str], metric: str, level: float
) -> list[Cell]:
    made = []
    for day, study, happened in zip(days, studies, real, strict=True):
        for interval in range(len(study.outcomes[0].intervals)):
            for queue in queues:
                truth = happened.get((queue, interval))
                played = [outcome.intervals[interval].queues.get(queue) for outcome in study.outcomes]
                bounds = _bounds([_value(metric, tally) for tally in played], level)
                offered = truth.offered if truth else 0
                made.append(Cell(day, interval, queue, offered, _value(metric, truth), *bounds))
    return made


def _verdict(
    queue: str, metric: str, queues: Sequence[str], studies: Sequence[Study], real: Real, cells: Sequence[Cell]
) -> Verdict:
    wanted = [queue] if queue else list(queues)
    truths = [
        added([tally for (name, _), tally in happened.items() if name in wanted] or [ContactTally()])
        for happened in real
    ]
    models = [
        added(
            [
                outcome.whole.queues[name]
                for outcome in study.outcomes
                for name in wanted
                if name in outcome.whole.queues
            ]
            or [ContactTally()]
        )
        for study in studies
    ]
    truth, model = _value(metric, added(truths)), _value(metric, added(models))
    bias = None if truth is None or model is None else model - truth
    pairs = [(_value(metric, mine), _value(metric, theirs)) for mine, theirs in zip(models, truths, strict=True)]
    differences = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
    error = None
    if len(differences) > 1:
        error = mean_estimate(differences, CONFIDENCE).half_width
    judged = [cell.within for cell in cells if cell.queue in wanted and cell.within is not None]
    return Verdict(queue, metric, truth, model, bias, error, len(judged), sum(judged))


def _profile(
    days: Sequence[date], studies: Sequence[Study], real: Real, queue: str, metric: str, level: float
) -> tuple[Cell, ...]:
    """Each interval over all days together: reality, and what the model predicts for so many days."""
    made = []
    for interval in range(len(studies[0].outcomes[0].intervals)):
        truths = [happened[queue, interval] for happened in real if (queue, interval) in happened]
        truth = added(truths) if truths else None
        runs = range(min(len(study.outcomes) for study in studies))
        played = [
            added([study.outcomes[run].intervals[interval].queues.get(queue, ContactTally()) for study in studies])
            for run in runs
        ]
        bounds = _bounds([_value(metric, tally) for tally in played], level)
        made.append(Cell(days[0], interval, queue, truth.offered if truth else 0, _value(metric, truth), *bounds))
    return tuple(made)
