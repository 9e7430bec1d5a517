"""What the simulation says about the day that was just measured: the same arrivals, staff and policy, other dice."""

import os
from pathlib import Path

from router.core.policy import Policy
from router.live.journal import Handled, Header, JournalError, read
from simulations.compare import Comparison, Measured, hold, measure, same_staff
from simulations.distributions.empirical import Empirical
from simulations.distributions.lognormal import Lognormal
from simulations.replications import Progress, Study, run_study
from simulations.scenario import Answering, Arrivals, Kind, Scenario
from simulations.setting import MINUTE_MS
from simulations.traced import TracedContact
from switchboard.demo import day

REPLICATIONS = 200


def predict(journal: Path, seed: int, progress: Progress | None = None) -> tuple[Study, Comparison]:
    """Simulates the contacts that arrived, when, where and with which attributes, under the policy of the journal and
    with the agents who were there. Talks, patience and ringing are drawn anew from what the demo's callers and agents
    were drawn from, so nothing but the arrivals is taken from what happened."""
    policy, handled = _read(journal)
    measured = measure(policy, ((record.at_ms, record.event, record.decisions) for record in handled))
    study = run_study(same_staff(measured, _scenario(measured, seed)), os.cpu_count() or 1, progress)
    return study, hold(measured, study)


def _read(journal: Path) -> tuple[Policy, list[Handled]]:
    header, *records = read(journal)
    if not isinstance(header, Header):
        raise JournalError(f"{journal}: has no header")
    return header.policy, [record for record in records if isinstance(record, Handled)]


def _scenario(measured: Measured, seed: int) -> Scenario:
    minutes = measured.duration_ms / MINUTE_MS
    return Scenario(
        name="The demo's day",
        duration_minutes=minutes,
        interval_minutes=minutes / max(1, round(minutes * 2)),
        run_off_minutes=10,
        replications=REPLICATIONS,
        seed=seed,
        kinds={
            queue: Kind(
                queue=queue,
                arrivals=Arrivals(trace=tuple(map(_arrival, contacts))),
                handle_time_s=Lognormal(mean=day.MEAN_TALK_S, scv=day.TALK_SCV),
                patience_s=_patience(),
            )
            for queue, contacts in measured.contacts.items()
        },
        answering=Answering(delay_s=Lognormal(mean=day.MEAN_RING_S, scv=day.RING_SCV), declined=day.DECLINED),
    )


def _arrival(contact: TracedContact) -> TracedContact:
    """The contact as it came, without what became of it."""
    known = {"at_s", "attributes", "priority", "preferred_agent"}
    return TracedContact(**contact.model_dump(include=known))


def _patience() -> Empirical:
    share = day.IMPATIENT / len(day.PATIENCES_S)
    forever_s = 3_600.0
    weights = (*(share for _ in day.PATIENCES_S), 1 - day.IMPATIENT)
    return Empirical(values=(*day.PATIENCES_S, forever_s), weights=weights)
