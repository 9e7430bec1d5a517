import pytest

from ivr.agi import codec
from ivr.agi.codec import AgiProtocolError, Command, CommandError, HangupLine, Reply, ReplyParser, parse_headers
from tests.support.fake_agi import header_lines


def block(*more: str, **changed: str) -> bytes:
    return "\n".join([*header_lines(**changed), *more]).encode()


def replies(*chunks: bytes) -> list[Reply | HangupLine]:
    parser = ReplyParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


class TestHeaders:
    def test_are_typed(self) -> None:
        headers = parse_headers(block(uniqueid="17.1", callerid="030123", accountcode=""))
        assert headers.route == "call"
        assert headers.channel == "PJSIP/trunk-00000001"
        assert headers.uniqueid == "17.1"
        assert headers.caller_number == "030123"
        assert (headers.context, headers.extension) == ("sb-call", "s")
        assert headers.arguments == ()

    def test_say_nothing_where_asterisk_says_unknown(self) -> None:
        headers = parse_headers(block(callerid="unknown", calleridname="unknown", extension="unknown"))
        assert (headers.caller_number, headers.caller_name, headers.rdnis) == ("", "", "")
        assert headers.extension == "unknown"  # a real extension may be called so

    def test_arguments_keep_their_order_and_may_be_empty(self) -> None:
        assert parse_headers(block("agi_arg_1: one", "agi_arg_2: ", "agi_arg_3: a: b")).arguments == ("one", "", "a: b")

    def test_headers_of_a_newer_asterisk_are_ignored(self) -> None:
        lines = header_lines()
        lines.insert(5, "agi_something_new: 7")
        assert parse_headers("\n".join(lines).encode()).context == "sb-call"

    @pytest.mark.parametrize(
        ("raw", "name"),
        [
            (b"J\xc3\xbcrgen", "Jürgen"),
            (b"J\xfcrgen", "Jürgen"),
            (b"\xff\xfe\x80", "ÿþ\ufffd"),
            (b"a\x00b\x1b[31m\r", "a\ufffdb\ufffd[31m\ufffd"),
        ],
    )
    def test_any_bytes_in_the_callers_name_become_harmless_text(self, raw: bytes, name: str) -> None:
        assert parse_headers(block(calleridname="NAME").replace(b"NAME", raw)).caller_name == name

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("x\nagi_context: evil", "duplicate_header"),
            ("x\nagi_uniqueid: 1.1", "duplicate_header"),
            ("x\nagi_arg_1: evil", "foreign_header"),  # no argument stands before other headers
            ("x\nEvent: Hangup", "foreign_header"),
            ("x\nagi_extension", "foreign_header"),
            ("x\n agi_x: 1", "foreign_header"),
        ],
    )
    def test_a_line_forged_by_the_caller_is_refused(self, name: str, reason: str) -> None:
        with pytest.raises(AgiProtocolError) as caught:
            parse_headers(block(calleridname=name))
        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        ("lines", "reason"),
        [
            (("agi_arg_1: a", "agi_arg_1: b"), "duplicate_header"),
            (("agi_arg_2: b",), "foreign_header"),
            (("agi_arg_1: a", "agi_x: b"), "foreign_header"),
        ],
    )
    def test_arguments_out_of_order_are_refused(self, lines: tuple[str, ...], reason: str) -> None:
        with pytest.raises(AgiProtocolError) as caught:
            parse_headers(block(*lines))
        assert caught.value.reason == reason

    def test_an_end_forged_by_the_caller_leaves_headers_missing(self) -> None:
        split = codec.split_headers(block(calleridname="x\n\n") + b"\n\n")
        assert split is not None
        with pytest.raises(AgiProtocolError, match="missing_header: agi_context, agi_extension"):
            parse_headers(split[0])

    def test_over_16_kb_are_refused_with_and_without_an_end(self) -> None:
        for received in (b"agi_x: " + b"x" * 17_000, b"agi_x: " + b"x" * 17_000 + b"\n\n"):
            with pytest.raises(AgiProtocolError, match="header_too_long"):
                codec.split_headers(received)

    def test_too_many_lines_are_refused(self) -> None:
        with pytest.raises(AgiProtocolError, match="header_too_long"):
            parse_headers(block(*(f"agi_arg_{number}: x" for number in range(1, 300))))

    def test_end_is_waited_for(self) -> None:
        assert codec.split_headers(b"agi_network: yes\n") is None
        assert codec.split_headers(b"agi_network: yes\n\nHANGUP\n") == (b"agi_network: yes", b"HANGUP\n")


class TestReplies:
    @pytest.mark.parametrize(
        ("line", "reply"),
        [
            ("200 result=0", Reply(200, "0")),
            ("200 result=-1", Reply(200, "-1")),
            ("200 result=", Reply(200, "")),
            ("200 result=1234", Reply(200, "1234")),
            ("200 result=*12#", Reply(200, "*12#")),
            ("200 result=12 (timeout)", Reply(200, "12", "timeout")),
            ("200 result= (timeout)", Reply(200, "", "timeout")),
            ("200 result=0 endpos=13440", Reply(200, "0", None, {"endpos": "13440"})),
            ("200 result=50 (dtmf) endpos=8", Reply(200, "50", "dtmf", {"endpos": "8"})),
            ("200 result=1 (hangup)", Reply(200, "1", "hangup")),
            ("200 result=1 (HANGUP)", Reply(200, "1", "HANGUP")),
            ("200 result=1 ()", Reply(200, "1", "")),
            ("200 result=1 (a (b) c)", Reply(200, "1", "a (b) c")),
            ("200 result=1 (a) b)", Reply(200, "1", "a) b")),
            ("200 result=1 ((((a)", Reply(200, "1", "(((a")),
            ("200 result=1 (x=1 y=2)", Reply(200, "1", "x=1 y=2")),
            ("200 result=1 (200 result=1)", Reply(200, "1", "200 result=1")),
            ("510 Invalid or unknown command", Reply(510, data="Invalid or unknown command")),
            ("520 Invalid command syntax.  Proper usage not available.", None),
            ("511 Command Not Permitted on a dead channel or intercept routine", None),
        ],
    )
    def test_one_line(self, line: str, reply: Reply | None) -> None:
        (got,) = replies(line.encode() + b"\n")
        assert isinstance(got, Reply)
        assert got == (reply or Reply(int(line[:3]), data=line[4:]))

    def test_a_usage_text_is_one_reply(self) -> None:
        usage = b" Usage: ANSWER\n\tAnswers\n\n"
        raw = b"520-Invalid command syntax.  Proper usage follows:\n" + usage + b"520 End of proper usage.\n"
        assert replies(raw + b"200 result=0\n") == [Reply(520, data="Usage: ANSWER\n\tAnswers"), Reply(200, "0")]

    def test_a_value_with_line_breaks_is_one_reply(self) -> None:
        raw = b"200 result=1 (a\nHANGUP\n200 result=5\nb)\n200 result=0\n"
        assert replies(raw) == [Reply(200, "1", "a\nHANGUP\n200 result=5\nb"), Reply(200, "0")]

    def test_hangup_is_no_reply_wherever_it_comes(self) -> None:
        assert replies(b"HANGUP\n200 result=0\n") == [HangupLine(), Reply(200, "0")]
        assert replies(b"200 result=0\nHANGUP\n") == [Reply(200, "0"), HangupLine()]
        assert replies(b"HANG", b"UP\n2", b"00 resu", b"lt=0\n") == [HangupLine(), Reply(200, "0")]

    def test_trying_is_no_reply(self) -> None:
        assert replies(b"100 result=0 Trying...\n200 result=0\n") == [Reply(200, "0")]

    def test_any_bytes_are_survived(self) -> None:
        assert replies(b"200 result=1 (J\xfcrgen)\n") == [Reply(200, "1", "J\ufffdrgen")]

    @pytest.mark.parametrize(
        "raw", [b"hello\n", b"\n", b"HANGUP \n", b"hangup\n", b"200\n", b"200 nothing\n", b"200 result=0 junk here\n"]
    )
    def test_what_is_no_reply_is_the_peers_fault(self, raw: bytes) -> None:
        with pytest.raises(AgiProtocolError) as caught:
            replies(raw)
        assert caught.value.reason == "foreign_reply"

    @pytest.mark.parametrize("raw", [b"x" * 70_000, b"200 result=1 (" + b"x\n" * 40_000])
    def test_an_endless_reply_is_refused(self, raw: bytes) -> None:
        with pytest.raises(AgiProtocolError) as caught:
            replies(raw)
        assert caught.value.reason == "reply_too_long"

    def test_an_error_shows_no_digits(self) -> None:
        with pytest.raises(AgiProtocolError) as caught:
            replies(b"200 result=4711 5678 junk\n")
        assert not any(digit in str(caught.value) for digit in "45678")

    def test_key_ok_and_timeout_are_read_off(self) -> None:
        assert [Reply(200, result).key for result in ("48", "42", "35", "68", "0", "-1", "1", "")] == [
            "0", "*", "#", "D", "", "", "", "",
        ]  # fmt: skip
        assert [Reply(200, "0").ok, Reply(200, "-1").ok, Reply(200, "-2").ok, Reply(510).ok] == [
            True,
            False,
            False,
            False,
        ]
        assert Reply(200, "1", "timeout").timed_out
        assert not Reply(200, "1", "x").timed_out


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "line"),
        [
            (codec.answer(), "ANSWER"),
            (codec.hangup(), "HANGUP"),
            (codec.channel_status(), "CHANNEL STATUS"),
            (codec.stream_file("vm-goodbye", "12#"), 'STREAM FILE "vm-goodbye" "12#"'),
            (codec.get_data("", 3_000, 4), 'GET DATA "" 3000 4'),
            (codec.wait_for_digit(0), "WAIT FOR DIGIT 0"),
            (codec.say_digits("0123"), 'SAY DIGITS 0123 ""'),
            (codec.say_number(-5, "1"), 'SAY NUMBER -5 "1"'),
            (codec.say_date(1_700_000_000), 'SAY DATE 1700000000 ""'),
            (codec.say_time(1_700_000_000), 'SAY TIME 1700000000 ""'),
            (codec.say_datetime(7), 'SAY DATETIME 7 ""'),
            (codec.say_datetime(7, "#", "IMp", "UTC"), 'SAY DATETIME 7 "#" "IMp" "UTC"'),
            (codec.say_datetime(7, zone="UTC"), 'SAY DATETIME 7 "" "ABdY \'digits/at\' IMp" "UTC"'),
            (codec.set_variable("CHANNEL(language)", "es"), 'SET VARIABLE CHANNEL(language) "es"'),
            (codec.set_variable("X", ' a "b" \\ c'), 'SET VARIABLE X " a \\"b\\" \\\\ c"'),
            (codec.get_variable("SB_TRIES"), "GET VARIABLE SB_TRIES"),
            (codec.get_full_variable("${A}:${B}"), 'GET FULL VARIABLE "${A}:${B}"'),
            (codec.exec_app("Read", "X", "a&b", "4"), 'EXEC Read "X,a&b,4"'),
            (codec.set_music(True, "default"), 'SET MUSIC ON "default"'),
            (codec.set_music(True), "SET MUSIC ON"),
            (codec.set_music(False, "default"), "SET MUSIC OFF"),
            (codec.verbose("hello", 3), 'VERBOSE "hello" 3'),
        ],
    )
    def test_are_written_as_asterisk_reads_them(self, command: Command, line: str) -> None:
        assert command.line == line
        assert command.encode() == line.encode() + b"\n"

    @pytest.mark.parametrize("value", ["a\nHANGUP", "a\r", "a\0b"])
    def test_a_line_break_or_nul_cannot_start_a_second_command(self, value: str) -> None:
        for make in (codec.verbose, codec.stream_file, lambda text: codec.set_variable("X", text), codec.exec_app):
            with pytest.raises(CommandError):
                make(value)
        with pytest.raises(CommandError, match="one line"):
            Command(value).encode()

    @pytest.mark.parametrize("name", ["", "a b", "X\n", 'X"', "${X}", "1X", "X(a b)", "X()) Y"])
    def test_a_name_is_a_name(self, name: str) -> None:
        for make in (codec.get_variable, lambda text: codec.set_variable(text, "x"), codec.exec_app):
            with pytest.raises(CommandError):
                make(name)

    def test_a_comma_does_not_make_a_further_argument(self) -> None:
        with pytest.raises(CommandError, match="comma"):
            codec.exec_app("Dial", "PJSIP/100,20,g")

    def test_the_longest_command_is_sent_and_a_longer_one_refused(self) -> None:
        longest = Command("V" * 8_190)
        assert len(longest.encode()) == 8_191
        with pytest.raises(CommandError, match="8191 bytes, this has 8192"):
            Command("V" * 8_191).encode()

    @pytest.mark.parametrize(
        "make",
        [
            lambda: codec.get_data("x", 1_000, 1_024),
            lambda: codec.get_data("x", 1_000, 0),
            lambda: codec.get_data("x", 0, 1),
            lambda: codec.wait_for_digit(-1),
            lambda: codec.say_digits("12*"),
            lambda: codec.say_number(2**31),
            lambda: Command(" ").encode(),
            lambda: Command("VERBOSE \udc80").encode(),
        ],
    )
    def test_what_asterisk_would_misread_is_our_own_error(self, make) -> None:
        with pytest.raises(CommandError):
            make()
