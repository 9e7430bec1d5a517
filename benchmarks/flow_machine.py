"""How fast the flow machine runs: `python -m benchmarks.flow_machine`.

A caller meets a welcome, the hours, a branch on an expression, a menu with one wrong key, a set, and a queue. Counted
are nodes entered (steps) and answers taken, per second of one core; sessions once kept as objects and once through JSON
after every answer, as an engine does that may be killed at any moment.
"""

import time

from documents import read
from ivr.flow.document import load_flow
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.inputs import Dequeued, Keys, Played
from ivr.flow.library import Library
from ivr.flow.machine import Machine
from ivr.flow.prompts import PromptEntry, Prompts
from ivr.flow.session import Caller, Session

FLOW = """
schema: 2
name: main
start: are-we-open
nodes:
  are-we-open: {type: hours, hours: office, open: known, closed: bye}
  known:
    type: branch
    conditions: [{when: contact.number == '+15550199', to: menu}]
    otherwise: welcome
  welcome: {type: play, say: [welcome], next: menu}
  menu:
    type: menu
    say: [menu]
    choices: {"1": note, "2": bye}
    no_input: {to: bye}
    no_match: {say: [wrong], to: bye}
  note: {type: set, attributes: {reason: "'billing'"}, next: wait}
  wait: {type: enqueue, queue: billing, answered: thanks, otherwise: bye}
  thanks: {type: play, say: [thanks], next: bye}
  bye: {type: hangup}
"""
ANSWERS = (Played(), Keys("7", "length"), Keys("1", "length"), Dequeued("answered"), Played())
NOW_MS = 1_767_607_200_000  # a Monday, 10:00 UTC


def machine() -> Machine:
    prompts = Prompts({name: PromptEntry(text={"en": name}) for name in ("welcome", "menu", "wrong", "thanks")}, "en")
    flow = load_flow(read(FLOW))
    library = Library({"main": flow}, prompts)
    hours = {"office": Hours(HoursEntry(weekly={"mon-fri": ("08:00-18:00",)}), library.zone)}
    return Machine(Library({"main": flow}, prompts, hours))


def run(seconds: float, through_json: bool) -> tuple[float, float]:
    """Steps and calls of the machine per CPU second."""
    engine, steps, calls = machine(), 0, 0
    begin = time.process_time()
    while (spent := time.process_time() - begin) < seconds:
        session, _ = engine.start("main", Caller("+15550100", "100"), NOW_MS)
        for answer in ANSWERS:
            if through_json:
                session = Session.from_json(session.to_json())
            session, _ = engine.resume(session, answer, NOW_MS)
        assert session.outcome == "completed"
        steps += session.entered
        calls += 1 + len(ANSWERS)
    return steps / spent, calls / spent


if __name__ == "__main__":
    for label, through_json in (("sessions kept as objects", False), ("sessions through JSON", True)):
        steps, calls = run(2.0, through_json)
        print(f"{label:<26} {steps:>10,.0f} steps/s  {calls:>10,.0f} answers/s")
