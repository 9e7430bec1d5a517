"""The rules of publishing: which version is whose, what is refused, and that a refusal says why."""

import pytest

from switchboard.publishing import plan as plans
from switchboard.publishing.plan import Plan, PlanRefused

SEVEN = plans.published(Plan(), 7, 0)


def test_a_publication_on_another_base_is_refused_as_outdated() -> None:
    with pytest.raises(PlanRefused, match="version 7 is in force by now, not 6") as refused:
        plans.published(SEVEN, 8, 6)
    assert refused.value.outdated
    assert plans.published(SEVEN, 8, 7).in_force == 8


def test_a_draft_is_for_the_calls_to_its_number_alone() -> None:
    plan = plans.drafted(SEVEN, 8, "199", "anna")
    assert plan.version_for("199", "1.1") == 8
    assert plan.version_for("100", "1.1") == 7
    assert plans.drafted(plan, 9, "199", "anna").version_for("199", "1.1") == 9
    assert plans.withdrawn(plan, 8, 0).version_for("199", "1.1") == 7


def test_a_canary_takes_its_share_and_the_same_call_always() -> None:
    """The share of 20,000 calls lies within four standard errors of a tenth."""
    plan = plans.tried(SEVEN, 8, 0.1, 7, 1_000, "anna")
    calls = [f"1700000000.{n}" for n in range(20_000)]
    taken = [plan.version_for("100", call) == 8 for call in calls]
    assert abs(sum(taken) / len(calls) - 0.1) < 4 * (0.1 * 0.9 / len(calls)) ** 0.5
    assert taken == [plan.version_for("100", call) == 8 for call in calls]
    again = plans.tried(SEVEN, 8, 0.1, 7, 2_000, "anna")
    assert taken != [again.version_for("100", call) == 8 for call in calls]


def test_nothing_else_is_put_in_force_beside_a_canary_but_a_rollback_which_ends_it() -> None:
    plan = plans.tried(SEVEN, 8, 0.1, 7, 0, "anna")
    for other in (
        lambda: plans.published(plan, 9, 7),
        lambda: plans.tried(plan, 9, 0.1, 7, 0, "anna"),
        lambda: plans.promoted(plans.drafted(plan, 9, "199", "anna"), 9, 7),
    ):
        with pytest.raises(PlanRefused, match="8 is being tried as a canary"):
            other()
    assert plans.rolled_back(plan, 6).canary is None
    assert plans.promoted(plan, 8, 7) == Plan(revision=3, in_force=8)


def test_a_version_may_be_in_force_and_scheduled_for_later_too() -> None:
    plan = plans.scheduled(plans.scheduled(SEVEN, 8, 100, 7, "anna"), 7, 200, 8, "anna")
    assert plan.states(7) == ["in force", "scheduled"]
    assert plans.withdrawn(plan, 7, 0).scheduled == plan.scheduled[:1]
    with pytest.raises(PlanRefused, match="7 will be in force by then"):
        plans.scheduled(SEVEN, 7, 100, 7, "anna")
    with pytest.raises(PlanRefused, match="for that moment or later"):
        plans.scheduled(plan, 9, 150, 8, "anna")


def test_a_halted_canary_is_remembered_until_the_next_release() -> None:
    plan = plans.withdrawn(plans.tried(SEVEN, 8, 0.1, 7, 0, "anna"), 8, 5, "abandons: 9 of 20")
    assert plan.states(8) == ["halted"]
    assert plan.version_for("100", "1.1") == 7
    assert plans.published(plan, 9, 7).states(8) == []


def test_without_a_published_version_there_is_nothing_to_compare_a_canary_with() -> None:
    with pytest.raises(PlanRefused, match="no published version"):
        plans.tried(Plan(), 1, 0.1, 0, 0, "anna")


def test_schedules_stand_on_one_another_in_the_order_of_time() -> None:
    """Christmas, and back again."""
    plan = plans.scheduled(SEVEN, 8, 100, 7, "anna")
    with pytest.raises(PlanRefused, match="version 8 will be in force"):
        plans.scheduled(plan, 7, 200, 7, "anna")
    plan = plans.scheduled(plan, 7, 200, 8, "anna")
    assert plan.due(99) is None
    first = plan.due(250)
    assert first
    assert first.version == 8
    plan = plans.promoted(plan, 8, 7)
    assert plan.in_force == 8
    assert [one.version for one in plan.scheduled] == [7]
    assert plans.promoted(plan, 7, 0).in_force == 7


def test_a_schedule_whose_base_was_replaced_comes_to_nothing() -> None:
    plan = plans.published(plans.scheduled(SEVEN, 8, 100, 7, "anna"), 9, 7)
    with pytest.raises(PlanRefused, match="9 is in force by now, not 7"):
        plans.promoted(plan, 8, 7)
    assert plans.withdrawn(plan, 8, 100).scheduled == ()


@pytest.mark.parametrize("change", [lambda: plans.promoted(SEVEN, 6, 7), lambda: plans.withdrawn(SEVEN, 7, 0)])
def test_what_is_not_pending_is_neither_promoted_nor_withdrawn(change: object) -> None:
    with pytest.raises(PlanRefused, match="neither scheduled, nor a draft, nor a canary"):
        change()  # type: ignore[operator]
