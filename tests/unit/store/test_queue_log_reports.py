"""Programs that know nothing of us and report from `queue_log` come to the figures of our records.

What they do, and all that they do, is done here: the file is cut into fields by a reader of delimited text that is not
ours (that of Python, as `LOAD DATA ... FIELDS TERMINATED BY '|'` elsewhere), put into a table with the columns of
Asterisk's own `queue_log` table (its `contrib/realtime`), and asked in SQL after the meaning that Asterisk's page
"Queue Logs" gives each field.
"""

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import URL

from router.core import events as e
from switchboard.store.database import FILE_NAME, open_store
from switchboard.store.projector import Projector
from tests.support.journals import Day, day_policy
from tests.support.queue_log import GRAMMAR
from tests.support.routing import VOICEMAIL

COLUMNS = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")
SEEDS = range(4)
NOT_OURS = {"QUEUESTART"}
"""What only Asterisk writes."""
Rows = list[tuple[object, ...]]


Both = tuple[Callable[[str], Rows], Callable[[str], Rows]]
"""Asks the table made of the file, and our records."""


@pytest.fixture(params=SEEDS, scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Both:
    """Of a busy day at whose end everybody has gone."""
    log, records = one_day(tmp_path_factory.mktemp("day"), request.param)
    return lambda query: log.execute(query).fetchall(), lambda query: records.execute(query).fetchall()


def one_day(directory: Path, seed: int) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Its queue_log as a table, and its records."""
    go_home(Day(directory, seed).busy(300))
    store = directory / FILE_NAME
    projector = Projector(
        lambda: open_store(URL.create("sqlite", database=str(store))), directory, queue_log=directory / "queue_log"
    )
    projector.catch_up()
    projector.close()
    return table_of(directory / "queue_log"), sqlite3.connect(store)


def table_of(path: Path) -> sqlite3.Connection:
    log = sqlite3.connect(":memory:")
    log.execute(f"CREATE TABLE queue_log ({', '.join(COLUMNS)})")
    with path.open(encoding="utf-8", newline="") as file:
        for fields in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE):
            assert len(fields) <= len(COLUMNS), fields
            row = [*fields, *[""] * (len(COLUMNS) - len(fields))]
            log.execute(f"INSERT INTO queue_log VALUES ({', '.join('?' * len(COLUMNS))})", row)
    return log


def go_home(day: Day) -> None:
    """Everybody is taken or gives up; then the agents sign out, although one more caller has come."""
    while contacts := day.router.contacts():
        for contact in contacts:
            if contact.state == "connected":
                day.feed(e.ContactEnded(contact.id, "caller"))
            else:
                day.feed(e.ContactLeft(contact.id))
    day.wait(60_000)
    policy = day_policy(2)
    queues = (msgspec.structs.replace(policy.queues[0], when_unstaffed=VOICEMAIL), policy.queues[1])
    day.feed(e.PolicyPublished(msgspec.structs.replace(policy, queues=queues)))
    for agent in day.router.agents():
        day.feed(e.AgentPaused(agent.name, "lunch"))
    day.feed(e.ContactArrived("last", "billing"))
    day.wait(5_000)
    for agent in day.router.agents():
        day.feed(e.AgentSignedOut(agent.name))


def test_who_came_and_how_each_of_them_left(both: Both) -> None:
    log, records = both
    entered = "SELECT queuename, count(*) FROM queue_log WHERE event = 'ENTERQUEUE' GROUP BY 1 ORDER BY 1"
    stays = "SELECT queue, count(*) FROM contacts WHERE NOT consult GROUP BY 1 ORDER BY 1"
    assert log(entered) == records(stays) != []
    gave_up = "SELECT callid, queuename, CAST(data3 AS int) FROM queue_log WHERE event = 'ABANDON' ORDER BY 1, 2, 3"
    abandoned = """SELECT contact, queue, (ended_ms - queued_ms) / 1000 FROM contacts
        WHERE NOT consult AND outcome = 'abandoned' ORDER BY 1, 2, 3"""
    assert log(gave_up) == records(abandoned) != []


def test_whoever_enters_a_queue_leaves_it_once(both: Both) -> None:
    log, _ = both
    leaving = "'ABANDON', 'EXITWITHKEY', 'EXITWITHTIMEOUT', 'EXITEMPTY', 'WITHDRAW'"
    leaving += ", 'COMPLETEAGENT', 'COMPLETECALLER', 'BLINDTRANSFER'"
    unequal = f"""SELECT callid, queuename, sum(event = 'ENTERQUEUE') AS entered, sum(event IN ({leaving})) AS gone
        FROM queue_log WHERE callid <> 'NONE' GROUP BY 1, 2 HAVING entered <> gone"""
    assert log(unequal) == []


def test_every_talk_has_its_agent_its_wait_and_its_length(both: Both) -> None:
    log, records = both
    completed = """SELECT callid, queuename, agent, CAST(data1 AS int), CAST(data2 AS int) FROM queue_log
        WHERE event IN ('COMPLETEAGENT', 'COMPLETECALLER')
        UNION ALL SELECT callid, queuename, agent, CAST(data3 AS int), CAST(data4 AS int) FROM queue_log
        WHERE event = 'BLINDTRANSFER' ORDER BY 1, 2, 3, 4, 5"""
    answered = """SELECT contact, queue, agent, (answered_ms - queued_ms) / 1000, (ended_ms - answered_ms) / 1000
        FROM contacts WHERE NOT consult AND outcome = 'answered' ORDER BY 1, 2, 3, 4, 5"""
    assert log(completed) == records(answered) != []


def test_every_ringing_that_came_to_nothing_is_there(both: Both) -> None:
    log, records = both
    rang = """SELECT agent, event, CAST(data1 AS int) FROM queue_log
        WHERE event IN ('RINGNOANSWER', 'RINGCANCELED') ORDER BY 1, 2, 3"""
    offers = """SELECT offers.agent, CASE offers.cause WHEN 'cancelled' THEN 'RINGCANCELED' ELSE 'RINGNOANSWER' END,
        offers.ended_ms - offers.offered_ms FROM offers JOIN contacts ON contacts.id = offers.contact_id
        WHERE NOT contacts.consult AND offers.cause NOT IN ('accepted', '') ORDER BY 1, 2, 3"""
    assert log(rang) == records(offers) != []


def test_how_long_agents_were_members_and_paused(both: Both) -> None:
    """From the first line of each pair to the second: whole seconds, so each pair may be off by less than one."""
    log, records = both
    for first, last, states in (
        ("PAUSEALL", "UNPAUSEALL", "state = 'paused'"),
        ("ADDMEMBER", "REMOVEMEMBER", "state <> 'offline'"),
    ):
        spans: dict[object, list[int]] = {}
        began: dict[object, int] = {}
        query = f"""SELECT agent, event, CAST(time AS int), queuename FROM queue_log
            WHERE event IN ('{first}', '{last}') AND queuename IN ('NONE', 'billing') ORDER BY rowid"""
        for agent, event, time_s, _ in log(query):
            if event == first:
                began.setdefault(agent, int(str(time_s)))
            elif agent in began:
                spans.setdefault(agent, []).append(int(str(time_s)) - began.pop(agent))
        assert spans
        for agent, seconds in spans.items():
            query = f"SELECT sum(to_ms - from_ms) FROM agent_states WHERE agent = '{agent}' AND {states}"
            ((total_ms,),) = records(query)
            assert abs(sum(seconds) - int(str(total_ms)) / 1000) < len(seconds), (agent, first)


def test_all_events_that_we_write_are_in_these_days(tmp_path: Path) -> None:
    seen: set[object] = set()
    for seed in SEEDS:
        (tmp_path / str(seed)).mkdir()
        log, _ = one_day(tmp_path / str(seed), seed)
        seen |= {event for (event,) in log.execute("SELECT DISTINCT event FROM queue_log")}
    assert set(GRAMMAR) - NOT_OURS - seen == set()
