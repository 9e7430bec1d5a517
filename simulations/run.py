"""What the parts of one replication share."""

from dataclasses import dataclass

from router.core.metrics import Metrics
from simulations.caller_counts import CallerCounts
from simulations.setting import Setting
from simulations.shell import SimulatedRouter
from simulations.streams import Streams


@dataclass(frozen=True, slots=True)
class Run:
    """One replication. Nobody arrives after `end_ms`."""

    setting: Setting
    streams: Streams
    shell: SimulatedRouter
    metrics: Metrics
    counts: CallerCounts
    end_ms: int
