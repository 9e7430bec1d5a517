"""The rules of the machine that hold whatever the node types are."""

from typing import Any

import pytest

from ivr.flow.effects import Collect, Enqueue, HangUp, LookUp, Play, Prompt, SetLanguage
from ivr.flow.inputs import Dequeued, EffectFailed, HungUp, Keys, LookedUp, LookupFailed, Played
from ivr.flow.machine import MAX_ALONE, Machine
from ivr.flow.session import Caller, MachineError, Missed, Session
from tests.support.flows import NOON, flow, library, machine

CALLER = Caller("+15550100", "100", "Ann")

BANK = """
    welcome: {type: play, say: [welcome], next: main-menu}
    main-menu:
      type: menu
      say: [main-menu]
      choices: {"1": to-billing, "2": in-spanish}
      no_input: {retries: 1, to: bye}
      no_match: {retries: 1, to: bye}
    in-spanish: {type: language, language: es, next: main-menu}
    to-billing: {type: enqueue, queue: billing, answered: survey, otherwise: bye}
    survey: {type: play, say: [survey], next: bye}
    bye: {type: hangup}
    """


def at(machine: Machine, *answers: Any) -> Session:
    """The session after these answers."""
    session, _ = machine.start("main", CALLER, NOON)
    for answer in answers:
        session, _ = machine.resume(session, answer, NOON)
    return session


def test_a_call_from_the_welcome_to_a_talk_and_beyond() -> None:
    bank = machine(BANK)
    session, effects = bank.start("main", CALLER, NOON)
    assert effects == [SetLanguage("en"), Play((Prompt("welcome", "welcome"),))]
    session, effects = bank.resume(session, Played(), NOON + 1)
    assert isinstance(effects[-1], Collect)
    session, effects = bank.resume(session, Keys("1", "length"), NOON + 2)
    assert effects == [Enqueue("billing", {"language": "en", "number": "+15550100", "dialled": "100"})]
    session, effects = bank.resume(session, Dequeued("answered"), NOON + 3)
    assert effects == [Play((Prompt("survey", "survey"),))]
    assert not session.finished
    session, effects = bank.resume(session, Played(), NOON + 4)
    assert effects == [HangUp()]
    assert session.finished
    assert session.outcome == "completed"


def test_what_needs_no_answer_comes_before_what_does() -> None:
    bank = machine(BANK)
    session, effects = bank.resume(at(bank, Played()), Keys("2"), NOON)
    assert effects[0] == SetLanguage("es")
    assert isinstance(effects[1], Collect)
    assert session.language == "es"


def test_the_trace_says_which_nodes_were_entered_by_which_exit_and_when() -> None:
    bank = machine(BANK)
    session = at(bank, Played(), Keys("1"))
    assert [(visit.node, visit.via, visit.at_ms) for visit in session.trace] == [
        ("welcome", "start", NOON),
        ("main-menu", "next", NOON),
        ("to-billing", "1", NOON),
    ]


@pytest.mark.parametrize("answers", [(), (Played(),), (Played(), Keys("1"))])
def test_a_caller_may_hang_up_at_any_time(answers: tuple[Any, ...]) -> None:
    bank = machine(BANK)
    session, effects = bank.resume(at(bank, *answers), HungUp(), NOON)
    assert (session.outcome, effects) == ("hungup", [])
    assert bank.resume(session, HungUp(), NOON) == (session, [])


def test_even_when_the_flow_has_changed_or_is_gone() -> None:
    session, _ = Machine(library(IDENTIFY)).resume(at(machine(BANK), Played()), HungUp(), NOON)
    assert session.outcome == "hungup"


# The shell's own mistakes


def test_an_answer_that_nobody_waits_for_is_refused_and_changes_nothing() -> None:
    bank = machine(BANK)
    session = at(bank, Played())
    before = session.to_json()
    with pytest.raises(MachineError, match=r"main\.main-menu waits for Keys .*, not Played"):
        bank.resume(session, Played(), NOON)
    assert session.to_json() == before


def test_a_session_that_has_ended_takes_no_answer() -> None:
    bank = machine(BANK)
    with pytest.raises(MachineError, match="has ended \\(hungup\\)"):
        bank.resume(at(bank, HungUp()), Played(), NOON)


def test_an_unknown_flow_is_refused() -> None:
    with pytest.raises(MachineError, match="no flow 'nowhere'"):
        machine(BANK).start("nowhere", CALLER, NOON)


def test_a_session_goes_on_only_in_its_own_version_of_the_flow() -> None:
    session = at(machine(BANK))
    with pytest.raises(MachineError, match="'main' has changed"):
        machine(BANK.replace("bye: {type: hangup}", "bye: {type: hangup, reason: gone}")).resume(
            session, Played(), NOON
        )


# Loops


def test_nodes_that_only_lead_to_each_other_are_stopped_politely() -> None:
    loop = machine("a: {type: set, attributes: {n: 1}, next: b}\nb: {type: set, attributes: {n: 2}, next: a}")
    session, effects = loop.start("main", CALLER, NOON)
    assert effects[-1] == HangUp("loop")
    assert session.outcome == "failed: loop"
    assert session.entered == MAX_ALONE + 1


def test_a_lookup_does_not_hide_a_loop() -> None:
    loop = machine("a: {type: lookup, url: 'http://x.example/', ok: a, not_found: a, error: a}")
    session, _ = loop.start("main", CALLER, NOON)
    rounds = 0
    while not session.finished:
        session, _ = loop.resume(session, LookedUp(200), NOON)
        rounds += 1
    assert session.outcome == "failed: loop"
    assert rounds <= MAX_ALONE + 1


def test_prompts_that_cannot_be_played_do_not_hide_a_loop() -> None:
    loop = machine("a: {type: play, say: [hello], next: a}")
    session, _ = loop.start("main", CALLER, NOON)
    while not session.finished:
        session, _ = loop.resume(session, EffectFailed("no such sound"), NOON)
    assert session.outcome == "failed: loop"


def test_a_caller_who_never_does_anything_does_not_stay_for_ever() -> None:
    loop = machine(
        "a: {type: menu, say: [hello], choices: {'1': a}, no_input: {to: a}, no_match: {to: a}}",
    )
    session, _ = loop.start("main", CALLER, NOON)
    for _ in range(10_000):
        session, _ = loop.resume(session, Keys(), NOON)
        if session.finished:
            break
    assert session.outcome == "failed: loop"


# Errors

FAILING = """
    a: {type: set, attributes: {x: contact.missing}, next: bye%s}
    bye: {type: hangup}
    sorry: {type: hangup, reason: sorry}
    """


def test_a_node_that_fails_takes_its_error_exit() -> None:
    session, effects = machine(FAILING % ", error: sorry").start("main", CALLER, NOON)
    assert effects[-1] == HangUp("sorry")
    assert session.errors == 1
    assert session.last_error.startswith("main.a: 'contact.missing'")


def test_or_else_the_flows_on_error() -> None:
    _, effects = machine(FAILING % "", header="on_error: sorry").start("main", CALLER, NOON)
    assert effects[-1] == HangUp("sorry")


def test_or_else_the_call_is_hung_up_with_the_reason_kept() -> None:
    session, effects = machine(FAILING % "").start("main", CALLER, NOON)
    assert effects[-1] == HangUp("error")
    assert session.outcome.startswith("failed: main.a: 'contact.missing'")


def test_an_error_on_the_way_of_on_error_does_not_go_round() -> None:
    _, effects = machine(FAILING % "", header="on_error: a").start("main", CALLER, NOON)
    assert effects[-1] == HangUp("error")


def test_an_error_that_a_subflow_does_not_handle_is_its_callers() -> None:
    inner = flow("fails: {type: set, attributes: {x: contact.missing}, next: fails}", name="inner")
    outer = machine(
        "call: {type: subflow, flow: inner, otherwise: bye, error: sorry}\n"
        "bye: {type: hangup}\nsorry: {type: hangup, reason: sorry}",
        inner,
    )
    session, effects = outer.start("main", CALLER, NOON)
    assert effects[-1] == HangUp("sorry")
    assert session.flow == "main"


def test_a_fault_of_the_engine_itself_costs_the_caller_no_more_than_one_of_the_flow() -> None:
    broken = machine("a: {type: play, say: [hello], next: a, error: sorry}\nsorry: {type: hangup, reason: sorry}")
    session = at(broken)
    broken.library.flows["main"].nodes["a"].__dict__["say"] = 5
    session, effects = broken.resume(session, Played(), NOON)
    assert effects == [HangUp("sorry")]
    assert "internal error: TypeError" in session.last_error


def test_an_effect_that_failed_takes_the_error_exit() -> None:
    queue = machine("q: {type: enqueue, queue: x, otherwise: q, error: bye}\nbye: {type: hangup, reason: sorry}")
    session, effects = queue.resume(at(queue), EffectFailed("no queue 'x'"), NOON)
    assert effects == [HangUp("sorry")]
    assert session.last_error == "main.q: no queue 'x'"


# Subflows

IDENTIFY = flow(
    """
    ask:
      type: collect
      say: [pin]
      into: pin
      max_digits: 4
      sensitive: true
      next: check
      no_input: {retries: 0, to: unknown}
      no_match: {retries: 0, to: unknown}
    check:
      type: lookup
      method: POST
      url: https://bank.example/pin
      body: {pin: secret.pin}
      results: {customer: data.id}
      ok: known
      not_found: unknown
      error: unknown
    known: {type: return, exit: known}
    unknown: {type: return, exit: unknown}
    """,
    name="identify",
)
WITH_IDENTITY = """
    identify: {type: subflow, flow: identify, exits: {known: menu}, otherwise: bye}
    menu:
      type: menu
      say: [menu]
      choices: {"1": bye}
      no_input: {to: bye}
      no_match: {to: bye}
    bye: {type: hangup}
    """


def test_a_subflow_returns_by_an_exit_and_shares_attributes() -> None:
    bank = machine(WITH_IDENTITY, IDENTIFY)
    session, effects = bank.start("main", CALLER, NOON)
    assert isinstance(effects[-1], Collect)
    assert (session.flow, session.frames[0].node) == ("identify", "identify")
    session = at(bank, Keys("1234"), LookedUp(200, {"id": "c-7"}))
    assert (session.flow, session.node, session.frames) == ("main", "menu", ())
    assert session.attributes == {"customer": "c-7"}


def test_an_exit_that_the_calling_node_does_not_list_is_otherwise() -> None:
    bank = machine(WITH_IDENTITY, IDENTIFY)
    assert at(bank, Keys()).outcome == "completed"


def test_subflows_that_call_each_other_for_ever_end() -> None:
    bank = machine("a: {type: subflow, flow: main, otherwise: bye}\nbye: {type: hangup}")
    session, effects = bank.start("main", CALLER, NOON)
    assert effects[-1] == HangUp("error")
    assert "nested too deeply" in session.outcome


def test_a_subflow_that_does_not_exist_is_an_error_of_the_node() -> None:
    bank = machine("a: {type: subflow, flow: nowhere, otherwise: bye}\nbye: {type: hangup}", header="on_error: bye")
    session, _ = bank.start("main", CALLER, NOON)
    assert session.outcome == "completed"
    assert session.last_error == "main.a: there is no flow 'nowhere'"


# Secrets


def test_sensitive_digits_reach_the_lookup_and_nothing_else() -> None:
    bank = machine(WITH_IDENTITY, IDENTIFY)
    session, effects = bank.start("main", CALLER, NOON)
    assert isinstance(effects[-1], Collect)
    assert effects[-1].sensitive
    session, effects = bank.resume(session, Keys("1234"), NOON)
    assert effects == [LookUp("https://bank.example/pin", "POST", {}, {"pin": "1234"}, sensitive=True)]
    assert b"1234" not in session.to_json()
    assert "1234" not in repr(session)
    assert "1234" not in str(session.attributes)


def test_they_are_forgotten_when_the_flow_that_asked_returns() -> None:
    bank = machine(WITH_IDENTITY, IDENTIFY)
    session = at(bank, Keys("1234"), LookedUp(200, {"id": "c-7"}))
    assert session.secrets == {}
    assert session.asked_at == {}


def test_and_when_the_caller_is_gone() -> None:
    assert at(machine(WITH_IDENTITY, IDENTIFY), Keys("1234"), HungUp()).secrets == {}


def test_after_a_restart_they_are_asked_for_again() -> None:
    bank = machine(WITH_IDENTITY, IDENTIFY)
    session = Session.from_json(at(bank, Keys("1234")).to_json())
    session, effects = bank.again(session, NOON)
    assert isinstance(effects[-1], Collect)
    session, effects = bank.resume(session, Keys("4321"), NOON)
    assert isinstance(effects[-1], LookUp)
    assert effects[-1].body == {"pin": "4321"}


def test_when_nobody_asks_any_more_the_node_fails() -> None:
    asked_by_another = flow(
        """
        check:
          type: lookup
          url: https://bank.example/{{ secret.pin }}
          ok: unknown
          not_found: unknown
          error: unknown
        unknown: {type: return, exit: unknown}
        """,
        name="identify",
    )
    session = Session.from_json(at(machine(WITH_IDENTITY, IDENTIFY), Keys("1234")).to_json())
    session, _ = machine(WITH_IDENTITY, asked_by_another).again(session, NOON)
    assert session.outcome == "completed"
    assert session.last_error == "identify.check: what the caller entered is lost, and so is who asked"


def test_a_failure_does_not_tell_them() -> None:
    nodes = """
        ask:
          type: collect
          say: [pin]
          into: pin
          max_digits: 4
          sensitive: true
          next: check
          no_input: {to: bye}
          no_match: {to: bye}
        check:
          type: lookup
          url: https://bank.example/{{ int(secret.pin + 'x') }}
          ok: bye
          not_found: bye
          error: bye
        bye: {type: hangup}
        """
    session = at(machine(nodes), Keys("1234"))
    assert session.errors == 1
    assert "1234" not in session.last_error


# Restarts


def test_after_a_restart_the_question_is_asked_again_with_the_tries_kept() -> None:
    bank = machine(BANK)
    session = Session.from_json(at(bank, Played(), Keys()).to_json())
    session, effects = machine(BANK).again(session, NOON)
    assert effects[0] == SetLanguage("en")
    assert isinstance(effects[1], Collect)
    session, effects = bank.resume(session, Keys(), NOON)
    assert effects == [HangUp()]


def test_after_a_restart_the_caller_waits_in_the_same_queue() -> None:
    by_time = machine(
        "q: {type: enqueue, queue_from: \"now.hour < 13 ? 'day' : 'night'\", priority: now.hour, otherwise: bye}\n"
        "bye: {type: hangup}"
    )
    session, effects = by_time.start("main", CALLER, NOON)
    _, again = by_time.again(Session.from_json(session.to_json()), NOON + 3 * 3_600_000)
    assert again == effects
    assert isinstance(again[-1], Enqueue)
    assert (again[-1].queue, again[-1].priority) == ("day", 12)


def test_after_a_restart_the_language_is_set_again() -> None:
    bank = machine(BANK)
    _, effects = bank.again(at(bank, Played(), Keys("2")), NOON)
    assert effects[0] == SetLanguage("es")


def test_a_changed_flow_is_taken_over_where_the_caller_is() -> None:
    session = at(machine(BANK), Played())
    changed = machine(BANK.replace('"1": to-billing', '"1": to-billing, "3": survey'))
    session, effects = changed.again(session, NOON)
    assert session.node == "main-menu"
    session, effects = changed.resume(session, Keys("3"), NOON)
    assert effects == [Play((Prompt("survey", "survey"),))]


def test_where_the_node_is_gone_the_flow_begins_anew_with_what_is_known() -> None:
    session = at(machine(WITH_IDENTITY, IDENTIFY), Keys("1234"), LookedUp(200, {"id": "c-7"}))
    session, effects = machine(BANK).again(session, NOON)
    assert (session.node, session.attributes) == ("welcome", {"customer": "c-7"})
    assert session.trace[-1].via == "changed"
    session, effects = machine(BANK).resume(session, Played(), NOON)
    assert isinstance(effects[-1], Collect)


def test_where_the_flow_is_gone_that_is_said() -> None:
    with pytest.raises(MachineError, match="no flow 'main'"):
        Machine(library(IDENTIFY)).again(at(machine(BANK)), NOON)


def test_a_session_that_has_ended_needs_nothing_again() -> None:
    bank = machine(BANK)
    session = at(bank, HungUp())
    assert bank.again(session, NOON) == (session, [])


# Sessions


def test_a_session_is_json_and_the_same_after_it() -> None:
    session = at(machine(BANK), Played(), Keys("1"))
    assert Session.from_json(session.to_json()) == session


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"flow": 5}'])
def test_what_is_no_session_is_refused(data: bytes) -> None:
    with pytest.raises(MachineError, match="not a session"):
        Session.from_json(data)


def test_a_session_stays_small_however_long_the_call_and_however_much_is_set() -> None:
    results = ", ".join(f"a{i}: data.text" for i in range(50))
    nodes = """
        ask: {type: collect, say: [q], into: n, max_digits: 40, next: fill, no_input: {to: ask}, no_match: {to: ask}}
        fill:
          type: lookup
          url: http://x.example/
          results: {RESULTS}
          ok: ask
          not_found: ask
          error: ask
        """
    long = machine(nodes.replace("RESULTS", results))
    session, _ = long.start("main", CALLER, NOON)
    for _ in range(200):
        session, _ = long.resume(session, Keys("1" * 40), NOON)
        session, _ = long.resume(session, LookedUp(200, {"text": "ü" * 100}), NOON)
        assert len(session.to_json()) < 10_000
    assert session.errors > 0


def test_a_caller_whose_name_is_no_text_or_endless_is_tamed() -> None:
    session, _ = machine(BANK).start("main", Caller("\ud800", "1" * 10_000, "名前"), NOON)
    assert session.caller == Caller("?", "1" * 200, "名前")
    assert Session.from_json(session.to_json()) == session


def test_a_timeout_of_a_lookup_has_its_own_exit() -> None:
    lookup = machine(
        "a: {type: lookup, url: 'http://x.example/', ok: bye, not_found: bye, error: bye, timeout: late}\n"
        "bye: {type: hangup}\nlate: {type: hangup, reason: late}"
    )
    _, effects = lookup.resume(at(lookup), LookupFailed("timeout"), NOON)
    assert effects == [HangUp("late")]


def test_keys_that_were_waited_for_in_vain_are_counted_by_node_and_outlive_a_restart() -> None:
    session = at(machine(BANK), Played(), Keys("", "timeout"), Keys("9", "length"), Keys("9", "length"))
    assert session.outcome == "completed"
    assert Session.from_json(session.to_json()).missed == {"main": {"main-menu": Missed(no_input=1, no_match=2)}}
