"""Which phone an agent is rung at, also for the next engine."""

from router.core.events import AgentSignedOut
from router.live.journal import Fact
from switchboard.desks import Desks


def desks() -> tuple[Desks, list[Fact]]:
    facts: list[Fact] = []
    return Desks(lambda kind, agent, data: facts.append(Fact(0, kind, agent=agent, data=data))), facts


def test_an_agent_is_rung_at_the_own_phone_until_seated_elsewhere_and_again_after_signing_out() -> None:
    some, facts = desks()
    some.seat("anna", "anna")
    assert facts == [], "nothing has changed"
    some.seat("anna", "desk")
    assert (some.phone_of("anna"), some.agent_at("desk"), some.phone_of("ben")) == ("desk", "anna", "ben")
    some.observe(AgentSignedOut("ben"), [], 0)
    assert some.phone_of("anna") == "desk"
    some.observe(AgentSignedOut("anna"), [], 0)
    assert (some.phone_of("anna"), some.agent_at("desk")) == ("anna", "desk")


def test_the_next_engine_knows_who_sits_where() -> None:
    some, facts = desks()
    some.seat("anna", "desk")
    some.seat("ben", "anna")
    some.seat("ben", "ben")
    following, carried = desks()
    for fact in facts:
        following.remember(fact)
    assert (following.phone_of("anna"), following.phone_of("ben")) == ("desk", "ben")
    following.carry_over()
    assert [(fact.agent, fact.data) for fact in carried] == [("anna", {"phone": "desk"})]
