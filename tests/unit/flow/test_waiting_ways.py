"""Ways out of a queue: keys while waiting, a place that is kept, callbacks and voicemail."""

import pytest

from ivr.flow.effects import BookCallback, Collect, Enqueue, HangUp, Play, Prompt, TakeVoicemail
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.inputs import CallbackBooked, Dequeued, EffectFailed, HungUp, Keys, VoicemailTaken, WayOut
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, MachineError, Session
from tests.support.flows import NOON, flow, library, machine

NODES = """
wait: {type: enqueue, queue: help, keys: {"1": {to: ask, keeps_place: true}, "2": mail}, answered: after, otherwise: no}
ask:
  type: menu
  say: [stay]
  choices: {"1": wait, "2": other}
  no_input: {retries: 0, to: wait}
  no_match: {retries: 0, to: wait}
other: {type: enqueue, queue: other, otherwise: no}
mail: {type: voicemail, mailbox: help, say: [speak], next: after, too_short: no}
after: {type: play, say: [thanks], next: end}
no: {type: play, say: [sorry], next: end}
end: {type: hangup}
"""
CALLER = Caller("600100200", "100")


def waiting(caller: Caller = CALLER, flows: Machine | None = None) -> tuple[Machine, Session]:
    made = flows or machine(NODES)
    session, effects = made.start("main", caller, NOON)
    assert isinstance(effects[-1], Enqueue)
    assert (effects[-1].keys, effects[-1].keep_place) == ("12", "1")
    return made, session


def test_a_key_without_a_place_leaves_for_good() -> None:
    made, session = waiting()
    session, effects = made.resume(session, WayOut("2"), NOON)
    assert effects[-1] == TakeVoicemail(
        (Prompt("speak", "speak"),), "help", None, {"language": "en", "number": "600100200", "dialled": "100"}
    )
    assert session.place is None
    with pytest.raises(MachineError, match="waits for VoicemailTaken"):
        made.resume(session, Dequeued("answered"), NOON)


def test_an_answer_takes_the_caller_out_of_where_a_key_has_led() -> None:
    made, session = waiting()
    session, effects = made.resume(session, WayOut("1"), NOON)
    assert isinstance(effects[-1], Collect)
    assert session.place is not None
    assert session.place.queue == "help"
    saved = Session.from_json(session.to_json())
    session, effects = made.resume(saved, Dequeued("answered"), NOON)
    assert effects == [Play((Prompt("thanks", "thanks"),))]
    assert session.place is None


def test_a_queue_that_gives_the_caller_back_meanwhile_counts_too() -> None:
    made, session = waiting()
    session, _ = made.resume(session, WayOut("1"), NOON)
    _, effects = made.resume(session, Dequeued("nobody"), NOON)
    assert effects == [Play((Prompt("sorry", "sorry"),))]


@pytest.mark.parametrize(("key", "queue"), [("1", "help"), ("2", "other")])
def test_a_later_queue_ends_the_keeping(key: str, queue: str) -> None:
    made, session = waiting()
    session, _ = made.resume(session, WayOut("1"), NOON)
    session, effects = made.resume(session, Keys(key, "length"), NOON)
    assert isinstance(effects[-1], Enqueue)
    assert effects[-1].queue == queue
    assert session.place is None


def test_a_place_survives_a_restart_with_changed_flows_and_is_dropped_when_its_node_is_gone() -> None:
    made, session = waiting()
    session, _ = made.resume(session, WayOut("1"), NOON)
    changed = machine(NODES.replace("[thanks]", "[bye]"))
    again, effects = changed.again(session, NOON)
    assert isinstance(effects[-1], Collect)
    _, effects = changed.resume(again, Dequeued("answered"), NOON)
    assert effects == [Play((Prompt("bye", "bye"),))]
    without = machine(NODES.replace("wait:", "queue:").replace(": wait", ": queue"), header="")
    again, _ = without.again(session, NOON)
    assert again.place is None


def test_a_place_in_a_subflow_comes_back_with_the_flows_around_it() -> None:
    main = flow("sub: {type: subflow, flow: queueing, otherwise: end}\nend: {type: hangup, reason: back}")
    sub = flow(
        """
        wait: {type: enqueue, queue: help, keys: {"1": {to: deep, keeps_place: true}}, answered: out, otherwise: out}
        deep: {type: subflow, flow: deep, otherwise: out}
        out: {type: return, exit: done}
        """,
        "queueing",
    )
    deep = flow(
        """
        pin: {type: collect, say: [pin], into: pin, max_digits: 4, sensitive: true, next: again, no_input: {to: out},
              no_match: {to: out}}
        again: {type: play, say: [more], next: out}
        out: {type: return, exit: done}
        """,
        "deep",
    )
    made = Machine(library(main, sub, deep))
    session, _ = made.start("main", CALLER, NOON)
    session, _ = made.resume(session, WayOut("1"), NOON)
    session, _ = made.resume(session, Keys("1234", "length"), NOON)
    assert session.secrets
    session, effects = made.resume(session, Dequeued("answered"), NOON)
    assert effects == [HangUp("back")]
    assert not session.secrets


def test_hanging_up_elsewhere_ends_it_all() -> None:
    made, session = waiting()
    session, _ = made.resume(session, WayOut("1"), NOON)
    session, effects = made.resume(session, HungUp(), NOON)
    assert (session.outcome, session.place, effects) == ("hungup", None, [])


def test_too_short_a_message_is_no_message() -> None:
    made, session = waiting()
    session, _ = made.resume(session, WayOut("2"), NOON)
    _, effects = made.resume(session, VoicemailTaken("", 500), NOON)
    assert effects == [Play((Prompt("sorry", "sorry"),))]


CALLBACK = """
call:
  type: callback
  queue: help
  say: [at]
  confirm: [right]
  ask_number: [number]
  pattern: "(34)?6[0-9]{8}"
  times: {hours: office, ask: [when], before: for, press: press, most: 9, every_min: 240, after_min: 0}
  next: yes
  refused: no
  no_input: {retries: 1, say: [silent], to: no}
  no_match: {retries: 1, say: [wrong], to: no}
"yes": {type: hangup, reason: booked}
no: {type: hangup, reason: refused}
"""


def callback(hours: HoursEntry) -> Machine:
    made = library(flow(CALLBACK), hours={})
    return Machine(library(flow(CALLBACK), hours={"office": Hours(hours, made.zone)}))


WEEKDAYS = HoursEntry(weekly={"mon-fri": ("09:00-17:00",)})


def asked(effects: list[object]) -> list[str]:
    collect = effects[-1]
    assert isinstance(collect, Collect)
    return [item.name if isinstance(item, Prompt) else item.value for item in collect.spoken]


def test_a_number_that_does_not_fit_the_pattern_is_asked_for_and_confirmed() -> None:
    made = callback(WEEKDAYS)
    session, effects = made.start("main", Caller("+4930123456"), NOON)
    assert asked(effects) == ["number"]
    session, effects = made.resume(session, Keys("912345678", "terminator"), NOON)
    assert asked(effects) == ["wrong", "number"]
    session, effects = made.resume(session, Keys("612345678", "terminator"), NOON)
    assert asked(effects) == ["at", "612345678", "right"]  # what was wrong is forgotten
    session, effects = made.resume(session, Keys(), NOON)
    assert asked(effects) == ["silent", "at", "612345678", "right"]
    _, effects = made.resume(session, Keys("9", "length"), NOON)
    assert effects == [HangUp("refused")]  # the second that did not fit


def test_the_times_offered_are_those_at_which_it_is_open() -> None:
    made = callback(WEEKDAYS)
    session, _ = made.start("main", Caller("+34600100200"), NOON)
    session, _ = made.resume(session, Keys("1", "length"), NOON)
    session, effects = made.resume(session, Keys("2", "length"), NOON)
    moments = [text for text in asked(effects) if "T" in text]
    assert moments[:3] == ["2026-01-05T12:00:00+00:00", "2026-01-05T16:00:00+00:00", "2026-01-06T12:00:00+00:00"]
    assert len(moments) == 9
    session, effects = made.resume(session, Keys("3", "length"), NOON)
    assert isinstance(effects[-1], BookCallback)
    assert (effects[-1].number, effects[-1].at_ms) == ("+34600100200", NOON + 86_400_000)
    again, effects = made.again(session, NOON)  # a restart books once more, and finds it there
    assert isinstance(effects[-1], BookCallback)
    assert made.resume(again, CallbackBooked(merged=True), NOON)[1] == [HangUp("booked")]


def test_without_a_time_that_is_open_it_is_as_soon_as_possible() -> None:
    made = callback(HoursEntry(weekly={"mon": ()}))
    session, _ = made.start("main", CALLER, NOON)
    _, effects = made.resume(session, Keys("1", "length"), NOON)
    assert isinstance(effects[-1], BookCallback)
    assert effects[-1].at_ms is None


def test_a_question_that_cannot_be_asked_is_an_error_and_no_refusal() -> None:
    made = callback(WEEKDAYS)
    session, _ = made.start("main", CALLER, NOON)
    session, effects = made.resume(session, EffectFailed("silence"), NOON)
    assert session.outcome.startswith("failed")
    assert effects[-1] == HangUp("error")
