"""Runs the kernel: brings what it asks for on the way, and makes of its counts what the SimPy shell reports."""

from collections.abc import Sequence
from typing import Any

import numpy

from router.core.tallies import AgentTally, ContactTally, Waits
from simulations.arrivals import BLOCK as ARRIVALS_BLOCK
from simulations.arrivals import rates_per_hour
from simulations.clock import spans_ms
from simulations.kernel.draws import Callers, Stream
from simulations.kernel.machine.layout import (
    AGAIN,
    AT_ONCE,
    BLOCKED,
    BREAK,
    CALLERS,
    CONTAINED,
    COUNTED,
    DAY_MS,
    DONE,
    DOWN,
    IN_SELF_SERVICE,
    LONGEST,
    LOST,
    MORE_ARRIVALS,
    MORE_BACK,
    MORE_LANES,
    MORE_LOG,
    MORE_NUMBERS,
    MORE_ROOM,
    NONE,
    PRESSED,
    SEQ_BITS,
    SIGN_IN,
    SIGN_OUT,
    TORN,
    TRIES,
    UP,
    WHAT_BITS,
    WORKED,
    World,
)
from simulations.kernel.machine.structure import described
from simulations.kernel.plan import Plan, make_plan
from simulations.kernel.source import loop as compiled_loop
from simulations.kernel.world import grown, make_world, renumber
from simulations.outcomes import Outcome, Span, counts_callers
from simulations.roster import midnight_ms, worked
from simulations.setting import MINUTE_MS, Setting
from simulations.streams import BLOCK, Streams
from simulations.tallies import CallerTally

CHUNK = 8 * ARRIVALS_BLOCK
LANES = 4
CALLS = 2
"""So many calls of a caller are thought of, where callers call again."""


class Kernel:
    """One setting, made ready to be simulated as often as is wanted."""

    def __init__(self, setting: Setting) -> None:
        self.plan: Plan = make_plan(setting)
        self.setting = setting

    def replicate(self, number: int) -> Outcome:
        """Replication `number`, as `replications.replicate` gives it."""
        return KernelReplication(self.plan, number).run()


class KernelReplication:
    """One run. `log` holds the rows that were noted, if that was asked for."""

    def __init__(self, plan: Plan, number: int = 0, keep_log: bool = False) -> None:
        self._plan, self._number = plan, number
        self.log: list[Any] = []
        scenario = plan.setting.scenario
        self._streams = Streams(scenario.seed, number)
        self._chunk = _chunk(plan)
        self._lanes = LANES if plan.lanes else 0
        self._tries = CALLS if any(kind.redial_delays for kind in plan.kinds) else 0
        self._hears = (self._tries or 1) if plan.hear_width else 0
        self._callers = [
            Callers(plan, kind, self._streams, self._lanes, self._tries, self._hears) for kind in plan.kinds
        ]
        self._backs = {agent: Stream(self._streams, f"agent/{name}/back", back) for agent, name, back in plan.backs}
        self._world = make_world(plan, self._chunk, self._lanes, self._tries, self._hears, keep_log)
        for agent, stream in self._backs.items():
            self._world.back_draws[agent] = stream.next_ms(BLOCK)
        self._plan_shifts()

    def _plan_shifts(self) -> None:
        order = {agent.name: number for number, agent in enumerate(self._plan.setting.policy.agents)}
        scenario, world = self._plan.setting.scenario, self._world
        events: list[tuple[int, int, int, int]] = []
        for worker in self._plan.setting.workers:
            agent = order[worker.name]
            shifts, seat = worked(worker, scenario, self._streams)
            for from_ms, to_ms in shifts:
                events += [(from_ms, SIGN_IN, agent, 0), (to_ms, SIGN_OUT, agent, 0)]
            for number, (from_ms, to_ms) in enumerate(worker.breaks_ms):
                events.append((from_ms, BREAK, agent, to_ms - from_ms))
                if worker.late is not None:
                    stream = f"agent/{worker.name}/late from break"
                    world.break_late[agent, number] = worker.late.late_ms(stream, number, self._streams)
            if seat is not None:
                for day in range(world.seats.shape[1]):
                    world.seats[agent, day] = seat.factor(midnight_ms(scenario) + day * DAY_MS)
        for number, outage in enumerate(scenario.outages):
            for from_ms, to_ms in spans_ms([outage.during], midnight_ms(scenario), int(world.clock[0]["last_ms"])):
                events += [(from_ms, DOWN, number, 0), (to_ms, UP, number, 0)]
        while len(events) + 4 * len(world.agents) + 128 > len(world.heap_key):
            world = self._world = grown(world, contacts=False)
        keys = numpy.array(
            [at_ms << SEQ_BITS | seq for seq, (at_ms, _, _, _) in enumerate(events, 1)], dtype=numpy.int64
        )
        whats = numpy.array([agent << WHAT_BITS | what for _, what, agent, _ in events], dtype=numpy.int64)
        order_ = numpy.argsort(keys, kind="stable")  # sorted: a heap
        world.heap_key[: len(events)] = keys[order_]
        world.heap_what[: len(events)] = whats[order_]
        world.heap_check[: len(events)] = numpy.array([check for _, _, _, check in events], dtype=numpy.int64)[order_]
        world.clock[0]["heap"] = world.clock[0]["seq"] = len(events)

    def run(self) -> Outcome:
        plain = self._plan.plain and not self._world.clock[0]["keep_log"]
        loop = compiled_loop(plain)
        world, table = self._world, described(self._world)
        while True:
            if world is not self._world:
                world, table = self._world, described(self._world)
            what, which = loop(world, table)
            clock = self._world.clock[0]
            if what == MORE_ARRIVALS:
                self._more_arrivals(which)
            elif what == MORE_LANES:
                self._lanes = self._more("lanes", self._lanes, self._plan.lane_width)
                clock["lanes_short"] = 0
            elif what == MORE_BACK and which == TRIES:
                self._tries = self._more("tries", self._tries, self._plan.try_width)
                if self._hears:
                    self._hears = self._more("hears", self._hears, self._plan.hear_width)
                clock["back_short"] = NONE
            elif what == MORE_BACK:
                self._world.back_draws[which] = self._backs[which].next_ms(BLOCK)
                self._world.back_position[which] = 0
                clock["back_short"] = NONE
            elif what == MORE_ROOM:
                self._world = grown(self._world, contacts=clock["free"] == 0)
            elif what == MORE_NUMBERS:
                renumber(self._world)
            if what in (MORE_LOG, DONE) and clock["keep_log"]:
                if clock["logged"] >= len(self._world.log):
                    raise OverflowError("one event led to more decisions than the log has room for")
                self.log.extend(self._world.log[: clock["logged"]].tolist())
                clock["logged"] = 0
            if what == DONE:
                return self._outcome()

    def _more_arrivals(self, kind: int) -> None:
        world = self._world
        record = world.kinds[kind]
        record["filled"], record["complete"] = self._callers[kind].fill(
            self._chunk,
            world.arrival_ms[kind],
            world.arrival_type[kind],
            world.arrival_draws[kind],
            world.arrival_lanes[kind],
            world.arrival_tries[kind],
            world.arrival_hears[kind],
        )
        record["position"] = 0

    def _more(self, name: str, lanes: int, width: int) -> int:
        """Twice as many lanes of this name (`lanes`, `tries` or `hears`): how many."""
        world = self._world
        there = numpy.ones(len(world.contacts), dtype=bool)
        there[world.free[: world.clock[0]["free"]]] = False
        old, arriving = getattr(world, name), getattr(world, f"arrival_{name}")
        alive_lanes = numpy.concatenate([old, numpy.zeros((len(old), lanes * width))], axis=1)
        arrival_lanes = numpy.concatenate([arriving, numpy.zeros((*arriving.shape[:2], lanes * width))], axis=2)
        for kind, callers in enumerate(self._callers):
            record = world.kinds[kind]
            slots = numpy.flatnonzero(there & (world.contacts["kind"] == kind))
            numbers = world.contacts["number"][slots]
            first = int(record["number"] - record["position"])
            if not record["filled"]:
                first = 0
            for lane in range(lanes, 2 * lanes):
                alive = numpy.zeros((len(slots), width))
                part = slice(lane * width, (lane + 1) * width)
                getattr(callers, name).add(self._chunk, first, arrival_lanes[kind][:, part], numbers, alive)
                alive_lanes[slots, part] = alive
        if name != "hears":
            world.clock[0][name] = 2 * lanes
        self._world = world._replace(**{name: alive_lanes, f"arrival_{name}": arrival_lanes})
        return 2 * lanes

    # What came of it

    def _outcome(self) -> Outcome:
        plan, world = self._plan, self._world
        scenario = plan.setting.scenario
        interval_ms = int(world.clock[0]["interval_ms"])
        now_ms = int(world.clock[0]["now"])
        end_ms, since_ms = int(world.clock[0]["end_ms"]), round(scenario.warm_up_minutes * MINUTE_MS)
        first = max(0, -(-since_ms // interval_ms))
        last = max((now_ms - 1) // interval_ms, _last_counted(world))
        last = min(last, -(-end_ms // interval_ms) - 1)
        which = slice(first, last + 1)
        edges = [(index * interval_ms, min(now_ms, (index + 1) * interval_ms)) for index in range(first, last + 1)]
        edges.append((edges[0][0], edges[-1][1]))  # the whole time
        counted, waits, worked, callers = (
            _with_sum(table[which], axis=0) for table in (world.counted, world.waits, world.worked, world.callers)
        )
        *intervals, whole = _spans(plan, counted, waits, worked, callers, edges)
        return Outcome(self._number, whole, tuple(intervals), int(world.clock[0]["alive"]))


def _with_sum(table: Any, axis: int) -> Any:
    """One row more along the axis: all together. The longest wait of all is not their sum."""
    whole = table.sum(axis=axis, keepdims=True)
    if table.shape[-1] == len(COUNTED):
        whole[..., LONGEST] = table[..., LONGEST].max(axis=axis, keepdims=True)
    return numpy.concatenate([table, whole], axis=axis)


def _spans(
    plan: Plan, counted: Any, waits: Any, worked: Any, callers: Any, edges: Sequence[tuple[int, int]]
) -> list[Span]:
    """Rows of tables as objects. Nothing is added up by object: that would take longer than simulating a day does."""
    contacts = _with_sum(counted, axis=1).tolist()
    waits_of = _sketches(_with_sum(waits, axis=1))
    agents = _with_sum(worked, axis=1).tolist()
    kinds = callers.tolist() if counts_callers(plan.setting.scenario) else [[]] * len(edges)
    through_ivr = callers[..., [IN_SELF_SERVICE, CONTAINED]].sum(axis=1).tolist()
    found = []
    for row, sketches, workers, came, (flows, contained), (start_ms, end_ms) in zip(
        contacts, waits_of, agents, kinds, through_ivr, edges, strict=True
    ):
        *queues, every = (
            ContactTally(end_ms - start_ms, **dict(zip(COUNTED, numbers, strict=True)), waits=sketch)
            for numbers, sketch in zip(row, sketches, strict=True)
        )
        every.arrived -= every.moved_in
        every.moved_out, every.flows, every.contained = 0, flows, contained
        *groups, all_agents = (AgentTally(*numbers[1 : len(WORKED)]) for numbers in workers)
        seen = {name: tally for name, tally, numbers in zip(plan.groups, groups, workers, strict=False) if any(numbers)}
        by_name = dict(sorted(zip(plan.queues, queues, strict=True)))
        by_kind = {
            kind.name: _caller_tally(row)
            for kind, row in zip(plan.kinds, came, strict=False)
            if row[CALLERS] or row[AGAIN]
        }
        found.append(Span(start_ms, end_ms, every, by_name, all_agents, dict(sorted(seen.items())), by_kind))
    return found


def _caller_tally(row: Sequence[int]) -> CallerTally:
    calls = row[CALLERS] + row[AGAIN]
    return CallerTally(
        row[CALLERS],
        calls,
        blocked=row[BLOCKED],
        left_at_once=row[AT_ONCE],
        pressed_keys=row[PRESSED],
        cut_off=row[TORN],
        never_served=row[LOST],
    )


def _sketches(waits: Any) -> list[list[Waits]]:
    """`Waits` by span and queue."""
    spans, queues, width = waits.shape
    rows, buckets = numpy.nonzero(waits.reshape(-1, width))
    counts = waits.reshape(-1, width)[rows, buckets].tolist()
    ends = numpy.searchsorted(rows, numpy.arange(spans * queues), side="right").tolist()
    numbers = (buckets - 1).tolist()
    made = [
        Waits(sum(counts[begin:end]), dict(zip(numbers[begin:end], counts[begin:end], strict=True)))
        for begin, end in zip([0, *ends], ends, strict=False)
    ]
    return [made[at : at + queues] for at in range(0, len(made), queues)]


def _last_counted(world: World) -> int:
    counted = numpy.flatnonzero(world.counted.any(axis=(1, 2)) | world.worked.any(axis=(1, 2)))
    return int(counted[-1]) if len(counted) else 0


def _chunk(plan: Plan) -> int:
    """As many contacts as are drawn at once: all of a short day, but never so many that memory would tell."""
    scenario = plan.setting.scenario
    hours = scenario.interval_minutes / 60
    expected = max(sum(rates_per_hour(kind.kind.arrivals, scenario)) * hours for kind in plan.kinds)
    wanted = -(-int(expected + 4 * expected**0.5) // ARRIVALS_BLOCK) * ARRIVALS_BLOCK
    most = max(ARRIVALS_BLOCK, min(CHUNK, (1 << 17) // len(plan.kinds) // ARRIVALS_BLOCK * ARRIVALS_BLOCK))
    return max(ARRIVALS_BLOCK, min(wanted, most))
