"""The centre of `benchmarks.kernel` as cimba's documentation teaches: what it compiles must stand in a file."""

import cimba as cb
from cimba import inputs


class Caller(cb.Model):
    centre: cb.Ref["Centre"]

    @cb.process
    def call(self):
        centre = self.centre
        if centre.agents.available() == 0:
            centre.waiters += 1.0
            cb.this_process().timer_set(centre.patience.next(), 7)
            if centre.agents.acquire() != 0:
                return
            cb.this_process().timers_clear()
        else:
            centre.agents.acquire()
        cb.hold(centre.service.next())
        centre.agents.release()


class Centre(cb.Model):
    gap: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    service: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    patience: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    agents: cb.Resource
    waiters: cb.Param[float] = 0.0
    callers: cb.Param[float] = 0.0
    waited: cb.Output[float]
    arrived: cb.Output[float]

    def __init__(self, agents: int) -> None:
        super().__init__()
        self.agents = cb.Resource(capacity=agents)

    @cb.process
    def arrivals(self):
        while True:
            cb.hold(self.gap.next())
            self.callers += 1.0
            cb.spawn(Caller, centre=self)

    @cb.on_end
    def finish(self):
        self.waited = self.waiters
        self.arrived = self.callers
