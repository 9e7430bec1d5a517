"""Simulated callers go through every node that reaches beyond the call, and take their time there."""

from dataclasses import replace
from typing import Any

import pytest

from documents import read
from ivr.flow.document import load_flow
from ivr.flow.library import Library
from ivr.flow.prompts import load_prompts
from router.core.events import ContactArrived
from simulations.driver import Replication
from simulations.scenario import Scenario
from simulations.setting import Setting, settle
from tests.support.scenarios import changed, source_of
from tests.unit.simulations.test_flows import BASE, centre

FLOW = """\
schema: 2
name: main
start: who
operator: {key: "0", to: person, at_prompts: true}
time_limit_s: 600
nodes:
  who:
    type: identify
    say: [ask]
    max_digits: 4
    database: crm
    sql: "select id from customers where key = :key"
    parameters: {key: key}
    results: {customer: data.id}
    next: prove
    no_input: {to: person}
    no_match: {retries: 0, to: person}
  prove:
    type: verify
    say: [ask]
    next: trial
    locked: person
    no_input: {to: person}
    no_match: {retries: 0, to: person}
  trial: {type: split, name: t, by: contact.customer, ways: {a: {share: 1, to: tell}, b: {share: 1, to: tell}}}
  tell: {type: record, say: [ask], next: inform, too_short: person}
  inform: {type: notify, webhook: w, next: partner}
  partner: {type: dial, number: "'+15550199'", answered: how, otherwise: person}
  how: {type: survey, questions: [{score: csat, say: [ask]}], next: person}
  person: {type: enqueue, queue: a, otherwise: end}
  end: {type: hangup}
"""


def setting(**changes: Any) -> Setting:
    kind = {
        "kinds.callers.arrivals": {"trace": [{"at_s": 0}]},
        "kinds.callers.choices": {"who": {"1234": 1.0}, "prove": {"4711": 1.0}, "how": {"5": 1.0}},
        "kinds.callers.lookups": {"who": [{"data": {"id": "c-7"}}]},
        "ivr.dial_s": 100,
    }
    document = changed(kind | changes, BASE)
    prompts = load_prompts(read("ask: {text: {en: Yes?}}"), "en")
    library = Library({"main": load_flow(read(FLOW, "main.yaml"))}, prompts)
    return settle(source_of(document), Scenario.model_validate(document), replace(centre(), library=library))


def arrived(made: Setting) -> tuple[int, dict[str, Any]]:
    replication = Replication(made, keep_log=True)
    replication.run()
    ((at_ms, event),) = [(at, event) for at, event, _ in replication.log if isinstance(event, ContactArrived)]
    return at_ms, dict(event.attributes)


def test_a_caller_is_identified_proven_recorded_connected_and_asked() -> None:
    at_ms, attributes = arrived(setting())
    # An account (10 s), the database (1), a PIN (10), its check (1), a recording (5), the talk (100), the survey (10).
    assert at_ms == 137_000
    assert {name: attributes[name] for name in ("customer", "verified", "identified_by", "csat")} == {
        "customer": "c-7",
        "verified": True,
        "identified_by": "account",
        "csat": 5,
    }
    assert attributes["split"] in ("a", "b")


def test_a_scenario_says_who_does_not_know_the_pin() -> None:
    lookups = {"who": [{"data": {"id": "c-7"}}], "prove": [{"status": 404}]}
    at_ms, attributes = arrived(setting(**{"kinds.callers.lookups": lookups}))
    assert (at_ms, "verified" in attributes) == (22_000, False)


@pytest.mark.parametrize("status", [404, 500])
def test_a_customer_who_is_not_known_goes_where_the_flow_says(status: int) -> None:
    made = setting(**{"kinds.callers.lookups": {"who": [{"status": status}]}})
    if status == 404:
        assert arrived(made)[0] == 11_000
    else:
        replication = Replication(made, keep_log=True)
        assert replication.run().whole.all_queues.tally.flows == 1, "the flow ends with an error"
