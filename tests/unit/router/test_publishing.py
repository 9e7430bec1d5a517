"""A new policy drops and reorders nothing."""

import pytest
from msgspec.structs import replace

from router.core.decisions import AgentChanged, ContactFinished, Offer, StepEntered
from router.core.errors import PolicyError
from router.core.events import (
    AgentReady,
    AgentSignedIn,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    PolicyPublished,
)
from router.core.policy import Agent, Condition, Policy, Queue, Step, Until
from router.core.router import ImpossibleEvent, Router
from tests.support.routing import Floor, agents, only, queue, skilled, taker


def next_policy(floor: Floor, *queues: Queue, people: tuple[Agent, ...] | None = None) -> Policy:
    policy = floor.router.policy
    return replace(
        policy,
        version=policy.version + 1,
        queues=queues or policy.queues,
        agents=policy.agents if people is None else people,
    )


def test_waiting_contacts_finish_on_their_version_and_keep_their_order() -> None:
    strict = queue(steps=(Step("s", skilled("french")),))
    floor = Floor(strict, agents=(Agent("anna", {"french": 1}), Agent("bob")), ready=False)
    for i in range(3):
        floor.arrive(f"c{i}")
    floor.send(PolicyPublished(next_policy(floor, queue())))
    floor.arrive("c3")
    assert floor.router.waiting("billing") == ["c0", "c1", "c2", "c3"]
    decisions = floor.send(AgentSignedIn("bob"))
    assert [(offer.contact, offer.record.policy) for offer in only(decisions, Offer)] == [("c3", 2)]
    decisions = floor.send(AgentSignedIn("anna"))
    assert [(offer.contact, offer.record.policy) for offer in only(decisions, Offer)] == [("c0", 1)]


def test_with_migrate_they_go_over_and_somebody_free_takes_them_at_once() -> None:
    strict = queue(steps=(Step("s", skilled("french")),))
    floor = Floor(strict, agents=(Agent("anna", {"french": 1}), Agent("bob")), ready=False)
    floor.send(AgentSignedIn("bob"))
    floor.arrive("c0")
    decisions = floor.send(PolicyPublished(next_policy(floor, queue()), migrate=True))
    assert taker(decisions, "c0") == "bob"


def test_migrating_keeps_the_step_of_the_same_name_and_its_clock() -> None:
    def steps(first_ms: int) -> tuple[Step, ...]:
        return (Step("fluent", skilled("french"), until=Until(after_ms=first_ms)), Step("anybody"))

    people = (Agent("anna", {"french": 1}), Agent("bob"))
    floor = Floor(queue(steps=steps(60_000)), agents=people, ready=False)
    floor.send(AgentSignedIn("bob"))
    floor.arrive("c0", at_ms=1_000)
    floor.send(PolicyPublished(next_policy(floor, queue(steps=steps(30_000))), migrate=True), at_ms=5_000)
    assert taker(floor.wait_until(30_999), "c0") is None
    assert taker(floor.wait_until(31_000), "c0") == "bob"


def test_migrating_to_steps_of_other_names_begins_anew() -> None:
    floor = Floor(agents=agents("anna"), ready=False)
    floor.arrive("c0")
    decisions = floor.send(PolicyPublished(next_policy(floor, queue(steps=(Step("other"),))), migrate=True))
    assert only(decisions, StepEntered) == [StepEntered("c0", "billing", "other", "policy version 2")]


def test_contacts_in_a_queue_that_is_gone_still_finish() -> None:
    floor = Floor(queue("billing", longest_wait_ms=10_000), agents=agents("anna"), ready=False)
    floor.arrive("c0")
    floor.arrive("c1", at_ms=5_000)
    floor.send(PolicyPublished(next_policy(floor, queue("other")), migrate=True))
    with pytest.raises(ImpossibleEvent, match="no queue 'billing'"):
        floor.arrive("c2")
    assert floor.router.queues() == ("other", "billing")
    finished = only(floor.wait_until(10_000), ContactFinished)
    assert [(contact.contact, contact.outcome) for contact in finished] == [("c0", "overflowed")]
    assert taker(floor.send(AgentSignedIn("anna")), "c1") == "anna"


def test_an_agent_whom_the_policy_no_longer_has_finishes_and_goes() -> None:
    floor = Floor(queue(wrap_up_ms=5_000), agents=agents("anna", "bob"))
    floor.arrive("c0")
    floor.send(OfferAccepted("o1"))
    decisions = floor.send(PolicyPublished(next_policy(floor, people=agents("bob"))))
    assert only(decisions, AgentChanged) == []
    floor.arrive("c1")
    floor.arrive("c2")
    floor.send(ContactEnded("c0"), at_ms=1_000)
    assert floor.state("anna") == ("wrap_up", "")
    with pytest.raises(ImpossibleEvent, match="no agent 'anna'"):
        floor.send(AgentReady("anna"))
    assert only(floor.wait_until(6_000), AgentChanged) == [AgentChanged("anna", "offline")]
    assert floor.router.agent("anna") is None


def test_an_idle_agent_whom_the_policy_no_longer_has_goes_at_once() -> None:
    floor = Floor(agents=agents("anna", "bob"))
    decisions = floor.send(PolicyPublished(next_policy(floor, people=agents("bob"))))
    assert only(decisions, AgentChanged) == [AgentChanged("anna", "offline")]


def test_wrap_up_survives_a_new_policy() -> None:
    floor = Floor(queue(wrap_up_ms=5_000), agents=agents("anna"))
    floor.arrive("c0")
    floor.send(OfferAccepted("o1"))
    floor.send(ContactEnded("c0"))
    floor.arrive("c1")
    floor.send(PolicyPublished(next_policy(floor, queue(wrap_up_ms=0))), at_ms=1_000)
    assert floor.state("anna") == ("wrap_up", "")
    assert taker(floor.wait_until(5_000), "c1") == "anna"


def test_new_skills_count_at_once_also_for_contacts_of_the_old_version() -> None:
    floor = Floor(queue(steps=(Step("s", skilled("french")),)), agents=(Agent("anna"), Agent("bob", {"french": 1})))
    floor.arrive("c0")
    floor.arrive("c1")
    decisions = floor.send(PolicyPublished(next_policy(floor, people=(Agent("anna", {"french": 1}), Agent("bob")))))
    assert taker(decisions, "c1") == "anna"


def test_a_bad_policy_or_an_old_version_changes_nothing() -> None:
    floor = Floor(agents=agents("anna"))
    before = floor.router.snapshot()
    with pytest.raises(PolicyError, match=r"queues\.billing\.ring_ms: must be at least 1"):
        floor.send(PolicyPublished(next_policy(floor, queue(ring_ms=0))))
    with pytest.raises(ImpossibleEvent, match="not newer than 1"):
        floor.send(PolicyPublished(floor.router.policy))
    assert floor.router.snapshot() == before


def test_an_old_version_is_forgotten_with_its_last_contact() -> None:
    floor = Floor(agents=agents("anna"), ready=False)
    floor.arrive("c0")
    floor.send(PolicyPublished(next_policy(floor)))
    floor.send(AgentSignedIn("anna"))
    floor.send(OfferAccepted("o1"))
    assert set(floor.router._state.versions) == {1, 2}
    floor.send(ContactEnded("c0"))
    assert set(floor.router._state.versions) == {2}


def test_a_restored_router_groups_agents_as_one_that_has_forgotten_an_old_version() -> None:
    """A record lists one of each group of agents alike; who is alike depends on the versions in use."""
    by_name = queue(steps=(Step("s", Condition(where="agent.name != contact.friend")),))
    floor = Floor(by_name, agents=agents("anna", "bob"), ready=False)
    floor.arrive("c0", attributes={"friend": "anna"})
    floor.send(PolicyPublished(next_policy(floor, queue())))
    floor.send(ContactLeft("c0"))
    for agent in ("anna", "bob"):
        floor.send(AgentSignedIn(agent))
    restored = Router.restore(floor.router.snapshot())
    event = ContactArrived("c1", "billing")
    assert restored.handle(event, 0) == floor.send(event)
