"""What a caller leaves and books in the flow: messages that end in every way, and a centre that takes none."""

import asyncio
import re
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.agi.performer import Performer
from ivr.agi.server import AgiServer
from ivr.flow.effects import BookCallback, Reviewed, TakeVoicemail
from ivr.flow.inputs import CallbackBooked, EffectFailed, Input, VoicemailTaken
from ivr.flow.session import Session
from switchboard.calls import Calls
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench, running_bench
from tests.support.fake_agi import FakeAsterisk, header_block
from tests.support.flows import OneVersion, machine
from tests.support.waiting import silent_room

NODES = """
mail: {type: voicemail, mailbox: sales, next: seven, too_short: eight, error: nine}
call:
  type: callback
  queue: help
  say: [at]
  confirm: [right]
  ask_number: [number]
  next: seven
  refused: eight
  no_input: {to: nine}
  no_match: {retries: 0, to: nine}
seven: {type: say, say: number, value: "7", next: end}
eight: {type: say, say: number, value: "8", next: end}
nine: {type: say, say: number, value: "9", next: end}
end: {type: hangup}
"""
MAIL, CALL = NODES, "\n" + NODES[NODES.index("call:") :]


@dataclass
class Messages:
    """Where messages are kept."""

    directory: Path
    kept: list[int] = field(default_factory=list)
    decided: list[bool] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    def file(self) -> Path:
        return self.directory / "message"

    async def taken(self, contact: str, session: Session, effect: TakeVoicemail, file: Path, duration_ms: int) -> Input:
        self.kept.append(duration_ms)
        return VoicemailTaken("vm-1", duration_ms)

    def sound(self, name: str) -> str:
        return str(self.directory / name)

    def reviewed(self, effect: Reviewed) -> None:
        self.decided.append(effect.kept)

    def call_over(self, call: str) -> None:
        self.over.append(call)

    def record(self, duration_ms: int) -> None:
        """What Asterisk writes."""
        with wave.open(str(self.directory / "message.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8_000)
            file.writeframes(b"\0\0" * 8 * duration_ms)

    @property
    def there(self) -> bool:
        return (self.directory / "message.wav").exists()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_bench(tmp_path) as made:
        yield made


async def served(
    bench: Bench,
    nodes: str,
    answers: dict[str, str | Callable[[str], str]],
    *,
    voicemails: Messages | None = None,
    book: Callable[[str, Session, BookCallback], Input] | None = None,
    until: Callable[[], bool] | None = None,
    made: list[Calls] | None = None,
) -> list[str]:
    """What a caller is played in a flow of these nodes; with `until`, it is waited for before the engine ends. The
    engine's calls are put into `made`."""

    async def never(*_: object) -> Input:
        raise AssertionError("not asked for here")

    performer = Performer(recorded=voicemails.sound if voicemails else None)
    calls = Calls(
        flows=OneVersion(machine(nodes.strip("\n"))),
        live=bench.live,
        legs=bench.legs,
        performer=performer,
        room=silent_room(bench.live, performer),
        look_up=never,
        music_class="default",
        in_step=never,
        save=lambda contact, session: None,
        on_finished=lambda contact, session, entered_queue: None,
        book_callback=book,
        voicemails=voicemails,
    )
    if made is not None:
        made.append(calls)
    server = AgiServer("127.0.0.1", 0, {"call": calls.handle})
    await server.start()
    try:
        block = header_block(uniqueid=CALLER, channel=CALLER_CHANNEL, arg_1=CALLER, arg_2="100", arg_3="")
        said = await (await FakeAsterisk.connect(server.port, block)).serve(answers)
        if until:
            await bench.until(until)
        numbers = [re.match('STREAM FILE "digits/([0-9])"', line) for line in said]
        return [match[1] for match in numbers if match]
    finally:
        await server.stop()


async def test_a_message_is_kept_and_the_flow_goes_on(bench: Bench, tmp_path: Path) -> None:
    messages = Messages(tmp_path)
    assert await served(bench, MAIL, {"RECORD": "200 result=35 (dtmf) endpos=40000"}, voicemails=messages) == ["7"]
    assert messages.kept == [5_000]


async def test_too_short_a_message_is_thrown_away(bench: Bench, tmp_path: Path) -> None:
    messages = Messages(tmp_path)
    messages.record(500)
    assert await served(bench, MAIL, {"RECORD": "200 result=0 (timeout) endpos=4000"}, voicemails=messages) == ["8"]
    assert (messages.kept, messages.there) == ([], False)


async def test_who_hangs_up_has_left_the_message(bench: Bench, tmp_path: Path) -> None:
    messages = Messages(tmp_path)

    def hang_up(line: str) -> str:
        messages.record(4_000)
        return "HANGUP"

    said = await served(bench, MAIL, {"RECORD": hang_up}, voicemails=messages, until=lambda: bool(messages.kept))
    assert (said, messages.kept) == ([], [4_000])


async def test_a_message_is_heard_and_kept_or_thrown_away_by_its_caller(bench: Bench, tmp_path: Path) -> None:
    reviewed = MAIL.replace("sales, next", "sales, review: {say: [at], cancelled: eight}, next")
    for last, said in (("1", "7"), ("*", "8")):
        messages = Messages(tmp_path)
        keys = iter(("2", last))
        played: list[str] = []

        def play(line: str, played: list[str] = played) -> str:
            played.append(line)
            return "200 result=0 endpos=8000"

        answers: dict[str, str | Callable[[str], str]] = {
            "RECORD": "200 result=35 (dtmf) endpos=40000",
            "GET FULL VARIABLE": lambda _, keys=keys: f"200 result=1 (OK:{next(keys)})",  # type: ignore[misc]
            "STREAM": play,
        }
        assert await served(bench, reviewed, answers, voicemails=messages) == [said]
        assert messages.decided == [last == "1"]
        assert messages.over == [CALLER]
        assert [line for line in played if "vm-1" in line] == [f'STREAM FILE "{tmp_path}/vm-1" "0123456789*#ABCD"']


async def test_the_end_of_a_call_waits_for_the_end_of_a_message_that_is_yet_written(
    bench: Bench, tmp_path: Path
) -> None:
    """Asterisk tells of the hang-up on both lines, in any order, and writes the file a little later."""
    messages = Messages(tmp_path)
    reviewed = MAIL.replace("sales, next", "sales, review: {say: [at]}, next")

    made: list[Calls] = []

    def hang_up(line: str) -> str:
        asyncio.get_running_loop().call_later(0.1, made[0].caller_gone, CALLER)
        asyncio.get_running_loop().call_later(0.3, lambda: messages.record(4_000))
        return "HANGUP"

    await served(
        bench, reviewed, {"RECORD": hang_up}, voicemails=messages, until=lambda: bool(messages.over), made=made
    )
    assert (messages.kept, messages.over) == ([4_000], [CALLER])


async def test_what_asterisk_cannot_record_is_an_error_of_the_node(bench: Bench, tmp_path: Path) -> None:
    answers = {"RECORD": "200 result=-1 (writefile)"}
    assert await served(bench, MAIL, answers, voicemails=Messages(tmp_path)) == ["9"]


async def test_a_centre_without_voicemail_or_callbacks_says_so_by_the_exits(bench: Bench) -> None:
    assert await served(bench, MAIL, {}) == ["9"]
    assert await served(bench, CALL, {"GET FULL VARIABLE": "200 result=1 (OK:1)"}) == ["8"]


@pytest.mark.parametrize(("answer", "said"), [(CallbackBooked(), "7"), (EffectFailed("not allowed"), "8")])
async def test_a_callback_is_booked_or_refused_by_the_centre(bench: Bench, answer: Input, said: str) -> None:
    asked: list[BookCallback] = []

    def book(contact: str, session: Session, effect: BookCallback) -> Input:
        asked.append(effect)
        return answer

    assert await served(bench, CALL, {"GET FULL VARIABLE": "200 result=1 (OK:1)"}, book=book) == [said]
    assert (asked[0].queue, asked[0].number) == ("help", "5551234")


async def test_an_interrupted_line_is_no_hang_up(bench: Bench, tmp_path: Path) -> None:
    """Only the connection has broken: the caller is still there, and the message is taken once more."""
    messages = Messages(tmp_path)
    peers: list[FakeAsterisk] = []
    connect = FakeAsterisk.connect

    async def remembered(port: int, block: bytes | None = None) -> FakeAsterisk:
        peers.append(await connect(port, block))
        return peers[-1]

    def cut(line: str) -> str:
        messages.record(4_000)
        asyncio.get_running_loop().call_soon(peers[-1].writer.close)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeAsterisk, "connect", remembered)
        await served(bench, MAIL, {"RECORD": cut}, voicemails=messages, until=lambda: not messages.there)
    assert messages.kept == []
