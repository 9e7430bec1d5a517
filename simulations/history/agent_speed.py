"""How much faster or slower each agent is than others with the same contacts.

An agent's factor is the work done over the work that it would have been at the mean of each kind. Few contacts say
little, so factors are drawn towards 1 as far as chance explains them (empirical Bayes on their logarithms, with the
variance between agents by R. DerSimonian and N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials
7, 1986).
"""

from dataclasses import dataclass

import numpy

from simulations.history.form import History, Ints
from simulations.history.zones import Bools


@dataclass(frozen=True, slots=True)
class AgentSpeed:
    """Of one agent: contacts handled, the mean of their handle times, the raw factor with its standard error, and the
    factor to plan with."""

    contacts: int
    mean_s: float
    raw: float
    error: float
    factor: float


def agent_speeds(history: History, kind_of: Ints, used: Bools) -> dict[str, AgentSpeed]:
    """Of every agent who handled something."""
    talk, hold = history.ints("talk_ms"), history.ints("hold_ms")
    agents = history.texts("agent")
    taken = used & (talk >= 0) & (agents != "") & (kind_of >= 0)
    if not taken.any():
        return {}
    seconds = numpy.maximum(0.5, (talk[taken] + numpy.maximum(0, hold[taken])) / 1000)
    kinds, who = kind_of[taken], agents[taken].astype(str)
    means = numpy.bincount(kinds, weights=seconds) / numpy.maximum(1, numpy.bincount(kinds))
    squares = numpy.bincount(kinds, weights=seconds**2) / numpy.maximum(1, numpy.bincount(kinds))
    names, of = numpy.unique(who, return_inverse=True)
    count = numpy.bincount(of)
    done = numpy.bincount(of, weights=seconds)
    expected = numpy.bincount(of, weights=means[kinds])
    variance = numpy.bincount(of, weights=(squares - means**2)[kinds])
    raw = done / expected
    error = numpy.sqrt(numpy.maximum(variance, 1e-12)) / expected
    logs, chance = numpy.log(raw), (error / raw) ** 2
    between = _between(logs, chance)
    drawn = numpy.exp(between / (between + chance) * logs)
    return {
        str(name): AgentSpeed(int(count[i]), float(done[i] / count[i]), float(raw[i]), float(error[i]), float(drawn[i]))
        for i, name in enumerate(names)
    }


def _between(logs: numpy.ndarray, chance: numpy.ndarray) -> float:
    """The variance between agents that chance does not explain."""
    if len(logs) < 2:
        return 0.0
    weights = 1 / chance
    mean = (weights * logs).sum() / weights.sum()
    spread = (weights * (logs - mean) ** 2).sum()
    size = weights.sum() - (weights**2).sum() / weights.sum()
    return float(max(0.0, (spread - (len(logs) - 1)) / size)) if size > 0 else 0.0
