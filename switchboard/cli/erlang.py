"""`switchboard erlang`: the closed forms on one line, in three directions.

With calls and agents: what callers meet. With calls and goals: the agents needed. With agents and goals: the calls they
can take.
"""

import json as json_module
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.quantities import numbers, seconds, share

# numpy and SciPy take a second to load, which no other command should pay for.
if TYPE_CHECKING:
    from simulations.erlang import Figures, Goals, Model
    from simulations.erlang.numerics import Floats

app = typer.Typer(
    help="Erlang B, C, A, X and M/M/c/K+M: what callers meet, the agents needed, or the calls that can be taken.",
    no_args_is_help=True,
)

Calls = Annotated[
    str | None, typer.Option("--calls", help="Calls in an interval, or one number for each: 360,420,80.", metavar="N")
]
Per = Annotated[float, typer.Option("--per", parser=seconds, help="Length of the interval.", metavar="TIME")]
Aht = Annotated[
    float, typer.Option("--aht", parser=seconds, help="Mean handle time, wrap-up included.", metavar="TIME")
]
Agents = Annotated[str | None, typer.Option("--agents", help="Agents there, or one number for each.", metavar="N")]
Within = Annotated[float, typer.Option("--within", parser=seconds, help="The wait that is promised.", metavar="TIME")]
Level = Annotated[
    float | None, typer.Option("--service-level", parser=share, help="Goal: share answered in time.", metavar="SHARE")
]
Asa = Annotated[float | None, typer.Option("--asa", parser=seconds, help="Goal: longest mean wait.", metavar="TIME")]
Abandon = Annotated[
    float | None, typer.Option("--abandon", parser=share, help="Goal: most who give up.", metavar="SHARE")
]
Blocked = Annotated[
    float | None, typer.Option("--blocked", parser=share, help="Goal: most turned away.", metavar="SHARE")
]
Wait = Annotated[float | None, typer.Option("--wait", parser=share, help="Goal: most who wait.", metavar="SHARE")]
Occupancy = Annotated[
    float | None, typer.Option("--occupancy", parser=share, help="Goal: highest occupancy.", metavar="SHARE")
]
Patience = Annotated[float, typer.Option("--patience", parser=seconds, help="Mean patience.", metavar="TIME")]
PatienceOrNone = Annotated[
    float | None, typer.Option("--patience", parser=seconds, help="Mean patience; endless without.", metavar="TIME")
]
Redial = Annotated[
    float, typer.Option("--redial", parser=share, help="Share of the lost who call again.", metavar="SHARE")
]
Lines = Annotated[float, typer.Option("--lines", help="Calls at once, talking or waiting.", metavar="N")]
LinesOrNone = Annotated[
    float | None, typer.Option("--lines", help="Calls at once, talking or waiting; no limit without.", metavar="N")
]
Shrinkage = Annotated[
    float, typer.Option("--shrinkage", parser=share, help="Share of paid time not available.", metavar="SHARE")
]
Fractional = Annotated[bool, typer.Option("--fractional", help="Agents to fractions instead of whole ones.")]
REQUIRED = Parameter.empty
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


OPTIONS: dict[str, tuple[Any, Any]] = {
    "aht": (Aht, REQUIRED),
    "patience": (Patience, REQUIRED),
    "patience_or_none": (PatienceOrNone, None),
    "redial": (Redial, REQUIRED),
    "lines": (Lines, REQUIRED),
    "lines_or_none": (LinesOrNone, None),
    "calls": (Calls, None),
    "per": (Per, "1h"),
    "agents": (Agents, None),
    "within": (Within, "20s"),
    "service_level": (Level, None),
    "asa": (Asa, None),
    "abandon": (Abandon, None),
    "blocked": (Blocked, None),
    "wait": (Wait, None),
    "occupancy": (Occupancy, None),
    "shrinkage": (Shrinkage, "0"),
    "fractional": (Fractional, False),
    "json": (Json, False),
}
"""Every option once: what it is, and its default."""


_BEFORE = ("aht", "calls", "per", "agents")
_AFTER = ("shrinkage", "fractional", "json")
_SHARES = ("service_level", "abandon", "blocked", "wait", "occupancy")


def _command(name: str, own: str, goals: str) -> Callable[[Callable[..., "Model"]], None]:
    """Makes a command of a function that makes the model of its `own` options. All commands take traffic and agents;
    `goals` are those that make sense for the model."""

    def decorate(model: Callable[..., "Model"]) -> None:
        def command(**given: Any) -> None:
            from simulations.erlang import Goals

            with _refusals():
                shares = {word: given[word] for word in _SHARES if word in given}
                limits = Goals(within_s=given.get("within", 0), asa_s=given.get("asa"), **shares)
                made = model(*(given[_word(option)] for option in own.split()))
                _answer(made, limits, *(given[word] for word in ("calls", "per", "aht", "agents", *_AFTER)))

        # Typer reads the options off the signature.
        options = (*own.split(), *_BEFORE, *goals.split(), *_AFTER)
        ordered = sorted(options, key=lambda option: OPTIONS[option][1] is not REQUIRED)
        parameters = [
            Parameter(_word(option), Parameter.KEYWORD_ONLY, annotation=OPTIONS[option][0], default=OPTIONS[option][1])
            for option in ordered
        ]
        vars(command)["__signature__"] = Signature(parameters)
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        command.__doc__ = model.__doc__
        app.command(name)(command)

    return decorate


def _word(option: str) -> str:
    return option.removesuffix("_or_none")


@_command("b", "", "blocked occupancy")
def erlang_b() -> "Model":
    """Nobody waits: who finds all agents (or lines, or trunks) busy is turned away."""
    from simulations.erlang import ErlangB

    return ErlangB()


@_command("c", "", "within service_level asa wait occupancy")
def erlang_c() -> "Model":
    """Everybody waits until answered."""
    from simulations.erlang import ErlangC

    return ErlangC()


@_command("a", "patience", "within service_level asa abandon wait occupancy")
def erlang_a(patience_s: float) -> "Model":
    """Callers lose patience and hang up."""
    from simulations.erlang import ErlangA

    return ErlangA(patience_s)


@_command("x", "patience redial lines_or_none", "within service_level asa abandon blocked wait occupancy")
def erlang_x(patience_s: float, redial: float, lines: float | None) -> "Model":
    """Callers lose patience, and some of them call again. Shares are of all tries."""
    from simulations.erlang import ErlangX

    return ErlangX(patience_s, redial, lines)


@_command("k", "lines patience_or_none", "within service_level asa abandon blocked wait occupancy")
def finite_lines(lines: float, patience_s: float | None) -> "Model":
    """M/M/c/K+M: callers lose patience, and there is a limit of lines."""
    from simulations.erlang import FiniteLines

    return FiniteLines(lines, float("inf") if patience_s is None else patience_s)


class Method(StrEnum):
    """How the agents of a day are found."""

    SIPP = "sipp"
    LAGGED = "lagged"
    ISA = "isa"


@app.command("day")
def day(
    aht: Aht,
    calls: Annotated[str, typer.Option("--calls", help="Calls in each interval: 20,60,150.", metavar="N,N,..")],
    per: Per = "30m",  # type: ignore[assignment]
    patience: PatienceOrNone = None,
    agents: Agents = None,
    method: Annotated[Method, typer.Option(help="How the agents are found.")] = Method.ISA,
    within: Within = "20s",  # type: ignore[assignment]
    service_level: Level = None,
    asa: Asa = None,
    abandon: Abandon = None,
    wait: Wait = None,
    occupancy: Occupancy = None,
    shrinkage: Shrinkage = "0",  # type: ignore[assignment]
    json: Json = False,
) -> None:
    """A day of intervals, each of which begins with what the last one left: SIPP, lagged SIPP or ISA.

    What is printed is what callers meet in the changing day, whichever way the agents were found.
    """
    import numpy

    from simulations.erlang import Goals, scheduled
    from simulations.time_varying import METHODS, Day, performance

    with _refusals():
        goals = Goals(service_level, within, asa, abandon, None, wait, occupancy)
        offered = numpy.array(numbers(calls))
        the_day = Day.of(offered, per, aht, float("inf") if patience is None else patience)
        if agents is not None:
            there = numpy.broadcast_to(numpy.array(numbers(agents)), offered.shape)
        elif goals.bounds:
            there = METHODS[method](the_day, goals)
        else:
            raise ValueError("give --agents, or a goal such as --service-level 0.8 to learn how many are needed")
        figures = performance(the_day, there, within)
        how = "as given" if agents is not None else f"by {method.upper() if method != 'lagged' else 'lagged SIPP'}"
        _show(
            "c" if patience is None else "a",
            f"A day of {len(offered)} intervals, agents {how}",
            goals,
            per,
            offered,
            figures,
            scheduled(there, shrinkage),
            shrinkage,
            json,
        )


class _refusals:  # noqa: N801 - reads as a statement
    """What the models refuse is the user's mistake (2), a goal out of reach a no (1)."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from simulations.erlang import Unreachable

        if isinstance(error, ValueError):
            text = str(error)
            Console(stderr=True, soft_wrap=True, highlight=False).print(f"{text[:1].upper()}{text[1:]}.", markup=False)
            raise typer.Exit(1 if isinstance(error, Unreachable) else 2) from None


def _answer(
    model: "Model",
    goals: "Goals",
    calls: str | None,
    per_s: float,
    aht_s: float,
    agents: str | None,
    shrinkage: float,
    fractional: bool,
    json: bool,
) -> None:
    import numpy

    from simulations.erlang import Traffic, agents_for, scheduled, traffic_for

    there = None if agents is None else numpy.array(numbers(agents))
    if calls is not None:
        offered = numpy.array(numbers(calls))
        if there is not None and len({len(offered), len(there)} - {1}) > 1:
            raise ValueError(f"there are {len(offered)} numbers of calls and {len(there)} of agents")
        traffic = Traffic.of(offered, aht_s, per_s)
        if there is None:
            if not goals.bounds:
                raise ValueError("give --agents, or a goal such as --service-level 0.8 to learn how many are needed")
            there = agents_for(model, traffic, goals, fractional)
    elif there is not None:
        if not goals.bounds:
            raise ValueError("give --calls, or a goal such as --service-level 0.8 to learn how many calls can be taken")
        traffic = traffic_for(model, there, aht_s, goals)
    else:
        raise ValueError("give --calls, --agents, or both")
    figures = model.figures(traffic, there, goals.within_s)
    offered = numpy.broadcast_to(traffic.arrivals_per_s * per_s, figures.agents.shape)
    paid = scheduled(figures.agents, shrinkage)
    _show(model.name, model.title, goals, per_s, offered, figures, paid, shrinkage, json)


def _show(
    model: str,
    title: str,
    goals: "Goals",
    per_s: float,
    calls: "Floats",
    figures: "Figures",
    paid: "Floats",
    shrinkage: float,
    json: bool,
) -> None:
    """Prints, and exits with 1 when a goal is missed."""
    met = goals.met(figures)
    if json:
        typer.echo(json_module.dumps(_document(model, goals, per_s, calls, figures, paid, met), indent=1))
    else:
        _print(model, title, goals, calls, figures, paid if shrinkage else None, met)
    if not met.all():
        raise typer.Exit(1)


def _document(
    model: str, goals: "Goals", per_s: float, calls: "Floats", figures: "Figures", paid: "Floats", met: Any
) -> dict[str, Any]:
    """As JSON; null stands for what is infinite: nobody is answered, or the queue grows without end."""
    columns = {"calls": calls, **asdict(figures), "scheduled": paid}
    rows = [
        {name: _finite(values[row]) for name, values in columns.items()} | {"goals_met": bool(met[row])}
        for row in range(len(calls))
    ]
    wanted = {name: value for name, value in asdict(goals).items() if value is not None}
    return {"model": model, "per_s": per_s, "goals": wanted, "intervals": rows}


def _finite(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None


_WAITING = ("service_level_share", "wait_share", "asa_s")
_COLUMNS = {
    "b": ("blocked_share", "occupancy_share"),
    "c": (*_WAITING, "occupancy_share", "mean_queue"),
    "a": (*_WAITING, "abandon_share", "occupancy_share", "mean_queue"),
    "x": (*_WAITING, "abandon_share", "blocked_share", "occupancy_share", "mean_queue", "tries", "lost_share"),
    "k": (*_WAITING, "abandon_share", "blocked_share", "occupancy_share", "mean_queue"),
}
_WORDS = {
    "service_level_share": "service level",
    "wait_share": "must wait",
    "asa_s": "ASA",
    "abandon_share": "abandoned",
    "blocked_share": "turned away",
    "occupancy_share": "occupancy",
    "mean_queue": "queue",
    "tries": "tries",
    "lost_share": "never served",
}


def _print(
    model: str, title: str, goals: "Goals", calls: "Floats", figures: "Figures", paid: "Floats | None", met: Any
) -> None:
    console = Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=120)
    columns = [("calls", [_plain(value, 6) for value in calls]), ("load (Erl)", [_plain(v, 5) for v in figures.load])]
    columns.append(("agents", [_plain(value, 6) for value in figures.agents]))
    if paid is not None:
        columns.append(("scheduled", [_plain(value, 4) for value in paid]))
    for name in _COLUMNS[model]:
        word = f"within {goals.within_s:g} s" if name == "service_level_share" else _WORDS[name]
        columns.append((word, [_shown(name, value) for value in getattr(figures, name)]))
    if goals.bounds:
        columns.append(("goals", ["met" if good else "missed" for good in met]))
    console.print(title, style="bold")
    if len(calls) == 1:
        table = Table(box=None, padding=(0, 1), show_header=False)
        for heading, values in columns:
            table.add_row(heading, values[0])
        console.print(table)
        return
    for number, part in enumerate(_parts(columns, console.width)):
        if number:
            console.print()
        table = Table(box=None, padding=(0, 1))
        for heading, _ in part:
            table.add_column(heading, justify="right", no_wrap=True)
        for row in zip(*(values for _, values in part), strict=True):
            table.add_row(*row)
        console.print(table)


_Column = tuple[str, list[str]]


def _parts(columns: list[_Column], width: int) -> list[list[_Column]]:
    """The columns as they fit beside each other: all of them; with headings of several lines; or in tables one below
    the other, each of which begins with the calls."""

    def needed(several: list[_Column]) -> int:
        return sum(
            2 + max(len(cell) for text in (heading, *values) for cell in text.split("\n"))
            for heading, values in several
        )

    if needed(columns) <= width:
        return [columns]
    folded = [(heading.replace(" ", "\n", 1), values) for heading, values in columns]
    parts = [folded[:1]]
    for column in folded[1:]:
        if len(parts[-1]) > 1 and needed([*parts[-1], column]) > width:
            parts.append(folded[:1])
        parts[-1].append(column)
    return parts


def _shown(name: str, value: float) -> str:
    if abs(value) == float("inf"):
        return "endless" if name != "asa_s" else "never"
    if name.endswith("_share"):
        return f"{100 * value:.2f} %"
    return f"{value:.2f} s" if name.endswith("_s") else _plain(value, 3)


def _plain(value: float, digits: int) -> str:
    """With so many digits, but all of a whole number and never as a power of ten."""
    return f"{value:.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"
