import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ivr.agi import performer as performer_module
from ivr.agi.codec import AgiProtocolError
from ivr.agi.performer import Performer, RecordingFailed
from ivr.agi.server import AgiChannel, AgiServer, ChannelHungUp
from ivr.agi.waiting import wait_for_agent
from ivr.flow.effects import Collect, Effect, HangUp, LookUp, Play, Prompt, Say, SetLanguage, TakeVoicemail
from ivr.flow.inputs import EffectFailed, Keys, Played
from tests.support.fake_agi import Answers, FakeAsterisk, header_block

KEYS = '"0123456789*#ABCD"'
ONE = Prompt("one", "One", ("centre:one",))
TWO = Prompt("two", "Two", ("two-a", "two-b"))
SILENT = Prompt("silent", "Nothing recorded yet")

Script = Callable[[AgiChannel], Awaitable[Any]]


@pytest.fixture(autouse=True)
def warn_anew() -> None:
    performer_module._warn_once.cache_clear()


@pytest.fixture
async def call() -> AsyncIterator[Callable[..., Awaitable[tuple[Any, list[str]]]]]:
    """Run a script on one channel against a fake Asterisk; its result (or exception) and the commands it sent."""
    servers: list[AgiServer] = []

    async def run(script: Script, answers: Answers | None = None, **headers: str) -> tuple[Any, list[str]]:
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def handler(channel: AgiChannel) -> None:
            try:
                result.set_result(await script(channel))
            except Exception as error:
                result.set_result(error)

        server = AgiServer("127.0.0.1", 0, {"call": handler})
        await server.start()
        servers.append(server)
        peer = await FakeAsterisk.connect(server.port, header_block(**headers))
        async with asyncio.timeout(10):
            commands = await peer.serve(answers or {})
            return await result, commands

    yield run
    for server in servers:
        await server.stop()


def performing(*effects: Effect) -> Script:
    async def script(channel: AgiChannel) -> Any:
        performer = Performer()
        return [await performer.perform(channel, effect) for effect in effects]

    return script


def read(result: str) -> Answers:
    return {"GET FULL VARIABLE": f"200 result=1 ({result})"}


class TestPlay:
    async def test_sounds_are_played_to_their_end(self, call: Any) -> None:
        answers = {"GET VARIABLE PLAYBACKSTATUS": "200 result=1 (SUCCESS)"}
        result, commands = await call(
            performing(Play((ONE,)), Play((ONE, TWO, Say("number", "7")))), answers, language="fr"
        )
        assert result == [Played(), Played()]
        assert commands == [
            'STREAM FILE "sb/one" ""',
            'EXEC Playback "sb/one&two-a&two-b"',
            "GET VARIABLE PLAYBACKSTATUS",
            'SAY NUMBER 7 ""',
        ]

    @pytest.mark.parametrize(
        ("spoken", "answers"),
        [
            ((ONE, Say("number", "7")), {"STREAM FILE": "200 result=-1 endpos=0"}),
            ((TWO, Say("number", "7")), {"GET VARIABLE PLAYBACKSTATUS": "200 result=1 (FAILED)"}),
            ((Say("number", "8"), Say("number", "7")), {"SAY NUMBER 8": "200 result=-1"}),
        ],
    )
    async def test_a_missing_sound_fails_but_the_rest_is_played(
        self, call: Any, caplog: pytest.LogCaptureFixture, spoken: Any, answers: Answers
    ) -> None:
        (first, again), commands = await call(performing(Play(spoken), Play(spoken)), answers, language="fr")
        assert isinstance(first, EffectFailed)
        assert "could not be played" in first.detail
        assert first == again
        assert commands.count('SAY NUMBER 7 ""') == 2
        assert sum("could not be played" in record.message for record in caplog.records) == 1

    async def test_a_prompt_without_sounds_is_logged_once_and_skipped(
        self, call: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        result, commands = await call(performing(Play((SILENT,)), Play((SILENT, ONE))))
        assert result == [Played(), Played()]
        assert commands == ['STREAM FILE "sb/one" ""']
        assert [record.message for record in caplog.records] == ["prompt 'silent' has no sounds and stays silent"]

    async def test_a_sound_outside_its_directory_fails_before_anything_is_sent(self, call: Any) -> None:
        (result,), commands = await call(performing(Play((ONE, Prompt("bad", "", ("../../etc/passwd",))))))
        assert result == EffectFailed("not the name of a sound: '../../etc/passwd'")
        assert commands == []

    async def test_a_hangup_is_told_apart_from_a_missing_sound(self, call: Any) -> None:
        result, _ = await call(
            performing(Play((ONE,))),
            {"STREAM FILE": "200 result=-1 endpos=0", "CHANNEL STATUS": "HANGUP\n511 Command Not Permitted"},
        )
        assert isinstance(result, ChannelHungUp)

    async def test_a_refused_command_is_a_failed_effect(self, call: Any) -> None:
        (result,), _ = await call(performing(Play((TWO,))), {"EXEC": "200 result=-2"})
        assert result == EffectFailed("Asterisk would not do EXEC Playback: 200 -2")
        (result,), _ = await call(performing(Play((ONE,))), {"STREAM": "520 Invalid command syntax."})
        assert result == EffectFailed("Asterisk would not do STREAM FILE: 520")


class TestCollect:
    async def test_prompts_and_keys_are_one_command_without_a_gap(self, call: Any) -> None:
        effect = Collect((ONE, TWO), 4, "#*", first_digit_ms=4_500, inter_digit_ms=500)
        result, commands = await call(performing(effect, effect), read("OK:12"))
        assert result == [Keys("12", "terminator")] * 2
        ask = ['EXEC Read "SB_KEYS,sb/one&two-a&two-b,4,t(#*)"', 'GET FULL VARIABLE "${READSTATUS}:${SB_KEYS}"']
        assert commands == ['EXEC MSet "TIMEOUT(response)=4.500,TIMEOUT(digit)=0.500"', *ask, *ask]

    @pytest.mark.parametrize(
        ("said", "keys"),
        [
            ("OK:1234", Keys("1234", "length")),
            ("OK:", Keys("", "terminator")),
            ("OK:*#AD", Keys("*#AD", "length")),
            ("TIMEOUT:", Keys("", "timeout")),
            ("TIMEOUT:123", Keys("123", "timeout")),
        ],
    )
    async def test_how_it_ended_is_known(self, call: Any, said: str, keys: Keys) -> None:
        assert (await call(performing(Collect((ONE,), 4, "#")), read(said)))[0] == [keys]

    async def test_a_key_during_a_spoken_number_ends_it_and_counts(self, call: Any) -> None:
        effect = Collect((ONE, Say("number", "7"), TWO), 3, "#")
        result, commands = await call(performing(effect), {"SAY": "200 result=53", **read("OK:12")}, language="fr")
        assert result == [Keys("512", "length")]
        assert commands == [
            f'STREAM FILE "sb/one" {KEYS}',
            f"SAY NUMBER 7 {KEYS}",
            'EXEC MSet "TIMEOUT(response)=3.000,TIMEOUT(digit)=3.000"',
            'EXEC Read "SB_KEYS,,2,t(#)"',
            'GET FULL VARIABLE "${READSTATUS}:${SB_KEYS}"',
        ]

    @pytest.mark.parametrize(
        ("key", "limit", "keys"), [("35", 3, Keys("", "terminator")), ("53", 1, Keys("5", "length"))]
    )
    async def test_that_key_may_be_all(self, call: Any, key: str, limit: int, keys: Keys) -> None:
        effect = Collect((Say("number", "7"),), limit, "#")
        found = await call(performing(effect), {"SAY": f"200 result={key}"}, language="fr")
        assert found == ([keys], [f"SAY NUMBER 7 {KEYS}"])

    async def test_without_barge_in_keys_during_the_prompts_do_not_count(self, call: Any) -> None:
        result, commands = await call(performing(Collect((ONE,), 1, barge_in=False)), read("OK:5"))
        assert result == [Keys("5", "length")]
        assert commands[0] == 'STREAM FILE "sb/one" ""'
        assert commands[1] == 'EXEC Read "SB_KEYS,,1,t(),1,5.000"'

    async def test_a_missing_sound_does_not_take_the_callers_time(self, call: Any) -> None:
        said = iter(["ERROR:", "OK:5"])
        answers = {"GET FULL": lambda line: f"200 result=1 ({next(said)})"}
        result, commands = await call(performing(Collect((ONE,), 1)), answers)
        assert result == [Keys("5", "length")]
        assert [line for line in commands if "Read" in line] == [
            'EXEC Read "SB_KEYS,sb/one,1,t(),1,5.000"',
            'EXEC Read "SB_KEYS,,1,t(),1,5.000"',
        ]

    async def test_a_single_key_needs_no_command_for_its_time(self, call: Any) -> None:
        one = Collect((ONE,), 1, "#", first_digit_ms=250, inter_digit_ms=9_000)
        _, commands = await call(performing(one), read("TIMEOUT:"))
        assert commands == [
            'EXEC Read "SB_KEYS,sb/one,1,t(#),1,0.250"',
            'GET FULL VARIABLE "${READSTATUS}:${SB_KEYS}"',
        ]
        after_a_key = Collect((Say("number", "7"),), 2, "#", first_digit_ms=250, inter_digit_ms=9_000)
        _, commands = await call(performing(after_a_key), {"SAY": "200 result=53", **read("OK:1")}, language="fr")
        assert commands[1] == 'EXEC Read "SB_KEYS,,1,t(#),1,9.000"'

    async def test_a_read_that_always_fails_is_a_failed_effect(self, call: Any) -> None:
        (result,), _ = await call(performing(Collect((ONE,), 1)), read("ERROR:"))
        assert result == EffectFailed("Asterisk's application Read ended with 'ERROR'")

    async def test_a_thousand_digits_are_cut_off(self, call: Any) -> None:
        result, commands = await call(performing(Collect((), 1_000)), read("OK:" + "7" * 255))
        assert result == [Keys("7" * 255, "length")]
        assert 'EXEC Read "SB_KEYS,,255,t()"' in commands


class TestSensitiveDigits:
    async def test_are_taken_where_asterisk_prints_none(self, call: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        keys = iter(["52", "55", "35"])
        answers = {"GET DATA": "200 result=9", "WAIT FOR DIGIT": lambda line: f"200 result={next(keys)}"}
        result, commands = await call(performing(Collect((ONE, TWO), 6, "#", sensitive=True)), answers)
        assert result == [Keys("947", "terminator")]
        assert commands == [
            'EXEC Background "sb/one&two-a"',
            "GET VARIABLE BACKGROUNDSTATUS",
            'GET DATA "two-b" 5000 1',
            *["WAIT FOR DIGIT 3000"] * 3,
        ]
        assert "947" not in caplog.text

    @pytest.mark.parametrize(
        ("first", "effect", "keys"),
        [
            ("200 result= (timeout)", Collect((ONE,), 4, "#", sensitive=True), Keys("", "timeout")),
            ("200 result=", Collect((ONE,), 4, "#", sensitive=True), Keys("", "terminator")),
            ("200 result=", Collect((ONE,), 1, "", sensitive=True), Keys("#", "length")),
            ("200 result=4", Collect((ONE,), 1, "", sensitive=True), Keys("4", "length")),
            ("200 result=4", Collect((ONE,), 2, "", sensitive=True), Keys("4", "timeout")),
        ],
    )
    async def test_end_as_others_do(self, call: Any, first: str, effect: Collect, keys: Keys) -> None:
        assert (await call(performing(effect), {"GET DATA": first}))[0] == [keys]

    async def test_a_key_during_the_prompts_counts(self, call: Any) -> None:
        result, commands = await call(
            performing(Collect((TWO, ONE), 2, sensitive=True)), {"EXEC": "200 result=49", "WAIT": "200 result=50"}
        )
        assert result == [Keys("12", "length")]
        assert commands == ['EXEC Background "two-a&two-b"', "WAIT FOR DIGIT 3000"]

    async def test_a_missing_last_sound_does_not_take_the_callers_time(self, call: Any) -> None:
        answers = {'GET DATA "sb/one"': "200 result=-1", 'GET DATA ""': "200 result=5"}
        assert (await call(performing(Collect((ONE,), 1, sensitive=True)), answers))[0] == [Keys("5", "length")]


class TestOtherEffects:
    async def test_language_is_set_on_the_channel_and_used_for_dates(self, call: Any) -> None:
        time = Play((Say("time", "2026-10-02T17:30:00+02:00"),))
        answers = {"GET VARIABLE PLAYBACKSTATUS": "200 result=1 (SUCCESS)"}
        result, commands = await call(performing(time, SetLanguage("es-MX"), time), answers)
        assert result == [Played()] * 3
        assert commands == [
            'EXEC Playback "digits/5&digits/30&digits/p-m"',
            "GET VARIABLE PLAYBACKSTATUS",
            'SET VARIABLE CHANNEL(language) "es_MX"',
            'SAY DATETIME 1790962200 "" "HM" "UTC"',
        ]

    async def test_a_language_that_the_channel_has_costs_no_command_until_it_has_changed(self, call: Any) -> None:
        _, commands = await call(performing(SetLanguage("en"), SetLanguage("es"), SetLanguage("en")))
        assert commands == ['SET VARIABLE CHANNEL(language) "es"', 'SET VARIABLE CHANNEL(language) "en"']

    async def test_hang_up(self, call: Any) -> None:
        assert await call(performing(HangUp())) == ([Played()], ["HANGUP"])

    async def test_what_belongs_to_the_engine_is_a_bug_here(self, call: Any) -> None:
        result, _ = await call(performing(LookUp("https://crm.example/")))
        assert isinstance(result, TypeError)


def waiting(
    announce: Callable[[], tuple[Prompt, ...]] = lambda: (), every_ms: int = 0, on_key: str = "", watchdog_s: int = 60
) -> Script:
    async def script(channel: AgiChannel) -> str:
        return await wait_for_agent(
            channel,
            Performer(),
            music_class="default",
            announce=announce,
            every_ms=every_ms,
            watchdog_s=watchdog_s,
            on_key=on_key.__contains__ if on_key else None,
        )

    return script


def pressing(*keys: str, by: str = "WAIT") -> dict[str, Callable[[str], str]]:
    """Answers of an Asterisk at which one of `keys` is pressed in each command `by`; it writes all of them down."""
    to_come, pressed = iter(keys), [""]

    def press(line: str) -> str:
        key = next(to_come, "")
        pressed[0] += key
        return f"200 result={ord(key) if key else 0}"

    return {by: press, "GET VARIABLE SB_PRESSED": lambda line: f"200 result=1 ({pressed[0]})"}


NOTING = ['SET VARIABLE SB_PRESSED ""', 'EXEC StoreDTMF "RX,SB_PRESSED"']
LOOK = "GET VARIABLE SB_PRESSED"


class TestWaiting:
    async def test_music_plays_and_the_watchdog_is_renewed(self, call: Any) -> None:
        result, commands = await call(waiting(on_key="7"), pressing("7"))
        assert result == "7"
        *before, wait, look = commands
        assert before == [*NOTING, 'SET MUSIC ON "default"', 'SET VARIABLE TIMEOUT(absolute) "60"']
        assert 4_000 < int(wait.removeprefix("WAIT FOR DIGIT ")) <= 5_000
        assert look == LOOK

    async def test_nobody_who_cares_about_no_key_looks_for_them(self, call: Any) -> None:
        result, commands = await call(waiting(), {"WAIT": "HANGUP"})
        assert isinstance(result, ChannelHungUp)
        assert commands[0] == 'SET MUSIC ON "default"'
        assert 14_000 < int(commands[-1].removeprefix("WAIT FOR DIGIT ")) <= 15_000

    async def test_a_key_that_means_nothing_is_passed_over(self, call: Any) -> None:
        result, commands = await call(waiting(on_key="7"), pressing("1", "2", "7"))
        assert result == "7"
        assert sum("WAIT" in line for line in commands) == 3

    async def test_a_key_that_no_command_has_taken_is_found(self, call: Any) -> None:
        answers = {LOOK: "200 result=1 (37)", "WAIT": "200 result=0"}
        assert (await call(waiting(on_key="7"), answers))[0] == "7"

    async def test_keys_are_asked_about_once_each(self, call: Any) -> None:
        asked: list[str] = []

        async def script(channel: AgiChannel) -> str:
            wait = {"music_class": "", "announce": lambda: (), "every_ms": 0, "watchdog_s": 60}
            return await wait_for_agent(
                channel, Performer(), **wait, on_key=lambda key: asked.append(key) or len(asked) == 4
            )

        await call(script, pressing("1", "1", "2", "1"))
        assert asked == ["1", "1", "2", "1"]

    async def test_without_the_module_that_writes_keys_down_those_that_commands_take_still_count(
        self, call: Any
    ) -> None:
        answers = pressing("1", "7") | {"EXEC StoreDTMF": "200 result=-2", LOOK: "200 result=0"}
        result, commands = await call(waiting(on_key="7"), answers)
        assert result == "7"
        assert LOOK not in commands

    async def test_announcements_come_every_so_often_and_then_music_again(self, call: Any) -> None:
        asked = iter([(ONE,), (SILENT,), (TWO,)])
        answers = pressing("7", by="EXEC Background")
        result, commands = await call(waiting(lambda: next(asked), every_ms=5, on_key="7"), answers)
        assert result == "7"
        heard = [line for line in commands if "WAIT" not in line and "TIMEOUT" not in line and line != LOOK]
        music = 'SET MUSIC ON "default"'
        said = [f'STREAM FILE "sb/one" {KEYS}', music, music, 'EXEC Background "two-a&two-b"', music]
        assert heard == [*NOTING, music, *said]

    async def test_an_announcement_that_cannot_be_spoken_does_not_end_the_wait(self, call: Any) -> None:
        asked = iter([(Prompt("bad", "", ("../x",)),), (ONE,)])
        answers = pressing("7", by="STREAM")
        assert (await call(waiting(lambda: next(asked), every_ms=5, on_key="7"), answers))[0] == "7"

    async def test_it_ends_when_a_bridge_takes_the_channel_away(self, call: Any) -> None:
        result, _ = await call(waiting(), {"WAIT": "HANGUP"})
        assert isinstance(result, ChannelHungUp)

    async def test_a_channel_that_cannot_wait_is_no_busy_loop(self, call: Any) -> None:
        result, commands = await call(waiting(), {"WAIT": "510 Invalid or unknown command"})
        assert isinstance(result, AgiProtocolError)
        assert sum("WAIT" in line for line in commands) == 1

    async def test_after_it_is_cancelled_the_channel_serves_at_once(self, call: Any) -> None:
        async def script(channel: AgiChannel) -> Any:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await waiting()(channel)
            return await Performer().perform(channel, Play((ONE,)))

        answers = {"WAIT": "", "STREAM FILE": "200 result=1\n200 result=0 endpos=9"}
        assert (await call(script, answers))[0] == Played()


class TestVoicemail:
    MESSAGE = TakeVoicemail((ONE,), "sales", max_ms=60_000, silence_ms=4_500, terminators="#*")

    async def test_it_speaks_beeps_and_records(self, call: Any) -> None:
        async def script(channel: AgiChannel) -> int:
            return await Performer().record(channel, self.MESSAGE, "/var/spool/vm 1")

        result, commands = await call(script, {"RECORD FILE": "200 result=35 (dtmf) endpos=24000"})
        assert result == 3_000
        assert commands == ['STREAM FILE "sb/one" ""', 'RECORD FILE "/var/spool/vm 1" wav "#*" 60000 BEEP s=5']

    async def test_a_file_that_cannot_be_written_is_a_failure(self, call: Any) -> None:
        async def script(channel: AgiChannel) -> int:
            return await Performer().record(channel, self.MESSAGE, "/vm")

        result, _ = await call(script, {"RECORD FILE": "200 result=-1 (writefile)"})
        assert isinstance(result, RecordingFailed)
