"""Runs the kernel: brings what it asks for on the way, and makes of its counts what the SimPy shell reports."""

from collections.abc import Sequence
from typing import Any

import numpy

from router.core import repeats
from router.core.policy import Policy
from router.core.tallies import AgentTally, ContactTally, Waits
from simulations.arrivals import BLOCK as ARRIVALS_BLOCK
from simulations.arrivals import rates_per_hour
from simulations.features import breaks
from simulations.kernel.draws import Callers, Stream
from simulations.kernel.machine import layout
from simulations.kernel.machine.layout import (
    AGAIN,
    BLOCKED,
    BREAK,
    CALLERS,
    COUNTED,
    DAY_MS,
    DONE,
    LONGEST,
    LOST,
    MORE_ARRIVALS,
    MORE_BACK,
    MORE_LANES,
    MORE_LOG,
    MORE_NUMBERS,
    MORE_ROOM,
    NEVER,
    NO_ANSWER,
    NO_KEY,
    NONE,
    ON_BREAK,
    REFUSED,
    SEQ_BITS,
    SIGN_IN,
    SIGN_OUT,
    TRIES,
    WHAT_BITS,
    WORKED,
    World,
)
from simulations.kernel.machine.structure import described
from simulations.kernel.plan import Plan, bucket_number, make_plan
from simulations.kernel.source import loop as compiled_loop
from simulations.outcomes import Outcome, Span, counts_callers
from simulations.roster import midnight_ms, worked
from simulations.setting import MINUTE_MS, Setting
from simulations.streams import BLOCK, Streams
from simulations.tallies import CallerTally

CHUNK = 8 * ARRIVALS_BLOCK
LANES = 4
CALLS = 2
"""So many calls of a caller are thought of, where callers call again."""
RECALL = 1 << 17
"""Room for those whom `router.core.repeats` remembers, and some who are forgotten already."""
SLOTS = 256
LOG_ROWS = 1 << 16


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
        self._callers = [Callers(plan, kind, self._streams, self._lanes, self._tries) for kind in plan.kinds]
        self._backs = {agent: Stream(self._streams, f"agent/{name}/back", back) for agent, name, back in plan.backs}
        self._world = _world(plan, self._chunk, self._lanes, self._tries, keep_log)
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
        while len(events) + 4 * len(world.agents) + 128 > len(world.heap_key):
            world = self._world = _grown(world, contacts=False)
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
                clock["back_short"] = NONE
            elif what == MORE_BACK:
                self._world.back_draws[which] = self._backs[which].next_ms(BLOCK)
                self._world.back_position[which] = 0
                clock["back_short"] = NONE
            elif what == MORE_ROOM:
                self._world = _grown(self._world, contacts=clock["free"] == 0)
            elif what == MORE_NUMBERS:
                _renumber(self._world)
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
        )
        record["position"] = 0

    def _more(self, name: str, lanes: int, width: int) -> int:
        """Twice as many lanes of this name (`lanes` or `tries`): how many."""
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
    found = []
    for row, sketches, workers, came, (start_ms, end_ms) in zip(contacts, waits_of, agents, kinds, edges, strict=True):
        *queues, every = (
            ContactTally(end_ms - start_ms, **dict(zip(COUNTED, numbers, strict=True)), waits=sketch)
            for numbers, sketch in zip(row, sketches, strict=True)
        )
        every.arrived -= every.moved_in
        every.moved_out = 0
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
    return CallerTally(row[CALLERS], calls, blocked=row[BLOCKED], never_served=row[LOST])


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


def _world(plan: Plan, chunk: int, lanes: int, tries: int, keep_log: bool) -> World:
    scenario, policy = plan.setting.scenario, plan.setting.policy
    kinds, agents = len(plan.kinds), len(policy.agents)
    end_ms = round(scenario.duration_minutes * MINUTE_MS)
    last_ms = end_ms + round(scenario.run_off_minutes * MINUTE_MS)
    interval_ms = round(scenario.interval_minutes * MINUTE_MS)
    intervals = last_ms // interval_ms + 1
    width, try_width = lanes * plan.lane_width, tries * plan.try_width
    days = (last_ms - midnight_ms(scenario)) // DAY_MS + 1
    variates = max(1, *(len(kind.variates) for kind in plan.kinds)) if plan.kinds else 1
    arrays = {name: array.copy() for name, array in plan.arrays.items() if name in MUTABLE} | {
        name: array for name, array in plan.arrays.items() if name not in MUTABLE
    }
    orders = arrays["orders"].shape
    profiles = arrays["can"].shape[0]
    buckets = 2 + bucket_number(last_ms + 1)
    clock = numpy.zeros(1, dtype=layout.CLOCK)
    given = {
        "end_ms": end_ms,
        "last_ms": last_ms,
        "wake_ms": NEVER,
        "interval_ms": interval_ms,
        "to_ms": interval_ms,
        "arriving": NONE,
        "free": SLOTS,
        "keep_log": keep_log,
        "retry_ms": policy.short_busy_retry_ms,
        "pauses_no_answer": policy.after_failure.no_answer is not None,
        "pauses_declined": policy.after_failure.declined is not None,
        "no_answer_limit": policy.after_failure.no_answer_limit,
        "declined_limit": policy.after_failure.declined_limit,
        "lanes": lanes,
        "back_short": NONE,
        "patient": NONE,
        "contact_keys": len(arrays["contact_keys"]) - 1,
        "order_count": orders[0],
        "seed": scenario.seed & (1 << 64) - 1,
        "trunks": len(scenario.lines),
        "redials": tries > 0,
        "tries": tries,
        "tries_delays": plan.try_delays,
        "remembers": repeats.REMEMBERED,
        "within_ms": repeats.WITHIN_MS,
        **_reasons(policy),
        "midnight_ms": midnight_ms(scenario),
    }
    for name, value in given.items():
        clock[0][name] = value
    ring = 1 << (4 * agents + 64).bit_length()
    heap = 4 * SLOTS + 8 * agents + 128
    arrays |= {
        "clock": clock,
        "contacts": numpy.zeros(SLOTS, dtype=layout.CONTACT),
        "draws": _whole(SLOTS, variates),
        "lanes": numpy.zeros((SLOTS, width)),
        "tries": numpy.zeros((SLOTS, try_width)),
        "refused": numpy.zeros((SLOTS, -(-agents // 64)), dtype=numpy.uint64),
        "arrival_ms": _whole(kinds, chunk),
        "arrival_type": _whole(kinds, chunk),
        "arrival_draws": _whole(kinds, chunk, variates),
        "arrival_lanes": numpy.zeros((kinds, chunk, width)),
        "arrival_tries": numpy.zeros((kinds, chunk, try_width)),
        "waiting": numpy.zeros(arrays["can"].shape[1], dtype=numpy.uint64),
        "ready": numpy.zeros(arrays["able"].shape[1], dtype=numpy.uint64),
        "first": numpy.full((profiles, orders[0]), NONE, dtype=numpy.int64),
        "last": numpy.full((profiles, orders[0]), NONE, dtype=numpy.int64),
        "following": _whole(agents, orders[0]),
        "before": _whole(agents, orders[0]),
        "standing": numpy.zeros((agents, *orders)),
        "ends": _tree(agents),
        "ends_of": _leaves(agents),
        "arrivals": _tree(kinds),
        "arrivals_of": _leaves(kinds),
        "heap_key": numpy.full(heap, NO_KEY),
        "heap_what": _whole(heap),
        "heap_check": _whole(heap),
        "timer_ms": _whole(heap),
        "timer_order": _whole(heap),
        "timer_of": _whole(heap),
        "due": _whole(agents + 2 * SLOTS + 64, 3),
        "pending": _whole(ring, 3),
        "dirty_now": _whole(SLOTS),
        "dirty_next": _whole(SLOTS),
        "dirty_agents": _whole(agents + 1),
        "special": _whole(SLOTS),
        "free": numpy.arange(SLOTS - 1, -1, -1),
        "bid_contact": _whole(SLOTS + agents),
        "bid_agent": _whole(SLOTS + agents),
        "bid_rank": numpy.zeros((SLOTS + agents, len(arrays["contact_keys"]))),
        "counted": _whole(intervals, len(plan.queues), len(COUNTED)),
        "waits": numpy.zeros((intervals, len(plan.queues), buckets), dtype=numpy.int32),
        "callers": _whole(intervals, max(1, kinds), 4),
        "recall": _whole(RECALL if tries else 1),
        "worked": _whole(intervals, len(plan.groups), len(WORKED) + 1),
        "back_draws": _whole(agents if plan.backs else 1, BLOCK),
        "back_position": _whole(agents),
        "break_late": _whole(agents, max([1, *(len(worker.breaks_ms) for worker in plan.setting.workers)])),
        "seats": numpy.ones((agents, days) if any(worker.tenure for worker in plan.setting.workers) else (1, 1)),
        "log": _whole(LOG_ROWS if keep_log else 1, 8),
    }
    return World(**arrays)


def _reasons(policy: Policy) -> dict[str, int]:
    """The numbers of the reasons of pauses; equal reasons have the same."""
    after = policy.after_failure
    numbers = {breaks.reason(policy.pause_reasons): ON_BREAK}
    if after.declined is not None:
        numbers[after.declined] = REFUSED
    if after.no_answer is not None:
        numbers[after.no_answer] = NO_ANSWER
    return {
        "declined_reason": numbers.get(after.declined or "", REFUSED),
        "break_reason": numbers[breaks.reason(policy.pause_reasons)],
    }


MUTABLE = ("agents", "kinds", "lines", "trunk_free")


def _whole(*shape: int) -> Any:
    return numpy.zeros(shape, dtype=numpy.int64)


def _tree(leaves: int) -> Any:
    return numpy.full(2 << max(0, leaves - 1).bit_length(), NO_KEY)


def _leaves(leaves: int) -> Any:
    half = 1 << max(0, leaves - 1).bit_length()
    return numpy.concatenate([numpy.zeros(half, dtype=numpy.int32), numpy.arange(half, dtype=numpy.int32)])


BY_CONTACT = ("contacts", "draws", "lanes", "tries", "refused", "dirty_now", "dirty_next", "special", "free")
BY_EVENT = ("heap_key", "heap_what", "heap_check", "timer_ms", "timer_order", "timer_of")
BOTH = ("due", "bid_contact", "bid_agent", "bid_rank")


def _grown(world: World, contacts: bool) -> World:
    """Twice the room for events, and for contacts if they need it."""
    names = (*BY_EVENT, *(BY_CONTACT + BOTH if contacts else ()))
    before = len(world.contacts)
    arrays = {}
    for name in names:
        old = getattr(world, name)
        new = numpy.full((2 * len(old), *old.shape[1:]), NO_KEY if name == "heap_key" else 0, dtype=old.dtype)
        new[: len(old)] = old
        arrays[name] = new
    if contacts:
        free = int(world.clock[0]["free"])
        arrays["free"][free : free + before] = numpy.arange(2 * before - 1, before - 1, -1)
        world.clock[0]["free"] = free + before
    return world._replace(**arrays)


def _renumber(world: World) -> None:
    """Events keep their order with new, small numbers."""
    clock = world.clock[0]
    heap = int(clock["heap"])
    parts = [world.heap_key[:heap], *(tree[len(tree) // 2 :] for tree in (world.ends, world.arrivals))]
    keys = numpy.concatenate(parts)
    order = numpy.argsort(keys, kind="stable")
    numbers = numpy.empty(len(keys), dtype=numpy.int64)
    numbers[order] = numpy.arange(1, len(keys) + 1)
    new = keys >> SEQ_BITS << SEQ_BITS | numbers
    new[keys == NO_KEY] = NO_KEY
    for part, renumbered in zip(parts, numpy.split(new, numpy.cumsum([len(part) for part in parts])[:-1]), strict=True):
        part[:] = renumbered
    clock["seq"] = len(keys) + 1
    for tree in (world.ends, world.arrivals):  # its order is as it was
        for place in range(len(tree) // 2 - 1, 0, -1):
            tree[place] = min(tree[2 * place], tree[2 * place + 1])
