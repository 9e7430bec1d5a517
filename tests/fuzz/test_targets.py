"""Every target of the fuzzer against what was kept, against sizes meant to hurt, and against what Hypothesis finds."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from documents import Expression, ExpressionError
from ivr.agi.codec import AgiProtocolError, ReplyParser
from tests.fuzz.targets import CORPUS, TARGETS

KEPT = sorted(CORPUS.glob("*/*"))
WORDS = st.sampled_from(
    [
        *("\n", "\n\n", "agi_arg_1: ", "agi_uniqueid: ", "200 result=", " (", ")", "520-", "520 End", "HANGUP"),
        *("\r\n", "\r\n\r\n", "Event: ", "Response: ", "100 Trying", "%0d%0a", "${SHELL(id)}", "$[1+1]"),
        *("- ", ": ", "? ", "{", "[", "'", '"', "\\", "&a [*a]", "!!python/object:os.system", "nodes:", "type: menu"),
        *("contact.tier", ".map(x, ", '{"type":"Header"', "9" * 20, "=cmd|' /C calc'!A0", "|", ",", "\x1b[2J"),
        *("\u202e", "\u2028", "\ud800"),
    ]
)
BYTES = st.binary(max_size=200) | st.lists(WORDS | st.text(max_size=6), max_size=20).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
MEGABYTE = 1_000_000


def test_every_target_has_a_corpus_and_nothing_else_has() -> None:
    assert {path.parent.name for path in KEPT} == set(TARGETS)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_kept_is_taken_or_refused(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=BYTES)
@example(data=b"")
def test_any_bytes_are_taken_or_refused(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff" + b"x" * 10 * MEGABYTE, id="a line of 10 MB"),
        pytest.param(b"\xff" + b"[" * MEGABYTE, id="nested in lists"),
        pytest.param(b"\xff" + b'{"a":' * 200_000, id="nested in mappings"),
        pytest.param(b"\xff" + b"- " * MEGABYTE, id="nested in blocks"),
        pytest.param(b"\xff" + b"(" * 1_990, id="nested in brackets"),
        pytest.param(b"\xffa: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n", id="aliases of aliases"),
        pytest.param(b"\xff200 result=1 (" + b"(\n" * MEGABYTE, id="a value without end"),
        pytest.param(b"\xff" + b"A: b\r\n" * 100_000, id="a block without end"),
    ],
)
def test_sizes_meant_to_hurt_take_no_long_time(name: str, data: bytes) -> None:
    begun = time.process_time()
    TARGETS[name](data)
    assert time.process_time() - begun < 10


def test_a_reply_that_drips_line_by_line_costs_no_more_than_its_bytes() -> None:
    parser, begun = ReplyParser(), time.process_time()
    list(parser.feed(b"520-Usage\n"))
    for _ in range(60_000):
        list(parser.feed(b"\n"))
    with pytest.raises(AgiProtocolError):
        list(parser.feed(b"\n" * 10_000))
    assert time.process_time() - begun < 5


def test_lists_within_lists_cannot_make_a_condition_run_for_hours() -> None:
    numbers = f"[{','.join('1' * 450)}]"
    begun = time.process_time()
    assert not Expression(f"{numbers}.exists(x, {numbers}.exists(y, x + y > 2))").holds({})
    assert time.process_time() - begun < 5
    with pytest.raises(ExpressionError, match="may go through 2 lists, this does 3"):
        Expression("a.map(x, a.existsOne(y, a . filter (z, true)))")
