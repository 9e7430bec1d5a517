"""What node types do beyond their fixtures: the odd inputs and the limits."""

from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from documents import DocumentError
from ivr.flow.effects import Collect, Enqueue, HangUp, LookUp, Play, Prompt, Say, SetLanguage
from ivr.flow.inputs import Dequeued, Keys, LookedUp, Played
from ivr.flow.machine import Machine
from ivr.flow.nodes.collect import luhn
from ivr.flow.session import Caller
from ivr.words import What
from tests.support.flows import NOON, flow, machine

CALLER = Caller("+15550100", "100")


def first(machine: Machine, **attributes: Any) -> Any:
    """The effect that the flow begins with, after the language."""
    return machine.start("main", CALLER, NOON, attributes)[1][-1]


def after(machine: Machine, answer: Any, **attributes: Any) -> Any:
    session, _ = machine.start("main", CALLER, NOON, attributes)
    return machine.resume(session, answer, NOON)[1][-1]


def problem(nodes: str) -> str:
    with pytest.raises(DocumentError) as caught:
        flow(nodes)
    return str(caught.value)


# menu


def menu(choices: str, header: str = "") -> Machine:
    return machine(
        f"""
        m:
          type: menu
          say: [m]
          choices: {choices}
          no_input: {{retries: 0, to: silent}}
          no_match: {{retries: 0, to: wrong}}
        one: {{type: hangup, reason: one}}
        two: {{type: hangup, reason: two}}
        silent: {{type: hangup, reason: silent}}
        wrong: {{type: hangup, reason: wrong}}
        person: {{type: hangup, reason: person}}
        """,
        header=header,
    )


def test_choices_may_have_several_digits() -> None:
    asked = first(menu("{'1': one, '123': two}"))
    assert (asked.max_digits, asked.terminators) == (3, "#")
    assert after(menu("{'1': one, '123': two}"), Keys("123", "length")) == HangUp("two")
    assert after(menu("{'1': one, '123': two}"), Keys("1", "timeout")) == HangUp("one")


def test_a_choice_with_a_hash_leaves_the_hash_to_the_caller() -> None:
    assert first(menu("{'1#': one, '2': two}")).terminators == ""


@pytest.mark.parametrize("digits", ["1" * 1_000, "*#ABCD", "A", "١", "1\n", "one"])
def test_keys_that_are_no_choice_do_not_match(digits: str) -> None:
    assert after(menu("{'1': one, '*': two}"), Keys(digits, "length")) == HangUp("wrong")


def test_a_terminator_alone_is_a_wrong_key_and_not_silence() -> None:
    assert after(menu("{'11': one}"), Keys("", "terminator")) == HangUp("wrong")


def test_the_operator_key_leads_to_a_person_unless_it_is_a_choice() -> None:
    header = "operator: {key: '0', to: person}"
    assert after(menu("{'1': one}", header), Keys("0", "length")) == HangUp("person")
    assert after(menu("{'0': one}", header), Keys("0", "length")) == HangUp("one")
    assert after(menu("{'1': one}"), Keys("0", "length")) == HangUp("wrong")


def test_a_choice_is_made_of_keys() -> None:
    assert "the name is 'billing'" in problem(
        "m: {type: menu, say: [m], choices: {billing: m}, no_input: {to: m}, no_match: {to: m}}"
    )


# collect


def collect(more: str) -> Machine:
    return machine(
        f"""
        c:
          type: collect
          say: [c]
          into: digits
          {more}
          next: say
          no_input: {{retries: 0, to: silent}}
          no_match: {{retries: 0, to: wrong}}
        say: {{type: play, say: [{{say: digits, value: contact.digits}}], next: silent}}
        silent: {{type: hangup, reason: silent}}
        wrong: {{type: hangup, reason: wrong}}
        person: {{type: hangup, reason: person}}
        """,
        header="operator: {key: '0', to: person}",
    )


def taken(digits: str) -> Play:
    return Play((Say("digits", digits),))


@pytest.mark.parametrize(
    ("more", "digits", "fits"),
    [
        ("max_digits: 4", "1234", True),
        ("max_digits: 4", "12345", False),
        ("max_digits: 4", "12*4", False),
        ("max_digits: 4", "١٢٣٤", False),
        ("max_digits: 40", "1" * 1_000, False),
        ("{min_digits: 2, max_digits: 4}", "1", False),
        ("{max_digits: 6, pattern: '[0-9]{4}|7\\*[0-9]'}", "7*1", True),
        ("{max_digits: 6, pattern: '[0-9]{4}|7\\*[0-9]'}", "12345", False),
        ("{max_digits: 40, pattern: '(1+)+2'}", "1" * 40, False),
        ("{max_digits: 16, checksum: luhn}", "79927398713", True),
        ("{max_digits: 16, checksum: luhn}", "79927398710", False),
    ],
)
def test_what_fits(more: str, digits: str, fits: bool) -> None:
    more = more.strip("{}") if more.startswith("{") else more
    parts = "\n          ".join(part.strip() for part in more.split(", "))
    assert after(collect(parts), Keys(digits, "length")) == (taken(digits) if fits else HangUp("wrong"))


def test_the_operator_key_alone_leads_to_a_person_where_it_is_no_valid_entry() -> None:
    assert after(collect("max_digits: 4\n          min_digits: 4"), Keys("0", "timeout")) == HangUp("person")
    assert after(collect("max_digits: 4"), Keys("0", "timeout")) == taken("0")


def test_silence() -> None:
    assert after(collect("max_digits: 4"), Keys()) == HangUp("silent")


def test_the_terminator_may_be_switched_off() -> None:
    assert first(collect("max_digits: 4\n          terminator: ''")).terminators == ""


@pytest.mark.parametrize("pattern", ["(", "(?=1)1", "[9-0]"])
def test_a_pattern_that_is_none_is_a_problem(pattern: str) -> None:
    text = problem(
        f"c: {{type: collect, say: [c], into: x, max_digits: 4, pattern: '{pattern}', next: c, "
        "no_input: {to: c}, no_match: {to: c}}"
    )
    assert "nodes.c.pattern: not a regular expression" in text


def test_fewest_digits_are_not_more_than_most() -> None:
    assert "min_digits is more than max_digits" in problem(
        "c: {type: collect, say: [c], into: x, min_digits: 5, max_digits: 4, next: c, no_input: {to: c}, "
        "no_match: {to: c}}"
    )


def test_what_the_call_gives_cannot_be_set() -> None:
    assert "contact.number is given by the call" in problem("s: {type: set, attributes: {number: 1}, next: s}")


def test_luhn_on_the_example_of_the_standard() -> None:
    assert luhn("79927398713")
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


# say


def say(what: str, value: str) -> Machine:
    return machine(
        f'a: {{type: say, say: {what}, value: "{value}", next: b, error: b}}\nb: {{type: hangup, reason: unsaid}}'
    )


@pytest.mark.parametrize(
    ("what", "value", "spoken"),
    [
        ("number", "42", "42"),
        ("number", "-3.5", "-3.5"),
        ("number", "10.0", "10"),
        ("number", "'1200'", "1200"),
        ("digits", "contact.number", "15550100"),
        ("digits", "'0800 / 12-34'", "08001234"),
        ("digits", "7", "7"),
        ("date", "'2026-12-24'", "2026-12-24T12:00:00+00:00"),
        ("date", "now.datetime", "2026-01-05T12:00:00+00:00"),
        ("time", "'09:30'", "2026-01-05T09:30:00+00:00"),
        ("time", "now.time", "2026-01-05T12:00:00+00:00"),
        ("datetime", "'2026-07-01T18:00:00+02:00'", "2026-07-01T16:00:00+00:00"),
        ("datetime", "'2026-07-01 18:00'", "2026-07-01T18:00:00+00:00"),
        ("money", "'12.5 EUR'", "12.50 EUR"),
        ("money", "'1250JPY'", "1250 JPY"),
        ("money, currency: EUR", "12.345", "12.35 EUR"),
        ("money, currency: EUR", "-3", "-3.00 EUR"),
        ("money, currency: EUR", "'7.50 USD'", "7.50 USD"),
    ],
)
def test_values_are_said(what: str, value: str, spoken: str) -> None:
    kind = cast(What, what.partition(",")[0])
    assert first(say(what, value)) == Play((Say(kind, spoken),))


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("number", "'many'"),
        ("number", "true"),
        ("number", "1e300"),
        ("number", "1.0 / 0.0"),
        ("number", "contact.missing"),
        ("digits", "'four'"),
        ("digits", "'١٢'"),
        ("digits", "''"),
        ("date", "'2026-02-30'"),
        ("date", "'tomorrow'"),
        ("time", "'25:00'"),
        ("time", "5"),
        ("datetime", "'0001-01-01T00:00:00+14:00'"),
        ("money", "12.5"),
        ("money", "'12.50 XYZ'"),
        ("money, currency: EUR", "'much'"),
        ("money, currency: EUR", "true"),
        ("money, currency: EUR", "'9' + '999999999' + '99999.999'"),
    ],
)
def test_what_cannot_be_said_is_an_error_of_the_node(what: str, value: str) -> None:
    assert first(say(what, value)) == HangUp("unsaid")


def test_only_money_has_a_currency_and_one_that_can_be_said() -> None:
    assert "'currency' belongs to money, not to number" in problem(
        "a: {type: say, say: number, currency: EUR, value: 1, next: b}\nb: {type: hangup}"
    )
    assert "a currency is a code of three capital letters, such as EUR" in problem(
        "a: {type: play, say: [{say: money, currency: euro, value: 1}], next: b}\nb: {type: hangup}"
    )


# language


def test_a_language_may_come_from_an_attribute_but_must_be_the_centres() -> None:
    by_value = machine(
        "a: {type: language, value: contact.tongue, next: b, error: c}\n"
        "b: {type: hangup, reason: b}\nc: {type: hangup, reason: c}"
    )
    assert by_value.start("main", CALLER, NOON, {"tongue": "es"})[1] == [
        SetLanguage("en"),
        SetLanguage("es"),
        HangUp("b"),
    ]
    assert first(by_value, tongue="tlh") == HangUp("c")


def test_expressions_see_the_language_at_once() -> None:
    spanish = machine(
        "a: {type: language, language: es, next: b}\n"
        "b: {type: branch, conditions: [{when: contact.language == 'es', to: c}], otherwise: d}\n"
        "c: {type: hangup, reason: yes}\nd: {type: hangup, reason: no}"
    )
    assert first(spanish) == HangUp("yes")


# set and branch


def test_attributes_are_plain_values_and_not_too_many() -> None:
    failing = "a: {type: set, attributes: {x: %s}, next: b, error: c}\nb: {type: hangup, reason: b}\nc: {type: hangup}"
    assert first(machine(failing % "'[1, 2]'")) == HangUp()
    assert first(machine(failing % "'caller'")) == HangUp()
    assert first(machine(failing % "contact.big + contact.big"), big="x" * 1_400) == HangUp()
    assert first(machine(failing % "contact.big"), big="x" * 1_400) == HangUp("b")


def test_the_clock_is_the_centres() -> None:
    by_clock = machine(
        "a: {type: branch, conditions: [{when: \"now.weekday == 'monday' && now.hour == 7 && now.date == "
        "'2026-01-05' && now.time == '07:00' && now.year + now.month + now.day + now.minute == 2032\", to: b}], "
        "otherwise: c}\nb: {type: hangup, reason: yes}\nc: {type: hangup, reason: no}",
        zone=ZoneInfo("America/New_York"),
    )
    assert first(by_clock) == HangUp("yes")


def test_a_condition_over_a_variable_that_does_not_exist_is_a_problem() -> None:
    text = problem("a: {type: branch, conditions: [{when: contcat.tier == 'gold', to: a}], otherwise: a}")
    assert "flows/main.yaml:6: nodes.a.conditions[0].when: there is no variable 'contcat' here" in text
    assert "did you mean 'contact'?" in text


def test_text_that_was_not_quoted_is_explained() -> None:
    assert "text is written in quotes inside the expression: \"'gold'\"" in problem(
        "a: {type: set, attributes: {tier: gold}, next: a}"
    )


def test_secrets_are_for_lookups_only() -> None:
    assert "no variable 'secret'" in problem("a: {type: set, attributes: {pin: secret.pin}, next: a}")
    assert "no variable 'secret'" in problem(
        "a: {type: enqueue, queue: q, attributes: {pin: secret.pin}, otherwise: a}"
    )


# lookup


def lookup(more: str) -> Machine:
    return machine(f"a: {{type: lookup, {more}, ok: b, not_found: b, error: b}}\nb: {{type: hangup}}")


def test_values_in_an_address_cannot_change_where_it_leads() -> None:
    effect = first(lookup("url: 'https://crm.example/{{ contact.id }}/x?q={{ contact.id }}'"), id="../a b?c=d#é/")
    assert isinstance(effect, LookUp)
    part = "..%2Fa%20b%3Fc%3Dd%23%C3%A9%2F"
    assert effect.url == f"https://crm.example/{part}/x?q={part}"


@pytest.mark.parametrize(
    "url",
    [
        "https://{{ contact.host }}/x",
        "https://crm.example{{ contact.host }}/x",
        "https://user:secret@crm.example/",
        "ftp://crm.example/",
        "crm.example/x",
        "https://crm.example/a b",
        "https://crm.example/{{ unclosed",
        "https://crm.example/#part",
    ],
)
def test_an_address_begins_with_a_fixed_host(url: str) -> None:
    assert "nodes.a.url: an address" in problem(f"a: {{type: lookup, url: '{url}', ok: a, not_found: a, error: a}}")


def test_a_body_is_sent_as_typed_values() -> None:
    effect = first(lookup("url: 'http://x.example/', method: POST, body: {n: 1 + 1, t: \"'x'\", b: true}"))
    assert effect.body == {"n": 2, "t": "x", "b": True}


def test_only_a_post_has_a_body() -> None:
    assert "only a POST has a body" in problem(
        "a: {type: lookup, url: 'http://x.example/', body: {n: 1}, ok: a, not_found: a, error: a}"
    )


def test_headers_cannot_carry_line_breaks() -> None:
    assert "nodes.a.headers.X-Key" in problem(
        'a: {type: lookup, url: "http://x.example/", headers: {X-Key: "a\\nb"}, ok: a, not_found: a, error: a}'
    )


@pytest.mark.parametrize("data", [None, [], "text", 5, {"tier": {"deep": 1}}, {"tier": [1]}, {"tier": None}])
def test_an_answer_that_lacks_a_result_unsets_it(data: Any) -> None:
    find = machine(
        "a: {type: lookup, url: 'http://x.example/', results: {tier: data.tier}, ok: b, not_found: b, error: b}\n"
        "b: {type: play, say: [b], next: b}"
    )
    session, _ = find.start("main", CALLER, NOON, {"tier": "stale"})
    session, _ = find.resume(session, LookedUp(200, data), NOON)
    assert session.attributes == {}


# enqueue


def test_a_queue_may_be_named_by_an_expression() -> None:
    by_tier = machine(
        "a: {type: enqueue, queue_from: contact.tier + '-line', otherwise: b, error: b}\nb: {type: hangup}"
    )
    assert first(by_tier, tier="gold").queue == "gold-line"
    assert first(by_tier) == HangUp()


def test_a_preferred_agent_who_is_unknown_is_none() -> None:
    preferring = machine(
        "a: {type: enqueue, queue: q, preferred_agent: contact.agent, otherwise: b}\nb: {type: hangup}"
    )
    assert first(preferring, agent="ann").preferred_agent == "ann"
    assert first(preferring).preferred_agent is None


def test_a_priority_is_a_whole_number() -> None:
    ranked = machine("a: {type: enqueue, queue: q, priority: contact.rank, otherwise: b, error: b}\nb: {type: hangup}")
    assert first(ranked, rank=3).priority == 3
    for odd in (True, 1.5, "3"):
        assert first(ranked, rank=odd) == HangUp()


def test_after_a_talk_with_no_exit_for_it_the_call_ends() -> None:
    queue = machine("a: {type: enqueue, queue: q, otherwise: b}\nb: {type: play, say: [b], next: b}")
    assert after(queue, Dequeued("answered")) == HangUp()
    assert after(queue, Dequeued("error")) == Play((Prompt("b", "b"),))


def test_exactly_one_way_to_name_the_queue() -> None:
    assert "either 'queue' or 'queue_from'" in problem("a: {type: enqueue, otherwise: a}")
    assert "either 'queue' or 'queue_from'" in problem(
        "a: {type: enqueue, queue: q, queue_from: \"'q'\", otherwise: a}"
    )


def test_the_exits_with_fields_of_their_own_are_not_among_the_named_ones() -> None:
    assert "'answered' is a field of its own" in problem(
        "a: {type: enqueue, queue: q, exits: {answered: a}, otherwise: a}"
    )


def test_attributes_set_on_the_way_reach_the_router() -> None:
    queue = machine("a: {type: enqueue, queue: q, attributes: {reason: \"'x' + contact.n\"}, otherwise: a}")
    effect = first(queue, n="1")
    assert isinstance(effect, Enqueue)
    assert effect.attributes["reason"] == "x1"
    assert effect.attributes["n"] == "1"


# prompts in nodes


def test_a_prompt_that_does_not_exist_is_an_error_of_the_node() -> None:
    silent = machine("a: {type: play, say: [hello], next: a, error: b}\nb: {type: hangup, reason: silent}")
    silent.library.prompts.entries.clear()
    assert first(silent) == HangUp("silent")


def test_times_are_given_in_seconds_and_carried_in_milliseconds() -> None:
    asked = first(
        machine(
            "a: {type: menu, say: [a], choices: {'1': a}, first_digit_s: 0.5, inter_digit_s: 2, barge_in: false, "
            "no_input: {to: a}, no_match: {to: a}}"
        )
    )
    assert asked == Collect((Prompt("a", "a"),), 1, "", 500, 2_000, False)


def test_a_language_the_prompt_lacks_falls_back() -> None:
    spanish = machine("a: {type: language, language: es, next: b}\nb: {type: play, say: [hello], next: b}")
    assert first(spanish) == Play((Prompt("hello", "hello"),))
    assert after(spanish, Played()) == Play((Prompt("hello", "hello"),))
