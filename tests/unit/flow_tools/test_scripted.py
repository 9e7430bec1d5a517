from textwrap import dedent, indent

import pytest

from documents import DocumentError, read
from ivr.flow.effects import Collect, Prompt, Say
from ivr.flow.inputs import Keys
from ivr.flow.scripted import Result, run_tests
from ivr.flow.told import press, told
from tests.support.flows import flow, library

NODES = """
    ask:
      type: menu
      say: [main-menu]
      choices: {"1": balance, "2": pin, "3": wait}
      no_input: {retries: 1, say: [still-there], to: bye}
      no_match: {retries: 1, to: bye}
    balance:
      type: lookup
      url: https://bank.example/balance
      query: {of: contact.number}
      results: {balance: data.balance}
      ok: tell
      not_found: bye
      error: sorry
    tell: {type: say, say: number, value: contact.balance, next: spanish}
    spanish: {type: language, language: es, next: wait}
    pin:
      type: collect
      say: [enter-pin]
      into: pin
      max_digits: 4
      sensitive: true
      next: check
      no_input: {to: bye}
      no_match: {to: bye}
    check:
      type: lookup
      url: https://bank.example/check
      query: {pin: secret.pin}
      ok: wait
      not_found: bye
      error: sorry
    wait:
      type: enqueue
      queue: sales
      attributes: {vip: "true"}
      priority: 7
      preferred_agent: "'ann'"
      answered: bye
      exits: {full: sorry}
      otherwise: bye
    sorry: {type: play, say: [sorry], next: bye}
    bye: {type: hangup, reason: done}"""


def run(test: str, nodes: str = NODES) -> Result:
    """One test, written without its name; it dials 100 unless it says otherwise."""
    test = dedent(test).strip()
    given = "" if test.startswith("given") else "given: {dials: '100'}\n"
    text = f"tests:\n  - name: it\n{indent(given + test, '    ')}\n"
    (result,) = run_tests(read(text, "tests/it.yaml"), library(flow(nodes)), {"100": "main"})
    return result


def problem(test: str, nodes: str = NODES) -> str:
    (found,) = run(test, nodes).problems
    return str(found)


GOOD = {
    "keys, a queue and what it was told": """
        does: [{press: "3"}]
        expect: {hears_exactly: [main-menu], queue: sales, priority: 7, preferred_agent: ann, node: wait,
                 attributes: {vip: true, balance: null}, outcome: in_queue}""",
    "silence, twice": """
        does: [silence, silence]
        expect: {hears: [main-menu, still-there, main-menu], outcome: completed, reason: done}""",
    "hanging up": "does: [hang_up]\nexpect: {outcome: hungup}",
    "nothing yet": "expect: {outcome: asked, never_hears: [sorry], language: en}",
    "back from the queue by an exit": """
        does: [{press: "3"}, {from_queue: full}]
        expect: {hears: [sorry], outcome: completed}""",
    "after the talk": """
        does: [{press: "3"}, {from_queue: answered}]
        expect: {never_hears: [sorry], outcome: completed}""",
    "hanging up in the queue": 'does: [{press: "3"}, hang_up]\nexpect: {queue: sales, outcome: hungup}',
    "a lookup and a spoken value": """
        given:
          flow: main
          caller: "+15550100"
          lookups: [{url: "https://bank.example/*of=+15550100", data: {balance: 12.5}}]
        does: [{press: "1"}]
        expect: {hears: [main-menu, {say: number, value: 12.5}], language: es, attributes: {balance: 12.5}}""",
    "the first lookup that fits, with a status": """
        given: {dials: "100", caller: "1", lookups: [{url: "http:*"}, {url: "*", status: 404}, {url: "*"}]}
        does: [{press: "1"}]
        expect: {node: bye}""",
    "a lookup that fails": """
        given: {dials: "100", caller: "1", lookups: [{url: "*", fails: timeout}]}
        does: [{press: "1"}]
        expect: {hears: [sorry]}""",
}


@pytest.mark.parametrize("title", GOOD)
def test_a_caller_who_meets_what_is_expected(title: str) -> None:
    result = run(GOOD[title])
    assert result.problems == ()
    assert result.name == "it"


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (
            "expect: {hears: [main-menu, main-menu]}",
            "it.yaml:4: tests[0].expect.hears[1]: 'main-menu' was not heard after 'main-menu'",
        ),
        ("expect: {hears: [main-manu]}", "'main-manu' was not heard (did you mean 'main-menu'?)"),
        (
            "expect: {hears_exactly: [main-menu, sorry]}",
            "hears_exactly[1]: expected 'sorry' here, but nothing was heard",
        ),
        ("expect: {hears_exactly: []}", "after all this 'main-menu' was heard too"),
        ("expect: {never_hears: [main-menu]}", "never_hears[0]: 'main-menu' was heard"),
        ("expect: {queue: sales}", "expect.queue: expected 'sales', but it is nothing"),
        ("expect: {attributes: {vip: true}}", "attributes.vip: expected True, but it is nothing"),
        ("does: [{press: '3'}]\nexpect: {attributes: {vip: 1}}", "expected 1, but it is True"),
        ("does: [hang_up]\nexpect: {outcome: completed}", "expected 'completed', but it is 'hungup'"),
        ("given: {dials: '101'}\nexpect: {queue: sales}", "the centre has no number '101' (did you mean '100'?)"),
        ("given: {flow: main, emergency: [ofice]}\nexpect: {queue: sales}", "there are no opening hours 'ofice'"),
        ("given: {flow: mian}\nexpect: {queue: sales}", "there is no flow 'mian' (did you mean 'main'?)"),
        (
            "does: [{from_queue: full}]\nexpect: {queue: x}",
            "the caller comes back from the queue: full, but 'ask' waits for",
        ),
        ("does: [hang_up, silence]\nexpect: {queue: x}", "the caller keeps silent, but the call has ended"),
        ("does: [{press: '31'}]\nexpect: {queue: x}", "after '3' the flow goes on; '1' is too much"),
        ("given: {dials: '100', caller: '1'}\ndoes: [{press: '1'}]\nexpect: {queue: x}", "which no 'lookups' answers"),
    ],
)
def test_what_was_not_as_expected_is_told_with_its_place(test: str, message: str) -> None:
    assert message in problem(test)


def test_the_story_tells_what_happened_until_then() -> None:
    result = run(
        'given: {dials: "100", caller: "1"}\ndoes: [silence, {press: "3"}, {from_queue: full}]\nexpect: {queue: x}'
    )
    assert list(result.story) == [
        "1 calls 100 at Mon 2026-01-05 10:00",
        "language is en",
        "hears “main-menu”",
        "keeps silent",
        "hears “still-there”",
        "hears “main-menu”",
        "presses 3",
        "waits in queue 'sales'",
        "comes back from the queue: full",
        "hears “sorry”",
        "the flow hangs up (done)",
    ]


def test_secrets_are_in_no_story() -> None:
    result = run(
        """
        given: {dials: "100", lookups: [{url: "https://bank.example/check?pin=*", status: 404}]}
        does: [{press: "2"}, {press: "8642"}]
        expect: {queue: x}"""
    )
    assert "presses secret keys" in result.story
    assert "8642" not in "".join([*result.story, *map(str, result.problems)])


def test_a_flow_that_fails_fails_the_test_unless_that_is_expected() -> None:
    broken = "a: {type: set, attributes: {x: contact.missing}, next: b}\nb: {type: hangup}"
    assert "the call failed" in problem("expect: {language: en}", broken)
    assert run("expect: {outcome: failed}", broken).problems == ()


def test_the_clock_is_that_of_the_centre_and_can_be_set() -> None:
    nodes = """
        check:
          type: branch
          conditions: [{when: "now.datetime.startsWith('2026-12-24T12:30')", to: yes-node}]
          otherwise: no-node
        yes-node: {type: hangup}
        no-node: {type: hangup}"""
    assert run("given: {dials: '100', at: 2026-12-24T12:30}\nexpect: {node: yes-node}", nodes).problems == ()
    assert run("expect: {node: no-node}", nodes).problems == ()


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("expect: {}", "a test that expects nothing proves nothing"),
        ("given: {}\nexpect: {queue: x}", "either 'dials' or 'flow' is needed"),
        ("does: [{press: '1x'}]\nexpect: {queue: x}", "press"),
        ("does: [wait]\nexpect: {queue: x}", "silence"),
        ("expect: {que: x}", "did you mean 'queue'"),
    ],
)
def test_a_test_that_says_nothing_sensible_is_refused(test: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        run(test)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "expected", "left"),
    [
        ("12", Keys("12", "timeout"), ""),
        ("12#", Keys("12", "terminator"), ""),
        ("123", Keys("123", "length"), ""),
        ("1234#", Keys("123", "length"), "4#"),
        ("#9", Keys("", "terminator"), "9"),
    ],
)
def test_keys_end_as_the_question_says(keys: str, expected: Keys, left: str) -> None:
    assert press(Collect((), max_digits=3, terminators="#"), keys) == (expected, left)


def test_what_is_heard_in_words() -> None:
    spoken = (Prompt("a", "Hello."), Prompt("b", "", ("vm-sorry", "beep")), Say("date", "2026-01-05"))
    assert list(told(spoken)) == ["“Hello.”", "(sounds vm-sorry, beep)", "(date) 2026-01-05"]
