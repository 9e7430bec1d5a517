"""The day as measured, and what the simulation says about it: the same arrivals, staff and policy, other dice."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from documents import Source
from router.core.events import ContactArrived
from router.core.measures import Value, values
from router.core.metrics import Metrics
from router.core.tallies import AgentTally, ContactTally
from router.live.journal import Handled, Header
from router.live.journal import read as read_journal
from simulations.distributions.empirical import Empirical
from simulations.distributions.lognormal import Lognormal
from simulations.replications import Progress, Study, run_study
from simulations.scenario import Answering, Arrivals, Kind, Scenario, TracedContact
from simulations.setting import MINUTE_MS, settle
from simulations.setting import Centre as SimulatedCentre
from simulations.statistics import added
from switchboard.demo import day

REPLICATIONS = 200
COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure: as measured, and the middle COVERAGE of the simulated days (None where too few days have it)."""

    measured: Value
    low: float | None
    high: float | None


class MeasuredDay:
    """What the journal says of the day: from the first arrival on, in whole minutes until after the last."""

    def __init__(self, journal: Path) -> None:
        records = list(read_journal(journal))
        header = records[0]
        assert isinstance(header, Header)
        self.policy = header.policy
        self._handled = [record for record in records if isinstance(record, Handled)]
        self.arrivals = [(r.at_ms, r.event) for r in self._handled if isinstance(r.event, ContactArrived)]
        if not self.arrivals:
            raise ValueError(f"{journal}: no contact ever entered a queue")
        self.first_ms = self.arrivals[0][0]
        self.minutes = (self.arrivals[-1][0] - self.first_ms) // MINUTE_MS + 1

    def tallies(self) -> tuple[dict[str, ContactTally], AgentTally]:
        """What the centre counted, by the very metrics that the simulation uses. Agents signed in before the first
        arrival count from there on."""
        metrics = Metrics(self.policy, self.first_ms, MINUTE_MS, keep_intervals=10_000)
        for record in self._handled:
            for decision in record.decisions:
                metrics.observe(decision, max(record.at_ms, self.first_ms))
        minutes = metrics.report(self._handled[-1].at_ms).intervals[: self.minutes]
        queues = {name: added([m.queues[name].tally for m in minutes]) for name in minutes[0].queues}
        return queues, added([minute.all_agents.tally for minute in minutes])


def simulate(measured: MeasuredDay, seed: int, progress: Progress | None = None) -> Study:
    """Simulates the contacts that arrived, when, where and with which attributes, under the policy of the journal;
    talks, patience and ringing are drawn anew from what the demo's callers and agents were drawn from."""
    contacts = tuple(
        TracedContact(
            at_s=(at_ms - measured.first_ms) / 1000,
            queue=event.queue,
            attributes=event.attributes,
            priority=event.priority,
            preferred_agent=event.preferred_agent,
        )
        for at_ms, event in measured.arrivals
    )
    scenario = Scenario(
        name="The demo's day",
        duration_minutes=measured.minutes,
        interval_minutes=1,
        run_off_minutes=10,
        replications=REPLICATIONS,
        seed=seed,
        kinds={
            "callers": Kind(
                queue=contacts[0].queue,
                arrivals=Arrivals(trace=contacts),
                handle_time_s=Lognormal(mean=day.MEAN_TALK_S, scv=day.TALK_SCV),
                patience_s=_patience(),
            )
        },
        answering=Answering(delay_s=Lognormal(mean=day.MEAN_RING_S, scv=day.RING_SCV), declined=day.DECLINED),
    )
    setting = settle(Source("the demo's journal", {}, {}), scenario, SimulatedCentre(measured.policy))
    return run_study(setting, jobs=os.cpu_count() or 1, progress=progress)


def _patience() -> Empirical:
    share = day.IMPATIENT / len(day.PATIENCES_S)
    forever_s = 3_600.0
    weights = (*(share for _ in day.PATIENCES_S), 1 - day.IMPATIENT)
    return Empirical(values=(*day.PATIENCES_S, forever_s), weights=weights)


def compare(measured: MeasuredDay, study: Study) -> dict[str, dict[str, Compared]]:
    """Every metric by queue, and under `all queues` and `agents`: measured beside simulated."""
    queues, agents = measured.tallies()
    spans = [outcome.whole for outcome in study.outcomes]
    compared = {
        name: _compared(values(tally), [values(span.queues[name]) for span in spans])
        for name, tally in queues.items()
        if tally.arrived
    }
    everybody = added(list(queues.values()))
    compared["all queues"] = _compared(values(everybody), [values(span.all_queues) for span in spans])
    compared["agents"] = _compared(values(agents), [values(span.all_agents) for span in spans])
    return compared


def _compared(measured: dict[str, Value], days: Sequence[dict[str, Value]]) -> dict[str, Compared]:
    compared = {}
    for name, value in measured.items():
        known = [figure for figures in days if (figure := figures[name]) is not None]
        low, high = (None, None)
        if len(known) >= REPLICATIONS / 2:
            low, high = map(float, np.quantile(known, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]))
        compared[name] = Compared(value, low, high)
    return compared
