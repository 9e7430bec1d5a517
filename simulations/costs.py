"""What a day costs: from what was counted and the scenario's `money` to figures with confidence intervals.

Each replication has a ledger of sums; figures are means over replications, or ratios of the sums of all of them, with
intervals as everywhere (`simulations.statistics`). Agents are paid for their shifts whether they are there or not; gaps
between shifts are not paid. Paid time and contacts are those of the span that counts, after the warm-up.
"""

from collections.abc import Callable, Sequence

import msgspec

from router.core.tallies import AgentTally
from simulations.money import Money, wage_of
from simulations.replications import Outcome, Span
from simulations.setting import MINUTE_MS, Setting, Worker
from simulations.statistics import Estimate, mean_estimate, ratio_estimate

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Ledger(msgspec.Struct):
    """The sums of one replication, or of several."""

    paid_hours: float = 0.0
    overtime_hours: float = 0.0
    wages: float = 0.0
    overtime: float = 0.0
    lost: float = 0.0
    lost_value: float = 0.0
    line_minutes: float = 0.0
    telephone: float = 0.0
    contained: float = 0.0
    saving: float = 0.0
    answered: float = 0.0

    @property
    def total(self) -> float:
        return self.wages + self.overtime + self.lost_value + self.telephone

    def plus(self, other: "Ledger", sign: int = 1) -> "Ledger":
        names = self.__struct_fields__
        return Ledger(**{name: getattr(self, name) + sign * getattr(other, name) for name in names})


class CostFigure(msgspec.Struct, frozen=True):
    """A figure of money: what it says, its formula, its unit, and how it comes from a ledger. `per`: a ratio."""

    name: str
    title: str
    formula: str
    unit: str
    compute: Callable[[Ledger], float]
    per: Callable[[Ledger], float] | None = None


AMOUNT = "amount"
"""The unit of what is in the scenario's currency."""

COST_FIGURES = (
    CostFigure(
        "total_cost",
        "What the time costs",
        "wages_cost + overtime_cost + lost_cost + telephone_cost (self_service_saving is apart)",
        AMOUNT,
        lambda of: of.total,
    ),
    CostFigure(
        "wages_cost",
        "Wages",
        "sum over agents of paid hours without overtime x wage per hour",
        AMOUNT,
        lambda of: of.wages,
    ),
    CostFigure(
        "overtime_cost",
        "Overtime",
        "sum over agents of overtime hours x wage per hour x overtime factor",
        AMOUNT,
        lambda of: of.overtime,
    ),
    CostFigure(
        "lost_cost",
        "Lost contacts",
        "sum over queues of lost contacts x value of a lost contact",
        AMOUNT,
        lambda of: of.lost_value,
    ),
    CostFigure(
        "telephone_cost",
        "Telephone",
        "line_minutes x price of a minute",
        AMOUNT,
        lambda of: of.telephone,
    ),
    CostFigure(
        "cost_per_answered",
        "What an answered contact costs",
        "total_cost / answered, both of all replications",
        AMOUNT,
        lambda of: of.total,
        lambda of: of.answered,
    ),
    CostFigure(
        "self_service_saving",
        "What self-service saved",
        "contained flows x what one saves; by default the AHT of answered contacts x mean wage per paid hour",
        AMOUNT,
        lambda of: of.saving,
    ),
    CostFigure(
        "paid_hours",
        "Paid hours, overtime included",
        "sum over agents of their shifts, and what groups worked beyond them",
        "hours",
        lambda of: of.paid_hours,
    ),
    CostFigure(
        "overtime_hours",
        "Overtime hours",
        "sum over agents of each day's shifts beyond `after_hours`, and what groups worked beyond shifts",
        "hours",
        lambda of: of.overtime_hours,
    ),
    CostFigure(
        "lost_contacts",
        "Lost contacts",
        "abandoned - short_abandons + overflowed",
        "contacts",
        lambda of: of.lost,
    ),
    CostFigure(
        "line_minutes",
        "Minutes on the line",
        "waits of all contacts + talks, holds included; time in the flow before the queue is not in it",
        "minutes",
        lambda of: of.line_minutes,
    ),
)


def cost_estimates(setting: Setting, outcomes: Sequence[Outcome]) -> dict[str, Estimate]:
    """Every figure of money by name; none when the scenario has no `money`."""
    if setting.scenario.money is None:
        return {}
    ledgers = [ledger(setting, outcome.whole) for outcome in outcomes]
    return {figure.name: _estimate(figure, ledgers, setting.scenario.confidence) for figure in COST_FIGURES}


def cost_differences(
    figures: Sequence[CostFigure], ledgers: Sequence[Ledger], others: Sequence[Ledger], confidence: float
) -> dict[str, Estimate]:
    """`ledgers` less `others`, replication by replication."""
    found = {}
    for figure in figures:
        if figure.per is None:
            pairs = zip(ledgers, others, strict=True)
            found[figure.name] = mean_estimate([figure.compute(a) - figure.compute(b) for a, b in pairs], confidence)
        else:
            mine, theirs = (_with_each_left_out(figure, side) for side in (ledgers, others))
            differences = [None if a is None or b is None else a - b for a, b in zip(mine, theirs, strict=True)]
            found[figure.name] = ratio_estimate(differences[0], differences[1:], confidence)
    return found


def _estimate(figure: CostFigure, ledgers: Sequence[Ledger], confidence: float) -> Estimate:
    if figure.per is None:
        return mean_estimate([figure.compute(of) for of in ledgers], confidence)
    pooled, *without = _with_each_left_out(figure, ledgers)
    return ratio_estimate(pooled, without, confidence)


def _with_each_left_out(figure: CostFigure, ledgers: Sequence[Ledger]) -> list[float | None]:
    """The ratio of all, then those without each one."""
    assert figure.per is not None
    whole = Ledger()
    for each in ledgers:
        whole = whole.plus(each)
    sums = [whole, *(whole.plus(each, -1) for each in ledgers)]
    return [figure.compute(of) / figure.per(of) if figure.per(of) > 0 else None for of in sums]


def ledger(setting: Setting, span: Span) -> Ledger:
    """What the span of one replication comes to. The scenario must have `money`."""
    money = setting.scenario.money
    assert money is not None
    found = Ledger()
    for group in {worker.group for worker in setting.workers}:
        _pay(found, setting, money, group, span)
    for name, tally in span.queues.items():
        lost = tally.abandoned - tally.short_abandons + tally.overflowed
        found.lost += lost
        found.lost_value += lost * money.lost_contacts.get(name, money.lost_contact)
    whole = span.all_queues
    found.answered = whole.answered
    found.line_minutes = (whole.wait_all_ms + whole.talk_ms) / MINUTE_MS
    found.telephone = found.line_minutes * money.telephone_per_minute
    found.contained = whole.contained
    saves = money.self_service_saves
    if saves is None:
        hours = (whole.talk_ms + whole.wrap_up_ms) / whole.finished / HOUR_MS if whole.finished else 0.0
        saves = hours * (found.wages + found.overtime) / found.paid_hours if found.paid_hours else 0.0
    found.saving = whole.contained * saves
    return found


def _pay(found: Ledger, setting: Setting, money: Money, group: str, span: Span) -> None:
    """The group's shifts at each agent's own wage; what it worked beyond them at the mean wage."""
    scheduled_h = mean_wage = 0.0
    workers = [worker for worker in setting.workers if worker.group == group]
    for worker in workers:
        wage = wage_of(money, setting.policy, worker.name, worker.group) or 0.0
        mean_wage += wage / len(workers)
        for hours in _hours_by_day(setting, worker, span):
            extra = max(0.0, hours - money.overtime.after_hours)
            found.wages += (hours - extra) * wage
            found.overtime += extra * wage * money.overtime.factor
            found.overtime_hours += extra
            scheduled_h += hours
    tally = span.groups.get(group, AgentTally())
    worked_h = (tally.handling_ms + tally.available_ms + tally.paused_ms) / HOUR_MS
    overrun_h = max(0.0, worked_h - scheduled_h)
    found.paid_hours += scheduled_h + overrun_h
    found.overtime_hours += overrun_h
    found.overtime += overrun_h * mean_wage * money.overtime.factor


def _hours_by_day(setting: Setting, worker: Worker, span: Span) -> list[float]:
    """The hours of the worker's shifts within the span, for each day of the scenario's clock."""
    started = setting.scenario.started
    midnight_ms = -(started.hour * HOUR_MS + started.minute * MINUTE_MS)
    days = []
    for day_ms in range(midnight_ms, span.end_ms, DAY_MS):
        begin_ms, end_ms = max(day_ms, span.start_ms), min(day_ms + DAY_MS, span.end_ms)
        within = (min(last, end_ms) - max(first, begin_ms) for first, last in worker.shifts_ms)
        days.append(sum(max(0, length_ms) for length_ms in within) / HOUR_MS)
    return days


def reference_page() -> str:
    """The documentation of the figures of money, as Markdown (docs/reference/money.md)."""
    lines = [
        "# Money",
        "",
        "<!-- Generated from simulations/costs.py by `python -m switchboard.reference`; do not edit. -->",
        "",
        (__doc__ or "").partition("\n\n")[2].strip(),
        "",
        "| figure | what it says | formula | unit |",
        "|---|---|---|---|",
        *(f"| `{of.name}` | {of.title} | {of.formula} | {of.unit} |" for of in COST_FIGURES),
        "",
        "An amount is in the scenario's `currency`.",
        "",
    ]
    return "\n".join(lines)
