"""One queue over a day: staffing for arrivals that change, and what callers then meet, computed and not simulated."""

from simulations.time_varying.chain import Evolution, evolve, performance
from simulations.time_varying.day import Day
from simulations.time_varying.staffing import METHODS, isa, lagged, sipp

__all__ = ["METHODS", "Day", "Evolution", "evolve", "isa", "lagged", "performance", "sipp"]
