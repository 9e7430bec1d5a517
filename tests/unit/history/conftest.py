"""A small history of the simulator, in a directory as `switchboard history import` leaves it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from simulations.history.directory import write_history
from simulations.history.form import History
from simulations.history.refusals import Refusals
from tests.support.histories import days_from, history_of_days

SHOP: dict[str, Any] = {
    "name": "shop",
    "start": "09:00",
    "duration_minutes": 180,
    "interval_minutes": 30,
    "replications": 1,
    "seed": 5,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}}},
    "answering": {"delay_s": 3},
    "kinds": {
        "sales": {
            "queue": "sales",
            "arrivals": {"per_hour": 40},
            "handle_time_s": {"distribution": "lognormal", "mean": 240, "scv": 0.8},
            "patience_s": {"distribution": "exponential", "mean": 120},
        }
    },
    "staff": [{"group": "sellers", "count": 3, "skills": {"sales": 1}, "shifts": ["09:00-12:30"]}],
}


@pytest.fixture(scope="session")
def shop() -> History:
    """Nine days of one queue."""
    return history_of_days(SHOP, days_from(date(2026, 3, 2), 9))


@pytest.fixture(scope="session")
def shop_directory(shop: History, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("history") / "shop"
    write_history(shop, Refusals(), b"k" * 32, directory)
    return directory
