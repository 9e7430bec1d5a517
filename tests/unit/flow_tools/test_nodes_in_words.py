"""Nodes that reach beyond the call, as flow tests and the caller in the terminal meet them."""

from textwrap import dedent, indent

import pytest

from documents import DocumentError, read
from ivr.flow.machine import Machine
from ivr.flow.scripted import Result, run_tests
from ivr.flow.session import Caller, Session
from switchboard.text_caller import TextCaller
from tests.support.flows import NOON, flow, library

HEADER = "operator: {key: '0', to: person, at_prompts: true}"
NODES = """
    news: {type: play, say: [news], next: damage}
    damage: {type: record, say: [what-happened], into: damage, next: partner, too_short: person}
    partner: {type: dial, number: "'+15550199'", answered: thanks, busy: busy, otherwise: person}
    busy: {type: play, say: [busy], next: end}
    thanks: {type: play, say: [thanks], next: end}
    person: {type: enqueue, queue: help, otherwise: end}
    end: {type: hangup}
    """


def run(test: str, nodes: str = NODES) -> Result:
    test = dedent(test).strip()
    given = "" if test.startswith("given") else "given: {flow: main}\n"
    text = f"tests:\n  - name: it\n{indent(given + test, '    ')}\n"
    (result,) = run_tests(read(text, "tests/it.yaml"), library(flow(nodes, header=HEADER)), {})
    return result


def call(*typed: str, nodes: str = NODES) -> tuple[Session, list[str]]:
    lines, said = iter(typed), []
    caller = TextCaller(Machine(library(flow(nodes, header=HEADER))), lambda prompt: next(lines, None), said.append)
    return caller.call("main", Caller("600100200"), lambda: NOON), said


GOOD = {
    "a recording, and the outside call is answered": """
        does: [{voicemail_s: 20}]
        expect: {hears: [news, what-happened, thanks], dials: "+15550199", mailbox: recordings,
                 attributes: {damage: message}, outcome: completed}""",
    "too short twice": "does: [{voicemail_s: 0}, {voicemail_s: 0.5}]\nexpect: {queue: help}",
    "busy": "does: [{voicemail_s: 20}, {dial: busy}]\nexpect: {hears: [busy], never_hears: [thanks]}",
    "nobody there": "does: [{voicemail_s: 20}, {dial: no_answer}]\nexpect: {queue: help}",
    "hangs up in the outside call": "does: [{voicemail_s: 20}, hang_up]\nexpect: {outcome: hungup}",
    "a person in the middle of the news": "does: [{press: '0'}]\nexpect: {queue: help, hears_exactly: [news]}",
}


@pytest.mark.parametrize("title", GOOD)
def test_a_flow_test(title: str) -> None:
    assert run(GOOD[title]).problems == ()


BANK = """
    who:
      type: identify
      say: [account]
      max_digits: 8
      database: crm
      sql: "select id from customers where key = :key"
      parameters: {key: key}
      results: {customer: data.id}
      next: prove
      no_input: {retries: 0, to: person}
      no_match: {retries: 0, to: person}
    prove:
      type: verify
      say: [pin]
      attempts: 2
      next: thanks
      locked: end
      no_input: {retries: 0, to: person}
      no_match: {retries: 2, to: person}
    thanks: {type: play, say: [thanks], next: end}
    person: {type: enqueue, queue: help, otherwise: end}
    end: {type: hangup}
    """
CUSTOMER = "given: {flow: main, caller: '1', pins: {c-7: '4711'}, lookups: [{database: crm, data: {id: c-7}}]}"
PROVEN = {
    "the right PIN": f"""
        {CUSTOMER}
        does: [press: "4711#"]
        expect: {{hears: [pin, thanks], attributes: {{customer: c-7, verified: true}}, outcome: completed}}""",
    "locked": f"""
        {CUSTOMER}
        does: [press: "1111#", press: "2222#"]
        expect: {{hears_exactly: [pin, pin], node: end}}""",
    "an account that is asked for": """
        given:
          flow: main
          caller: "1"
          pins: {c-9: "1234"}
          lookups: [{database: crm, parameters: {key: "12345678"}, data: {id: c-9}}, {database: crm, status: 404}]
        does: [press: "12345678", press: "1234#"]
        expect: {hears: [account, pin, thanks], attributes: {identified_by: account}}""",
    "the database is down": """
        given: {flow: main, caller: "1", lookups: [{database: crm, fails: timeout}]}
        expect: {outcome: failed}""",
}


@pytest.mark.parametrize("title", PROVEN)
def test_a_flow_test_of_customers(title: str) -> None:
    assert run(PROVEN[title], BANK).problems == ()


def test_pins_are_in_no_story_of_a_test() -> None:
    result = run(f"{CUSTOMER}\ndoes: [press: '8642#']\nexpect: {{queue: x}}", BANK)
    assert "8642" not in "".join([*result.story, *map(str, result.problems)])
    assert "the PIN of c-7 is wrong" in result.story


def test_the_caller_in_the_terminal_is_identified_and_proven() -> None:
    session, said = call('{"id": "c-7"}', "4711#", "maybe", "", nodes=BANK)
    assert "[lookup select id from customers where key = :key in crm (key=600100200)]" in said
    assert "[checks the PIN of c-7]" in said
    assert any("`right` (an empty line)" in line for line in said)
    assert session.attributes["verified"] is True


SURVEY = """
    how:
      type: survey
      questions: [{score: csat, say: [satisfied]}, {score: nps, say: [recommend]}]
      comment: {say: [more]}
      next: tell
    tell: {type: notify, webhook: quality, data: {csat: contact.csat}, next: mail}
    mail: {type: notify, email: {to: [qa@b.example], subject: "{{ contact.nps }}", text: "-"}, next: end}
    end: {type: hangup}
    person: {type: hangup, reason: person}
    """
ANSWERED = {
    "all of it": """
        does: [press: "5", press: "10", voicemail_s: 12]
        expect: {hears: [satisfied, recommend, more], attributes: {csat: 5, nps: 10, comment: message},
                 notifies: [quality, qa@b.example], mailbox: surveys, outcome: completed}""",
    "nought is an answer to NPS and no operator key": """
        does: [press: "5", press: "0#", voicemail_s: 0]
        expect: {attributes: {csat: 5, nps: 0, comment: null}, outcome: completed, reason: normal}""",
    "nothing": """
        does: [silence, silence, silence, silence, voicemail_s: 0]
        expect: {attributes: {csat: null, nps: null}, outcome: completed}""",
    "a person": "does: [press: '0']\nexpect: {reason: person}",
    "hangs up in between": "does: [press: '4', hang_up]\nexpect: {attributes: {csat: 4}, outcome: hungup}",
}


@pytest.mark.parametrize("title", ANSWERED)
def test_a_flow_test_of_a_survey(title: str) -> None:
    assert run(ANSWERED[title], SURVEY).problems == ()


def test_the_caller_in_the_terminal_answers_a_survey() -> None:
    _, said = call("4", "9#", "10", nodes=SURVEY)
    assert [line for line in said if line.startswith("[")] == [
        "[language en]",
        "[survey: csat 4]",
        "[survey: nps 9]",
        "[beep; records into mailbox surveys]",
        "[survey: comment message]",
        '[notifies quality: {"csat": 4}]',
        "[notifies qa@b.example: 9]",
        "[the flow hangs up: normal]",
    ]


REVIEWED = """
    tell:
      type: record
      say: [what-happened]
      review: {say: [keep-or-not], cancelled: person}
      next: thanks
      too_short: end
    thanks: {type: play, say: [thanks], next: end}
    person: {type: enqueue, queue: help, otherwise: end}
    end: {type: hangup}
    """
DECISIONS = {
    "hears it and records it anew": """
        does: [voicemail_s: 20, press: "2", press: "3", voicemail_s: 9, press: "1"]
        expect: {hears_exactly: [what-happened, keep-or-not,
                                 (recorded), keep-or-not, what-happened, keep-or-not, thanks],
                 mailbox: recordings, attributes: {recording: message}}""",
    "cancels": """
        does: [voicemail_s: 20, press: "*"]
        expect: {queue: help, attributes: {recording: null}}""",
    "says nothing until it is kept": """
        does: [voicemail_s: 20, silence, press: "9", silence]
        expect: {hears: [thanks], attributes: {recording: message}}""",
    "would rather have a person": """
        does: [voicemail_s: 20, press: "0"]
        expect: {queue: help, mailbox: recordings}""",
    "hangs up": "does: [voicemail_s: 20, hang_up]\nexpect: {outcome: hungup, mailbox: recordings}",
}


@pytest.mark.parametrize("title", DECISIONS)
def test_a_flow_test_of_a_review(title: str) -> None:
    assert run(DECISIONS[title], REVIEWED).problems == ()


def test_a_cancelled_recording_is_in_no_mailbox() -> None:
    cancels = "does: [voicemail_s: 20, press: '*']\nexpect: {mailbox: recordings}"
    (problem,) = run(cancels, REVIEWED).problems
    assert "expected 'recordings', but it is nothing" in str(problem)


def test_the_caller_in_the_terminal_reviews_a_recording() -> None:
    _, said = call("20", "2", "*", "", nodes=REVIEWED)
    assert "(what was recorded)" in said
    assert "[the recording is thrown away]" in said


@pytest.mark.parametrize(
    ("review", "told"),
    [
        ("{say: [k], again: '1'}", "the key '1' means both 'keep' and 'again'"),
        ("{say: [k], listen: '*', cancelled: end}", "the key '*' means both 'listen' and 'cancel'"),
        ("{say: [k], keep: '12'}", "review.keep: this is one key: 0 to 9, * or #; it is '12'"),
        ("{say: [k], retries: two}", "review.retries: a whole number belongs here, not 'two'"),
        ("{say: [k], first_digit_s: soon}", "review.first_digit_s: a number belongs here, not 'soon'"),
        ("{}", "review.say"),
    ],
)
def test_a_review_that_cannot_be(review: str, told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        flow(REVIEWED.replace("{say: [keep-or-not], cancelled: person}", review))
    assert told in str(caught.value)


def test_a_wrong_expectation_is_told() -> None:
    (problem,) = run("does: [{voicemail_s: 20}]\nexpect: {dials: '+15550100'}").problems
    assert "expect.dials: expected '+15550100', but it is '+15550199'" in str(problem)


def test_the_caller_in_the_terminal_is_connected() -> None:
    session, said = call("", "20", "engaged", "", "")
    assert "[dials the outside number +15550199]" in said
    assert any("One of answered, busy" in line for line in said)
    assert session.outcome == "completed"


def test_the_caller_in_the_terminal_asks_for_a_person() -> None:
    _, said = call("5", "0", "")
    assert any("Here only 0 does something" in line for line in said)
    assert "[waits in queue help]" in said
