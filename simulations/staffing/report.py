"""The reports of `switchboard staff` and `switchboard target`."""

from collections.abc import Sequence
from itertools import cycle

from simulations.plots import COLOURS
from simulations.reports import Cell, Column, Data, Figure, Report, Section, Table, Tile
from simulations.reports.frame import Mark
from simulations.staffing import plots
from simulations.staffing.answer import Checked, StaffAnswer
from simulations.staffing.frontier import Frontier, Point

MOST_NAMED = 4
"""So many missed goals are named."""

_MARKS: dict[str, Mark] = {"met": "good", "open": "open", "missed": "bad"}


def amount(value: float, currency: str) -> str:
    """Money, or hours where nothing costs anything else."""
    return f"{value:,.0f} {currency}" if currency else f"{value:,.1f} agent hours"


def staff_report(answer: StaffAnswer) -> Report:
    groups = list(answer.counts)
    return Report(
        kind="staffing",
        title=answer.scenario,
        about=about(answer),
        answer=sentences(answer),
        warnings=ended_words(answer),
        tiles=[
            Tile("Cost", amount(answer.cost, answer.currency)),
            Tile("Hours of agents", f"{sum(answer.agent_hours.values()):,.1f}"),
            Tile("Paid hours", f"{sum(answer.paid_hours.values()):,.1f}"),
            *(Tile(check.goal, check.shown, _MARKS[check.verdict]) for check in answer.day),
        ],
        sections=[
            Section(
                "Agents by interval",
                tables=[_staff_table(answer)],
                figures=[
                    Figure(
                        "Agents",
                        "one group above the other",
                        plots.staff_stairs(answer),
                        list(zip(cycle(COLOURS), groups, strict=False)),
                    )
                ],
            ),
            *([] if answer.ended else [Section("Why nothing cheaper", text=reasons(answer))]),
        ],
        data={
            "staff": Data(
                ["start", *groups],
                [[start, *(answer.counts[g][i] for g in groups)] for i, start in enumerate(answer.starts)],
            ),
            "goals": Data(["start", "goal", "bound", "value", "low", "high", "verdict"], list(_goal_rows(answer))),
        },
        results=answer,
    )


def about(answer: StaffAnswer) -> str:
    proof = f"proved by {answer.replications:,} days that the search had not seen" if answer.proved else "not proved"
    return (
        f"Goals {'in every interval' if answer.each == 'interval' else 'over the whole time'}; first staff by "
        f"{'lagged SIPP' if answer.method == 'lagged' else answer.method.upper()}, then {answer.simulated_days:,} "
        f"simulated days; {proof}; seed {answer.seed}."
    )


def ended_words(answer: StaffAnswer) -> list[str]:
    """What an answer is worth that ended early."""
    if not answer.ended:
        return []
    early = f"{answer.ended[:1].upper()}{answer.ended[1:]} before the end of the"
    if answer.proved:
        return [f"{early} proof: more days might have told more, or asked for more agents."]
    return [
        f"{early} search.",
        f"This is the cheapest staff so far that meets the goals in the {answer.replications} days looked at.",
        "It is not proved, and a longer search may find a cheaper one.",
    ]


def sentences(answer: StaffAnswer) -> list[str]:
    """The verdict in plain words, with what is sure and what is not."""
    if not answer.proved:
        return []
    found = _of_day(answer)
    if answer.each == "interval":
        found.append(_of_intervals(answer))
    together = len(answer.verdicts)
    sure = f"{answer.confidence * 100:g} %"
    if together > 1:
        sure = (
            f"{sure} for all {together} verdicts together, however often they were looked at; of 100 such answers at "
            f"most {(1 - answer.confidence) * 100:g} have any of them wrong"
        )
    more = "open" in answer.verdicts and answer.replications >= answer.most_days
    found.append(f"Surely: with a confidence of {sure}.{' More days (--most-days) would tell more.' if more else ''}")
    return found


def _of_day(answer: StaffAnswer) -> list[str]:
    missed = [f"{check.goal} ({check.shown})" for check in answer.day if check.verdict == "missed"]
    unsure = [f"{check.goal} ({_at_worst(check)})" for check in answer.day if check.verdict == "open"]
    if not missed and not unsure:
        return ["Over the whole time this staff surely meets every goal."]
    found = []
    if missed:
        found.append(f"Over the whole time this staff surely misses {'; '.join(missed)}.")
    if unsure:
        met = len(answer.day) - len(missed) - len(unsure)
        found.append(
            f"Over the whole time {met} of {len(answer.day)} goals are surely met; so near that {_days(answer)} cannot "
            f"tell: {'; '.join(unsure)}."
        )
    return found


def _of_intervals(answer: StaffAnswer) -> str:
    found = [(start, check) for start, row in zip(answer.starts, answer.checks, strict=True) for check in row]
    verdicts = [check.verdict for _, check in found]
    missed = [f"{check.goal} at {start} ({check.shown})" for start, check in found if check.verdict == "missed"]
    named = f" ({'; '.join(missed[:MOST_NAMED])}{'; and others' if len(missed) > MOST_NAMED else ''})" if missed else ""
    text = (
        f"Of {len(verdicts)} goals in single intervals {verdicts.count('met')} are surely met and "
        f"{len(missed) or 'none'} surely missed{named}"
    )
    unsure = [(start, check) for start, check in found if check.verdict == "open"]
    if not unsure:
        return f"{text}."
    start, worst = max(unsure, key=lambda each: each[1].risk)
    them = f"the other {len(unsure)} are so near" if len(unsure) > 1 else "the other one is so near"
    return f"{text}; {them} that {_days(answer)} cannot tell, at worst {worst.goal} at {start}: {_at_worst(worst)}."


def _days(answer: StaffAnswer) -> str:
    return f"{answer.replications:,} days"


def _at_worst(check: Checked) -> str:
    return f"{check.shown}, surely {check.at_worst}"


def reasons(answer: StaffAnswer) -> list[str]:
    """What each nearest cheaper staff misses."""
    found = []
    for cheaper in answer.cheaper:
        at = f"at {cheaper.missed_at}" if cheaper.missed_at else "over the whole time"
        becomes = {
            "missed": f"but {cheaper.goal} is missed {at}: {cheaper.shown}",
            "open": f"but {cheaper.goal} {at} may be missed: {cheaper.shown}",
            "met": f"and may miss no goal ({cheaper.goal} {at}: {cheaper.shown}); that is not proved",
        }[cheaper.verdict]
        saved = amount(cheaper.saves, answer.currency)
        found.append(f"One agent of {cheaper.group} less at {cheaper.start} saves {saved}, {becomes}.")
    return found or ["No agent can be taken away within the limits."]


def _staff_table(answer: StaffAnswer) -> Table:
    groups = list(answer.counts)
    goals = [check.goal for check in answer.day]
    columns = [Column("from", text=True), *map(Column, groups), *map(Column, goals)]
    rows = []
    for i, start in enumerate(answer.starts):
        rows.append(
            [Cell(start), *(Cell(str(answer.counts[g][i])) for g in groups), *map(_goal_cell, answer.checks[i])]
        )
    hours = [Cell(f"{answer.agent_hours[g]:,.1f} h") for g in groups]
    rows.append([Cell("all"), *hours, *map(_goal_cell, answer.day)])
    note = (
        "Below each figure its interval; all of them hold together. ✓ surely met, ✗ surely missed, ≈ too near to tell."
    )
    return Table(columns, rows, strong=[len(rows) - 1], note=note if answer.proved else "")


def _goal_cell(check: Checked) -> Cell:
    return Cell(check.shown, f"({check.between})" if check.between else "", _MARKS[check.verdict])


def _goal_rows(answer: StaffAnswer) -> list[list[object]]:
    spans = [*zip(answer.starts, answer.checks, strict=True), ("whole", answer.day)]
    return [
        [start, check.goal, check.bound, check.value, check.low, check.high, check.verdict]
        for start, checks in spans
        for check in checks
    ]


def frontier_report(frontier: Frontier) -> Report:
    shares = list(dict.fromkeys(point.share for point in frontier.points))
    legend = [(colour, f"{share * 100:g} % promised") for colour, share in zip(cycle(COLOURS), shares, strict=False)]
    fields = ("share", "within_s", "cost", "service_level", "asa_s", "abandon", "occupancy", "reason")
    when = "in every interval" if frontier.each == "interval" else "over the whole time"
    groups = list(dict.fromkeys(name for point in frontier.points for name in point.agent_hours))
    rows = [
        [*(getattr(point, name) for name in fields), int(point.knee), *(point.agent_hours.get(name) for name in groups)]
        for point in frontier.points
    ]
    return Report(
        kind="target",
        title=frontier.scenario,
        about=(
            f"Each promise with the staff that keeps it {when}; {frontier.replications} days a point, seed "
            f"{frontier.seed}."
        ),
        answer=knee_sentences(frontier),
        warnings=missing_words(frontier),
        sections=[
            Section("Promises", tables=[_frontier_table(frontier)]),
            Section(
                "Curves",
                figures=[
                    Figure("Cost", "of the promise; the knee is ringed", plots.cost_curves(frontier, shares), legend),
                    Figure("Abandoned", "share of callers who give up", plots.abandon_curves(frontier, shares), legend),
                ],
            ),
        ],
        data={"frontier": Data([*fields, "knee", *(f"hours_{name}" for name in groups)], rows)},
        results=frontier,
    )


def knee_sentences(frontier: Frontier) -> list[str]:
    return [
        f"{point.share * 100:g} % within {point.within_s:g} s is the knee: it costs "
        f"{amount(point.cost, frontier.currency)}, and shorter promises cost more for each second."
        for point in frontier.points
        if point.knee and point.cost is not None
    ]


def missing_words(frontier: Frontier) -> list[str]:
    """Which promises were not looked at, because it ended early."""
    if not frontier.ended:
        return []
    missing = ", ".join(f"{share * 100:g} % within {within:g} s" for share, within in frontier.missing)
    return [f"{frontier.ended[:1].upper()}{frontier.ended[1:]}: these promises were not looked at: {missing}."]


def _frontier_table(frontier: Frontier) -> Table:
    heads = ("within", "cost", "hours of agents", "most agents", "service level", "ASA", "abandoned", "occupancy", "")
    columns = [Column("promise"), *map(Column, heads[:-1]), Column(heads[-1], text=True)]
    note = (
        "What callers meet is of all queues over the whole time; a promise for every interval asks for more than that."
    )
    rows = [_frontier_row(frontier, point) for point in frontier.points]
    return Table(columns, rows, note=note if frontier.each == "interval" else "")


def _frontier_row(frontier: Frontier, point: Point) -> Sequence[Cell]:
    head = [Cell(f"{point.share * 100:g} %"), Cell(f"{point.within_s:g} s")]
    if point.cost is None:
        return [*head, *(Cell("–") for _ in range(7)), Cell(point.reason, mark="bad")]
    return [
        *head,
        Cell(amount(point.cost, frontier.currency)),
        Cell(f"{sum(point.agent_hours.values()):,.1f}"),
        Cell(str(max(point.agents))),
        *(Cell("–" if value is None else f"{value * 100:.1f} %") for value in (point.service_level,)),
        Cell("–" if point.asa_s is None else f"{point.asa_s:.1f} s"),
        *(Cell("–" if value is None else f"{value * 100:.1f} %") for value in (point.abandon, point.occupancy)),
        Cell("knee" if point.knee else ""),
    ]
