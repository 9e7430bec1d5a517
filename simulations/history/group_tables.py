"""The report's tables of agents in groups."""

from simulations.history.calibration import Calibration
from simulations.history.days import WEEKDAYS
from simulations.history.grouping import ALLOWED_OFF, LEAST_DIFFERENCE, LEVEL, SHORT_PAUSE_MINUTES
from simulations.history.scenarios import staff_of_weekday
from simulations.history.staffing import LEAST_CONTACTS, LEAST_SHARE, shift_text
from simulations.history.words import percent, shortened
from simulations.reports import Cell, Column, Section, Table


def groups(found: Calibration) -> Section:
    """Who is of which group and why, and the staff that follows."""
    heads = ("group", "queues", "agents", "contacts", "pace", "what they have in common")
    rows = [
        [
            Cell(group.name),
            Cell(", ".join(group.queues)),
            Cell(f"{len(group.agents)}: {shortened(group.agents)}"),
            Cell(f"{group.contacts:,}"),
            Cell(f"{group.factor:.2f}"),
            Cell(group.why),
        ]
        for group in found.groups
    ]
    strays = found.presence.strays
    others = f"; {strays:,} contacts were of other queues, and are not staffed for" if strays else ""
    served = (
        f"An agent serves the queues signed in to, and those of {LEAST_CONTACTS} contacts or more that are at least "
        f"{percent(LEAST_SHARE, 0)} of the agent's{others}."
    )
    paces = (
        f"Agents with the same queues are parted by pace where it differs (Cochran's test, p below {LEVEL:g}) and the "
        f"parts are {percent(LEAST_DIFFERENCE, 0)} or more apart."
    )
    tables = [Table([Column(head, text=head not in ("contacts", "pace")) for head in heads], rows)]
    if found.centre is None:
        tables.append(_staff(found))
    return Section("Groups of agents", text=[served, paces], tables=tables)


def _staff(found: Calibration) -> Table:
    """The staff of each weekday's scenario, beside what the records have of it."""
    heads = ("weekday", "group", "agents", "shifts", "hours", "in the records", "pauses")
    rows = [
        [
            Cell(WEEKDAYS[weekday].capitalize()),
            Cell(one.name),
            Cell(f"{len(one.agents)}: {shortened(one.agents)}"),
            Cell(", ".join(map(shift_text, one.spans))),
            Cell(f"{one.planned_minutes / 60:,.1f}"),
            Cell(f"{one.minutes / 60:,.1f}"),
            Cell("–" if one.pauses is None else percent(one.pauses["share"])),
        ]
        for weekday in found.weekdays()
        for one in staff_of_weekday(found, weekday)
    ]
    note = (
        "The groups of the last day of each weekday, parted by when their agents were there: pauses shorter than "
        f"{SHORT_PAUSE_MINUTES} minutes set aside, as many as in the records in each interval, within half an agent or "
        f"{percent(ALLOWED_OFF, 0)}. What is missing of the hours then is their pauses. Who is like nobody else has "
        "the very minutes of the records; with --each-agent everybody has."
    )
    return Table(
        [Column(head, text=head in ("weekday", "group", "shifts", "agents")) for head in heads], rows, note=note
    )
