"""Who calls: lookups in databases, identify and verify beyond their fixtures."""

import json
from typing import Any

import pytest

from documents import DocumentError
from ivr.flow.effects import Collect, HangUp, LookUp, Query, Verify
from ivr.flow.inputs import EffectFailed, Keys, LookedUp, LookupFailed, Verified
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, Session
from tests.support.flows import NOON, flow, machine

CALLER = Caller("+15550100", "100")
ENDS = """
        good: {type: hangup, reason: good}
        bad: {type: hangup, reason: bad}
        broken: {type: hangup, reason: broken}
        person: {type: hangup, reason: person}
        """


def lookup(more: str) -> str:
    return f"""
        find: {{type: lookup, {more}, ok: good, not_found: bad, error: broken}}
        {ENDS}"""


def play_out(made: Machine, *answers: Any, caller: Caller = CALLER, **attributes: Any) -> tuple[Session, list[Any]]:
    """The session in the end, and what was waited for."""
    session, done = made.start("main", caller, NOON, attributes)
    seen = [done[-1]]
    for answer in answers:
        session, done = made.resume(session, answer, NOON)
        seen.append(done[-1])
    return session, seen


def problem(nodes: str) -> str:
    with pytest.raises(DocumentError) as caught:
        flow(nodes)
    return str(caught.value)


# A database

SQL = 'database: crm, sql: "select tier from customers where phone = :phone", parameters: {phone: contact.number}'


def test_a_database_is_asked_with_bound_parameters() -> None:
    made = machine(lookup(f"{SQL}, results: {{tier: data.tier}}, timeout_s: 2, cache_s: 60"))
    session, seen = play_out(made, LookedUp(200, {"tier": "gold"}))
    asked = Query("crm", "select tier from customers where phone = :phone", {"phone": "+15550100"}, 2_000, 60_000)
    assert seen == [asked, HangUp("good")]
    assert session.attributes == {"tier": "gold"}
    assert play_out(made, LookedUp(404))[1][-1] == HangUp("bad")
    assert play_out(made, LookupFailed("refused"))[1][-1] == HangUp("broken")


def test_a_question_with_secrets_is_sensitive() -> None:
    nodes = f"""
        ask: {{type: collect, say: [p], into: pin, max_digits: 4, sensitive: true, next: find,
               no_input: {{to: bad}}, no_match: {{to: bad}}}}
        {lookup('database: crm, sql: "select 1 where :pin = 1", parameters: {pin: secret.pin}').strip()}"""
    _, seen = play_out(machine(nodes), Keys("4711", "length"))
    assert isinstance(seen[-1], Query)
    assert seen[-1].sensitive


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("database: crm", "'database' and 'sql' go together"),
        ("method: GET", "'url' is missing, or 'database' and 'sql'"),
        (f"{SQL}, url: 'https://x.example/'", "not both"),
        ("database: crm, sql: 'delete from customers'", "one SELECT statement belongs here"),
        ("database: crm, sql: 'select 1; drop table customers'", "without a ';' in it"),
        ("database: crm, sql: 'with x as (select 1) update t set a = 1'", "UPDATE does not"),
        ("database: crm, sql: 'with x as (delete from t returning 1) select * from x'", "DELETE does not"),
        ("database: crm, sql: 'select a into b from t'", "INTO does not"),
        ("database: crm, sql: 'select 1 where a = :a'", ":a: 'parameters' does not say what it is"),
        ("database: crm, sql: 'select 1', parameters: {a: '1'}", ":a: the statement has no such parameter"),
        ("url: 'https://x.example/{{ key }}'", "there is no variable 'key' here"),
        ("url: 'https://x.example/', query: {p: pin}", "there is no variable 'pin' here"),
        ("url: 'https://x.example/', cache_s: -1", "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_flow_is_loaded(more: str, message: str) -> None:
    assert message in problem(lookup(more))


@pytest.mark.parametrize(
    "statement",
    [
        "select 'delete; drop' as words from t",
        "select a -- update it; later\nfrom t",
        'select "update" from t',
        "select a::text from t /* :not a parameter */",
        "SELECT 1;",
    ],
)
def test_words_in_text_comments_and_names_are_no_statements(statement: str) -> None:
    node = flow(lookup(f"database: crm, sql: {json.dumps(statement)}")).nodes["find"]
    assert getattr(node, "sql") == statement  # noqa: B009


# identify


def identify(more: str = "", by_caller_id: bool = True) -> Machine:
    return machine(
        f"""
        who:
          type: identify
          say: [account]
          by_caller_id: {str(by_caller_id).lower()}
          min_digits: 4
          max_digits: 8
          {more}
          url: https://crm.example/
          query: {{by: by, key: key}}
          results: {{customer: data.id}}
          next: good
          no_input: {{retries: 0, to: bad}}
          no_match: {{retries: 1, to: bad}}
        {ENDS}""",
        header="on_error: broken\noperator: {key: '0', to: person}",
    )


FOUND = LookedUp(200, {"id": "c-7"})


def asked(seen: list[Any]) -> list[str]:
    return [effect.query["by"] for effect in seen if isinstance(effect, LookUp)]


def test_who_is_known_by_their_number_is_asked_nothing() -> None:
    session, seen = play_out(identify(), FOUND)
    assert seen[-1] == HangUp("good")
    assert session.attributes == {"customer": "c-7", "identified_by": "caller_id"}


@pytest.mark.parametrize("nobody", [LookedUp(404), LookedUp(200, {"name": "?"}), LookedUp(200, {"id": ""})])
def test_a_number_that_says_nothing_leads_to_the_question(nobody: LookedUp) -> None:
    session, seen = play_out(identify(), nobody, Keys("12345678", "length"), FOUND)
    assert (asked(seen), seen[-1]) == (["caller_id", "account"], HangUp("good"))
    assert session.attributes["identified_by"] == "account"


def test_the_caller_may_be_asked_in_any_case() -> None:
    assert isinstance(play_out(identify(by_caller_id=False))[1][0], Collect)
    assert isinstance(play_out(identify(), caller=Caller(""))[1][0], Collect)


def test_unknown_accounts_and_misshapen_ones_count_together() -> None:
    _, seen = play_out(identify(), LookedUp(404), Keys("12", "terminator"), Keys("123456", "terminator"), LookedUp(404))
    assert seen[-1] == HangUp("bad")


def test_the_operator_key_works_here_too_and_silence_has_its_own_way() -> None:
    assert play_out(identify(), LookedUp(404), Keys("0", "terminator"))[1][-1] == HangUp("person")
    assert play_out(identify(), LookedUp(404), Keys())[1][-1] == HangUp("bad")


@pytest.mark.parametrize("answer", [LookupFailed("timeout"), LookupFailed("refused"), LookedUp(500), EffectFailed()])
def test_a_source_that_fails_is_an_error_and_no_unknown_caller(answer: Any) -> None:
    assert play_out(identify(), answer)[1][-1] == HangUp("broken")


def test_after_a_restart_the_same_question_is_asked_again() -> None:
    made = identify()
    session, seen = play_out(made, LookedUp(404), Keys("12345678", "length"))
    _, again = made.again(Session.from_json(session.to_json()), NOON)
    assert again[-1] == seen[-1]


def test_the_record_names_the_customer() -> None:
    nodes = f"""
        who: {{type: identify, say: [a], max_digits: 3, url: 'https://x.example/', results: {{name: data.name}},
               next: good, no_input: {{to: bad}}, no_match: {{to: bad}}}}
        {ENDS}"""
    assert "'results' says what 'customer' is" in problem(nodes)


# verify


def verify(more: str = "") -> Machine:
    return machine(
        f"""
        prove:
          type: verify
          say: [pin]
          {more}
          next: good
          locked: person
          no_input: {{retries: 0, to: bad}}
          no_match: {{retries: 1, to: bad}}
        {ENDS}""",
        header="on_error: broken",
    )


def test_the_pin_is_sensitive_and_later_nodes_do_not_see_it() -> None:
    session, seen = play_out(verify(), Keys("4711", "terminator"), Verified("right"), customer="c-7")
    assert (seen[0].sensitive, seen[-1]) == (True, HangUp("good"))
    assert session.attributes == {"customer": "c-7", "verified": True}
    assert session.secrets == {}
    assert "4711" not in repr(seen[1])


def test_a_source_is_asked_with_the_pin() -> None:
    made = verify("url: https://crm.example/check\n          method: POST\n          body: {pin: pin, of: key}")
    _, seen = play_out(made, Keys("4711", "terminator"), customer="c-7")
    check = LookUp("https://crm.example/check", "POST", body={"pin": "4711", "of": "c-7"}, sensitive=True)
    assert seen[-1] == Verify("c-7", "4711", check)


def test_what_is_no_pin_is_not_even_tried() -> None:
    _, seen = play_out(verify(), Keys("12", "terminator"), Keys("*1234", "terminator"), customer="c-7")
    assert not any(isinstance(effect, Verify) for effect in seen)
    assert seen[-1] == HangUp("bad")


def test_whose_pin_may_be_an_expression() -> None:
    made = verify("who: \"'account ' + contact.number\"")
    _, seen = play_out(made, Keys("4711", "terminator"))
    assert seen[-1] == Verify("account +15550100", "4711")


@pytest.mark.parametrize("attributes", [{}, {"customer": ""}])
def test_nobody_has_no_pin(attributes: dict[str, Any]) -> None:
    session, seen = play_out(verify(), **attributes)
    assert seen == [HangUp("broken")]
    assert "nobody is identified here" in session.last_error


def test_after_a_restart_the_pin_is_asked_for_again() -> None:
    made = verify()
    session, _ = play_out(made, Keys("4711", "terminator"), customer="c-7")
    assert "4711" not in session.to_json().decode()
    _, again = made.again(Session.from_json(session.to_json()), NOON)
    assert isinstance(again[-1], Collect)
