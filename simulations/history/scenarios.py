"""What was found, written as scenarios: one file for each weekday, for people to read and edit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import yaml

from router.core.policy import Policy
from simulations.history.calibration import Calibration, KindFit
from simulations.history.days import WEEKDAYS, mean_and_error
from simulations.history.durations import rounded
from simulations.history.flows import FlowCallers
from simulations.history.grouping import ShiftGroup, shift_groups
from simulations.history.keys import keys_document
from simulations.history.staffing import shift_text
from simulations.history.zones import Bools
from simulations.setting import keys_taken

"""That of a scenario that says nothing of it."""
_LEAST_RING_S = 20.0
_NOTABLE_FACTOR = 0.01


def scenario_of_weekday(
    found: Calibration, weekday: int, name: str, replications: int = 30, *, each_agent: bool = False
) -> dict[str, Any]:
    """The document of a usual day of this weekday, with the staff of its last one: in groups, or `each_agent` apart. A
    centre's agents have names, and stay apart in any case."""
    days, chosen, last = found.days, found.of_weekday(weekday), found.last_day(weekday)
    document = _day(found, last, f"{WEEKDAYS[weekday].capitalize()}s of {name}", replications)
    if found.centre is not None:
        return _through_flows(found, document, chosen)
    if not each_agent:
        document["staff"] = [
            _entry(one.name, len(one.agents), one.group.queues, one.spans, one.group.factor, one.pauses)
            for one in staff_of_weekday(found, weekday)
        ]
    document["kinds"] = {}
    for fit in found.fits:
        place = found.kinds.names.index(fit.name)
        mean, _ = mean_and_error(days.counts[place][chosen])
        if mean.any() and fit.queue in document["policy"]["queues"]:
            arrivals = {"per_interval": [rounded(float(value)) for value in mean]}
            document["kinds"][fit.name] = _kind(found, fit, last, arrivals) | _redials(found)
    if said := _busyness(found, document["kinds"]):
        document["busyness"] = said
    return document


def _through_flows(found: Calibration, document: dict[str, Any], chosen: Bools) -> dict[str, Any]:
    """The same day at the centre itself: its policy, its agents, and callers who come through its flows."""
    document = _at_the_centre(found, document)
    kinds: dict[str, Any] = {}
    for flow in found.flows:
        mean, _ = mean_and_error(flow.counts[chosen])
        if mean.any():
            kinds[flow.name] = _callers(found, flow, {"per_interval": [rounded(float(value)) for value in mean]})
    for fit in found.fits:
        mean, _ = mean_and_error(found.days.counts[found.kinds.names.index(fit.name)][chosen])
        if mean.any():
            kinds[fit.name] = {"queue": fit.queue, "arrivals": {"per_interval": [rounded(float(v)) for v in mean]}}
    document["kinds"] = {name: kind | _redials(found) for name, kind in kinds.items()}
    if said := _busyness(found, {}):
        document["busyness"] = said
    return document


def _at_the_centre(found: Calibration, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the centre's queues and agents in the place of a policy and groups of its own."""
    assert found.centre is not None
    policy = found.centre.policy
    known = {agent.name for agent in policy.agents}
    staff = [
        {"agents": [one["group"]], **{k: one[k] for k in ("shifts", "handle_time_factor") if k in one}}
        for one in document["staff"]
        if one["group"] in known
    ]
    kept = {field: value for field, value in document.items() if field != "policy"}
    return kept | {"queues": _queues_of_centre(found, policy), "staff": staff}


def _callers(found: Calibration, flow: FlowCallers, arrivals: dict[str, Any]) -> dict[str, Any]:
    said = {"choices": flow.choices, "lookups": flow.lookups, "waiting_keys": _keys_in_flows(found)}
    return {"number": flow.number, "arrivals": arrivals} | {name: value for name, value in said.items() if value}


def _keys_in_flows(found: Calibration) -> dict[str, Any]:
    """The keys that flows take while callers wait, each for the queue in which it was pressed most: a scenario has one
    queue for a key, or all."""
    assert found.centre is not None
    taken = keys_taken(found.centre)
    pressed = sorted(((key, fit) for fit in found.fits for key in fit.keys), key=lambda each: each[0].presses)
    written: dict[str, Any] = {}
    for key, fit in pressed:
        if key.key in taken:
            written |= keys_document([key], fit.queue)
    return written


def _queues_of_centre(found: Calibration, policy: Policy) -> dict[str, Any]:
    """What was found of each queue; of one that nobody came to, as of the one most came to."""
    usual = {fit.queue: fit for fit in reversed(found.fits)}
    queues = {}
    for queue in policy.queues:
        if queue.name not in usual and queue.channel != "voice":
            continue
        fit = usual.get(queue.name, found.fits[0])
        assert fit.handle is not None
        said: dict[str, Any] = {"handle_time_s": fit.handle.document}
        if fit.patience is not None and fit.patience.document is not None:
            said["patience_s"] = fit.patience.document
        wrap_up = found.queues[fit.queue].wrap_up
        if wrap_up is not None and queue.wrap_up_ms:
            said["wrap_up_s"] = wrap_up.document
        queues[queue.name] = said
    return queues


def scenario_of_day(found: Calibration, day: date, name: str, traces: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The document of one day with its real arrivals (`traces`: kind, or callers of a flow, to contacts) and its staff:
    its work and patience, and what callers press, are drawn, and who called again is among the arrivals."""
    document = _day(found, day, f"{day} of {name}", 1)
    if found.centre is None:
        kinds = {
            fit.name: _kind(found, fit, day, {"trace": traces[fit.name]})
            for fit in found.fits
            if traces.get(fit.name) and fit.queue in document["policy"]["queues"]
        }
        return document | {"kinds": kinds}
    kinds = {
        fit.name: {"queue": fit.queue, "arrivals": {"trace": traces[fit.name]}}
        for fit in found.fits
        if traces.get(fit.name)
    }
    through = {
        flow.name: _callers(found, flow, {"trace": traces[flow.name]}) for flow in found.flows if traces.get(flow.name)
    }
    return _at_the_centre(found, document) | {"kinds": through | kinds}


def _day(found: Calibration, day: date, name: str, replications: int) -> dict[str, Any]:
    days, served = found.days, found.served(day)
    document: dict[str, Any] = {
        "name": name,
        "start": f"{day} {days.clock(0)}",
        "duration_minutes": days.intervals * days.interval_minutes,
        "interval_minutes": days.interval_minutes,
        "replications": replications,
        "seed": 1,
        "policy": {"queues": {queue: _policy(found, queue, served) for queue in served}},
    }
    wrap_ups = {queue: fit.wrap_up.document for queue in served if (fit := found.queues[queue]).wrap_up is not None}
    if wrap_ups:
        document["queues"] = {queue: {"wrap_up_s": wrap_up} for queue, wrap_up in wrap_ups.items()}
    answering: dict[str, Any] = {}
    if found.ring is not None and found.ring.mean_s >= 1:
        answering["delay_s"] = found.ring.document
    if found.refused_share > 0:
        answering["no_answer"] = found.refused_share
    if answering:
        document["answering"] = answering
    document["staff"] = _each_agent(found, day)
    return document


def _policy(found: Calibration, queue: str, served: Sequence[str]) -> dict[str, Any]:
    written: dict[str, Any] = {"answered_within_s": 20, "share": 0.8, "skills": {queue: 1}}
    fit = found.queues[queue]
    if fit.wrap_up is not None:
        written["wrap_up_s"] = max(1.0, rounded(fit.wrap_up.mean_s))
    if fit.longest_wait_s is not None:
        written["longest_wait_s"] = rounded(fit.longest_wait_s)
        if fit.overflow_to in served:
            written["overflow_to"] = fit.overflow_to
    if found.ring is not None and found.ring.values.max() > _LEAST_RING_S:
        written["ring_s"] = float(-(-found.ring.values.max() // 1))
    return written


def _each_agent(found: Calibration, day: date) -> list[dict[str, Any]]:
    """Each agent is a group of one, exactly as the records have it."""
    staff = []
    for agent, spans in found.present(day).items():
        queues = [queue for queue in found.presence.queues.get(agent, ()) if queue in found.queues]
        if queues:
            factor = found.speeds[agent].factor if agent in found.speeds else 1.0
            staff.append(_entry(agent, 1, queues, spans, factor))
    return staff


def staff_of_weekday(found: Calibration, weekday: int) -> tuple[ShiftGroup, ...]:
    """The groups of the last such day, which are the staff of the scenario."""
    day = found.last_day(weekday)
    first, minutes = found.days.first_minute, found.days.interval_minutes
    borders = {min(1440, first + minutes * interval) for interval in range(found.days.intervals + 1)}
    return shift_groups(found.groups, found.present(day), sorted(borders | {found.last_minute}))


def _entry(
    name: str,
    count: int,
    queues: Iterable[str],
    spans: Iterable[tuple[int, int]],
    factor: float,
    pauses: dict[str, float] | None = None,
) -> dict[str, Any]:
    shifts = [shift_text(span) for span in spans]
    one: dict[str, Any] = {"group": name, "count": count, "skills": dict.fromkeys(queues, 1), "shifts": shifts}
    if abs(factor - 1) >= _NOTABLE_FACTOR:
        one["handle_time_factor"] = round(factor, 3)
    return one if pauses is None else one | {"pauses": pauses}


def _busyness(found: Calibration, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """How days and the intervals within them differ; empty if they do not. `kinds`: those with factors of their own."""
    within = found.within if found.within is not None and found.within.found else None
    of_intervals = 0.0 if within is None else within.of_days
    written: dict[str, Any] = {}
    if found.together.found and (scv := (found.together.scv or 0.0) - of_intervals) > 0:
        written["scv"] = rounded(scv, 3)
        fits = [fit for fit in found.fits if fit.name in kinds and fit.dispersion.found]
        having = {fit.name: scv for fit in fits if (scv := (fit.dispersion.scv or 0.0) - of_intervals) > 0}
        if found.correlation is not None and len(having) > 1:
            # With factors of their own the kinds' are what was fitted; the sum's follows from them.
            written["correlation"] = round(found.correlation, 3)
            written["scv_by_kind"] = {name: rounded(scv, 3) for name, scv in having.items()}
    if within is not None:
        written["within_day"] = {"scv": rounded(within.scv, 3), "correlation": round(within.correlation, 3)}
    return {"distribution": "gamma"} | written if written else {}


def _kind(found: Calibration, fit: KindFit, day: date, arrivals: dict[str, Any]) -> dict[str, Any]:
    assert fit.handle is not None
    written: dict[str, Any] = {"queue": fit.queue, "arrivals": arrivals, "handle_time_s": fit.handle.document}
    if fit.patience is not None and fit.patience.document is not None:
        written["patience_s"] = fit.patience.document
    if fit.keys:
        written["waiting_keys"] = keys_document(fit.keys, fit.queue, found.served(day))
    return written


def _redials(found: Calibration) -> dict[str, Any]:
    after = {fate: found.redialling.document(fate) for fate in found.redialling.after}
    known = {fate: said for fate, said in after.items() if said is not None}
    return {"redials": known} if known else {}


def yaml_text(document: Mapping[str, Any], comments: list[str]) -> str:
    """The document with comments above it; what fits into a line stands in one."""
    said = "".join(f"# {line}\n" for comment in comments for line in comment.splitlines())
    return said + yaml.dump(_Block(document), Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)


class _Block(dict[str, Any]):
    """A mapping of which each key has its own line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _as_block(dumper: _Dumper, data: _Block) -> yaml.Node:
    items = {key: _inside(key, value) for key, value in data.items()}
    return dumper.represent_mapping("tag:yaml.org,2002:map", items.items(), flow_style=False)


def _as_flow(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _list(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    flow = not any(isinstance(value, dict) and "group" in value for value in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)


def _inside(key: str, value: Any) -> Any:
    """Below `policy`, `queues` and `kinds` each name, and of kinds each field, has its own line; and so has what would
    be too much for one."""
    if key in ("policy", "queues", "kinds") and isinstance(value, dict):
        inner = _Block if key != "queues" else dict
        return _Block({name: inner(each) if isinstance(each, dict) else each for name, each in value.items()})
    if key == "busyness" and "within_day" in value:
        return _Block(value)
    return value


_Dumper.add_representer(_Block, _as_block)
_Dumper.add_representer(dict, _as_flow)
_Dumper.add_representer(list, _list)
