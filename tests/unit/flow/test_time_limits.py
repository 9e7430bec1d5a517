"""Time limits of nodes and of flows: whoever takes too long goes the way of errors, and never nowhere."""

from typing import Any

import pytest

from documents import DocumentError
from ivr.flow.effects import Collect, Enqueue, HangUp, Play
from ivr.flow.inputs import Dequeued, Keys, Played
from ivr.flow.machine import MAX_ASKED, Machine
from ivr.flow.session import Caller, Session
from tests.support.flows import NOON, flow, machine

NODES = """
    ask:
      type: menu
      say: [ask]
      choices: {"1": done, "2": wait, "3": inner}
      no_input: {retries: 10, to: silent}
      no_match: {retries: 10, to: silent}
      MORE
    wait: {type: enqueue, queue: help, answered: ask, otherwise: ask}
    inner: {type: subflow, flow: inner, otherwise: done, error: caught}
    sorry: {type: play, say: [sorry], next: again}
    again: {type: menu, say: [again], choices: {"1": ask}, no_input: {retries: 10, to: silent}, no_match: {to: silent}}
    late: {type: hangup, reason: late}
    silent: {type: hangup, reason: silent}
    caught: {type: hangup, reason: caught}
    done: {type: hangup, reason: done}
    """
SILENCE = Keys()


def made(more: str = "", header: str = "", *others: Any) -> Machine:
    return machine(NODES.replace("MORE", more), *others, header=header)


def answered(limited: Machine, *steps: tuple[float, Any]) -> tuple[Session, Any]:
    """Each answer comes so many seconds after the question."""
    now_ms = NOON
    session, effects = limited.start("main", Caller("1"), now_ms)
    for seconds, answer in steps:
        now_ms += round(seconds * 1000)
        session, effects = limited.resume(session, answer, now_ms)
    return session, effects[-1]


def test_a_node_asks_no_more_when_its_time_is_over() -> None:
    limited = made("time_limit_s: 20", "on_error: late")
    assert isinstance(answered(limited, (9, SILENCE), (9, SILENCE))[1], Collect)
    session, last = answered(limited, (9, SILENCE), (9, SILENCE), (9, SILENCE))
    assert last == HangUp("late")
    assert (session.errors, session.last_error) == (1, "main.ask: the node's 20 s are over")


def test_an_answer_that_fits_counts_however_late_it_comes() -> None:
    assert answered(made("time_limit_s: 20"), (500, Keys("1", "length")))[1] == HangUp("done")


def test_the_error_exit_of_the_node_comes_first() -> None:
    limited = made("error: silent\n      time_limit_s: 5", "on_error: late")
    assert answered(limited, (6, SILENCE))[1] == HangUp("silent")


def test_the_time_of_a_node_begins_when_it_is_entered() -> None:
    limited = made("time_limit_s: 20")
    steps = ((15, Keys("2", "length")), (1, Dequeued("full")), (15, SILENCE))
    assert isinstance(answered(limited, *steps)[1], Collect)


def test_waits_and_talks_are_no_time_of_the_flow() -> None:
    limited = made(header="on_error: sorry\ntime_limit_s: 60")
    session, last = answered(limited, (10, Keys("2", "length")), (3_000, Dequeued("answered")), (10, SILENCE))
    assert isinstance(last, Collect)
    assert session.spent_ms == 20_000


def test_a_flow_apologises_once_and_then_ends() -> None:
    limited = made(header="on_error: sorry\ntime_limit_s: 60")
    session, last = answered(limited, (61, SILENCE))
    assert (session.node, type(last), session.late) == ("sorry", Play, True)
    session, last = answered(limited, (61, SILENCE), (5, Played()), (50, SILENCE))
    assert (session.node, type(last)) == ("again", Collect)
    session, last = answered(limited, (61, SILENCE), (5, Played()), (56, SILENCE))
    assert (session.outcome, last) == ("failed: main.again: the flow's 60 s are over", HangUp("error"))


def test_without_on_error_the_call_ends() -> None:
    session, last = answered(made(header="time_limit_s: 60"), (61, SILENCE))
    assert (session.outcome, last) == ("failed: main.ask: the flow's 60 s are over", HangUp("error"))


def test_nobody_is_kept_from_a_person_for_being_slow() -> None:
    _, last = answered(made("time_limit_s: 5", "time_limit_s: 5"), (100, Keys("2", "length")))
    assert isinstance(last, Enqueue)


INNER = """
    ask: {type: menu, say: [inner], choices: {"1": back}, no_input: {retries: 10, to: back}, no_match: {to: back}}
    back: {type: return}
    """


def test_a_subflow_has_time_of_its_own_and_its_error_is_that_of_the_node_that_called_it() -> None:
    inner = flow(INNER, name="inner", header="time_limit_s: 30")
    limited = made("", "time_limit_s: 100", inner)
    steps = ((90, Keys("3", "length")), (20, SILENCE))
    session, last = answered(limited, *steps)
    assert (session.flow, type(last)) == ("inner", Collect), "the time of the outer flow goes on when it is back"
    assert answered(limited, *steps, (20, SILENCE))[1] == HangUp("caught")


def test_time_goes_on_over_a_restart_and_a_clock_that_goes_back_is_no_time() -> None:
    limited = made("time_limit_s: 20")
    session, _ = answered(limited, (15, SILENCE))
    again, _ = limited.again(Session.from_json(session.to_json()), NOON + 600_000)
    assert again.spent_ms == 15_000, "the time without an engine is not the caller's"
    assert limited.resume(again, SILENCE, NOON)[0].spent_ms == 15_000


@pytest.mark.parametrize("limit", ["0", "-1", "1000000", "soon"])
def test_a_limit_is_a_time(limit: str) -> None:
    with pytest.raises(DocumentError, match="time_limit_s"):
        made(f"time_limit_s: {limit}")
    with pytest.raises(DocumentError, match="time_limit_s"):
        made(header=f"time_limit_s: {limit}")


def test_a_node_that_asks_for_ever_is_ended() -> None:
    """A callback that is never confirmed: nothing of it is wrong, and it would go on and on."""
    endless = machine(
        """
        c: {type: callback, queue: q, say: [a], confirm: [a], ask_number: [a], next: end, refused: end,
            no_input: {to: end}, no_match: {to: end}}
        end: {type: hangup}
        sorry: {type: hangup, reason: sorry}
        """,
        header="on_error: sorry",
    )
    session, effects = endless.start("main", Caller("5550100"), NOON)
    answers = 0
    while not session.finished:
        keys = Keys("2", "length") if answers % 2 == 0 else Keys("5550123", "terminator")
        session, effects = endless.resume(session, keys, NOON)
        answers += 1
    assert (answers, effects[-1], session.last_error) == (MAX_ASKED, HangUp("sorry"), "main.c: asks for ever")
