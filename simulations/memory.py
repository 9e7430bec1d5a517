"""Scenarios larger than memory: told beforehand in words, instead of a machine that swaps or a process that is killed.

What grows is known: agents (and what is counted of each in every interval), figures that are kept of every
replication and interval, and the contacts of a trace that has to be held. Callers who are drawn, or read from a trace
as they come, do not count: they are forgotten when they have gone (of those who wait, `simulations.crowd` takes care).
The sizes are rounded up from `tracemalloc`; a scenario is refused only if it is larger than all that is free.
"""

from collections.abc import Iterator
from pathlib import Path

from documents import DocumentError, Problem, Source
from simulations.scenario import Scenario

AGENT_BYTES = 8_000
AGENT_INTERVAL_BYTES = 400
FIGURE_BYTES = 1_000
"""Of one queue, group or kind in one interval of one replication."""
TRACED_BYTES, ATTRIBUTE_BYTES = 1_500, 110
"""Of a contact of a trace, and of each attribute of it: a quarter more than `tracemalloc` says, as processes grow."""


def free_bytes() -> float:
    """What this process may still take: of the machine, and of its control group; infinite where neither says."""
    available = [line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemAvailable:")]
    found = [float("inf"), *(1024 * float(kilobytes) for kilobytes in available)]
    most, used = (_lines(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if most and used and most[0].isdecimal() and used[0].isdecimal():
        found.append(max(0.0, float(most[0]) - float(used[0])))
    return min(found)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def check_memory(source: Source, scenario: Scenario) -> None:
    """Raises DocumentError for a scenario that is larger than the memory that is free."""
    free = free_bytes()
    problems = [problem for needed, problem in _needs(source, scenario, free) if needed > free]
    if problems:
        raise DocumentError(problems)


def _needs(source: Source, scenario: Scenario, free: float) -> Iterator[tuple[float, Problem]]:
    counts = [staff.count or 0 for staff in scenario.staff or ()]
    agents = sum(counts) * (AGENT_BYTES + scenario.intervals * AGENT_INTERVAL_BYTES)
    largest = counts.index(max(counts)) if counts else 0
    yield (
        agents,
        source.problem(
            ("staff", largest, "count"),
            needs_more(f"{sum(counts):,} agents need", agents, free),
            "one count may be a slip",
        ),
    )
    queues = len(scenario.policy.queues) if scenario.policy is not None else len(scenario.queues)
    rows = 2 + queues + len(scenario.staff or ()) + len(scenario.kinds)
    replications = scenario.most_replications
    figures = float(replications) * (scenario.intervals + 1) * rows * FIGURE_BYTES
    yield (
        figures,
        source.problem(
            ("replications",),
            needs_more(
                f"the figures of {replications:,} replications of {scenario.intervals:,} intervals need", figures, free
            ),
            "fewer replications, or longer intervals",
        ),
    )


def traced_bytes(attributes: int) -> int:
    """What a contact of a trace takes that has so many attributes."""
    return TRACED_BYTES + attributes * ATTRIBUTE_BYTES


def check_trace(file: Path, contacts: int, attributes: int, free: float, why: Problem) -> None:
    """Raises DocumentError when so many contacts of a trace, which have to be held (`why`), are more than is `free`."""
    needed = contacts * traced_bytes(attributes)
    if needed > free:
        said = needs_more(f"{why.message}; to hold all {contacts:,} contacts takes", needed, free)
        raise DocumentError([Problem(said, str(file), why.line, hint=why.hint)])


def needs_more(what: str, needed: float, free: float) -> str:
    """`what` (which ends with its verb) needs so many bytes, and so many are free."""
    return f"{what} about {_amount(needed)} of memory; {_amount(free)} are free"


def _amount(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
