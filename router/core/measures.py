"""The definition of every metric. The one home of metrics: live reports, simulations, the wallboard and the
documentation read it.

Terms. A contact is *offered* to a queue when its waiting there has come to an end: answered, abandoned, left by a way
out, overflowed (released by the queue's last action) or moved on to another queue. Contacts that wait right now are in
no share and no mean. *Wait* runs from the contact's first arrival, ringing included, and is kept when it moves. In
figures over all queues a moved contact counts once, where it ended. A transferred contact waits anew and is another
agent's work, so it counts in both queues, and twice over all. A consultation is no contact.

Callbacks: who chose to be rung back has left the line, and is in none of the waits and service levels, neither as met
nor as missed; callbacks have figures of their own. One that took over the place of another (`merged`) is in no other
figure but `arrived`.

Repeats: a *repeat* comes within 24 hours after the end of the same caller's previous contact, in whatever queue. Only
contacts whose caller is known are in these figures, and they take silence for satisfaction.

Surveys: answers count when they are given, in the queue of the talk before them; answers without a talk count only over
all queues. Who does not answer is in none of these figures.

Abandonment: a contact is *abandoned* when the caller hangs up while waiting, also while an agent's phone rings; below
the queue's `short_abandon_ms` it is a *short abandon*.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from router.core.tallies import AgentTally, ContactTally

Value = int | float | None

Tally = TypeVar("Tally", ContactTally, AgentTally)


class Metric(msgspec.Struct, Generic[Tally], frozen=True):
    """The definition of a metric. `formula` is in the words of the tallies; `compute` does what it says.

    A name without a unit at its end is a count of contacts, offers or flows. `compute` gives None where the formula
    divides by nothing.
    """

    name: str
    title: str
    formula: str
    abandonment: str
    compute: Callable[[Tally], Value]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _count(name: str, title: str, abandonment: str = "not in it") -> Metric[ContactTally]:
    return Metric(name, title, "counted", abandonment, lambda tally: int(getattr(tally, name)))


def _wait_quantile(share: float) -> Callable[[ContactTally], Value]:
    return lambda tally: tally.waits.quantile_ms(share)


def _coverage(field: str) -> Callable[[ContactTally], Value]:
    return lambda tally: _share(getattr(tally.estimates, field), tally.estimates.checked)


_NOT_AFFECTED = "not in it"

CONTACT_METRICS: tuple[Metric[ContactTally], ...] = (
    _count("arrived", "Contacts that entered", "abandoned ones are in it"),
    _count("moved_in", "Contacts that came from another queue", "abandoned ones are in it"),
    _count("offered", "Contacts whose waiting ended", "abandoned ones are in it"),
    _count("answered", "Contacts that an agent took"),
    _count("abandoned", "Contacts whose caller hung up while waiting", "short abandons are in it"),
    _count("short_abandons", "Abandoned before the queue's `short_abandon_ms`", "this part of it"),
    _count("left", "Contacts that took a way out (voicemail, self-service)"),
    _count("overflowed", "Contacts released unanswered by the queue's last action"),
    _count("moved_out", "Contacts that moved on to another queue"),
    Metric(
        "service_level_share",
        "Service level, the default: over offered less short abandons",
        "answered within the queue's `answered_within_ms` / (offered - short_abandons)",
        "a miss, unless it is a short abandon: that is not in it",
        lambda t: _share(t.answered_within, t.offered - t.short_abandons),
    ),
    Metric(
        "service_level_offered_share",
        "Service level over all offered",
        "answered within `answered_within_ms` / offered",
        "a miss, however short",
        lambda t: _share(t.answered_within, t.offered),
    ),
    Metric(
        "service_level_answered_share",
        "Service level over answered",
        "answered within `answered_within_ms` / answered",
        _NOT_AFFECTED,
        lambda t: _share(t.answered_within, t.answered),
    ),
    Metric(
        "asa_ms",
        "ASA: mean wait of answered contacts",
        "sum of the waits of answered / answered",
        _NOT_AFFECTED,
        lambda t: _share(t.wait_answered_ms, t.answered),
    ),
    Metric(
        "mean_wait_ms",
        "Mean wait of all whose waiting ended here",
        "sum of waits / (offered - moved_out)",
        "in it, with the time until the caller hung up",
        lambda t: _share(t.wait_all_ms, t.ended),
    ),
    Metric(
        "mean_time_to_abandon_ms",
        "Mean wait of those who gave up",
        "sum of the waits of abandoned / abandoned",
        "only they are in it, short abandons too",
        lambda t: _share(t.wait_abandoned_ms, t.abandoned),
    ),
    *(
        Metric(
            f"wait_p{percent}_ms",
            f"The wait that {percent} % of contacts did not exceed",
            f"{percent} % quantile of the waits of offered - moved_out (at most 1 % off)",
            "in it, with the time until the caller hung up",
            _wait_quantile(percent / 100),
        )
        for percent in (50, 80, 95)
    ),
    Metric(
        "longest_wait_ms",
        "Longest wait",
        "maximum of the waits of offered - moved_out",
        "in it, with the time until the caller hung up",
        lambda t: t.longest_wait_ms if t.ended else None,
    ),
    Metric(
        "had_to_wait_share",
        "Contacts that were not connected in the very moment they came",
        "contacts with a wait above 0 ms / (offered - moved_out)",
        "in it",
        lambda t: _share(t.had_to_wait, t.ended),
    ),
    Metric(
        "abandon_share",
        "Abandon rate",
        "(abandoned - short_abandons) / (offered - short_abandons)",
        "counts, unless it is a short abandon: that is in neither part",
        lambda t: _share(t.abandoned - t.short_abandons, t.offered - t.short_abandons),
    ),
    Metric(
        "overflow_share",
        "Overflow rate",
        "overflowed / offered",
        "in offered, short ones too",
        lambda t: _share(t.overflowed, t.offered),
    ),
    Metric(
        "moved_share",
        "Contacts that moved on to another queue",
        "moved_out / offered (over all queues always 0, see moved_in)",
        "in offered, short ones too",
        lambda t: _share(t.moved_out, t.offered),
    ),
    Metric(
        "mean_queue_length",
        "Contacts waiting, on average over time",
        "sum of all time spent waiting within the span / length of the span",
        "in it until the caller hung up",
        lambda t: _share(t.waiting_ms, t.span_ms),
    ),
    Metric(
        "aht_ms",
        "AHT: mean handle time",
        "mean_talk_ms + mean_hold_ms + mean_wrap_up_ms",
        _NOT_AFFECTED,
        lambda t: _share(t.talk_ms + t.wrap_up_ms, t.finished),
    ),
    Metric(
        "mean_talk_ms",
        "Mean talk",
        "sum of talk, holds and rests left out / answered contacts (callbacks too) whose talk is over",
        _NOT_AFFECTED,
        lambda t: _share(t.talk_ms - t.hold_ms, t.finished),
    ),
    Metric(
        "mean_hold_ms",
        "Mean hold",
        "sum of holds / answered contacts (callbacks too) whose talk is over",
        _NOT_AFFECTED,
        lambda t: _share(t.hold_ms, t.finished),
    ),
    Metric(
        "mean_wrap_up_ms",
        "Mean wrap-up",
        "sum of wrap-up / answered contacts (callbacks too) whose talk is over",
        _NOT_AFFECTED,
        lambda t: _share(t.wrap_up_ms, t.finished),
    ),
    Metric(
        "transfer_share",
        "Transfer rate: talks that the agent passed on, blind or after a consultation",
        "(transferred + handed over) / talks of agents that are over",
        _NOT_AFFECTED,
        lambda t: _share(t.transferred + t.handed_over, t.talks),
    ),
    Metric(
        "escalation_share",
        "Escalation rate: talks sent to the queue's second level (`escalates_to`), by whatever command",
        "escalated / talks of agents that are over",
        _NOT_AFFECTED,
        lambda t: _share(t.escalated, t.talks),
    ),
    _count("callbacks", "Callbacks that are over: reached, not reached, or called off"),
    _count("callbacks_unreached", "Callbacks whose customer did not answer in all tries, or in time"),
    Metric(
        "callbacks_kept_share",
        "Callbacks kept",
        "reached / (reached + unreached)",
        "one that the customer called off is in neither part",
        lambda t: _share(t.callbacks_reached, t.callbacks_reached + t.callbacks_unreached),
    ),
    Metric(
        "mean_time_to_callback_ms",
        "Mean time until the customer was reached",
        "sum of the times from asking (or from the time chosen) to reaching / reached",
        _NOT_AFFECTED,
        lambda t: _share(t.callback_wait_ms, t.callbacks_reached),
    ),
    _count("merged", "Contacts that took over the place of another of the same caller, or gave theirs to it"),
    Metric(
        "repeat_contact_share",
        "Repeat contacts",
        "repeats / contacts whose caller is known",
        "in it: who hung up and rings again is a repeat",
        lambda t: _share(t.repeated, t.identified),
    ),
    Metric(
        "first_contact_resolution_share",
        "First-contact resolution: answered contacts without a repeat (so far)",
        "1 - answered that had a repeat / answered, both of known callers",
        _NOT_AFFECTED,
        lambda t: _share(t.identified_answered - t.followed, t.identified_answered),
    ),
    _count("offers", "Times an agent was rung", "offers to contacts that then abandoned are in it"),
    Metric(
        "declined_share",
        "Offers that the agent refused",
        "declined / offers",
        "offers to contacts that then abandoned are in offers",
        lambda t: _share(t.declined, t.offers),
    ),
    Metric(
        "no_answer_share",
        "Offers that rang out (RONA)",
        "no_answer / offers",
        "offers to contacts that then abandoned are in offers",
        lambda t: _share(t.no_answer, t.offers),
    ),
    Metric(
        "offer_failed_share",
        "Offers that could not be made (busy, unreachable, congestion, error)",
        "offer_failed / offers",
        "offers to contacts that then abandoned are in offers",
        lambda t: _share(t.offer_failed, t.offers),
    ),
    _count("flows", "Flows that ended", "callers who hung up in the flow are in it"),
    Metric(
        "containment_share",
        "Containment: flows that ended in self-service",
        "contained / flows",
        "a caller who hung up before being served is not contained",
        lambda t: _share(t.contained, t.flows),
    ),
    _count("csat_answers", "Answers to how satisfied the caller is, 1 to 5", _NOT_AFFECTED),
    Metric(
        "csat_share",
        "CSAT: satisfied callers (4 or 5 of 5)",
        "answers of 4 or 5 / csat_answers",
        _NOT_AFFECTED,
        lambda t: _share(t.csat_satisfied, t.csat_answers),
    ),
    _count("nps_answers", "Answers to whether the caller would recommend the centre, 0 to 10", _NOT_AFFECTED),
    Metric(
        "nps",
        "NPS: promoters (9, 10) less detractors (0 to 6), from -100 to 100",
        "100 x (answers of 9 or 10 - answers of 6 or less) / nps_answers",
        _NOT_AFFECTED,
        lambda t: _share(100 * (t.nps_promoters - t.nps_detractors), t.nps_answers),
    ),
    _count("ces_answers", "Answers to how easy it was, 1 to 7", _NOT_AFFECTED),
    Metric(
        "ces_mean",
        "CES: how easy it was, the mean answer from 1 to 7",
        "sum of answers / ces_answers",
        _NOT_AFFECTED,
        lambda t: _share(t.ces_sum, t.ces_answers),
    ),
    *(
        Metric(
            f"ewt_p{percent}_coverage_share",
            f"Answered contacts that waited no longer than the {percent} % quantile they were told on entry",
            f"those / answered contacts that were told an estimate (right: about {percent / 100})",
            _NOT_AFFECTED,
            _coverage(f"within_p{percent}"),
        )
        for percent in (50, 80, 95)
    ),
    Metric(
        "ewt_mean_absolute_error_ms",
        "Distance between the wait and the median told on entry",
        "mean of abs(wait - told p50) over answered contacts that were told an estimate",
        _NOT_AFFECTED,
        lambda t: _share(t.estimates.absolute_error_ms, t.estimates.checked),
    ),
)

AGENT_METRICS: tuple[Metric[AgentTally], ...] = (
    Metric(
        "occupancy_share",
        "Occupancy: handling over handling plus ready; a ringing phone counts as ready",
        "(busy_ms + wrap_up_ms) / (busy_ms + wrap_up_ms + ready_ms + ringing_ms)",
        _NOT_AFFECTED,
        lambda t: _share(t.handling_ms, t.handling_ms + t.available_ms),
    ),
    Metric(
        "paused_share",
        "Pause over time signed in",
        "paused_ms / (ready_ms + ringing_ms + busy_ms + wrap_up_ms + paused_ms)",
        _NOT_AFFECTED,
        lambda t: _share(t.paused_ms, t.handling_ms + t.available_ms + t.paused_ms),
    ),
    Metric(
        "answered_per_hour",
        "Contacts answered per hour signed in and not paused",
        "answered / (ready_ms + ringing_ms + busy_ms + wrap_up_ms in hours)",
        _NOT_AFFECTED,
        lambda t: _share(t.answered * 3_600_000, t.handling_ms + t.available_ms),
    ),
    Metric(
        "refused_share",
        "Offers that the agent declined or let ring out",
        "(declined + no_answer) / offers",
        "offers to contacts that then abandoned are in offers",
        lambda t: _share(t.declined + t.no_answer, t.offers),
    ),
)


def values(tally: ContactTally | AgentTally) -> dict[str, Value]:
    """Every metric of this tally by its name, in the order of the definitions."""
    if isinstance(tally, ContactTally):
        return {metric.name: metric.compute(tally) for metric in CONTACT_METRICS}
    return {metric.name: metric.compute(tally) for metric in AGENT_METRICS}


def reference_page() -> str:
    """The documentation of all metrics, as Markdown (docs/reference/metrics.md)."""
    _, _, terms = (__doc__ or "").partition("\n\n")
    return "\n".join(
        [
            "# Metrics",
            "",
            "<!-- Generated from router/core/measures.py by `python -m switchboard.reference`; do not edit. -->",
            "",
            terms.strip(),
            "",
            "The unit is in the name: `_ms` milliseconds, `_per_hour` per hour, `_share` a number from 0 to 1; without",
            "a unit it is a count or a mean number of contacts; NPS and CES are on their own scales. A metric that",
            "would divide by nothing has no value.",
            "",
            *_table("Of a queue, and of all queues together", CONTACT_METRICS),
            "",
            *_table("Of an agent, and of all agents together", AGENT_METRICS),
            "",
        ]
    )


def _table(title: str, metrics: tuple[Metric[Tally], ...]) -> list[str]:
    lines = [f"## {title}", "", "| metric | what it says | formula | abandonment |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.title} | {m.formula} | {m.abandonment} |" for m in metrics]
    return lines
