"""The story of a contact in words."""

from typing import get_args

from router.core.decisions import AgentChanged, AnyDecision, Candidate, Record
from router.core.events import (
    Callback,
    CallbackFailed,
    CallbackReached,
    CallbackRequested,
    ContactArrived,
    ContactEnded,
    ContactHeld,
    ContactMoved,
    ContactResumed,
    ContactTransferred,
    Event,
    OfferAccepted,
    TransferCompleted,
)
from router.core.policy import CallbackRules, LastAction
from router.live.journal import Handled
from switchboard.story import contact_story, decision_text
from tests.support.routing import Floor, agents, queue

VALUES: dict[object, object] = {
    int: 1,
    str: "x",
    bool: False,
    Record: Record(1, "q", "s", (), (Candidate("a", ()),)),
    LastAction: LastAction("exit", "x"),
}


class Told(Floor):
    """A floor whose records are kept."""

    def told(self, *rows: tuple[Event, int]) -> "Told":
        self.records = getattr(self, "records", [])
        for event, at_ms in rows:
            self.records.append((len(self.records), Handled(at_ms, event, tuple(self.send(event, at_ms)))))
        return self

    def story(self, contact: str) -> list[str]:
        return [entry.text for entry in contact_story(contact, self.records)]


def test_a_callback_that_is_reached_at_the_second_try() -> None:
    floor = Told(queue(callback=CallbackRules(retry_ms=5_000)), agents=agents("anna")).told(
        (ContactArrived("c1", "billing", attributes={"topic": "loan"}, directed_to="anna"), 0),
        (CallbackRequested("c1", Callback("100")), 1_000),
        (OfferAccepted("o1"), 2_000),
        (CallbackFailed("c1", "no_answer"), 3_000),
        (ContactMoved("c1", "billing", directed_to="anna"), 4_000),
    )
    floor.wait_until(8_000)
    floor.told((OfferAccepted("o2"), 9_000), (CallbackReached("c1"), 10_000), (ContactEnded("c1", "caller"), 12_000))
    assert floor.story("c1") == [
        "arrives (topic=loan); for anna",
        "waits in billing",
        "step 'anybody' begins: first step",
        "is offered to anna (directed there, billing, step 'anybody', policy 1)",
        "wants to be rung at 100",
        "anna is there, the customer is rung at 100 (try 1)",
        "the customer is not reached: no answer",
        "anna leaves: the customer was not reached: no answer",
        "the offer to anna ends: cancelled",
        "is parked: no answer",
        "is moved to billing, for anna",
        "waits in billing again: moved",
        "is parked: before its time",
        "anna is there, the customer is rung at 100 (try 2)",
        "the customer answers and talks with anna",
        "the talk is over, ended by the caller",
        "finished: answered after waiting 10.0 s, talked 2.0 s",
    ]


def test_a_talk_on_hold_that_is_handed_over_and_sent_on() -> None:
    floor = Told(queue(), queue("second"), agents=agents("anna", "bob")).told(
        (ContactArrived("c1", "billing"), 0),
        (OfferAccepted("o1"), 1_000),
        (ContactHeld("c1", "asks"), 2_000),
        (ContactArrived("k1", "second", consult_of="c1"), 2_000),
        (OfferAccepted("o2"), 3_000),
        (TransferCompleted("c1", "k1"), 4_000),
        (ContactHeld("c1"), 5_000),
        (ContactResumed("c1"), 6_000),
        (ContactTransferred("c1", "second", {"topic": "loan"}), 7_000),
    )
    assert floor.story("k1")[0] == "arrives; a question about c1"
    assert floor.story("c1")[4:] == [
        "is joined with anna",
        "anna puts it on hold: asks",
        "anna hands it over to bob",
        "bob puts it on hold",
        "bob takes it off hold",
        "is transferred to second (topic=loan)",
        "bob leaves: transferred to second",
        "finished: answered after waiting 1.0 s, talked 3.0 s (1.0 s of it on hold), sent on to second",
        "waits in second",
        "step 'anybody' begins: first step",
        "is offered to anna (second, step 'anybody', policy 1)",
    ]


def test_every_decision_about_a_contact_has_words() -> None:
    kinds = [kind for kind in get_args(AnyDecision) if "contact" in kind.__struct_fields__ and kind is not AgentChanged]
    assert len(kinds) > 15
    for kind in kinds:
        fields = {name: VALUES.get(type_, "x") for name, type_ in kind.__annotations__.items() if name != "command"}
        assert decision_text(kind(**fields)), f"{kind.__name__} has no words"
