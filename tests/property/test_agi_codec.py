"""The AGI codec against any bytes and any text."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from ivr.agi import codec
from ivr.agi.codec import AgiProtocolError, CommandError, ReplyParser
from tests.support.fake_agi import header_lines

LINES = st.sampled_from(
    [
        b"200 result=0",
        b"200 result= (timeout)",
        b"200 result=1 (a (b) c)",
        b"200 result=1 (a\nHANGUP\nb)",
        b"100 result=0 Trying...",
        b"520-Invalid command syntax.  Proper usage follows:\n usage\n\n520 End of proper usage.",
        b"511 Command Not Permitted on a dead channel or intercept routine",
        b"HANGUP",
    ]
)
SAYABLE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\n"), max_size=60)


def arguments(line: str) -> list[str]:
    """How Asterisk splits a command (`parse_args` of res_agi.c), written down anew as an oracle."""
    found: list[str] = []
    quoted = escaped = inside = False
    for character in line:
        if character == '"' and not escaped:
            quoted = not quoted
            if quoted and not inside:
                found.append("")
                inside = True
        elif character in " \t" and not quoted and not escaped:
            inside = False
        elif character == "\\" and not escaped:
            escaped = True
            continue
        else:
            if not inside:
                found.append("")
                inside = True
            found[-1] += character
        escaped = False
    return found


@given(SAYABLE)
def test_a_quoted_value_arrives_as_it_was(value: str) -> None:
    assert arguments(codec.set_variable("X", value).line) == ["SET", "VARIABLE", "X", value]


@given(st.text(max_size=60))
def test_no_text_makes_a_second_command(text: str) -> None:
    with contextlib.suppress(CommandError):
        encoded = codec.verbose(text).encode()
        assert encoded.count(b"\n") == 1
        assert b"\0" not in encoded


@given(st.lists(LINES, max_size=8), st.data())
def test_how_the_bytes_are_cut_makes_no_difference(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    cut, whole = ReplyParser(), ReplyParser()
    assert [event for chunk in chunks for event in cut.feed(chunk)] == list(whole.feed(stream))


@given(st.binary(max_size=300))
def test_any_reply_bytes_are_replies_or_the_peers_fault(raw: bytes) -> None:
    with contextlib.suppress(AgiProtocolError):
        list(ReplyParser().feed(raw))


@given(st.integers(0, 21), st.binary(max_size=80))
def test_any_header_bytes_are_headers_or_the_peers_fault(at: int, raw: bytes) -> None:
    lines = [line.encode() for line in header_lines()]
    lines[at] += raw
    with contextlib.suppress(AgiProtocolError):
        headers = codec.parse_headers(b"\n".join(lines))
        for value in (headers.caller_name, headers.caller_number, headers.extension):
            assert value.isprintable() or "\n" not in value


@given(st.sampled_from(["callerid", "calleridname", "dnid", "extension"]), st.text(max_size=40), st.text(max_size=40))
def test_a_callers_line_break_never_changes_another_header(field: str, before: str, after: str) -> None:
    honest = codec.parse_headers("\n".join(header_lines(uniqueid="1.1")).encode())
    forged = "\n".join(header_lines(uniqueid="1.1", **{field: f"{before}\n{after}"})).encode("utf-8", "replace")
    with contextlib.suppress(AgiProtocolError):
        got = codec.parse_headers(forged)
        for name in ("route", "channel", "uniqueid", "context", "arguments"):
            assert getattr(got, name) == getattr(honest, name)
