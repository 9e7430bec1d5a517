"""The AGI protocol, without a socket: header block and replies from bytes, commands to bytes.

AGI has one command under way at a time. Asterisk opens with a block of `agi_NAME: value` lines that an empty line
ends; then each command (one line) gets one reply: `200 result=...`, or an error. Apart from that order stands the
line `HANGUP`, which Asterisk sends once the channel is gone, before or after the reply to a command under way;
here it is an event of its own and never a reply.

Two kinds of error, as in h11: `AgiProtocolError` when the peer broke the protocol, `CommandError` when our own code
asks for a command that cannot be said.

Source: Asterisk 22 `res/res_agi.c` (`setup_env`, `run_agi`, `parse_args`, the `handle_*` functions).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

HEADER_LIMIT: Final = 16_384  # bytes of the header block; a real one has about 700
HEADER_LINES: Final = 192  # 22 headers and AGI's at most 127 arguments fit
REPLY_LIMIT: Final = 65_536  # bytes of one reply; values of variables may be long and have line breaks
COMMAND_LIMIT: Final = 8_191  # AGI_BUF_LEN less its NUL; Asterisk takes what is over for a second command


class AgiProtocolError(Exception):
    """The peer sent what AGI does not allow. `reason` is a short constant to count by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class CommandError(ValueError):
    """We asked for a command that AGI cannot carry: a line break in a value, a bad name, too long."""


# --- Headers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Headers:
    """What Asterisk says about the channel when it connects. Caller's number and name are the caller's own words;
    they are `""` where Asterisk says `unknown`."""

    route: str  # agi_network_script: what follows the host in agi://host:port/ROUTE
    channel: str
    language: str
    uniqueid: str
    caller_number: str
    caller_name: str
    context: str
    extension: str
    dnid: str = ""
    rdnis: str = ""
    request: str = ""
    channel_type: str = ""
    version: str = ""
    account_code: str = ""
    priority: str = ""
    arguments: tuple[str, ...] = ()


_FIELDS: Final = {
    "agi_network_script": "route",
    "agi_channel": "channel",
    "agi_language": "language",
    "agi_uniqueid": "uniqueid",
    "agi_callerid": "caller_number",
    "agi_calleridname": "caller_name",
    "agi_context": "context",
    "agi_extension": "extension",
    "agi_dnid": "dnid",
    "agi_rdnis": "rdnis",
    "agi_request": "request",
    "agi_type": "channel_type",
    "agi_version": "version",
    "agi_accountcode": "account_code",
    "agi_priority": "priority",
}
_REQUIRED: Final = tuple(_FIELDS)[:8]
_UNKNOWN_MEANS_NONE: Final = {"agi_callerid", "agi_calleridname", "agi_dnid", "agi_rdnis"}
_HEADER = re.compile(rb"(agi_[a-z0-9_]{1,40}):(?: (.*))?", re.DOTALL)
_ARGUMENT = re.compile(r"agi_arg_(\d{1,3})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def split_headers(received: bytes) -> tuple[bytes, bytes] | None:
    """The header block and what follows it, or None while its end has not come. Raises `AgiProtocolError` once the
    block is over its limits."""
    end = received.find(b"\n\n")
    if (end if end >= 0 else len(received)) > HEADER_LIMIT:
        raise AgiProtocolError("header_too_long", f"over {HEADER_LIMIT} bytes")
    return None if end < 0 else (received[:end], received[end + 2 :])


def parse_headers(block: bytes) -> Headers:
    """The header block (without its empty line). Raises `AgiProtocolError`.

    Text from the caller can carry a line break and so forge headers. Every forged line is one of: no agi_ line, a
    header that comes twice, or an argument that is not at the end in its order; all three are refused.
    """
    lines = block.split(b"\n")
    if len(lines) > HEADER_LINES:
        raise AgiProtocolError("header_too_long", f"over {HEADER_LINES} lines")
    seen: dict[str, str] = {}
    arguments: list[str] = []
    for number, line in enumerate(lines, start=1):
        match = _HEADER.fullmatch(line)
        if match is None:
            raise AgiProtocolError("foreign_header", f"line {number}: {line[:60]!r}")
        name, value = match[1].decode("ascii"), _text(match[2] or b"")
        argument = _ARGUMENT.fullmatch(name)
        if name in seen or (argument and int(argument[1]) <= len(arguments)):
            raise AgiProtocolError("duplicate_header", f"line {number}: {name}")
        if argument and int(argument[1]) == len(arguments) + 1:
            arguments.append(value)
        elif argument or arguments:
            raise AgiProtocolError("foreign_header", f"line {number}: {name} is out of its place")
        else:
            seen[name] = "" if name in _UNKNOWN_MEANS_NONE and value == "unknown" else value
    missing = [name for name in _REQUIRED if name not in seen]
    if missing:
        raise AgiProtocolError("missing_header", ", ".join(missing))
    return Headers(
        **{_FIELDS[name]: value for name, value in seen.items() if name in _FIELDS}, arguments=tuple(arguments)
    )


def _text(raw: bytes) -> str:
    """UTF-8, or Latin-1 where it is not (old phones); control characters become U+FFFD."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return _CONTROL.sub("\ufffd", text)


# --- Replies ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to one command.

    `status` 200: done, see `result`, `data` and `extra`; 510: unknown command; 511: not allowed on a dead channel;
    520: wrong arguments, `data` has the usage. `data` is what stood in parentheses: `timeout`, or a variable's value
    (which may itself hold parentheses, line breaks, or the word hangup), and None when there were none.
    """

    status: int
    result: str = ""
    data: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Asterisk knew the command and did not call it failed."""
        return self.status == 200 and not self.result.startswith("-")

    @property
    def timed_out(self) -> bool:
        """No key came in time (GET DATA); the digits so far are in `result`."""
        return self.data == "timeout"

    @property
    def key(self) -> str:
        """The key that a playing or waiting command reports as its character code; `""` for none."""
        return chr(int(self.result)) if self.status == 200 and self.result in _KEY_CODES else ""


@dataclass(frozen=True, slots=True)
class HangupLine:
    """The line `HANGUP`: the channel hung up, was redirected or ran into its absolute timeout."""


_KEY_CODES: Final = frozenset(str(ord(key)) for key in "0123456789*#ABCD")
_STATUS = re.compile(r"(\d{3})([ -])(.*)", re.DOTALL)
_RESULT = re.compile(r"result=(\S*)((?: .*)?)", re.DOTALL)
_WITH_EXTRA = re.compile(r"(?: \(([^()]*)\))?((?: \w+=\S*)*)")
_EXTRA = re.compile(r"(\w+)=(\S*)")


class ReplyParser:
    """Bytes in, replies and hangup lines out: `feed` each chunk, and iterate over what it completes.

    Raises `AgiProtocolError`; the stream cannot be trusted after that.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._open: list[str] = []  # the lines so far of a usage text, or of a value with line breaks
        self._open_size = 0  # with their line ends

    def feed(self, chunk: bytes) -> Iterator[Reply | HangupLine]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for raw in lines:
            event = self._line(raw.decode("utf-8", "replace"))
            if event is not None:
                yield event
        if len(self._rest) + self._open_size > REPLY_LIMIT:
            raise AgiProtocolError("reply_too_long", f"over {REPLY_LIMIT} bytes")

    def _line(self, line: str) -> Reply | HangupLine | None:
        if self._open:
            return self._continued(line)
        if line == "HANGUP":
            return HangupLine()
        match = _STATUS.fullmatch(line)
        if match is None:
            raise AgiProtocolError("foreign_reply", _shown(line))
        status, rest = int(match[1]), match[3]
        if match[2] == "-":  # the usage text of a 520 follows
            self._begin(line)
            return None
        if status == 100:  # "Trying": the reply itself is still to come
            return None
        return self._result(line, rest) if status == 200 else Reply(status, data=rest)

    def _begin(self, line: str) -> None:
        self._open, self._open_size = [line], len(line) + 1

    def _continued(self, line: str) -> Reply | None:
        self._open.append(line)
        self._open_size += len(line) + 1
        first = self._open[0]
        is_usage = first[3] == "-"
        if not (line.startswith(first[:3] + " ") if is_usage else line.endswith(")")):
            return None
        lines, self._open, self._open_size = self._open, [], 0
        if is_usage:
            return Reply(int(first[:3]), data="\n".join(lines[1:-1]).strip())
        return self._result(first, "\n".join(lines)[4:])

    def _result(self, line: str, rest: str) -> Reply | None:
        match = _RESULT.fullmatch(rest)
        if match is not None:
            result, tail = match[1], match[2] or ""
            if tail.startswith(" (") and tail.endswith(")"):
                return Reply(200, result, tail[2:-1])
            parts = _WITH_EXTRA.fullmatch(tail.rstrip(" "))
            if parts is not None:
                return Reply(200, result, parts[1], dict(_EXTRA.findall(parts[2])))
            if tail.startswith(" ("):  # a value with a line break: it ends with a line that ends with ")"
                self._begin(line)
                return None
        raise AgiProtocolError("foreign_reply", _shown(line))


def _shown(line: str) -> str:
    """The line for a log; its digits may be a PIN."""
    return repr(re.sub(r"[0-9]", "#", line[:60]))


# --- Commands --------------------------------------------------------------------------------------------------------

ALL_KEYS: Final = "0123456789*#ABCD"
PLAY_LIMIT_MS: Final = 600_000  # no single sound or dialplan application of an IVR takes longer
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\([A-Za-z0-9_,/:-]*\))?")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_UNSAYABLE = re.compile(r"[\x00\r\n]")


@dataclass(frozen=True, slots=True)
class Command:
    """One command line without its line end; `may_take_ms` is how long Asterisk may properly work on it.

    `interruptible`: a further command ends it, and its own reply still comes first. So it is with WAIT FOR DIGIT;
    STREAM FILE, SAY and GET DATA also end at a further command, but then never reply.
    """

    line: str
    may_take_ms: int = 0
    interruptible: bool = False

    def encode(self) -> bytes:
        """The bytes to send. Raises `CommandError`."""
        if _UNSAYABLE.search(self.line) or not self.line.strip():
            raise CommandError(f"an AGI command is one line of text: {self.line[:60]!r}")
        try:
            encoded = self.line.encode("utf-8") + b"\n"
        except UnicodeEncodeError as error:
            raise CommandError(f"an AGI command must be valid Unicode: {self.line[:60]!r}") from error
        if len(encoded) > COMMAND_LIMIT:
            raise CommandError(f"an AGI command has at most {COMMAND_LIMIT} bytes, this has {len(encoded)}")
        return encoded


def quote(value: str) -> str:
    """`value` as one argument, whatever it holds. Raises `CommandError` on line breaks and NUL: AGI has no way to
    write them, and a line break would start a second command."""
    if _UNSAYABLE.search(value):
        raise CommandError(f"a line break or NUL cannot be sent over AGI: {value[:60]!r}")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def answer() -> Command:
    """Answer the channel unless it is up already."""
    return Command("ANSWER", may_take_ms=10_000)


def hangup() -> Command:
    """Hang the channel up."""
    return Command("HANGUP")


def stream_file(sound: str, keys: str = "") -> Command:
    """Play one sound; a key of `keys` ends it and is the reply's `key`."""
    return Command(f"STREAM FILE {quote(sound)} {quote(keys)}", PLAY_LIMIT_MS)


def get_data(sound: str, timeout_ms: int, max_digits: int) -> Command:
    """Play one sound (`""`: none) and take up to `max_digits` keys, ended by `#`. `timeout_ms` counts for the first
    key and between keys. More than 1,023 digits would overrun Asterisk's buffer."""
    if not 1 <= max_digits <= 1_023 or timeout_ms < 1:
        raise CommandError(f"GET DATA takes 1 to 1,023 digits and a timeout: {max_digits} digits, {timeout_ms} ms")
    line = f"GET DATA {quote(sound)} {timeout_ms} {max_digits}"
    return Command(line, PLAY_LIMIT_MS + timeout_ms * (max_digits + 1))


def wait_for_digit(timeout_ms: int) -> Command:
    """Wait for one key of any kind, in silence or music."""
    if timeout_ms < 0:
        raise CommandError(f"WAIT FOR DIGIT needs a timeout of at least 0 ms: {timeout_ms}")
    return Command(f"WAIT FOR DIGIT {timeout_ms}", timeout_ms, interruptible=True)


def record_file(file: str, keys: str, longest_ms: int, silence_s: int) -> Command:
    """Beep, then record into `file`.wav until a key of `keys`, so much silence, or the longest time."""
    if longest_ms < 1 or silence_s < 1:
        raise CommandError(f"RECORD FILE needs times over 0: {longest_ms} ms, {silence_s} s of silence")
    line = f"RECORD FILE {quote(file)} wav {quote(keys)} {longest_ms} BEEP s={silence_s}"
    return Command(line, longest_ms + 10_000)


def say_digits(digits: str, keys: str = "") -> Command:
    """Say each digit."""
    if not re.fullmatch(r"[0-9]+", digits):
        raise CommandError(f"SAY DIGITS says digits only: {digits[:60]!r}")
    return Command(f"SAY DIGITS {digits} {quote(keys)}", PLAY_LIMIT_MS)


def say_number(number: int, keys: str = "") -> Command:
    """Say a whole number as the channel's language does. Asterisk keeps it in 32 bits."""
    if not -(2**31) < number < 2**31:
        raise CommandError(f"SAY NUMBER says numbers of 32 bits: {number}")
    return Command(f"SAY NUMBER {number} {quote(keys)}", PLAY_LIMIT_MS)


def say_datetime(epoch_s: int, keys: str = "", form: str = "", zone: str = "") -> Command:
    """Say a moment in `zone` (tz name; `""`: Asterisk's own), in the form of voicemail.conf (`ABdY`, `IMp`)."""
    line = f"SAY DATETIME {epoch_s} {quote(keys)}"
    if form or zone:
        line += f" {quote(form or _DEFAULT_FORM)}"
    if zone:
        line += f" {quote(zone)}"
    return Command(line, PLAY_LIMIT_MS)


_DEFAULT_FORM: Final = "ABdY 'digits/at' IMp"


def say_date(epoch_s: int, keys: str = "") -> Command:
    """Say a day, in the time zone of Asterisk's machine."""
    return Command(f"SAY DATE {epoch_s} {quote(keys)}", PLAY_LIMIT_MS)


def say_time(epoch_s: int, keys: str = "") -> Command:
    """Say a time of day, in the time zone of Asterisk's machine."""
    return Command(f"SAY TIME {epoch_s} {quote(keys)}", PLAY_LIMIT_MS)


def set_variable(name: str, value: str) -> Command:
    """Set a channel variable or write a dialplan function such as `TIMEOUT(absolute)`."""
    return Command(f"SET VARIABLE {_checked_name(name)} {quote(value)}")


def get_variable(name: str) -> Command:
    """Read a channel variable: result 1 and the value in `data`, or result 0."""
    return Command(f"GET VARIABLE {_checked_name(name)}")


def get_full_variable(expression: str) -> Command:
    """Expand an expression of the dialplan, `${A},${B}`: several variables at one go. Not for caller's text."""
    return Command(f"GET FULL VARIABLE {quote(expression)}")


def exec_app(application: str, *arguments: str, may_take_ms: int = PLAY_LIMIT_MS) -> Command:
    """Run a dialplan application; commas separate its arguments, so none may hold one."""
    if not _APPLICATION.fullmatch(application):
        raise CommandError(f"not the name of a dialplan application: {application[:60]!r}")
    for argument in arguments:
        if "," in argument:
            raise CommandError(f"a comma would split this argument of {application}: {argument[:60]!r}")
    return Command(f"EXEC {application} {quote(','.join(arguments))}", may_take_ms)


def set_music(on: bool, music_class: str = "") -> Command:
    """Start or stop music on hold. It plays while other commands wait, and stops at the next sound."""
    return Command(f"SET MUSIC ON {quote(music_class)}" if on and music_class else f"SET MUSIC {'ON' if on else 'OFF'}")


def channel_status() -> Command:
    """The channel's state; 6 is up."""
    return Command("CHANNEL STATUS")


def verbose(message: str, level: int = 1) -> Command:
    """Write a line on Asterisk's console."""
    return Command(f"VERBOSE {quote(message)} {level}")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CommandError(f"not the name of a channel variable or function: {name[:60]!r}")
    return name
