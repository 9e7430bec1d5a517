"""Agents who are alike, as the groups of a scenario: it can then be read, edited and staffed.

Agents are of one group if they serve the same queues (`staffing.presence`) at the same pace.

* Pace: Cochran's test of whether the raw factors of those who serve the same queues differ more than chance explains
  (W. G. Cochran, "The combination of estimates from different experiments", Biometrics 10, 1954: the weighted squares
  around their mean are chi-squared). If so, at LEVEL, they are parted where the squares within the two parts are least,
  and each part is tested again; parts that differ by less than LEAST_DIFFERENCE stay together, as nobody would staff
  them apart. A group's factor is the mean of its agents', weighted by their contacts.
* Shifts, on the day whose staff is written: pauses shorter than SHORT_PAUSE_MINUTES set aside, a group is there with as
  many as its members were in each interval, within half an agent or ALLOWED_OFF. The tree of the members' presence
  (complete linkage of Jaccard's distance) is cut where that holds, and the shift is when at least half of them were
  there. Who is like nobody else stays alone, with the very minutes of the records.
* Pauses: the share of the shift that the members were not there after all, in pauses as long as their short ones were
  on average (`simulations.features.pauses`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy
from scipy.cluster.hierarchy import ClusterNode, linkage, to_tree
from scipy.spatial.distance import pdist
from scipy.stats import chi2

from simulations.history.agent_speed import AgentSpeed
from simulations.history.form import Floats, Ints
from simulations.history.zones import Bools

LEVEL = 0.01
LEAST_DIFFERENCE = 0.05
ALLOWED_OFF = 0.1
HALF_AN_AGENT = 0.5
SHORT_PAUSE_MINUTES = 30
LEAST_PAUSES = 0.005
ROUND_TO_MINUTES = 5
"""To which the shifts of a group of several are rounded."""
_DAY = 1440

Spans = tuple[tuple[int, int], ...]
"""Minutes of a day, from and to."""


@dataclass(frozen=True, slots=True)
class AgentGroup:
    """Agents with the same queues at the same pace. `p_value`: of the paces of all who serve these queues being equal
    (None: too few were heard); `parted`: they were not, and this is one of the parts."""

    name: str
    queues: tuple[str, ...]
    agents: tuple[str, ...]
    factor: float
    contacts: int
    p_value: float | None
    parted: bool

    @property
    def why(self) -> str:
        """Why these and no others, in words."""
        if self.p_value is None:
            return "the same queues; too few contacts to compare their pace" if len(self.agents) > 1 else "nobody else"
        if self.parted:
            return f"the same queues; paces differ (p = {self.p_value:.2g}), and these are alike"
        return f"the same queues; paces differ no more than by chance or too little (p = {self.p_value:.2g})"


@dataclass(frozen=True, slots=True)
class ShiftGroup:
    """Those of an AgentGroup who worked alike on a day: an entry of a scenario's staff. `minutes` are those that the
    `agents` were there in the records, `pause_minutes` how long their short pauses were on average."""

    name: str
    group: AgentGroup
    agents: tuple[str, ...]
    spans: Spans
    minutes: int
    pause_minutes: float | None

    @property
    def planned_minutes(self) -> int:
        """Those of their shifts, pauses among them."""
        return len(self.agents) * _length(self.spans)

    @property
    def pauses(self) -> dict[str, float] | None:
        """As a scenario writes them; None: they hardly paused."""
        share = 1 - self.minutes / self.planned_minutes
        if share < LEAST_PAUSES or self.pause_minutes is None:
            return None
        return {"share": round(share, 3), "each_minutes": round(self.pause_minutes, 1)}


def agent_groups(queues_of: Mapping[str, tuple[str, ...]], speeds: Mapping[str, AgentSpeed]) -> tuple[AgentGroup, ...]:
    """All agents who serve a queue, in groups: those with the most agents first."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for agent, queues in sorted(queues_of.items()):
        if queues:
            alike.setdefault(queues, []).append(agent)
    every = tuple(sorted({queue for queues in alike for queue in queues}))
    found: list[AgentGroup] = []
    for queues, agents in sorted(alike.items(), key=lambda item: (-len(item[1]), item[0])):
        heard = [agent for agent in agents if agent in speeds]
        p_value = equal_paces(heard, speeds)
        parts = list(_parts(heard, speeds)) or [[]]
        largest = max(parts, key=len)
        largest += [agent for agent in agents if agent not in speeds]  # of whom nothing is known
        for part in sorted(parts, key=lambda part: _factor(part, speeds)):
            factor = _factor(part, speeds)
            name = _name(queues, every) + (f" pace {factor:.2f}" if len(parts) > 1 else "")
            contacts = sum(speeds[agent].contacts for agent in part if agent in speeds)
            found.append(AgentGroup(name, queues, tuple(sorted(part)), factor, contacts, p_value, len(parts) > 1))
    return tuple(_named_apart(found))


def equal_paces(agents: Sequence[str], speeds: Mapping[str, AgentSpeed]) -> float | None:
    """The p-value of Cochran's test that these agents have one pace; None for fewer than two."""
    if len(agents) < 2:
        return None
    logs, weights = _logs(agents, speeds)
    mean = (weights * logs).sum() / weights.sum()
    return float(chi2.sf((weights * (logs - mean) ** 2).sum(), len(agents) - 1))


def _logs(agents: Sequence[str], speeds: Mapping[str, AgentSpeed]) -> tuple[Floats, Floats]:
    """The logarithms of the raw factors, and the inverse of their variances."""
    raw = numpy.array([speeds[agent].raw for agent in agents])
    error = numpy.array([speeds[agent].error for agent in agents])
    return numpy.log(raw), (raw / error) ** 2


def _parts(agents: Sequence[str], speeds: Mapping[str, AgentSpeed]) -> Iterator[list[str]]:
    """These agents, parted as long as their paces differ."""
    p_value = equal_paces(agents, speeds)
    if p_value is None or p_value >= LEVEL:
        if agents:
            yield list(agents)
        return
    ordered = sorted(agents, key=lambda agent: (speeds[agent].raw, agent))
    logs, weights = _logs(ordered, speeds)

    def squares(part: slice) -> float:
        mean = (weights[part] * logs[part]).sum() / weights[part].sum()
        return float((weights[part] * (logs[part] - mean) ** 2).sum())

    cut = min(range(1, len(ordered)), key=lambda at: squares(slice(0, at)) + squares(slice(at, None)))
    fast, slow = ordered[:cut], ordered[cut:]
    if _factor(slow, speeds) < (1 + LEAST_DIFFERENCE) * _factor(fast, speeds):
        yield ordered
        return
    yield from _parts(fast, speeds)
    yield from _parts(slow, speeds)


def _factor(agents: Sequence[str], speeds: Mapping[str, AgentSpeed]) -> float:
    heard = [speeds[agent] for agent in agents if agent in speeds]
    contacts = sum(speed.contacts for speed in heard)
    return sum(speed.factor * speed.contacts for speed in heard) / contacts if contacts else 1.0


def _name(queues: tuple[str, ...], every: tuple[str, ...]) -> str:
    if len(queues) <= 2:
        return " and ".join(queues)
    return "all queues" if queues == every else f"{', '.join(queues[:2])} and {len(queues) - 2} more"


def _named_apart(groups: Sequence[AgentGroup]) -> Iterator[AgentGroup]:
    taken: set[str] = set()
    for group in groups:
        name, number = group.name, 1
        while name in taken:
            number += 1
            name = f"{group.name} ({number})"
        taken.add(name)
        yield AgentGroup(name, group.queues, group.agents, group.factor, group.contacts, group.p_value, group.parted)


# Shifts


def shift_groups(
    groups: Sequence[AgentGroup], present: Mapping[str, Spans], borders: Sequence[int]
) -> tuple[ShiftGroup, ...]:
    """The members of each group who were `present` (each with the minutes of the day), parted by when that was.
    `borders` are the minutes at which intervals begin and end; what is outside does not count."""
    found: list[ShiftGroup] = []
    for group in groups:
        there = [agent for agent in group.agents if present.get(agent)]
        entries = list(_entries(there, present, numpy.asarray(borders)))
        entries.sort(key=lambda entry: (entry[1], -len(entry[0])))
        minutes = [sum(_length(present[agent]) for agent in agents) for agents, _ in entries]
        names = [_shift_name(group.name, spans) for _, spans in entries] if len(entries) > 1 else [group.name]
        for place, (agents, spans) in enumerate(entries):
            name = names[place]
            if names.count(name) > 1:
                name = f"{name} ({names[: place + 1].count(name)})"
            pauses = [pause for agent in agents for pause in _pauses(present[agent])] if len(agents) > 1 else []
            length = sum(pauses) / len(pauses) if pauses else None
            found.append(ShiftGroup(name, group, agents, spans, minutes[place], length))
    return tuple(found)


def _length(spans: Spans) -> int:
    return sum(end - begin for begin, end in spans)


def _pauses(spans: Spans) -> list[int]:
    """How many minutes each short pause took."""
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(spans)]
    return [gap for gap in gaps if gap < SHORT_PAUSE_MINUTES]


def _shift_name(group: str, spans: Spans) -> str:
    return f"{group} {_clock(spans[0][0])}-{_clock(spans[-1][1])}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


Entry = tuple[tuple[str, ...], Spans]
"""Agents, and when they are there."""


def _entries(agents: Sequence[str], present: Mapping[str, Spans], borders: Ints) -> Iterator[Entry]:
    minutes = numpy.zeros((len(agents), _DAY), bool)
    for place, agent in enumerate(agents):
        for begin, end in _without_pauses(present[agent]):
            minutes[place, begin:end] = True
    ahead: list[ClusterNode] = [_tree(minutes)] if agents else []
    while ahead:
        node = ahead.pop()
        places = sorted(node.pre_order())
        spans = _together(minutes[places])
        if node.is_leaf():
            agent = agents[places[0]]
            yield (agent,), present[agent]
        elif spans and _is_alike(minutes[places], spans, borders):
            yield tuple(agents[place] for place in places), spans
        else:
            ahead += [node.get_right(), node.get_left()]


def _tree(minutes: Bools) -> ClusterNode:
    """Who was there at nearly the same times as whom."""
    return ClusterNode(0) if len(minutes) == 1 else to_tree(linkage(pdist(minutes, "jaccard"), "complete"))


def _without_pauses(spans: Spans) -> Spans:
    found: list[tuple[int, int]] = []
    for begin, end in spans:
        if found and begin - found[-1][1] < SHORT_PAUSE_MINUTES:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return tuple(found)


def _together(minutes: Bools) -> Spans:
    """When at least half of these agents are there."""
    most = numpy.concatenate(([False], 2 * minutes.sum(axis=0) >= len(minutes), [False]))
    steps = numpy.flatnonzero(most[1:] != most[:-1])
    spans: list[tuple[int, int]] = []
    for begin, end in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
        begin, end = (ROUND_TO_MINUTES * round(at / ROUND_TO_MINUTES) for at in (begin, end))
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        elif begin < end:
            spans.append((begin, end))
    return tuple(spans)


def _is_alike(minutes: Bools, spans: Spans, borders: Ints) -> bool:
    """Whether all of them at these times are as many as were there in each interval."""
    planned = numpy.zeros(_DAY)
    for begin, end in spans:
        planned[begin:end] = len(minutes)
    for begin, end in pairwise(borders.tolist()):
        there = float(minutes[:, begin:end].sum()) / (end - begin)
        if abs(float(planned[begin:end].mean()) - there) > max(HALF_AN_AGENT, ALLOWED_OFF * there) + 1e-9:
            return False
    return True
