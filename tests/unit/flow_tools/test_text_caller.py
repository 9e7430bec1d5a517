"""The caller in the terminal takes ways out of a queue, books callbacks and leaves messages."""

from documents import read
from ivr.flow.hours import load_hours
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, Session
from switchboard.text_caller import TextCaller
from tests.support.flows import NOON, flow, library

NODES = """
wait: {type: enqueue, queue: help, keys: {"1": {to: back, keeps_place: true}, "2": mail}, otherwise: end}
back:
  type: callback
  queue: help
  say: [at]
  confirm: [right]
  ask_number: [number]
  times: {hours: office, ask: [when], before: for, press: press, most: 1}
  next: wait
  refused: mail
  no_input: {retries: 0, to: wait}
  no_match: {retries: 0, to: wait}
mail: {type: voicemail, say: [speak], mailbox: sales, next: end, too_short: wait}
end: {type: hangup}
"""


def call(*typed: str) -> tuple[Session, list[str]]:
    lines, said = iter(typed), []
    hours = load_hours(read('office: {weekly: {mon-fri: ["09:00-17:00"]}}'), library().zone)
    caller = TextCaller(Machine(library(flow(NODES), hours=hours)), lambda prompt: next(lines, None), said.append)
    return caller.call("main", Caller("600100200"), lambda: NOON), said


def test_a_callback_is_booked_out_of_the_queue() -> None:
    session, said = call("1", "1", "1", "", "answered")
    assert "[waits in queue help; ways out: 1 2]" in said
    assert "[books a callback from queue help to 600100200, in turn]" in said
    assert session.outcome == "completed"


def test_a_time_is_chosen_and_an_answer_that_makes_no_sense_is_explained() -> None:
    _, said = call("1", "1", "2", "1", "perhaps", "merged")
    assert "[books a callback from queue help to 600100200, at Mon 2026-01-05 13:00]" in said
    assert any("An empty line books it" in line for line in said)


def test_a_refused_number_ends_in_a_message_which_may_be_too_short() -> None:
    session, said = call("1", "1", "1", "refused", "long", "1", "2", "30")
    assert said.count("[beep; records into mailbox sales]") == 2
    assert any("So many seconds" in line for line in said)
    assert session.outcome == "completed"
