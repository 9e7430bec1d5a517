"""How many steps a second the flow machine makes, and how long a flow of 500 nodes takes to be read, checked and drawn.

A step is one answer of a caller or a lookup taken in and the effects that follow from it. Printed beside: the same
session saved and restored (JSON) with every step, as the live engine does, and one evaluation of a compiled expression,
which no machine that evaluates conditions can undercut (a path such as `contact.tier` needs none). Best of several
rounds. Memory is that of a session in the middle of the call, as Python keeps it and as JSON.

    python benchmarks/flow_machine.py [--calls 2000] [--rounds 5] [--json]
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC

from documents import Expression, read
from ivr.flow.diagram import diagram
from ivr.flow.document import Flow, load_flow
from ivr.flow.inputs import Dequeued, Input, Keys, LookedUp, Played
from ivr.flow.library import Library
from ivr.flow.lint import lint, used
from ivr.flow.machine import Machine
from ivr.flow.prompts import PromptEntry, Prompts
from ivr.flow.session import Caller, Session

NOW_MS = 1_767_607_200_000

CALL = """
schema: 2
name: call
start: welcome
on_error: bye
nodes:
  welcome: {type: play, say: [welcome], next: main-menu}
  main-menu:
    type: menu
    say: [main-menu]
    choices: {"1": ask, "2": ask, "3": ask}
    no_input: {to: bye}
    no_match: {to: bye}
  ask:
    type: collect
    say: [enter-number]
    into: customer
    max_digits: 8
    next: find
    no_input: {to: bye}
    no_match: {to: bye}
  find:
    type: lookup
    url: https://crm.example/customers/{{ contact.customer }}
    results: {tier: data.tier, balance: data.balance}
    ok: note
    not_found: bye
    error: bye
  note: {type: set, attributes: {vip: contact.balance > 1000.0, who: "'customer ' + contact.customer"}, next: choose}
  choose:
    type: branch
    conditions: [{when: contact.tier == 'silver', to: bye}, {when: contact.vip && now.hour < 20, to: wait}]
    otherwise: bye
  wait: {type: enqueue, queue: gold, priority: 5, answered: thanks, otherwise: bye}
  thanks: {type: play, say: [thanks, {say: number, value: contact.balance}], next: bye}
  bye: {type: hangup}
"""
ANSWERS: tuple[Input, ...] = (
    Played(),
    Keys("2", "length"),
    Keys("12345678", "length"),
    LookedUp(200, {"tier": "gold", "balance": 2500.5}),
    Dequeued("answered"),
    Played(),
)


def large(nodes: int) -> str:
    """A flow of so many nodes, five in each round, all of which lead on."""
    rounds = (nodes - 1) // 5
    asking = "no_input: {to: bye}, no_match: {to: bye}"
    parts = ["schema: 2\nname: large\nstart: menu0\non_error: bye\nnodes:\n  bye: {type: hangup}"]
    for i in range(rounds):
        onward = f"menu{i + 1}" if i + 1 < rounds else "bye"
        parts.append(f"""
  menu{i}: {{type: menu, say: [prompt{i}], choices: {{"1": play{i}, "2": set{i}, "9": menu{i // 2}}}, {asking}}}
  play{i}: {{type: play, say: [prompt{i}, {{say: digits, value: contact.number}}], next: branch{i}}}
  set{i}: {{type: set, attributes: {{a{i}: contact.a{i // 2} + 1, b: caller.number}}, next: branch{i}}}
  branch{i}: {{type: branch, conditions: [{{when: contact.b == 'x', to: wait{i}}}], otherwise: {onward}}}
  wait{i}: {{type: enqueue, queue: queue{i % 30}, exits: {{full: {onward}}}, otherwise: bye}}""")
    return "".join(parts)


def library(flow: Flow) -> Library:
    prompts = Prompts({name: PromptEntry(text={"en": name}) for name in used([flow], "prompt")}, "en")
    return Library({flow.name: flow}, prompts, {}, "en", frozenset({"en"}), UTC)


def call(machine: Machine, saved: bool) -> None:
    session, _ = machine.start("call", Caller("+15550100", "100"), NOW_MS)
    for answer in ANSWERS:
        if saved:
            session = Session.from_json(session.to_json())
        session, _ = machine.resume(session, answer, NOW_MS)
    if session.outcome != "completed" or session.errors:
        raise SystemExit(f"the call went wrong: {session.outcome}, {session.last_error}")


def memory(machine: Machine, sessions: int) -> tuple[float, int]:
    """Bytes of one session in memory, and of its JSON, while the caller waits in the queue."""
    before_queue = ANSWERS[:4]

    def waiting() -> Session:
        session, _ = machine.start("call", Caller("+15550100", "100"), NOW_MS)
        for answer in before_queue:
            session, _ = machine.resume(session, answer, NOW_MS)
        return Session.from_json(session.to_json())  # nothing in it is shared with another one

    json_bytes = len(waiting().to_json())
    tracemalloc.start()
    kept = [waiting() for _ in range(sessions)]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(kept), json_bytes


def best(rounds: int, act: Callable[[], object]) -> float:
    """The shortest time in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    machine = Machine(library(load_flow(read(CALL))))
    steps = arguments.calls * (1 + len(ANSWERS))

    def calls(saved: bool) -> float:
        return best(arguments.rounds, lambda: [call(machine, saved) for _ in range(arguments.calls)])

    condition = Expression("contact.balance > 1000.0 && contact.tier == 'gold'")
    variables = {"contact": {"tier": "gold", "customer": "12345678", "balance": 2500.5}}
    text = large(501)
    flow = load_flow(read(text))
    names = {kind: used([flow], kind) for kind in ("prompt", "queue")}
    session_bytes, session_json_bytes = memory(machine, 1_000)
    figures = {
        "steps_per_s": steps / calls(saved=False),
        "steps_with_saving_per_s": steps / calls(saved=True),
        "expressions_per_s": 10_000
        / best(arguments.rounds, lambda: [condition.holds(variables) for _ in range(10_000)]),
        "session_bytes": session_bytes,
        "session_json_bytes": session_json_bytes,
        "nodes": len(flow.nodes),
        "read_and_load_ms": 1_000 * best(arguments.rounds, lambda: load_flow(read(text))),
        "lint_ms": 1_000 * best(arguments.rounds, lambda: lint([flow], names, {"large"})),
        "diagram_ms": 1_000 * best(arguments.rounds, lambda: diagram(flow)),
    }
    if problems := lint([flow], names, {"large"}):
        raise SystemExit(f"the large flow has problems: {problems[0]}")
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"steps of the machine           {figures['steps_per_s']:>10,.0f} /s")
    print(f"  each saved and restored      {figures['steps_with_saving_per_s']:>10,.0f} /s")
    print(f"one expression, compiled       {figures['expressions_per_s']:>10,.0f} /s")
    print(f"one session in memory          {figures['session_bytes']:>10,.0f} bytes, as JSON {session_json_bytes:,}")
    print(
        f"a flow of {figures['nodes']} nodes: read and load {figures['read_and_load_ms']:.0f} ms, "
        f"lint {figures['lint_ms']:.0f} ms, diagram {figures['diagram_ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()
