"""What happened beside what the simulation predicts: the same contacts, the same agents, the same policy.

From the log of a router (events and decisions, as the journal has them) come the arrivals with all that is known of
each contact, who was signed in when, and how agents treated their phones. What the run did not show is drawn: the talk
of contacts nobody answered (from the talks of their queue), how long those who were answered would still have waited
(patience, as exponential with the maximum-likelihood rate for censored data: abandonments over time waited), and the
luck of ringing phones. So each replication is a run that might as well have happened, and the measured figure is held
to the range in which most of them lie - not to the narrower confidence interval of their mean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from router.core import decisions, events
from router.core.measures import Value, values
from router.core.metrics import Figures, Metrics
from router.core.policy import Policy
from simulations.distributions.base import Distribution
from simulations.distributions.empirical import Empirical
from simulations.distributions.exponential import Exponential
from simulations.replications import Outcome, Progress, Study, run_study
from simulations.scenario import Answering, Arrivals, Kind, Scenario
from simulations.setting import AGENTS, MINUTE_MS, Centre, Setting, Worker
from simulations.statistics import range_of
from simulations.traced import TracedContact

RUN_OFF_MINUTES = 60
QUEUE_METRICS = ("arrived", "answered", "abandoned", "service_level_share", "asa_ms", "mean_wait_ms", "abandon_share")
AGENT_METRICS = ("occupancy_share",)


class Row(msgspec.Struct, frozen=True):
    """One figure of a queue (or of all queues, or all agents: `queue` is empty): as measured, the mean of the
    replications, and the range in which `share` of them lie. A value is None where there is nothing to divide by."""

    queue: str
    metric: str
    measured: Value
    predicted: float | None
    low: float | None
    high: float | None

    @property
    def within(self) -> bool | None:
        """Whether the measured figure lies in the range; None when there is nothing to compare."""
        if self.measured is None or self.low is None or self.high is None:
            return None
        return self.low - 1e-9 <= self.measured <= self.high + 1e-9


class Comparison(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    replications: int
    share: float


@dataclass(slots=True)
class Measured:
    """What a log shows. Times of contacts and shifts count from its first event."""

    policy: Policy
    start_ms: int
    duration_ms: int
    figures: Figures
    contacts: dict[str, list[TracedContact]]
    shifts_ms: dict[str, list[tuple[int, int]]]
    answering: Answering


def compare(
    policy: Policy,
    handled: Iterable[tuple[int, events.Event, Sequence[decisions.Decision]]],
    replications: int = 200,
    seed: int = 1,
    share: float = 0.95,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Comparison:
    """Holds a log (now_ms, event, decisions) to simulations of the same contacts and agents.

    Raises ValueError for a log in which no contact was answered.
    """
    measured = measure(policy, handled)
    setting = same_staff(measured, scenario_of(measured, replications, seed))
    return hold(measured, run_study(setting, jobs, progress), share)


def hold(measured: Measured, study: Study, share: float = 0.95) -> Comparison:
    """Holds what was measured to a study of the same time: each figure to the range in which `share` of the
    replications lie."""
    return Comparison(tuple(_rows(measured, study.outcomes, share)), len(study.outcomes), share)


@dataclass(slots=True)
class _Contact:
    """What is known of a contact so far; it becomes a traced one."""

    arrived: events.ContactArrived
    at_ms: int
    wait_ms: int | None = None
    outcome: str = ""
    talk_ms: int | None = None
    wrap_up_ms: int | None = None


@dataclass(slots=True)
class _Reading:
    contacts: list[_Contact] = field(default_factory=list)
    latest: dict[str, _Contact] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    shifts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    rung: dict[str, int] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    handled_last: dict[str, _Contact] = field(default_factory=dict)
    wrap_up_since: dict[str, int] = field(default_factory=dict)
    offers: int = 0
    not_answered: int = 0
    declined: int = 0

    def event(self, event: events.Event, now_ms: int) -> None:
        match event:
            case events.ContactArrived():
                contact = self.latest[event.contact] = _Contact(event, now_ms)
                self.contacts.append(contact)
            case events.AgentSignedIn(agent=agent, pause_reason=None) | events.AgentReady(agent=agent):
                self.since.setdefault(agent, now_ms)
            case events.AgentSignedOut(agent=agent) | events.AgentPaused(agent=agent):
                self.off(agent, now_ms)
            case events.OfferAccepted(offer=offer) if offer in self.rung:
                self.delays_s.append((now_ms - self.rung.pop(offer)) / 1000)

    def decision(self, decision: decisions.Decision, now_ms: int) -> None:
        match decision:
            case decisions.Offer(offer=offer):
                self.offers += 1
                self.rung[offer] = now_ms
            case decisions.OfferEnded(cause=cause):
                self.not_answered += cause == "no_answer"
                self.declined += cause == "declined"
            case decisions.ContactFinished(contact=name) if name in self.latest:
                contact = self.latest[name]
                contact.outcome, contact.wait_ms = decision.outcome, decision.wait_ms
                if decision.outcome == "answered":
                    contact.talk_ms = decision.talk_ms
                    self.handled_last[decision.agent or ""] = contact
            case decisions.AgentChanged(agent=agent, state=state):
                began_ms = self.wrap_up_since.pop(agent, None)
                if began_ms is not None and agent in self.handled_last:
                    self.handled_last[agent].wrap_up_ms = now_ms - began_ms
                if state == "wrap_up":
                    self.wrap_up_since[agent] = now_ms

    def off(self, agent: str, now_ms: int) -> None:
        since = self.since.pop(agent, None)
        if since is not None and since < now_ms:
            self.shifts.setdefault(agent, []).append((since, now_ms))


def measure(policy: Policy, handled: Iterable[tuple[int, events.Event, Sequence[decisions.Decision]]]) -> Measured:
    """What a log shows of contacts, agents and figures. Raises ValueError for an empty one."""
    reading = _Reading()
    metrics: Metrics | None = None
    start_ms = last_ms = 0
    for now_ms, event, decided in handled:
        if metrics is None:
            start_ms, metrics = now_ms, Metrics(policy, now_ms)
        last_ms = now_ms
        reading.event(event, now_ms)
        for decision in decided:
            metrics.observe(decision, now_ms)
            reading.decision(decision, now_ms)
    if metrics is None or last_ms == start_ms:
        raise ValueError("the log is empty, so there is nothing to compare with")
    end_ms = last_ms + RUN_OFF_MINUTES * MINUTE_MS
    for agent in list(reading.since):
        reading.off(agent, end_ms)
    known = {agent.name for agent in policy.agents}
    contacts: dict[str, list[TracedContact]] = {}
    for contact in reading.contacts:
        contacts.setdefault(contact.arrived.queue, []).append(_traced(contact, start_ms))
    return Measured(
        policy=policy,
        start_ms=start_ms,
        duration_ms=last_ms - start_ms,
        figures=metrics.report(last_ms).whole,
        contacts=contacts,
        shifts_ms={
            agent: [(begin - start_ms, end - start_ms) for begin, end in shifts]
            for agent, shifts in sorted(reading.shifts.items())
            if agent in known
        },
        answering=_answering(reading),
    )


def _traced(contact: _Contact, start_ms: int) -> TracedContact:
    arrived = contact.arrived
    wait_s = None if contact.wait_ms is None else contact.wait_ms / 1000
    return TracedContact(
        at_s=(contact.at_ms - start_ms) / 1000,
        attributes=arrived.attributes,
        priority=arrived.priority,
        preferred_agent=arrived.preferred_agent,
        handle_s=None if contact.talk_ms is None else contact.talk_ms / 1000,
        wrap_up_s=None if contact.wrap_up_ms is None else contact.wrap_up_ms / 1000,
        patience_s=wait_s if contact.outcome == "abandoned" else None,
        waited_s=wait_s if contact.outcome == "answered" else None,
    )


def _answering(reading: _Reading) -> Answering:
    if not reading.delays_s:
        raise ValueError("nobody was answered, so there is nothing to compare with")
    return Answering(
        delay_s=Empirical(values=tuple(reading.delays_s)),
        no_answer=reading.not_answered / reading.offers,
        declined=reading.declined / reading.offers,
    )


def scenario_of(measured: Measured, replications: int, seed: int) -> Scenario:
    """The contacts of the log as a scenario. Raises ValueError when nobody was answered."""
    minutes = measured.duration_ms / MINUTE_MS
    everything = [contact.handle_s for contacts in measured.contacts.values() for contact in contacts]
    return Scenario(
        name="measured",
        duration_minutes=minutes,
        interval_minutes=minutes,
        run_off_minutes=RUN_OFF_MINUTES,
        replications=replications,
        seed=seed,
        kinds={
            queue: Kind(
                queue=queue,
                arrivals=Arrivals(trace=tuple(contacts)),
                handle_time_s=_talk(contacts, everything),
                patience_s=_patience(contacts),
            )
            for queue, contacts in measured.contacts.items()
        },
        answering=measured.answering,
    )


def same_staff(measured: Measured, scenario: Scenario) -> Setting:
    """The scenario under the policy of the log, with the agents who were signed in, when they were."""
    workers = tuple(
        Worker(agent, AGENTS, tuple(shifts), 1.0, scenario.answering) for agent, shifts in measured.shifts_ms.items()
    )
    return Setting(scenario, Centre(measured.policy), workers)


def _talk(contacts: Sequence[TracedContact], everything: Sequence[float | None]) -> Distribution:
    known = [contact.handle_s for contact in contacts if contact.handle_s is not None]
    return Empirical(values=tuple(known or [talk for talk in everything if talk is not None]))


def _patience(contacts: Sequence[TracedContact]) -> Distribution | None:
    lost = sum(contact.patience_s is not None for contact in contacts)
    waited_s = sum((contact.patience_s or 0) + (contact.waited_s or 0) for contact in contacts)
    return Exponential(mean=waited_s / lost) if lost and waited_s > 0 else None


def _rows(measured: Measured, outcomes: Sequence[Outcome], share: float) -> Iterable[Row]:
    figures = measured.figures
    for queue in ["", *(name for name in figures.queues if name in measured.contacts)]:
        section = figures.queues[queue] if queue else figures.all_queues
        simulated = [values(outcome.whole.queues[queue] if queue else outcome.whole.all_queues) for outcome in outcomes]
        yield from _rows_of(queue, QUEUE_METRICS, section.values, simulated, share)
    agents = [values(outcome.whole.all_agents) for outcome in outcomes]
    yield from _rows_of("", AGENT_METRICS, figures.all_agents.values, agents, share)


def _rows_of(
    queue: str,
    metrics: Sequence[str],
    measured: Mapping[str, Value],
    simulated: Sequence[Mapping[str, Value]],
    share: float,
) -> Iterable[Row]:
    for metric in metrics:
        each = [figures[metric] for figures in simulated]
        known = [value for value in each if value is not None]
        low, high = range_of(each, share) or (None, None)
        mean = sum(known) / len(known) if known else None
        yield Row(queue, metric, measured[metric], mean, low, high)
