"""Small scenarios that stand alone, for tests that change one thing in them."""

import copy
from typing import Any

import yaml

from documents import Source, read, validate
from simulations.scenario import Scenario
from simulations.setting import Setting, settle

BASE: dict[str, Any] = {
    "name": "small",
    "duration_minutes": 60,
    "interval_minutes": 30,
    "replications": 3,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}, "support": {"skills": {"support": 1}}}},
    "staff": [
        {"group": "sellers", "count": 2, "skills": {"sales": 5}},
        {"group": "helpers", "count": 2, "skills": {"support": 5, "sales": 1}},
    ],
    "kinds": {
        "buyers": {
            "queue": "sales",
            "arrivals": {"per_hour": 40},
            "handle_time_s": {"distribution": "exponential", "mean": 180},
            "patience_s": {"distribution": "exponential", "mean": 120},
        },
        "users": {"queue": "support", "arrivals": {"per_hour": 10}, "handle_time_s": 240},
    },
}


def changed(changes: dict[str, Any], base: dict[str, Any] = BASE) -> dict[str, Any]:
    """`base` with the values at dotted paths replaced; None takes a key away."""
    document = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        place = document
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return document


class _Plain(yaml.SafeDumper):
    """Without anchors, which our documents do not allow: a part that is there twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def source_of(document: dict[str, Any]) -> Source:
    return read(yaml.dump(document, Dumper=_Plain, sort_keys=False), "s.yaml")


def setting_of(document: dict[str, Any]) -> Setting:
    """The document's way through validation, as the command goes it."""
    source = source_of(document)
    return settle(source, validate(source, Scenario), None)


def setting(changes: dict[str, Any] | None = None) -> Setting:
    return setting_of(changed(changes or {}))
