"""Where a command's replications run and by which engine, and the words and exit codes for those that ended early."""

import os
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:  # NumPy takes its time to load
    from simulations.places import Place

errors = Console(stderr=True, highlight=False, soft_wrap=True)

INTERRUPTED, OUTSIDE_FAILED = 130, 3

ClusterOption = Annotated[
    str | None,
    typer.Option(help="The scheduler of a Dask cluster, such as tcp://10.0.0.5:8786, in the place of this machine."),
]


class EngineName(Enum):
    """What simulates (see `simulations.engines`)."""

    AUTO = "auto"
    KERNEL = "kernel"
    SIMPY = "simpy"


EngineOption = Annotated[
    EngineName, typer.Option(help="The compiled kernel or SimPy, with the same results; auto: whichever is faster.")
]


def tell_engine(words: str, notices: Iterable[str]) -> None:
    """Says which engine simulated, and why it was not the one that was asked for, beside the results."""
    for line in (*notices, words):
        errors.print(line, markup=False, style="dim")


def place_of(jobs: int | None, cluster: str | None) -> "Place":
    """The cluster if one is named; otherwise this machine with `jobs` processes, by default one for each CPU."""
    if cluster is not None:
        from simulations.cluster import Cluster

        return Cluster(cluster)
    from simulations.places import local

    return local(jobs or os.cpu_count() or 1)


def nothing_done(ended: str) -> NoReturn:
    """Ends a command whose study `ended` (see `Study.ended`) with nothing to report."""
    errors.print(f"{_cause(ended)}. Not one replication was done: there is nothing to report.", markup=False)
    raise typer.Exit(_code(ended))


def ended_early(ended: str, done: int, wanted: int) -> NoReturn:
    """Ends a command whose study `ended` early, after its report of what was done."""
    ended_with(ended, f"{done} of {wanted} replications were done; the figures are of those.")


def ended_with(ended: str, what: str) -> NoReturn:
    """Ends a command that ended early, after its report: `what` says what it is worth."""
    errors.print(f"{_cause(ended)}: {what}", markup=False)
    raise typer.Exit(_code(ended))


def _cause(ended: str) -> str:
    return ended[:1].upper() + ended[1:]


def _code(ended: str) -> int:
    return INTERRUPTED if ended == "interrupted" else OUTSIDE_FAILED
