"""Which engine simulates: SimPy around the real core, or the compiled kernel, which makes the same decisions faster.

The results are the same, decision by decision, so the choice is one of speed alone. `auto` takes the kernel where it
supports the setting and is worth its compilation, which is kept on disk.
"""

import importlib.util
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from router.core import router
from simulations.arrivals import rates_per_hour
from simulations.driver import Replication
from simulations.outcomes import Outcome, outcome_of
from simulations.places import Place, Processes
from simulations.setting import Setting

Engine = Literal["auto", "kernel", "simpy"]
Replicate = Callable[[Setting, int], Outcome]

WORTH_COMPILING = 300_000
"""Contacts that SimPy simulates in about the time that it takes to compile the kernel."""

DAY_S, KERNEL_PER_S = 0.01, 500_000
"""About what a replication in the kernel takes: so long whatever happens in it, and contacts in a second."""

MOST_REASONS = 8
"""So many things that the kernel does not support are told."""

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


def core_compiled() -> bool:
    """Whether the router and its SimPy shell are those that `make compiled` makes."""
    return not router.__file__.endswith(".py")


def kernel_installed() -> bool:
    """Whether numba is there (the extra `kernel`)."""
    return importlib.util.find_spec("numba") is not None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What runs the replications of some settings, by name for each of them, and what is to be told about it."""

    replicate: Replicate
    names: tuple[Literal["kernel", "simpy"], ...]
    notices: tuple[str, ...] = ()
    day_s: float | None = None
    """About how long a replication takes, where that is known."""

    @property
    def words(self) -> str:
        """Which engine it is, for people."""
        found = set(self.names)
        if found == {"kernel"}:
            return "Simulated by the compiled kernel."
        if found == {"simpy"}:
            return f"Simulated by the router under SimPy{', compiled' if core_compiled() else ''}."
        return "Simulated by the kernel and SimPy."

    def at(self, place: Place) -> Place:
        """The place, which knows how short the work is: what the kernel does in no time is not worth a process."""
        return Processes(place.count, self.day_s) if isinstance(place, Processes) else place


def choose(engine: Engine, settings: Sequence[Setting], days: int | None = None) -> Chosen:
    """What runs replications of these settings: `days` of each, by default as many as the scenario says."""
    by_simpy = Chosen(replicate, tuple("simpy" for _ in settings))
    if engine == "simpy":
        return by_simpy
    if not kernel_installed():
        missing = "The kernel needs numba (pip install 'switchboard-acd[kernel]'); simulated with SimPy."
        return Chosen(replicate, by_simpy.names, (missing,) if engine == "kernel" else ())
    from simulations.kernel.refusals import refusals

    found = [refusals(setting) for setting in settings]
    notices = dict.fromkeys(
        f"Simulated with SimPy, since the kernel does not support all of {setting.scenario.name!r}: "
        f"{'; '.join(_shortly(setting, reasons))}."
        for setting, reasons in zip(settings, found, strict=True)
        if reasons
    )
    compiled = [setting for setting, reasons in zip(settings, found, strict=True) if not reasons]
    if engine == "auto" and not _worth_it(settings, compiled, days):
        return by_simpy
    if not compiled:
        return Chosen(replicate, by_simpy.names, tuple(notices))
    day_s = None if any(found) else DAY_S + max(map(_contacts, settings)) / KERNEL_PER_S
    return Chosen(
        replicate_compiled, tuple("simpy" if reasons else "kernel" for reasons in found), tuple(notices), day_s
    )


def _shortly(setting: Setting, reasons: Sequence[str]) -> list[str]:
    """The reasons, those that differ in nothing but whom or which position they are of as one."""
    people = {f"staff.{worker.name}." for worker in setting.workers}
    alike: dict[str, list[str]] = {}
    for reason in reasons:
        whose = next((name for name in people if reason.startswith(name)), "")
        pattern = f"staff[*].{reason.removeprefix(whose)}" if whose else re.sub(r"\[\d+\]", "[*]", reason)
        alike.setdefault(pattern, []).append(reason)
    told = [same[0] if len(same) == 1 else pattern for pattern, same in alike.items()]
    return told if len(told) <= MOST_REASONS else [*told[:MOST_REASONS], f"and {len(told) - MOST_REASONS} more"]


def _worth_it(settings: Sequence[Setting], compiled: Sequence[Setting], days: int | None) -> bool:
    from simulations.kernel.plan import make_plan
    from simulations.kernel.source import is_compiled

    contacts = sum(_contacts(setting) * (days or setting.scenario.replications) for setting in settings)
    return contacts >= WORTH_COMPILING or all(is_compiled(make_plan(setting).plain) for setting in compiled)


def _contacts(setting: Setting) -> float:
    """How many contacts a replication is expected to have."""
    scenario = setting.scenario
    rates = (sum(rates_per_hour(kind.arrivals, scenario)) for kind in scenario.kinds.values())
    return sum(rates) * scenario.interval_minutes / 60
