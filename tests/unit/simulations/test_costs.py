"""Money: reckoned by hand for a day without chance, with intervals otherwise, and refused when nobody says a wage."""

from typing import Any

import pytest

from documents import DocumentError
from simulations.costs import COST_FIGURES, cost_estimates, ledger
from simulations.replications import replicate, run_study
from simulations.report import report_of
from simulations.reports import html, markdown
from simulations.results import summarise
from tests.support.scenarios import setting
from tests.unit.simulations.test_flows import setting as with_flow

MONEY = {"wage_per_hour": 20, "wages_per_hour": {"helpers": 30}, "currency": "EUR"}


def of_one(changes: dict[str, Any]) -> dict[str, float | None]:
    """The figures of one replication."""
    small = setting({"replications": 1, **changes})
    return {name: estimate.value for name, estimate in cost_estimates(small, [replicate(small, 0)]).items()}


def test_wages_are_paid_for_shifts_and_not_for_the_gaps_between_them() -> None:
    shifts = {"staff.0.shifts": ["00:00-00:15", "00:30-01:00"]}
    found = of_one({"money": MONEY, **shifts})
    assert found["wages_cost"] == pytest.approx(2 * 0.75 * 20 + 2 * 1 * 30)
    assert found["overtime_cost"] == pytest.approx(found["overtime_hours"] * 20 * 1.5)


def test_hours_of_a_day_beyond_the_agreed_ones_are_overtime() -> None:
    day = {"duration_minutes": 600, "interval_minutes": 60, "kinds.buyers.arrivals.per_hour": 1, "kinds.users": None}
    found = of_one({"money": MONEY, **day})
    assert found["wages_cost"] == pytest.approx(8 * (2 * 20 + 2 * 30))
    assert found["overtime_hours"] == pytest.approx(4 * 2)
    assert found["overtime_cost"] == pytest.approx(2 * (2 * 20 + 2 * 30) * 1.5)
    assert found["paid_hours"] == pytest.approx(40)


def test_who_finishes_a_contact_after_the_shift_is_paid_overtime_for_it() -> None:
    late = {
        "kinds.buyers.arrivals": {"trace": [{"at_s": 1_790, "handle_s": 610}]},
        "kinds.users": None,
        "staff.0": {"group": "sellers", "count": 1, "skills": {"sales": 5}, "shifts": ["00:00-00:30"]},
        "staff.1.shifts": ["00:45-01:00"],
    }
    found = of_one({"money": {"wage_per_hour": 20, "overtime": {"factor": 2}}, **late})
    assert found["overtime_hours"] == pytest.approx(600 / 3600)
    assert found["overtime_cost"] == pytest.approx(600 / 3600 * 20 * 2)


def test_lost_contacts_have_the_value_of_their_queue() -> None:
    lost = {
        "kinds.buyers.arrivals": {"trace": [{"at_s": second, "handle_s": 3_000} for second in range(5)]},
        "kinds.buyers.patience_s": 60,
        "kinds.users.arrivals.per_hour": 0,
    }
    found = of_one({"money": {**MONEY, "lost_contact": 1, "lost_contacts": {"sales": 15}}, **lost})
    assert (found["lost_contacts"], found["lost_cost"]) == (1, 15)


def test_every_minute_waiting_or_talking_is_paid() -> None:
    calls = {
        "kinds.buyers.arrivals": {"trace": [{"at_s": second, "handle_s": 300} for second in range(5)]},
        "kinds.buyers.patience_s": None,
        "kinds.users.arrivals.per_hour": 0,
        "staff.1.count": 1,
    }
    found = of_one({"money": {**MONEY, "telephone_per_minute": 0.05}, **calls})
    waits = (300 - 3) + (300 - 3)
    assert found["line_minutes"] == pytest.approx((5 * 300 + waits) / 60, abs=0.1)
    assert found["telephone_cost"] == pytest.approx(found["line_minutes"] * 0.05)


def test_self_service_saves_what_a_contact_takes_of_an_agents_time_or_what_is_said() -> None:
    free = with_flow({"money": {"wage_per_hour": 36}})
    whole = replicate(free, 0).whole
    found = ledger(free, whole)
    assert found.contained == whole.all_queues.contained > 0
    aht_h = whole.all_queues.talk_ms / whole.all_queues.finished / 3_600_000
    assert found.saving == pytest.approx(found.contained * aht_h * 36, rel=0.02)
    said = with_flow({"money": {"wage_per_hour": 36, "self_service_saves": 4}})
    assert ledger(said, whole).saving == 4 * found.contained


def test_costs_have_confidence_intervals_and_add_up() -> None:
    study = run_study(setting({"money": {**MONEY, "lost_contact": 10, "telephone_per_minute": 0.02}}))
    found = summarise(study).money
    assert set(found) == {figure.name for figure in COST_FIGURES}
    parts = ("wages_cost", "overtime_cost", "lost_cost", "telephone_cost")
    assert found["total_cost"].value == pytest.approx(sum(found[part].value or 0 for part in parts))
    assert found["wages_cost"].half_width == pytest.approx(0)
    assert found["lost_cost"].half_width > 0
    answered = sum(outcome.whole.all_queues.answered for outcome in study.outcomes) / 3
    assert found["cost_per_answered"].value == pytest.approx(found["total_cost"].value / answered)


def test_the_report_shows_money_where_there_is_some() -> None:
    report = report_of(summarise(run_study(setting({"money": MONEY}))))
    assert "100 EUR" in html(report)
    assert "| Wages | 100 EUR |" in markdown(report)
    rows = {(row[1], row[3]) for row in report.data["metrics"].rows}
    assert ("money", "total_cost") in rows
    assert "Money" not in markdown(report_of(summarise(run_study(setting()))))


@pytest.mark.parametrize(
    ("money", "message"),
    [
        ({"wages_per_hour": {"helper": 3}, "wage_per_hour": 1}, "there is no agent or group 'helper' .*'helpers'"),
        ({"wages_per_hour": {"helpers": 3}}, "no wage for the group 'sellers'"),
        ({"wage_per_hour": 1, "lost_contacts": {"sale": 3}}, "there is no queue 'sale' .*'sales'"),
        ({"wage_per_hour": -1}, "greater than or equal to 0"),
        ({"wage_per_hour": 1, "overtime": {"factor": 0.5}}, "money.overtime.factor"),
        ({"wages": 1}, "'wages' is not known here"),
    ],
)
def test_money_that_cannot_be_reckoned_is_refused(money: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        setting({"money": money})
