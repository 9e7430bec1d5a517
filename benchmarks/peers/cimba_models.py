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


ROOM = 4_096
"""For so many who wait for a kind."""


class KindCaller(cb.Model):
    """A caller of some kind, who gives the agent on to who has waited longest for it, its own kind before the other."""

    centre: cb.Ref["Kinds"]
    kind: cb.Param[int] = 0

    @cb.process
    def call(self):
        centre = self.centre
        agent = centre.longest_idle(self.kind)
        if agent < 0:
            centre.waiters += 1.0
            centre.callers_of[self.kind * ROOM + centre.tail[self.kind] % ROOM] = cb.this_process().pointer
            centre.tail[self.kind] += 1
            agent = cb.suspend()
        cb.hold(centre.service.next())
        kind = centre.own[agent]
        if centre.head[kind] == centre.tail[kind]:
            kind = centre.other[agent]
        if centre.head[kind] == centre.tail[kind]:
            centre.idle[agent] = True
            centre.since[agent] = cb.now()
            centre.free += 1
        else:
            waiting = cb.Process(centre.callers_of[kind * ROOM + centre.head[kind] % ROOM])
            centre.head[kind] += 1
            waiting.resume(agent)


class Kinds(cb.Model):
    """Agents with two kinds of calls each. Callers are processes; those who wait stand in a ring for their kind."""

    gap: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    service: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    which: cb.Input[float] = inputs.dist.uniform(low=0.0, high=1.0)
    own: cb.Array[int]
    other: cb.Array[int]
    idle: cb.Array[bool]
    since: cb.Array[float]
    head: cb.Array[int]
    tail: cb.Array[int]
    callers_of: cb.Array[int]
    free: cb.Param[int] = 0
    waiters: cb.Param[float] = 0.0
    callers: cb.Param[float] = 0.0
    waited: cb.Output[float]
    arrived: cb.Output[float]

    def __init__(self, agents: list[tuple[int, int]], kinds: int) -> None:
        super().__init__()
        self.own = cb.Array([own for own, _ in agents])
        self.other = cb.Array([other for _, other in agents])
        self.idle = cb.Array([True] * len(agents))
        self.since = cb.Array([0.0] * len(agents))
        self.head, self.tail = cb.Array(kinds), cb.Array(kinds)
        self.callers_of = cb.Array(kinds * ROOM)
        self.free = len(agents)

    @cb.function
    def longest_idle(self, kind: int) -> int:
        """Takes the agent who has been idle longest, if there is one: -1."""
        agent = -1
        if self.free > 0:
            for number in range(len(self.own)):
                if not self.idle[number] or self.own[number] != kind:
                    continue
                if agent < 0 or self.since[number] < self.since[agent]:
                    agent = number
            if agent < 0:
                for number in range(len(self.own)):
                    if not self.idle[number] or self.other[number] != kind:
                        continue
                    if agent < 0 or self.since[number] < self.since[agent]:
                        agent = number
        if agent >= 0:
            self.idle[agent] = False
            self.free -= 1
        return agent

    @cb.process
    def arrivals(self):
        while True:
            cb.hold(self.gap.next())
            self.callers += 1.0
            cb.spawn(KindCaller, centre=self, kind=int(self.which.next() * len(self.head)))

    @cb.on_end
    def finish(self):
        self.waited = self.waiters
        self.arrived = self.callers
