"""Changes at run time: laid over the files, kept, passed over where they fit no more."""

from pathlib import Path

import pytest

from documents import DocumentError
from switchboard.centre import Centre, load_centre
from switchboard.overrides import CannotChange, Overrides, QueueSettings
from tests.support.centres import FILES, write_centre


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    write_centre(tmp_path / "centre", FILES)
    return load_centre(tmp_path / "centre")


def skills(centre: Centre, agent: str) -> dict[str, int]:
    return next(each.skills for each in centre.policy.agents if each.name == agent)


def test_a_change_is_kept_and_laid_over_the_files_again(centre: Centre, tmp_path: Path) -> None:
    agent, queue = centre.policy.agents[0].name, centre.policy.queues[0].name
    skill = next(iter(centre.skills))
    overrides = Overrides(tmp_path / "overrides.json")
    changed = overrides.set_skill(centre, agent, skill, 10)
    changed = overrides.set_queue(changed, queue, QueueSettings(ring_s=7.5, share=0.5, weight=3))
    assert skills(changed, agent)[skill] == 10

    again = Overrides(tmp_path / "overrides.json").applied(centre)
    assert again.policy == changed.policy
    spec = again.policy.queues[0]
    assert (spec.ring_ms, spec.goal.share, spec.weight) == (7_500, 0.5, 3)
    assert type(spec.weight) is int  # or the journal could not be read again
    assert spec.goal.answered_within_ms == centre.policy.queues[0].goal.answered_within_ms


def test_a_skill_is_taken_away_and_comes_back_when_the_overrides_are_cleared(centre: Centre, tmp_path: Path) -> None:
    agent = next(each for each in centre.policy.agents if each.skills)
    skill = next(iter(agent.skills))
    overrides = Overrides(tmp_path / "overrides.json")
    assert skill not in skills(overrides.set_skill(centre, agent.name, skill, None), agent.name)
    overrides.clear()
    assert Overrides(tmp_path / "overrides.json").applied(centre).policy == centre.policy


def test_whoever_is_no_longer_there_is_passed_over_and_named(centre: Centre, tmp_path: Path) -> None:
    overrides = Overrides(tmp_path / "overrides.json")
    overrides.kept.skills["zoe"] = {"x": 3}
    overrides.kept.queues["gone"] = QueueSettings(weight=2)
    assert overrides.applied(centre).policy == centre.policy
    assert overrides.passed_over == ["agent zoe", "queue gone"]


def test_what_the_router_would_refuse_changes_nothing(centre: Centre, tmp_path: Path) -> None:
    queue = next(each for each in centre.policy.queues if each.when_full is None)
    overrides = Overrides(tmp_path / "overrides.json")
    with pytest.raises(CannotChange, match="full_at"):
        overrides.set_queue(centre, queue.name, QueueSettings(full_at=5))
    assert overrides.kept.queues == {}
    assert not (tmp_path / "overrides.json").exists()
    overrides.kept.queues[queue.name] = QueueSettings(full_at=5)
    with pytest.raises(DocumentError, match=r"overrides\.json.*full_at"):
        overrides.applied(centre)
