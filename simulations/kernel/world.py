"""Makes the world of a replication: all arrays that the kernel works on, with the room that they begin with."""

from typing import Any

import numpy

from router.core import repeats
from router.core.policy import Policy
from simulations.features import breaks
from simulations.kernel.buckets import bucket_number
from simulations.kernel.machine import layout
from simulations.kernel.machine.layout import (
    COUNTED,
    DAY_MS,
    NEVER,
    NO_ANSWER,
    NO_KEY,
    NONE,
    ON_BREAK,
    REFUSED,
    SEQ_BITS,
    WORKED,
    World,
)
from simulations.kernel.plan import Plan
from simulations.roster import midnight_ms
from simulations.setting import MINUTE_MS
from simulations.streams import BLOCK

SLOTS = 256
RECALL = 1 << 17
"""Room for those whom `router.core.repeats` remembers, and some who are forgotten already."""
LOG_ROWS = 1 << 16


def make_world(plan: Plan, chunk: int, lanes: int, tries: int, hears: int, keep_log: bool) -> World:
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
        "outages": len(scenario.outages),
        "outage": NONE,
        "hands_back": plan.hands_back,
        "handing": NONE,
        "tells": plan.tells,
        "hearing": NONE,
        "learns": plan.learns,
        "presses": plan.presses,
        "hear_width": plan.hear_width,
        "keys_first": plan.keys_first,
        "self_service": plan.self_service,
        "self_service_first": plan.self_service_first,
        "half": 0.5,
        "three": 3,
        "torn": NONE,
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
        "hears": numpy.zeros((SLOTS, hears * plan.hear_width)),
        "began": _whole(SLOTS if plan.presses else 0),
        "handed": numpy.zeros(SLOTS if plan.hands_back else 0, dtype=layout.HANDED),
        "refused": numpy.zeros((SLOTS, -(-agents // 64)), dtype=numpy.uint64),
        "arrival_ms": _whole(kinds, chunk),
        "arrival_type": _whole(kinds, chunk),
        "arrival_draws": _whole(kinds, chunk, variates),
        "arrival_lanes": numpy.zeros((kinds, chunk, width)),
        "arrival_tries": numpy.zeros((kinds, chunk, try_width)),
        "arrival_hears": numpy.zeros((kinds, chunk, hears * plan.hear_width)),
        "drains": numpy.zeros(len(plan.queues), dtype=layout.DRAIN),
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
        "callers": _whole(intervals, max(1, kinds), layout.CONTAINED + 1),
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


BY_CONTACT = (
    *("contacts", "draws", "lanes", "tries", "hears", "began", "handed", "refused"),
    *("dirty_now", "dirty_next", "special", "free"),
)
BY_EVENT = ("heap_key", "heap_what", "heap_check", "timer_ms", "timer_order", "timer_of")
BOTH = ("due", "bid_contact", "bid_agent", "bid_rank")


def grown(world: World, contacts: bool) -> World:
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


def renumber(world: World) -> None:
    """Events keep their order with new, small numbers."""
    clock = world.clock[0]
    heap = int(clock["heap"])
    parts = [world.heap_key[:heap], *(tree[len(tree) // 2 :] for tree in (world.ends, world.arrivals))]
    parts += [world.handed["end_key"], world.clock["key"]]
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
