"""Which engine simulates: SimPy around the real core, or the compiled kernel, which makes the same decisions faster.

The results are the same, decision by decision, so the choice is one of speed alone. `auto` takes the kernel where it
supports the setting and is worth its compilation, which is kept on disk.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Literal

from simulations.arrivals import rates_per_hour
from simulations.driver import Replication
from simulations.outcomes import Outcome, outcome_of
from simulations.setting import Setting

Engine = Literal["auto", "kernel", "simpy"]
Replicate = Callable[[Setting, int], Outcome]

WORTH_COMPILING = 300_000
"""Contacts that SimPy simulates in about the time that it takes to compile the kernel."""

REMEMBERED = 64
"""For so many settings a process keeps what the kernel has made ready."""


def replicate(setting: Setting, number: int) -> Outcome:
    """Runs replication `number` (from 0) in SimPy."""
    replication = Replication(setting, number)
    return outcome_of(setting, number, replication.run(), replication.unfinished, replication.counts)


def replicate_compiled(setting: Setting, number: int) -> Outcome:
    """Runs replication `number` in the kernel if it supports the setting, or else in SimPy."""
    kernel = _kernel(setting)
    return replicate(setting, number) if kernel is None else kernel.replicate(number)


_kernels: dict[int, tuple[Setting, Any]] = {}


def _kernel(setting: Setting) -> Any:
    """The kernel for this very setting, None if it does not support it."""
    known = _kernels.get(id(setting))
    if known is None:
        kernel = None
        if kernel_installed():
            from simulations.kernel.engine import Kernel
            from simulations.kernel.refusals import refusals

            kernel = None if refusals(setting) else Kernel(setting)
        while len(_kernels) >= REMEMBERED:
            del _kernels[next(iter(_kernels))]
        known = _kernels[id(setting)] = (setting, kernel)  # which keeps the setting, and so its id
    return known[1]


def kernel_installed() -> bool:
    """Whether numba is there (the extra `kernel`)."""
    return importlib.util.find_spec("numba") is not None


def choose(engine: Engine, settings: Sequence[Setting]) -> tuple[Replicate, tuple[str, ...]]:
    """What runs replications of these settings, and what is to be told about it."""
    if engine == "simpy":
        return replicate, ()
    if not kernel_installed():
        missing = "The kernel needs numba (pip install 'switchboard-acd[kernel]'); simulated with SimPy."
        return replicate, (missing,) if engine == "kernel" else ()
    if engine == "auto" and not _worth_it(settings):
        return replicate, ()
    from simulations.kernel.refusals import refusals

    found = [(setting.scenario.name, refusals(setting)) for setting in settings]
    notices = dict.fromkeys(
        f"Simulated with SimPy, since the kernel does not support all of {name!r}: {'; '.join(reasons)}."
        for name, reasons in found
        if reasons
    )
    return replicate_compiled, tuple(notices)


def _worth_it(settings: Sequence[Setting]) -> bool:
    from simulations.kernel.source import is_compiled

    return sum(map(_contacts, settings)) >= WORTH_COMPILING or is_compiled()


def _contacts(setting: Setting) -> float:
    """How many contacts all replications are expected to have."""
    scenario = setting.scenario
    hours = scenario.interval_minutes / 60
    rates = (sum(rates_per_hour(kind.arrivals, scenario)) for kind in scenario.kinds.values())
    return sum(rates) * hours * scenario.replications
