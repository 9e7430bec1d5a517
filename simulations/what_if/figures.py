"""The figures that a what-if compares: what they are called, their unit for people, and which way is better."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simulations.costs import AMOUNT, COST_FIGURES
from simulations.reports import figures
from simulations.statistics import Estimate

Better = Literal["more", "less", ""]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in words (`the service level`), as a head, how people read it, the factor to its unit for people, that
    unit, and which way is better (empty: neither)."""

    words: str
    head: str
    shown: Callable[[Estimate], str]
    scale: float
    unit: str
    better: Better


CONTACTS = {
    "service_level_share": Figure("the service level", "service level", figures.percent, 100, "points", "more"),
    "asa_ms": Figure("the mean wait of answered contacts", "ASA", figures.seconds, 0.001, "s", "less"),
    "abandon_share": Figure("the abandon rate", "abandoned", figures.percent, 100, "points", "less"),
    "mean_wait_ms": Figure("the mean wait", "mean wait", figures.seconds, 0.001, "s", "less"),
}
AGENTS = {"occupancy_share": Figure("the occupancy", "occupancy", figures.percent, 100, "points", "")}
_MONEY_BETTER: dict[str, Better] = {"self_service_saving": "more", "paid_hours": "", "line_minutes": ""}
MONEY = {
    of.name: Figure(
        "the cost" if of.name == "total_cost" else of.title[0].lower() + of.title[1:],
        "cost" if of.name == "total_cost" else of.title[0].lower() + of.title[1:],
        figures.money if of.unit == AMOUNT else figures.plain,
        1,
        "",
        _MONEY_BETTER.get(of.name, "less"),
    )
    for of in COST_FIGURES
}
FIGURES = {**CONTACTS, **AGENTS, **MONEY}
