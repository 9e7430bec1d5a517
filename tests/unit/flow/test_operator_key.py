"""The way to a person where something is only played: only where the flow says so."""

from ivr.flow.effects import HangUp, Play, Prompt
from ivr.flow.inputs import Played
from ivr.flow.machine import Machine
from ivr.flow.session import Caller
from tests.support.flows import NOON, machine

NODES = """
    news: {type: play, say: [news], next: count}
    count: {type: say, say: number, value: "7", next: end}
    person: {type: hangup, reason: person}
    end: {type: hangup, reason: end}
    """


def effects(made: Machine, *answers: Played) -> list[object]:
    session, done = made.start("main", Caller("1"), NOON)
    seen: list[object] = [done[-1]]
    for answer in answers:
        session, done = made.resume(session, answer, NOON)
        seen.append(done[-1])
    return seen


def test_by_default_prompts_are_played_to_their_end() -> None:
    made = machine(NODES, header="operator: {key: '0', to: person}")
    assert effects(made)[0] == Play((Prompt("news", "news"),))
    assert "operator" not in made.library.flows["main"].exits["news"]


def test_where_the_flow_says_so_the_key_leads_to_a_person_from_every_prompt() -> None:
    made = machine(NODES, header="operator: {key: '9', to: person, at_prompts: true}")
    assert effects(made, Played("9")) == [Play((Prompt("news", "news"),), "9"), HangUp("person")]
    heard = effects(made, Played(), Played("9"))
    assert isinstance(heard[1], Play)
    assert (heard[1].keys, heard[2]) == ("9", HangUp("person"))
    assert effects(made, Played(), Played())[-1] == HangUp("end")
