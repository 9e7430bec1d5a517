"""The manager protocol as bytes: what is understood, what is refused, what cannot be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ami.codec import GREETING, Decoder, Event, Response, encode
from router.ami.errors import AmiMisuse, AmiProtocolError

HELLO = f"{GREETING}11.0.0\r\n".encode()
HANGUP = b"Event: Hangup\r\nChannel: PJSIP/a-00000001\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n"


def decoded(*blocks: str) -> tuple[list[Event | Response], Decoder]:
    decoder = Decoder()
    messages = decoder.receive(HELLO + "".join(block + "\r\n\r\n" for block in blocks).encode())
    return messages, decoder


def test_an_event_is_a_mapping_with_names_in_any_case() -> None:
    [event], decoder = decoded("Event: Hangup\r\nUniqueid: 1.1\r\nCause-txt: Normal: Clearing\r\nAccountCode:\r\nX: ")
    assert isinstance(event, Event)
    assert event.name == "Hangup"
    assert event["uniqueid"] == event["UNIQUEID"] == "1.1"
    assert event["Cause-txt"] == "Normal: Clearing"
    assert event["AccountCode"] == event["X"] == ""
    assert event.get("Nothing", "-") == "-"
    assert "CAUSE-TXT" in event
    assert decoder.version == "11.0.0"


def test_originate_response_has_both_words_and_is_an_event() -> None:
    [message], _ = decoded("Event: OriginateResponse\r\nActionID: 7\r\nResponse: Failure\r\nReason: 3")
    assert isinstance(message, Event)
    assert message.action_id == "7"
    assert message["Response"] == "Failure"


def test_a_response_says_whether_it_is_an_error() -> None:
    good, bad = decoded("Response: Success\r\nMessage: ok", "Response: Error\r\nMessage: No such channel")[0]
    assert isinstance(good, Response)
    assert isinstance(bad, Response)
    assert not good.is_error
    assert bad.is_error
    assert bad.message == "No such channel"


def test_variables_repeat_and_one_that_is_not_set_is_absent() -> None:
    [event], _ = decoded(
        "Event: Status\r\nVariable: A=1=2\r\nVariable: B=(null)\r\nVariable: C=\r\nChanVariable: D=x\r\nUniqueid: 1.1"
    )
    assert event.all("Variable") == ["A=1=2", "B=(null)", "C="]
    assert event["Variable"] == "A=1=2"
    assert event.variables == {"A": "1=2", "C": "", "D": "x"}
    assert event.all("Uniqueid") == ["1.1"]
    assert event.all("Nothing") == []


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("Foo: bar\r\nBaz: 1", "neither Event nor Response"),
        ("Event: Hangup\r\nUniqueid: 1.1\r\nUniqueid: 9.9", "header 'uniqueid' twice"),
        ("Event: Hangup\r\nEVENT: Newchannel", "header 'event' twice"),
        ("Event: Newchannel\r\nCallerIDNum: 555\r\nUniqueid 9.9\r\nUniqueid: 1.1", "a line without a name"),
    ],
)
def test_a_block_that_may_be_forged_is_refused_and_counted_and_the_next_one_is_read(block: str, why: str) -> None:
    messages, decoder = decoded(block, "Event: Good")
    assert [message["event"] for message in messages] == ["Good"]
    assert (decoder.refused, decoder.last_refused) == (1, why)


def test_empty_blocks_count_for_nothing() -> None:
    messages, decoder = decoded("", "Event: Good\r\n\r\n", "")
    assert len(messages) == 1
    assert decoder.refused == 0


def test_bytes_that_are_no_utf8_spoil_only_themselves() -> None:
    [event] = Decoder().receive(HELLO + b"Event: Newchannel\r\nCallerIDName: Ren\xe9\r\nUniqueid: 1.1\r\n\r\n")
    assert event["CallerIDName"] == "Ren�"
    assert event["Uniqueid"] == "1.1"


@given(st.lists(st.integers(1, 60), max_size=40))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    stream = HELLO + HANGUP + "Event: Newchannel\r\nCallerIDName: Zoë 東京\r\n\r\n".encode() + HANGUP
    decoder = Decoder()
    messages = []
    for size in cuts:
        messages += decoder.receive(stream[:size])
        stream = stream[size:]
    messages += decoder.receive(stream)
    assert [message["event"] for message in messages] == ["Hangup", "Newchannel", "Hangup"]
    assert messages[1]["calleridname"] == "Zoë 東京"
    assert decoder.refused == 0


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 300])
def test_a_peer_that_is_no_asterisk_manager_is_found_out(first: bytes) -> None:
    with pytest.raises(AmiProtocolError, match="not an Asterisk manager port"):
        Decoder().receive(first)


def test_a_block_without_end_is_not_kept_for_ever() -> None:
    decoder = Decoder(block_limit=1_000)
    decoder.receive(HELLO)
    decoder.receive(b"Event: Endless\r\nX: " + b"x" * 900)
    with pytest.raises(AmiProtocolError, match="more than 1000 bytes"):
        decoder.receive(b"x" * 100)


def test_an_action_is_written_as_asterisk_reads_it() -> None:
    wire = encode("Originate", "sb-1", {"Async": True, "Timeout": 5, "Account": None, "Variable": ["A=1", "B=ü"]})
    assert (
        wire
        == (
            "Action: Originate\r\nActionID: sb-1\r\nAsync: true\r\nTimeout: 5\r\nVariable: A=1\r\nVariable: B=ü\r\n\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Value": "x\r\nAction: Hangup"}, "a line break"),
        ({"Value": "x\ny"}, "a line break"),
        ({"Value": "x\0y"}, "a line break or NUL"),
        ({"Variable": ["A=1", "B=\r\n"]}, "a line break"),
        ({"Value\r\nX": "y"}, "cannot be a header"),
        ({"Value: ": "y"}, "cannot be a header"),
        ({"ActionID": "mine"}, "cannot be a header"),
        ({"Value": "x" * 1_000}, "a line of 1007 bytes"),
        ({"Value": "ü" * 500}, "a line of 1007 bytes"),
        ({"Value": "\ud800"}, "is not text"),
        ({"Variable": ["A=1"] * 127}, "129 headers"),
    ],
)
def test_what_would_break_the_protocol_is_not_sent(headers: dict[str, str | list[str]], why: str) -> None:
    with pytest.raises(AmiMisuse, match=why):
        encode("Setvar", "1", headers)


@given(st.text(max_size=100))
def test_no_text_injects_a_header(value: str) -> None:
    try:
        wire = encode("Setvar", "1", {"Value": value})
    except AmiMisuse:
        return
    assert wire.count(b"\r\n") == 4
    assert wire.count(b"\n") == wire.count(b"\r") == 4
