"""The files of a calibration or a back-test: all of them, or none."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import Any

import msgspec

from documents import DocumentError, Problem, read, validate
from simulations.history.backtest import BackTest
from simulations.history.calibration import Calibration, KindFit
from simulations.history.days import WEEKDAYS, mean_and_error
from simulations.history.durations import Fit
from simulations.history.page import back_test_report, calibration_report
from simulations.history.patience import PatienceFit
from simulations.history.scenarios import scenario_of_weekday, staff_of_weekday, yaml_text
from simulations.reports.files import contents
from simulations.scenario import Scenario
from simulations.setting import settle


def calibration_files(found: Calibration, name: str, centre: str = "", *, each_agent: bool = False) -> dict[str, bytes]:
    """What is in each file: a scenario for every weekday, and the report. `centre`: where the
    centre of the calibration is, as seen from the files. `each_agent`: no groups of several agents.

    Each scenario has been read and settled, so it runs. Raises DocumentError when one would not.
    """
    files: dict[str, bytes] = {}
    for weekday in found.weekdays():
        file = f"scenario-{WEEKDAYS[weekday]}.yaml"
        days = int(found.of_weekday(weekday).sum())
        comments = [
            f"Made by `switchboard history calibrate` from {days} day{'s' if days != 1 else ''} of {name},",
            f"{found.days.dates[0]} to {found.days.dates[-1]} ({found.zone.key}). Edit it as you like.",
            "Arrivals are the mean of each interval, the staff is that of the last such day.",
            *_staff(found, weekday, each_agent),
            *(f"Note: {note}." for note in found.notes),
            *([] if found.centre else _choices(found)),
        ]
        document = scenario_of_weekday(found, weekday, name, each_agent=each_agent)
        if not document["kinds"]:
            continue  # nobody was there on the last such day: the notes say so
        if found.centre is not None:
            document = {"name": document.pop("name"), "centre": centre, **document}
        text = yaml_text(document, comments)
        source = read(text, file)
        settle(source, validate(source, Scenario), found.centre)
        files[file] = text.encode()
    if not files:
        message = "no agent is known to have been there on the last day of any weekday, so there is nobody to plan with"
        raise DocumentError(
            [Problem(message, hint="if the export has agents, name their column 'agent' in the mapping")]
        )
    return files | contents(calibration_report(found, name, calibration_figures(found, name)))


def _staff(found: Calibration, weekday: int, each_agent: bool) -> list[str]:
    """Whom the groups are made of."""
    if found.centre is not None:
        return []
    if each_agent:
        return ["Each agent is a group; without --each-agent those who are alike are one."]
    lines = ["Groups are agents who are alike; the report says why:"]
    for one in staff_of_weekday(found, weekday):
        members = f"{one.name}: {', '.join(one.agents)}"
        lines += wrap(members, 112, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return lines


def _choices(found: Calibration) -> list[str]:
    """What callers chose, as a kind that dials a number says it; the kinds of this scenario enter a queue at once."""
    if not found.choices:
        return []
    written = [f"    {node.node}: {json_line(node.shares())}" for node in found.choices]
    return [
        "In the flows callers chose (for a kind with a 'number'):",
        "    choices:",
        *(f"  {line}" for line in written),
    ]


def json_line(figures: Any) -> str:
    """In one line, which YAML reads, too."""
    return msgspec.json.encode(figures).decode().replace(":", ": ").replace(",", ", ")


def write_files(files: Mapping[str, bytes], directory: Path) -> list[Path]:
    """All are written beside their place before the first one is put there. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    made = {name: directory / f".{name}.{os.getpid()}" for name in files}
    try:
        for name, path in made.items():
            path.write_bytes(files[name])
        for name, path in made.items():
            path.replace(directory / name)
    finally:
        for path in made.values():
            path.unlink(missing_ok=True)
    return [directory / name for name in files]


def calibration_figures(found: Calibration, name: str) -> dict[str, Any]:
    """Every figure by name, for programs."""
    days = found.days
    return {
        "history": name,
        "time_zone": found.zone.key,
        "days": [str(day) for day in days.dates],
        "interval_minutes": days.interval_minutes,
        "first_interval": days.clock(0),
        "notes": list(found.notes),
        "busyness": {
            "index_of_dispersion": found.together.index,
            "p_value": found.together.p_value,
            "scv": found.together.scv,
            "scv_standard_error": found.together.scv_error,
            "correlation": found.correlation,
            "within_day": None if found.within is None else asdict(found.within),
        },
        "kinds": {fit.name: _kind(found, fit) for fit in found.fits},
        "queues": {queue: {"wrap_up": _fit(fit.wrap_up)} for queue, fit in found.queues.items()},
        "ringing": _fit(found.ring),
        "refused_share": found.refused_share,
        "agents": {
            agent: {"contacts": speed.contacts, "mean_s": speed.mean_s, "raw": speed.raw, "factor": speed.factor}
            for agent, speed in found.speeds.items()
        },
        "groups": [
            {
                "group": group.name,
                "queues": list(group.queues),
                "agents": list(group.agents),
                "factor": group.factor,
                "equal_paces_p_value": group.p_value,
                "why": group.why,
            }
            for group in found.groups
        ],
        "redials": {
            fate: {"known": known, "again": again, "delay": _fit(found.redialling.delays[fate])}
            for fate, (known, again) in found.redialling.after.items()
        },
        "choices": {node.node: node.shares() for node in found.choices},
    }


def _kind(found: Calibration, fit: KindFit) -> dict[str, Any]:
    place = found.kinds.names.index(fit.name)
    arrivals = {}
    for weekday in found.weekdays():
        mean, error = mean_and_error(found.days.counts[place][found.of_weekday(weekday)])
        arrivals[WEEKDAYS[weekday]] = {"mean": mean.tolist(), "standard_error": error.tolist()}
    return {
        "queue": fit.queue,
        "contacts": fit.contacts,
        "answered": fit.answered,
        "abandoned": fit.abandoned,
        "arrivals": arrivals,
        "dispersion": {"index": fit.dispersion.index, "p_value": fit.dispersion.p_value, "scv": fit.dispersion.scv},
        "handle_time": _fit(fit.handle),
        "patience": _patience(fit.patience),
        "waiting_keys": {
            key.key: {
                "presses": key.presses,
                "share": key.share,
                "standard_error": key.error,
                "known_up_to_s": key.horizon_s,
                "after": key.after,
                "to_queue": key.to_queue,
            }
            for key in fit.keys
        },
    }


def _fit(fit: Fit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    return {
        "count": fit.count,
        "mean_s": fit.mean_s,
        "mean_standard_error_s": fit.mean_error_s,
        "scv": fit.scv,
        "chosen": fit.document,
        "candidates": {each.family: {"aic": each.aic, "distance": each.distance} for each in fit.candidates},
    }


def _patience(fit: PatienceFit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    return {
        "contacts": fit.contacts,
        "abandoned": fit.abandoned,
        "at_once": fit.at_once,
        "at_once_standard_error": fit.at_once_error,
        "family": fit.family,
        "parameters": fit.parameters,
        "standard_errors": fit.errors,
        "chosen": fit.document,
        "distance": fit.distance,
        "kaplan_meier": {
            "seconds": fit.survival.times_s.tolist(),
            "patient": fit.survival.patient.tolist(),
            "standard_error": fit.survival.error.tolist(),
        },
    }


def back_test_files(test: BackTest, found: Calibration, name: str) -> dict[str, bytes]:
    """What is in each file of the report of a back-test."""
    return contents(back_test_report(test, found, name, back_test_figures(test, found, name)))


def back_test_figures(test: BackTest, found: Calibration, name: str) -> dict[str, Any]:
    """Every figure of the comparison; waits in milliseconds."""
    return {
        "history": name,
        "trained": [str(day) for day in test.trained],
        "tested": [str(day) for day in test.tested],
        "replications": test.replications,
        "level": test.level,
        "ended": test.ended,
        "notes": list(test.notes),
        "figures": [
            {
                "queue": verdict.queue or None,
                "metric": verdict.metric,
                "real": verdict.real,
                "model": verdict.model,
                "bias": verdict.bias,
                "bias_half_width": verdict.bias_error,
                "intervals": verdict.judged,
                "coverage": verdict.coverage,
            }
            for verdict in test.verdicts
        ],
        "intervals": [
            {
                "day": str(cell.day),
                "interval": found.days.clock(cell.interval),
                "queue": cell.queue,
                "metric": metric,
                "offered": cell.offered,
                "real": cell.real,
                "model": cell.mean,
                "low": cell.low,
                "high": cell.high,
            }
            for metric, cells in test.cells.items()
            for cell in cells
        ],
    }
