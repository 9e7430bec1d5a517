"""What the journal's records mean to the rows."""

from pathlib import Path

import msgspec
import pytest

from router.core import events as e
from switchboard.operations.base import AUDIT
from switchboard.store import schema
from switchboard.store.projector import Projector
from tests.support.journals import BEGIN_MS, Day, day_policy
from tests.unit.store.conftest import rows


@pytest.fixture
def day(tmp_path: Path) -> Day:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    return day


def stored(projector: Projector, name: str) -> list[dict[str, object]]:
    projector.catch_up()
    assert projector._engine is not None
    return rows(projector._engine, schema.metadata.tables[name])


def offer(day: Day, contact: str) -> str:
    found = day.router.contact(contact)
    assert found is not None
    assert found.offer is not None
    return found.offer


def talk(day: Day, contact: str = "c1", **arrival: object) -> None:
    """Five seconds of ringing; the talk is under way."""
    day.feed(e.ContactArrived(contact, "billing", caller="+34600", **arrival))  # type: ignore[arg-type]
    day.wait(5_000)
    day.feed(e.OfferAccepted(offer(day, contact)))


def test_an_answered_contact_with_its_times(day: Day, projector: Projector) -> None:
    talk(day, attributes={"intent": "invoice", "language": "es"})
    day.wait(30_000)
    day.feed(e.ContactHeld("c1", "looking"))
    day.wait(10_000)
    day.feed(e.ContactResumed("c1"))
    day.feed(e.ContactEnded("c1", "caller"))
    day.wait(8_000)
    (row,) = stored(projector, "contacts")
    expected = {
        "contact": "c1",
        "queue": "billing",
        "caller": "+34600",
        "step": "anybody",
        "entry_position": 1,
        "arrived_ms": BEGIN_MS,
        "offered_ms": BEGIN_MS,
        "answered_ms": BEGIN_MS + 5_000,
        "ended_ms": BEGIN_MS + 45_000,
        "outcome": "answered",
        "ended_by": "caller",
        "agent": "anna",
        "wait_ms": 5_000,
        "talk_ms": 40_000,
        "hold_ms": 10_000,
        "wrap_up_ms": 8_000,
        "offers": 1,
        "answered_within_ms": 20_000,
        "short_abandon_ms": 4_000,
        "intent": "invoice",
        "language": "es",
        "skills": ["billing"],
    }
    assert {name: row[name] for name in expected} == expected


def test_each_queue_that_a_contact_waits_in_has_a_row(day: Day, projector: Projector) -> None:
    day.feed(e.AgentPaused("anna", "lunch"))
    day.feed(e.ContactArrived("c1", "billing"))
    day.wait(3_000)
    day.feed(e.ContactMoved("c1", "tech"))
    day.wait(2_000)
    day.feed(e.ContactLeft("c1"))
    first, second = stored(projector, "contacts")
    assert (first["queue"], first["outcome"], first["ended_by"]) == ("billing", "moved", "moved")
    assert (second["queue"], second["outcome"], second["moved_from"]) == ("tech", "abandoned", "billing")
    assert second["arrived_ms"] == BEGIN_MS
    assert second["wait_ms"] == 5_000
    assert [row["to_ms"] - row["from_ms"] for row in stored(projector, "waits")] == [3_000, 2_000]  # type: ignore[operator]


def test_a_transfer_takes_along_what_is_known(day: Day, projector: Projector) -> None:
    talk(day, attributes={"intent": "invoice"})
    day.feed(e.ContactTransferred("c1", "tech", attributes={"note": "angry"}))
    first, second = stored(projector, "contacts")
    assert (first["outcome"], first["transferred_to"], first["ended_by"]) == ("answered", "tech", "agent")
    assert second["attributes"] == {"intent": "invoice", "note": "angry"}
    assert (second["intent"], second["caller"]) == ("invoice", "+34600")


def test_a_contact_that_a_full_queue_refuses_is_recorded(day: Day, projector: Projector) -> None:
    day.feed(e.AgentPaused("anna", "lunch"))
    for number in range(7):
        day.feed(e.ContactArrived(f"c{number}", "billing"))
    *_, last = stored(projector, "contacts")
    assert (last["contact"], last["outcome"], last["wait_ms"]) == ("c6", "overflowed", 0)


def test_offers_say_why_they_came_to_nothing(day: Day, projector: Projector) -> None:
    day.feed(e.ContactArrived("c1", "billing"))
    day.wait(2_000)
    day.feed(e.OfferDeclined(offer(day, "c1")))
    declined = stored(projector, "offers")[0]
    assert (declined["agent"], declined["cause"], declined["ended_ms"]) == ("anna", "declined", BEGIN_MS + 2_000)
    assert stored(projector, "contacts")[0]["declined"] == 1


def test_a_joining_that_failed_has_not_been(day: Day, projector: Projector) -> None:
    talk(day)
    day.wait(300)
    day.feed(e.OfferFailed(offer(day, "c1"), "error"))
    (row,) = stored(projector, "contacts")
    assert (row["agent"], row["answered_ms"], row["offer_failed"]) == ("", None, 1)
    assert [wait["to_ms"] for wait in stored(projector, "waits")] == [BEGIN_MS + 5_000, None]


def test_agents_states_follow_each_other_without_a_gap(day: Day, projector: Projector) -> None:
    talk(day)
    day.wait(20_000)
    day.feed(e.ContactEnded("c1"))
    day.wait(8_000)
    day.feed(e.AgentPaused("anna", "lunch"))
    day.wait(1_000)
    day.feed(e.AgentSignedOut("anna"))
    states = stored(projector, "agent_states")
    assert [state["state"] for state in states] == ["ready", "ringing", "busy", "wrap_up", "ready", "paused"]
    assert [state["to_ms"] for state in states[:-1]] == [state["from_ms"] for state in states[1:]]
    assert states[-1]["reason"] == "lunch"
    assert states[-1]["to_ms"] == BEGIN_MS + 34_000
    (contact,) = stored(projector, "contacts")
    assert {state["handled_id"] for state in states[3:]} == {contact["id"]}


def test_a_call_has_its_flow_its_nodes_and_its_outcome(day: Day, projector: Projector) -> None:
    day.call("c9", "invoice", contained=True)
    (call,) = stored(projector, "calls")
    assert (call["caller"], call["dialled"], call["flow"]) == ("+34600111222", "5551000", "main")
    assert (call["intent"], call["outcome"], call["contained"]) == ("invoice", "completed", True)
    assert [(visit["node"], visit["via"]) for visit in stored(projector, "visits")] == [("menu", ""), ("ask", "1")]


def test_a_node_is_recorded_once_however_often_its_session_is_saved(day: Day, projector: Projector) -> None:
    day.call("c9")
    day.call("c9")
    assert len(stored(projector, "visits")) == 2


def test_facts_and_changes_have_tables_of_their_own(day: Day, projector: Projector) -> None:
    day.fact("disposition", "c1", "anna", code="sold", notes="likes\0 tea")
    asked = {"agent": "anna", "reason": "lunch"}
    day.fact(AUDIT, agent="anna", actor="sue", operation="pause", door="api", asked=asked, before={"a": 1}, after={})
    facts = [fact for fact in stored(projector, "facts") if fact["kind"] != "note"]
    assert [(fact["kind"], fact["contact"], fact["data"]["code"]) for fact in facts] == [("disposition", "c1", "sold")]  # type: ignore[index]
    (change,) = stored(projector, "audit")
    assert (change["actor"], change["operation"], change["asked"], change["before"]) == (
        "sue",
        "pause",
        asked,
        {"a": 1},
    )


def test_every_event_and_decision_is_in_the_story(day: Day, projector: Projector) -> None:
    talk(day)
    day.feed(e.ContactEnded("c1"))
    names = [row["name"] for row in stored(projector, "story") if row["contact"] == "c1"]
    assert names[:4] == ["ContactArrived", "ContactQueued", "StepEntered", "Offer"]
    assert {"OfferAccepted", "Connect", "ContactEnded", "ContactFinished"} <= set(names)


def test_a_contact_keeps_the_goal_under_which_it_came(day: Day, projector: Projector) -> None:
    day.feed(e.AgentPaused("anna", "lunch"))
    day.feed(e.ContactArrived("c1", "tech"))
    policy = day_policy(2)
    tech = policy.queues[1]
    goal = msgspec.structs.replace(tech.goal, answered_within_ms=99_000)
    queues = (policy.queues[0], msgspec.structs.replace(tech, goal=goal))
    day.feed(e.PolicyPublished(msgspec.structs.replace(policy, queues=queues)))
    day.feed(e.ContactArrived("c2", "tech"))
    assert [row["answered_within_ms"] for row in stored(projector, "contacts")] == [20_000, 99_000]
