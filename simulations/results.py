"""What a study found, as numbers with intervals: the one source of the table, the report, the CSV and the JSON."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from router.core.tallies import AgentTally, ContactTally
from simulations.controls import Control
from simulations.costs import cost_estimates
from simulations.replications import Outcome, Span, Study, arrivals_control
from simulations.statistics import Estimate, added, estimate, estimates, mean_estimate
from simulations.stopping import Stopped
from simulations.tallies import CallerTally

Estimates = dict[str, Estimate]


class SpanResult(msgspec.Struct, frozen=True):
    """Every figure of a span of time. `signed_in` and `busy` are mean numbers of agents; busy is talk and wrap-up. Of
    `kinds`, and of all callers, there is what `simulations.tallies` counts."""

    start: str
    end: str
    all_queues: Estimates
    queues: dict[str, Estimates]
    all_agents: Estimates
    groups: dict[str, Estimates]
    signed_in: Estimate
    busy: Estimate
    kinds: dict[str, Estimates] = {}
    all_callers: Estimates = {}


class Goal(msgspec.Struct, frozen=True):
    answered_within_s: float
    share: float


class ArrivalsControl(msgspec.Struct, frozen=True):
    """What is known of the arrivals that served as a control variate: callers expected and, on average, observed; and
    the half-width of the service level over all queues, without the control and with it."""

    expected: float
    observed: float
    half_width_without: float | None
    half_width: float | None


class Results(msgspec.Struct, frozen=True):
    """A whole study. `replications` were done of `wanted`, fewer when it `ended` early (why); `unfinished` contacts
    were still there at the end. `stopped`: how it ended when a half-width was wanted, and `wanted` is the most that
    were allowed. `money`: see
    `simulations.costs`; empty when the scenario has none."""

    scenario: str
    policy_version: int
    seed: int
    replications: int
    wanted: int
    confidence: float
    duration_minutes: float
    warm_up_minutes: float
    interval_minutes: float
    goals: dict[str, Goal]
    whole: SpanResult
    intervals: tuple[SpanResult, ...]
    unfinished: Estimate
    stopped: Stopped | None = None
    ended: str = ""
    currency: str = ""
    money: Estimates = {}
    control: ArrivalsControl | None = None

    @property
    def callers_matter(self) -> bool:
        """Whether there is more to tell of callers than their contacts in the queues."""
        names = ("blocked", "redial_share", "left_at_once", "asked_for_callback", "pressed_keys", "cut_off")
        return any(figures[name].value for figures in self.whole.kinds.values() for name in names)

    @property
    def interrupted(self) -> bool:
        return self.replications < self.wanted and not (self.stopped is not None and self.stopped.reached)


def summarise(study: Study) -> Results:
    """The estimates of a study. Raises ValueError when not a single replication was done."""
    if not study.outcomes:
        raise ValueError("no replication was finished, so there is nothing to report")
    scenario, outcomes = study.setting.scenario, study.outcomes
    queues = _queues(study)
    control = arrivals_control(study)
    whole = _span(study, [outcome.whole for outcome in outcomes], queues, control)
    return Results(
        scenario=scenario.name,
        policy_version=study.setting.policy.version,
        seed=scenario.seed,
        replications=len(outcomes),
        wanted=study.wanted,
        confidence=scenario.confidence,
        duration_minutes=scenario.duration_minutes,
        warm_up_minutes=scenario.warm_up_minutes,
        interval_minutes=scenario.interval_minutes,
        goals={
            queue.name: Goal(queue.goal.answered_within_ms / 1000, queue.goal.share)
            for queue in study.setting.policy.queues
            if queue.name in queues
        },
        whole=whole,
        intervals=tuple(_span(study, spans, queues) for spans in _by_interval(outcomes)),
        unfinished=mean_estimate([outcome.unfinished for outcome in outcomes], scenario.confidence),
        stopped=study.stopped,
        ended=study.ended,
        currency=scenario.money.currency if scenario.money is not None else "",
        money=cost_estimates(study.setting, outcomes),
        control=None if control is None else _told(control, study, whole),
    )


def _queues(study: Study) -> list[str]:
    """Those for callers, and those for other work that the scenario has."""
    channels = {queue.name: queue.channel for queue in study.setting.policy.queues}
    wholes = [outcome.whole.queues for outcome in study.outcomes]
    return [
        name
        for name in wholes[0]
        if channels.get(name, "voice") == "voice" or any(whole[name].arrived for whole in wholes if name in whole)
    ]


def _by_interval(outcomes: Sequence[Outcome]) -> list[list[Span]]:
    return [list(spans) for spans in zip(*(outcome.intervals for outcome in outcomes), strict=True)]


def _told(control: Control, study: Study, whole: SpanResult) -> ArrivalsControl:
    tallies = [outcome.whole.all_queues for outcome in study.outcomes]
    without = estimate("service_level_share", tallies, study.setting.scenario.confidence)
    observed = sum(control.observed) / len(control.observed)
    return ArrivalsControl(
        control.mean, observed, without.half_width, whole.all_queues["service_level_share"].half_width
    )


def _span(study: Study, spans: Sequence[Span], queues: Sequence[str], control: Control | None = None) -> SpanResult:
    """The same span of every replication."""
    confidence, first = study.setting.scenario.confidence, spans[0]
    length_ms = first.end_ms - first.start_ms
    groups = sorted({name for span in spans for name in span.groups})
    return SpanResult(
        start=_clock(study, first.start_ms),
        end=_clock(study, first.end_ms),
        all_queues=estimates([span.all_queues for span in spans], confidence, control),
        queues={
            name: estimates([span.queues.get(name, ContactTally()) for span in spans], confidence, control)
            for name in queues
        },
        all_agents=estimates([span.all_agents for span in spans], confidence, control),
        groups={
            name: estimates([span.groups.get(name, AgentTally()) for span in spans], confidence, control)
            for name in groups
        },
        signed_in=mean_estimate([_signed_in_ms(span.all_agents) / length_ms for span in spans], confidence),
        busy=mean_estimate([span.all_agents.handling_ms / length_ms for span in spans], confidence),
        kinds={
            name: estimates([span.kinds.get(name, CallerTally()) for span in spans], confidence, control)
            for name in study.setting.scenario.kinds
            if any(span.kinds for span in spans)
        },
        all_callers=estimates([added(list(span.kinds.values())) for span in spans if span.kinds], confidence, control)
        if all(span.kinds for span in spans)
        else {},
    )


def _signed_in_ms(tally: AgentTally) -> int:
    return tally.handling_ms + tally.available_ms + tally.paused_ms


def _clock(study: Study, at_ms: int) -> str:
    """The scenario's wall clock; with the date when it goes over midnight."""
    scenario = study.setting.scenario
    at = scenario.started + timedelta(milliseconds=at_ms)
    last = scenario.started + timedelta(minutes=scenario.duration_minutes)
    return f"{at:%H:%M}" if last.date() == scenario.started.date() else f"{at:%Y-%m-%d %H:%M}"
