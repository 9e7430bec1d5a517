"""What is fuzzed: one function of bytes for each place where the outside comes in.

A target returns when the bytes were taken or refused with the error that the place documents. Any other exception, a
hang, or memory without bound is a finding. Hypothesis runs the targets in every test run (`test_targets.py`), atheris
for as long as one likes (`make fuzz`).
"""

import contextlib
import csv
import functools
import io
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from documents import DocumentError, Expression, ExpressionError, read
from documents.tables import as_csv, safe_cell
from ivr.agi.codec import AgiProtocolError, CommandError, ReplyParser, parse_headers, set_variable, split_headers
from ivr.flow.document import load_flow
from router.ami.codec import Decoder, encode
from router.ami.errors import AmiMisuse, AmiProtocolError
from router.live import journal
from switchboard.centre import load_centre
from switchboard.store import queue_log
from tests.support.centres import FILES, write_centre

Target = Callable[[bytes], None]

CORPUS = Path(__file__).with_name("corpus")
csv.field_size_limit(2**31 - 1)  # of the reader that checks
_VARIABLES = {"contact": {"tier": "gold", "age": 7, "tags": ["a", "b"]}, "agent": {"team": "first"}, "a": [1, 2]}
_GREETING = b"Asterisk Call Manager/9.0.0\r\n"


def agi_headers(data: bytes) -> None:
    """The header block of a FastAGI request."""
    with contextlib.suppress(AgiProtocolError):
        parts = split_headers(data)
        if parts is not None:
            headers = parse_headers(parts[0])
            texts = (headers.caller_name, headers.caller_number, headers.uniqueid, *headers.arguments)
            assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", text) for text in texts)


def agi_replies(data: bytes) -> None:
    """The replies to AGI commands, whole and in pieces of the first byte's size: both say the same."""
    piece, stream = (data[0] or 1, data[1:]) if data else (1, b"")
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert _replies([stream]) == _replies(pieces)


def _replies(pieces: list[bytes]) -> list[object]:
    parser, found = ReplyParser(), list[object]()
    try:
        for piece in pieces:
            found += parser.feed(piece)
    except AgiProtocolError as error:
        found.append(error.reason)
    return found


def agi_commands(data: bytes) -> None:
    """Any text as the value of a command: it stays one line."""
    with contextlib.suppress(CommandError):
        line = set_variable("X", data.decode("utf-8", "surrogateescape")).encode()
        assert line.count(b"\n") == 1
        assert not re.search(rb"[\r\0]", line)


def ami_events(data: bytes) -> None:
    """The event stream of the manager, whole and in pieces of the first byte's size: both say the same."""
    piece, stream = (data[0] or 1, data[1:]) if data else (1, b"")
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert _messages([stream]) == _messages(pieces)


def _messages(pieces: list[bytes]) -> list[object]:
    decoder, found = Decoder(), list[object]()
    try:
        for piece in [_GREETING, *pieces]:
            for message in decoder.receive(piece):
                found.append((type(message).__name__, message.name, dict(message), message.variables))
    except AmiProtocolError:
        found.append("not a manager")
    return [*found, decoder.refused]


def ami_actions(data: bytes) -> None:
    """Any text as the value of an action: it adds no line and no action."""
    with contextlib.suppress(AmiMisuse):
        action = encode("Setvar", "id", {"Variable": "X", "Value": data.decode("utf-8", "surrogateescape")})
        assert action.count(b"\r\n") == action.count(b"\n") == 5
        assert action.endswith(b"\r\n\r\n")


def expressions(data: bytes) -> None:
    """Conditions that people write."""
    with contextlib.suppress(ExpressionError):
        expression = Expression(data.decode("utf-8", "replace"))
        assert expression.holds(_VARIABLES) in (True, False)
        expression.fields("contact")
        expression.value(_VARIABLES)


def documents(data: bytes) -> None:
    """YAML as plain data."""
    with contextlib.suppress(DocumentError):
        read(data.decode("utf-8", "replace"), "f.yaml")


def flows(data: bytes) -> None:
    """A flow document."""
    with contextlib.suppress(DocumentError):
        load_flow(read(data.decode("utf-8", "replace"), "f.yaml"))


def centres(data: bytes) -> None:
    """A whole centre, one of whose documents (the first byte says which) is anything."""
    if data:
        name = sorted(FILES)[data[0] % len(FILES)]
        path = _centre() / name
        path.write_bytes(data[1:])
        try:
            with contextlib.suppress(DocumentError):
                load_centre(_centre())
        finally:
            path.write_text(FILES[name])


@functools.cache
def _centre() -> Path:
    return write_centre(_directory() / "centre", {})


@functools.cache
def _directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="switchboard-fuzz-"))


def journals(data: bytes) -> None:
    """A journal file."""
    path = _directory() / "journal-fuzz.jsonl"
    path.write_bytes(data)
    with contextlib.suppress(journal.JournalError):
        for _ in journal.read(path):
            pass
    journal.newest(_directory())


def report_cells(data: bytes) -> None:
    """Text from outside in a report: one cell, that no spreadsheet runs."""
    text = data.decode("utf-8", "replace")
    [_, cells] = csv.reader(io.StringIO(as_csv(["a", "b"], [[text, 1]]).decode(), newline=""))
    assert cells == [safe_cell(text), "1"]
    assert not cells[0].lstrip().startswith(("=", "+", "-", "@")), cells


def queue_log_lines(data: bytes) -> None:
    """Text from outside in the queue log: one field of one line."""
    text = data.decode("utf-8", "replace")
    line = queue_log.written(1_700_000_000_000, text, text, text, "ENTERQUEUE", ("", text, "1"))
    assert len(line.splitlines()) == 1
    assert line.count("|") == 7


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        agi_headers,
        agi_replies,
        agi_commands,
        ami_events,
        ami_actions,
        expressions,
        documents,
        flows,
        centres,
        journals,
        report_cells,
        queue_log_lines,
    )
}
