"""A what-if: paired differences that are right and narrow, verdicts that the intervals bear out, and a page."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import DocumentError, validate
from documents.tables import as_csv
from router.core.tallies import ContactTally
from simulations.places import Here
from simulations.replications import Study, run_studies, run_study
from simulations.reports import html, markdown
from simulations.what_if import words
from simulations.what_if.answer import Answer, answer
from simulations.what_if.paired import difference, simultaneous
from simulations.what_if.plan import Plan
from simulations.what_if.report import report_of
from simulations.what_if.variants import Base, Variant, changed, check_decision, present, trained
from tests.support.scenarios import BASE, source_of
from tests.support.scenarios import changed as with_changes

MONEY = {"currency": "EUR", "wage_per_hour": 20, "lost_contact": 30}
CHANGES: dict[str, Any] = {
    "nothing new": [{"set": {"in": "scenario", "at": "name", "to": "the same"}}],
    "one more seller": [{"add_agents": {"group": "sellers", "count": 1}}],
    "<b>half the sellers</b>": [{"add_agents": {"group": "sellers", "count": -1}}],
}


def asked(document: dict[str, Any], changes: dict[str, Any] | None = None) -> Answer:
    """The answer to a plan over the small scenario."""
    source = source_of(document)
    plan = Plan.model_validate(document)
    base = Base(source_of(with_changes(changes or {})), Path(), {})
    now = present(plan, base)
    check_decision(plan, source, now)
    variants = [*changed(plan, source, base), *trained(plan, source, base)]
    first, *others = run_studies([now, *(variant.setting for variant in variants)], Here())
    return answer(plan.name, plan.decide_by, first, variants, others)


@pytest.fixture(scope="module")
def found() -> Answer:
    document = {"name": "What if", "replications": 12, "changes": CHANGES, "cross_training": {"level": 4}}
    return asked(document, {"money": MONEY})


def test_the_difference_of_a_ratio_is_that_of_the_pooled_ratios_and_its_interval_the_jackknifes() -> None:
    mine = [ContactTally(answered=a, wait_answered_ms=w) for a, w in ((10, 100), (20, 500), (5, 10))]
    theirs = [ContactTally(answered=a, wait_answered_ms=w) for a, w in ((10, 150), (20, 900), (5, 10))]
    by = difference("asa_ms", mine, theirs, 0.95)
    assert by.value == pytest.approx(610 / 35 - 1060 / 35)
    left_out = [510 / 25 - 910 / 25, 110 / 15 - 160 / 15, 600 / 30 - 1050 / 30]
    pseudo = [3 * by.value - 2 * value for value in left_out]
    mean = sum(pseudo) / 3
    deviation = (sum((value - mean) ** 2 for value in pseudo) / 2) ** 0.5
    assert by.half_width == pytest.approx(4.302652729911275 * deviation / 3**0.5)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8))
def test_a_study_differs_from_itself_by_nothing(answered: list[int]) -> None:
    tallies = [ContactTally(answered=count, answered_within=count // 2, abandoned=1) for count in answered]
    for name in ("service_level_share", "answered", "abandon_share"):
        by = difference(name, tallies, tallies, 0.95)
        assert (by.value, by.half_width) == (0, 0)


def test_intervals_that_hold_together_are_each_more_confident() -> None:
    assert simultaneous(0.95, 1) == 0.95
    assert simultaneous(0.95, 5) == pytest.approx(0.99)


def test_the_same_callers_make_differences_narrow(found: Answer) -> None:
    """Half the width that two independent runs would give, at least: the service level of one more seller."""
    (more,) = [change for change in found.changes if change.name == "one more seller"]
    compared = more.of("service_level_share")
    assert compared is not None
    alone = found.present.whole.all_queues["service_level_share"].half_width
    assert compared.difference.half_width < (alone**2 + compared.value.half_width**2) ** 0.5 * 0.75


def test_changes_are_in_order_of_what_they_gain_and_judged_by_their_intervals(found: Answer) -> None:
    names = [change.name for change in found.changes]
    assert names == ["one more seller", "nothing new", "<b>half the sellers</b>"]
    verdicts = {change.name: change.of("service_level_share").verdict for change in found.changes}
    assert verdicts == {
        "one more seller": "better",
        "nothing new": "unclear",
        "<b>half the sellers</b>": "worse",
    }
    same = found.changes[1].of("service_level_share", "sales")
    assert (same.difference.value, same.difference.half_width) == (0, 0)
    cost = found.changes[0].of("total_cost")
    assert found.changes[0].of("wages_cost").difference.value == pytest.approx(20)
    assert cost.difference.value == pytest.approx(cost.value.value - found.present.money["total_cost"].value)


def test_what_changes_nothing_is_not_promised_to_gain_by_more_replications(found: Answer) -> None:
    same = [change for change in found.changes if change.of("service_level_share", "sales").difference.half_width == 0]
    assert same
    alone = msgspec.structs.replace(found, changes=tuple(same), training=(), queue="sales")
    assert words.verdict(alone) == ["None of the changes makes any difference to the service level of sales."]


def test_cross_training_tries_every_pair_and_ranks_them(found: Answer) -> None:
    assert {(one.who, one.skill) for one in found.training} == {("sellers", "support"), ("helpers", "sales")}
    gains = [one.of("service_level_share").difference.value for one in found.training]
    assert gains == sorted(gains, reverse=True)
    assert found.together == 5


def test_the_verdict_says_what_helps_by_how_much_and_at_what_price(found: Answer) -> None:
    first, second = words.verdict(found)
    assert first.startswith("“one more seller” raises the service level most: by ")
    assert " points (" in first
    assert " EUR " in first
    assert "learns" in second or "None of the trainings is shown to raise the service level" in second
    assert "holds for all 5 of them together (Bonferroni)" in words.about(found)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_the_page_has_the_verdict_the_tables_and_the_plots_and_names_stay_text(found: Answer) -> None:
    text = html(report_of(found))
    assert "raises the service level most" in text
    assert "&lt;b&gt;half the sellers&lt;/b&gt;" in text
    assert "<b>half" not in text
    assert Page(text).tags.count("svg") == 6  # service level, ASA, abandoned, occupancy, cost; training
    assert "| one more seller |" in markdown(report_of(found))


def test_the_data_have_every_figure_of_every_change_with_its_difference(found: Answer) -> None:
    data = report_of(found).data["changes"]
    rows = list(csv.DictReader(io.StringIO(as_csv(data.header, data.rows).decode())))
    (row,) = [
        row for row in rows if (row["change"], row["queue"], row["figure"]) == ("one more seller", "sales", "asa_ms")
    ]
    compared = found.changes[0].of("asa_ms", "sales")
    assert float(row["difference"]) == pytest.approx(compared.difference.value)
    assert float(row["difference_low"]) == pytest.approx(compared.difference.low)
    assert row["verdict"] == compared.verdict
    assert {row["change"] for row in rows} == {"", *CHANGES}
    assert msgspec.json.decode(msgspec.json.encode(found), type=Answer) == found


def test_an_interruption_leaves_the_same_replications_of_all() -> None:
    document = {"name": "p", "replications": 4, "changes": CHANGES}
    source, plan, base = source_of(document), Plan.model_validate(document), Base(source_of(BASE), Path(), {})
    variants = changed(plan, source, base)

    def interrupt(done: int) -> None:
        if done == 11:
            raise KeyboardInterrupt

    first, *others = run_studies([present(plan, base), *(variant.setting for variant in variants)], Here(), interrupt)
    assert [len(study.outcomes) for study in (first, *others)] == [3, 3, 3, 2]
    found = answer("p", plan.decide_by, first, variants, others)
    assert (found.replications, found.wanted, found.ended) == (2, 4, "interrupted")
    assert "2 of 4 replications of every change were done" in words.warnings(found)[0]


def test_nothing_done_is_nothing_to_compare() -> None:
    small = present(Plan.model_validate({"name": "p", "changes": CHANGES}), Base(source_of(BASE), Path(), {}))
    empty = Study(small, 3)
    with pytest.raises(ValueError, match="nothing to compare"):
        answer(
            "p",
            Plan.model_validate({"name": "p", "changes": CHANGES}).decide_by,
            run_study(small),
            [Variant("x", small)],
            [empty],
        )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"changes": {}}, "there is nothing to compare"),
        ({"changes": {"x": []}}, "changes.x: the change is empty; give it at least one step"),
        ({"changes": {"x": [{}]}}, "a change is one of add_agents, demand"),
        ({"changes": {"x": [{"goal": None}]}}, "the change says nothing"),
        ({"changes": {"x": [{"goals": {}}]}}, "'goals' is not known here .*'goal'"),
        ({"changes": {"x": [{"add_agents": {"group": "sellers", "count": 0}}]}}, "'count' says how many"),
        ({"changes": CHANGES, "decide_by": {"figure": "asa"}}, "nothing is decided by 'asa' .*'asa_ms'"),
        ({"changes": CHANGES, "decide_by": {"figure": "total_cost"}}, "decide_by.figure: 'total_cost' needs money"),
        ({"changes": CHANGES, "decide_by": {"queue": "sale"}}, "decide_by.queue: there is no queue 'sale' .*'sales'"),
        ({"cross_training": {"groups": ["seller"]}}, r"cross_training.groups\[0\]: there is no group 'seller'"),
        ({"cross_training": {"skills": ["sale"]}}, r"cross_training.skills\[0\]: there is no skill 'sale'"),
        ({"cross_training": {"level": 1}, "changes": {}}, None),
        ({"cross_training": {"groups": ["sellers"], "skills": ["sales"]}}, "everybody has every skill at level 5"),
    ],
)
def test_a_plan_that_cannot_be_answered_is_refused(document: dict[str, Any], message: str | None) -> None:
    full = {"name": "p", "replications": 2, **document}

    def try_it() -> None:
        validate(source_of(full), Plan)
        if message is not None:
            asked(full)

    if message is None:
        try_it()
        return
    with pytest.raises(DocumentError, match=message):
        try_it()
