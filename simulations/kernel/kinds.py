"""Kinds of contacts made ready for the kernel: what is drawn for them, and what their callers do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from router.core import ewt
from simulations.distributions.base import Distribution
from simulations.distributions.constant import Constant
from simulations.features.redials import Redials
from simulations.kernel.machine import layout
from simulations.kernel.machine.layout import NONE
from simulations.scenario import Kind
from simulations.setting import Setting
from simulations.traced import Quantity

QUANTILES = {50: ewt.Z50, 80: ewt.Z80, 95: ewt.Z95}
QUANTITIES: tuple[Quantity, ...] = ("handle time", "patience", "wrap-up")


@dataclass(frozen=True, slots=True)
class KindPlan:
    """What is drawn for contacts of a kind. `variates`: their streams and distributions, by column. `shares`: the
    attributes that are drawn. `types`: by traced contact (one row without a trace) and combination of what is drawn.
    `redial_delays`: until those who call again do so; none if nobody does."""

    name: str
    kind: Kind
    variates: tuple[tuple[Quantity, Distribution | None], ...]
    shares: tuple[tuple[str, Mapping[str, float]], ...]
    types: Any
    redial_delays: tuple[Distribution, ...] = ()


def redial_delays(redials: Redials | None) -> tuple[Distribution, ...]:
    """The distributions of the delays until the next call."""
    if redials is None:
        return ()
    found = [redial.delay_s for name in layout.FATES if (redial := getattr(redials, name, None)) is not None]
    return tuple(dict.fromkeys([*found, *([] if found else [Constant(value=0)])]))


def kind_arrays(arrays: dict[str, Any], kinds: Sequence[KindPlan], setting: Setting, queues: Mapping[str, int]) -> None:
    """The kinds, and which of their draws is for what in which queue."""
    records = numpy.zeros(len(kinds), dtype=layout.KIND)
    columns = numpy.full((len(kinds), len(queues), len(QUANTITIES)), NONE, dtype=numpy.int64)
    for number, plan in enumerate(kinds):
        records[number]["queue"] = queues[plan.kind.queue or ""]
        if plan.kind.self_service is not None:
            records[number]["self_service"], records[number]["served"] = True, plan.kind.self_service.served
        for queue, at in queues.items():
            for what, quantity in enumerate(QUANTITIES):
                distribution = setting.distribution(quantity, plan.name, queue)
                if (quantity, distribution) in plan.variates:
                    columns[number, at, what] = plan.variates.index((quantity, distribution))
    arrays |= {"kinds": records, "variates": columns}


def redial_arrays(arrays: dict[str, Any], kinds: Sequence[KindPlan]) -> None:
    """Who calls again after which fate. The kinds are among the arrays already."""
    quantities = numpy.full((len(kinds), max(1, *(len(kind.variates) for kind in kinds))), NONE, dtype=numpy.int64)
    shares = numpy.full((len(kinds), len(layout.FATES)), -1.0)
    columns = numpy.zeros(shares.shape, dtype=numpy.int64)
    for number, plan in enumerate(kinds):
        for column, (quantity, _) in enumerate(plan.variates):
            quantities[number, column] = QUANTITIES.index(quantity)
        redials = plan.kind.redials
        if redials is None:
            continue
        arrays["kinds"][number]["most_calls"] = redials.most
        for fate, name in enumerate(layout.FATES):
            redial = getattr(redials, name, None)
            if redial is not None:
                shares[number, fate] = redial.share
                columns[number, fate] = 1 + plan.redial_delays.index(redial.delay_s)
    arrays |= {"quantities": quantities, "redial_share": shares, "redial_delay": columns}


def announcement_arrays(arrays: dict[str, Any], kinds: Sequence[KindPlan]) -> None:
    """What callers hear, and how many of them leave then."""
    said = numpy.zeros(len(kinds), dtype=layout.ANNOUNCEMENT)
    heard = [kind.kind.announcement for kind in kinds]
    longest = max((len(found.leaving_by_wait) for found in heard if found is not None), default=0)
    leaving = numpy.zeros((len(kinds), max(1, longest), 2))
    for record, points, found in zip(said, leaving, heard, strict=True):
        if found is not None:
            record["tells"], record["draws"] = True, found.patience_s is not None
            assert found.tells != "last", "the refusals have seen to it"
            record["z"], record["from_ms"] = QUANTILES[found.tells], found.from_s * 1000
            record["leave_at_once"], record["factor"] = found.leave_at_once, found.patience_factor
            record["points"] = len(found.leaving_by_wait)
            points[: len(found.leaving_by_wait)] = sorted(found.leaving_by_wait.items()) or points[:0]
    arrays |= {"announcements": said, "leaving": leaving}


def key_arrays(arrays: dict[str, Any], kinds: Sequence[KindPlan], queues: Mapping[str, int]) -> None:
    """The keys that waiting callers press, in the order in which they are asked for."""
    pressed = [kind.kind.waiting_keys or {} for kind in kinds]
    records = numpy.zeros((len(kinds), max(map(len, pressed), default=0)), dtype=layout.KEY_RECORD)
    for row, keys in zip(records, pressed, strict=True):
        for record, key in zip(row, keys.values(), strict=False):
            record["queue"] = NONE if key.queue is None else queues[key.queue]
            record["to_queue"] = NONE if key.to_queue is None else queues[key.to_queue]
            record["share"], record["over_ms"] = key.share, key.when_wait_over_s * 1000
    counts = numpy.array([len(keys) for keys in pressed], dtype=numpy.int64)
    arrays |= {"keys": records, "key_count": counts}


def trunk_arrays(arrays: dict[str, Any], kinds: Sequence[KindPlan], setting: Setting) -> None:
    """The groups of lines that the calls of each kind may use."""
    groups = setting.scenario.lines
    trunk_of = numpy.full((len(kinds), len(groups) + 1), NONE, dtype=numpy.int64)
    for number, plan in enumerate(kinds):
        own = [place for place, group in enumerate(groups) if group.kinds is None or plan.name in group.kinds]
        trunk_of[number, : len(own)] = own
    arrays["trunk_of"] = trunk_of
    arrays["trunk_free"] = numpy.array([group.count for group in groups] or [0], dtype=numpy.int64)
