"""The random streams of a replication, drawn in chunks: the same names and numbers as in `simulations.streams`."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy

from simulations.arrivals import BLOCK as ARRIVALS_BLOCK
from simulations.arrivals import busy_factors, expected_by, unit_gaps
from simulations.distributions.base import Distribution, Floats
from simulations.kernel.kinds import KindPlan
from simulations.kernel.machine.layout import NONE
from simulations.kernel.plan import Plan
from simulations.scenario import Scenario
from simulations.streams import BLOCK, Streams
from simulations.traced import Trace, TracedContact


class Stream:
    """One stream of a distribution, or of uniform draws, from its beginning."""

    def __init__(self, streams: Streams, name: str, distribution: Distribution | None) -> None:
        self._generator = streams.generator(name)
        self._distribution = distribution
        self.uniform = distribution is None

    def next(self, count: int) -> Floats:
        """The next `count` draws, a multiple of BLOCK."""
        if self._distribution is None:
            return self._generator.random(count)
        if self._distribution.sequential:
            return self._distribution.sample(self._generator, count)
        return numpy.concatenate([self._distribution.sample(self._generator, BLOCK) for _ in range(count // BLOCK)])

    def next_ms(self, count: int) -> Floats:
        """Draws of seconds in whole milliseconds."""
        drawn = self.next(count)
        drawn *= 1000
        return numpy.rint(drawn, out=drawn)


class Lanes:
    """What a contact may come to need once, twice, and so on (`make(number)`: its streams): a lane of
    `width` columns for each time."""

    def __init__(self, make: Callable[[int], list[Stream | None]], width: int, count: int) -> None:
        self._make, self._width = make, width
        self._lanes = [make(number) for number in range(count)]

    def fill(self, chunk: int, lanes: Any) -> None:
        """Writes the next draws, those of `chunk` contacts."""
        for number, streams in enumerate(self._lanes):
            self._fill(streams, chunk, lanes[:, number * self._width :])

    def add(self, chunk: int, first: int, lanes: Any, numbers: Any, alive: Any) -> None:
        """One more: into `lanes` for the chunk that begins with contact `first`, into `alive` for the contacts with
        these numbers who are there."""
        streams = self._make(len(self._lanes))
        self._lanes.append(streams)
        at = 0
        while True:
            block = numpy.zeros((chunk, self._width))
            self._fill(streams, chunk, block)
            here = (numbers >= at) & (numbers < at + chunk)
            alive[here] = block[numbers[here] - at]
            if at >= first:
                lanes[:chunk] = block
                return
            at += chunk

    def _fill(self, streams: list[Stream | None], chunk: int, lanes: Any) -> None:
        for column, stream in enumerate(streams):
            if stream is None:
                lanes[:chunk, column] = NONE
            else:
                lanes[:chunk, column] = stream.next(chunk) if stream.uniform else stream.next_ms(chunk)


class Callers:
    """The contacts of one kind, in the order in which they come."""

    def __init__(self, plan: Plan, kind: KindPlan, streams: Streams, lanes: int, tries: int, hears: int) -> None:
        self._plan, self._kind, self._streams = plan, kind, streams
        scenario = plan.setting.scenario
        traced = kind.kind.arrivals.trace is not None
        self._traced = _Traced(kind.kind.arrivals.traced) if traced else None
        self._times: _Traced | _Drawn = self._traced or _Drawn(kind, scenario, streams)
        self._variates = [
            None if distribution is None else Stream(streams, f"{kind.name}/{quantity}", distribution)
            for quantity, distribution in kind.variates
        ]
        self._shares = [
            (Stream(streams, f"{kind.name}/attribute/{name}", None), list(values.values()))
            for name, values in kind.shares
        ]
        self.lanes = Lanes(self._lane, plan.lane_width, lanes)
        self.tries = Lanes(self._try, plan.try_width, tries)
        self.hears = Lanes(self._hear, plan.hear_width, hears)
        self.number = 0

    def _try(self, number: int) -> list[Stream | None]:
        """After call `number` (from 0): whether and when the next one comes, and what it is like."""
        kind = self._kind
        if not kind.redial_delays:
            return []
        name = f"{kind.name}/redial/{number + 1}"
        delays: list[Stream | None] = [Stream(self._streams, f"{name}/delay", delay) for delay in kind.redial_delays]
        delays += [None] * (self._plan.try_delays - len(delays))
        again = [
            None if drawn is None else Stream(self._streams, f"{kind.name}/{quantity}/{number + 1}", drawn)
            for quantity, drawn in kind.variates
        ]
        return [Stream(self._streams, name, None), *delays, *again]

    def _hear(self, number: int) -> list[Stream | None]:
        """In call `number` (from 0): whether the caller leaves when told of the wait, and the patience of one who does
        not; whether the IVR serves the caller, and after how long; for each wait, which key is pressed, and when if
        it is this one or that."""
        kind, streams = self._kind, self._streams
        found: list[Stream | None] = [None] * self._plan.keys_first
        said, ivr = kind.kind.announcement, kind.kind.self_service
        if said is not None:
            name = f"{kind.name}/announcement/{number + 1}.1"
            patience = None if said.patience_s is None else Stream(streams, f"{name}/patience", said.patience_s)
            found[:2] = [Stream(streams, name, None), patience]
        if ivr is not None:
            name = f"{kind.name}/self-service/{number + 1}"
            takes = Stream(streams, f"{name}/takes", ivr.takes_s)
            found[self._plan.self_service_first : self._plan.keys_first] = [Stream(streams, name, None), takes]
        keys = kind.kind.waiting_keys
        while keys and len(found) < self._plan.hear_width:
            wait = 1 + (len(found) - self._plan.keys_first) // (1 + self._plan.most_keys)
            name = f"{kind.name}/waiting key/{number + 1}.{wait}"
            found += [
                Stream(streams, name, None),
                *(Stream(streams, f"{name}/after", key.after_s) for key in keys.values()),
                *[None] * (self._plan.most_keys - len(keys)),
            ]
        return found

    def _lane(self, number: int) -> list[Stream | None]:
        name = f"{self._kind.name}/offer {number}"
        answer = Stream(self._streams, f"{name}/answer", None)
        return [answer, *(Stream(self._streams, f"{name}/delay", delay) for delay in self._plan.delays)]

    def fill(self, chunk: int, ms: Any, types: Any, draws: Any, lanes: Any, tries: Any, hears: Any) -> tuple[int, bool]:
        """Writes the next contacts, at most `chunk` of them: (how many, whether they are the last)."""
        times, complete = self._times.next(chunk)
        count, first = len(times), self.number
        self.number += count
        ms[:count] = times
        which: Any = 0
        for stream, shares in self._shares:
            which = which * len(shares) + _choices(stream.next(chunk), shares)[:count]
        row: Any = numpy.arange(first, first + count) if self._traced is not None else 0
        types[:count] = self._kind.types[row, which]
        for column, variate in enumerate(self._variates):
            draws[:chunk, column] = NONE if variate is None else variate.next_ms(chunk)
        if self._traced is not None:
            self._measure(self._traced.contacts, draws)
        self.lanes.fill(chunk, lanes)
        self.tries.fill(chunk, tries)
        self.hears.fill(chunk, hears)
        return count, complete

    def _measure(self, contacts: Sequence[TracedContact], draws: Any) -> None:
        """What was measured stands above what is drawn."""
        for column, (quantity, _) in enumerate(self._kind.variates):
            for row, contact in enumerate(contacts):
                measured = contact.measured_s(quantity)
                if measured is not None:
                    draws[row, column] = round(measured * 1000)
                elif quantity == "patience" and contact.waited_s is not None and draws[row, column] != NONE:
                    draws[row, column] += round(contact.waited_s * 1000)


def _choices(uniform: Floats, shares: list[float]) -> Any:
    """`streams.choose` of many draws: the position of each choice."""
    chosen = numpy.full(len(uniform), int(numpy.argmax(shares)))
    open_ = numpy.ones(len(uniform), dtype=bool)
    for position, share in enumerate(shares):
        uniform = uniform - share
        hit = open_ & (uniform < 0)
        chosen[hit] = position
        open_ &= ~hit
    return chosen


class _Traced:
    """The contacts of a trace, chunk by chunk: `contacts` are those of the last one."""

    def __init__(self, trace: Trace) -> None:
        self._ahead, self._left = iter(trace), len(trace)
        self.contacts: list[TracedContact] = []

    def next(self, chunk: int) -> tuple[Any, bool]:
        self.contacts = list(islice(self._ahead, chunk))
        self._left -= len(self.contacts)
        times = numpy.array([round(contact.at_s * 1000) for contact in self.contacts], dtype=numpy.int64)
        return times, self._left == 0


class _Drawn:
    """`arrivals.arrival_times_ms`, chunk by chunk."""

    def __init__(self, kind: KindPlan, scenario: Scenario, streams: Streams) -> None:
        self._arrivals = kind.kind.arrivals
        self._generator = streams.generator(f"{kind.name}/arrivals")
        busy = busy_factors(scenario, kind.name, streams)
        self._borders_ms, self._expected = expected_by(self._arrivals, scenario, busy)
        self._reached = 0.0

    def next(self, chunk: int) -> tuple[Any, bool]:
        last = self._expected[-1]
        if self._reached >= last:
            return numpy.zeros(0, dtype=numpy.int64), True
        unit = unit_gaps(self._arrivals, self._generator, chunk // ARRIVALS_BLOCK).cumsum(axis=1)
        for block in unit:
            block += self._reached
            self._reached = float(block[-1])
        steps = unit.reshape(-1)
        complete = self._reached >= last
        if complete:
            steps = steps[: int(numpy.searchsorted(steps, last))]
        times = numpy.interp(steps, self._expected, self._borders_ms)
        return numpy.rint(times, out=times), complete
