"""Carries out the flow machine's effects on one AGI channel.

No key may be lost, and this decides which command does what (Asterisk 22 `res/res_agi.c`, `main/app.c`, `main/file.c`):

- Between two commands `run_agi` reads the channel's frames and throws them away, so a key whose end falls between a
  reply and the next command is gone. Playing files one by one and then waiting for keys opens such a gap at each step.
- `EXEC Read` plays `a&b&c` and takes the keys in one command, without a gap. A key during any file ends the playing
  and counts. It waits by `TIMEOUT(response)` and `TIMEOUT(digit)` when it is given no time itself; given one, it waits
  so long for every key, which for a single key saves the command that sets the two. Its terminators may be several or
  none; it stops at 255 digits. If its last file does not exist it returns at once, with `READSTATUS` ERROR on a living
  channel. And it prints the digits on Asterisk's console.
- `GET DATA` prints nothing but plays one file only, has one timeout for the first and later keys, and always ends at #.
- `STREAM FILE` plays one file and is the only one whose reply says that the file could not be played. `EXEC Playback`
  and `EXEC Background` (ended by any key) play `a&b&c` and tell it in a variable.
- The SAY commands take keys that end them, but cannot be joined with anything.

So Read takes keys, together with the sounds before it. SAY in front of it leaves a gap of one round trip (about 1 ms).
While a caller waits, StoreDTMF writes every key into a variable, whatever command runs or none (`note_keys`).
Sensitive digits are taken key by key with WAIT FOR DIGIT, the first by GET DATA together with the last sound: the gaps
then come right after a key, and no caller presses two keys within them (a tone and its pause take 80 ms, ITU-T Q.24).
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from ivr.agi import codec
from ivr.agi.codec import ALL_KEYS, AgiProtocolError, Command, CommandError, Reply
from ivr.agi.server import AgiChannel
from ivr.agi.spoken import Part, Run, parts
from ivr.flow.effects import Collect, Dial, Effect, HangUp, Play, Prompt, Say, SetLanguage, Spoken, TakeVoicemail
from ivr.flow.inputs import DialEnded, DialOutcome, EffectFailed, Input, Keys, Played

log = logging.getLogger(__name__)

MAX_DIGITS: Final = 255  # Read's own limit; a caller who presses more is cut off there
_KEYS_VARIABLE: Final = "SB_KEYS"
_PRESSED_VARIABLE: Final = "SB_PRESSED"
_SAMPLES_PER_MS: Final = 8
_DIAL_OUTCOMES: Final[dict[str, DialOutcome]] = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}


class RecordingFailed(Exception):
    """Asterisk could not record; the message says why."""


class _EffectError(Exception):
    """Asterisk would not do a command."""


Values = Callable[[Iterable[Say], str], Awaitable[Mapping[Say, Run]]]
"""What says these values in this language, as far as it is not left to Asterisk (`ivr.speech.values`)."""


class Performer:
    """Performs effects on channels; serves any number of calls. Without `values` Asterisk says them all. `recorded`
    tells where a caller's recording is, without the ending of the file."""

    def __init__(self, values: Values | None = None, recorded: Callable[[str], str] | None = None) -> None:
        self._values = values
        self._recorded = recorded
        self._languages: WeakKeyDictionary[AgiChannel, str] = WeakKeyDictionary()
        self._timeouts_ms: WeakKeyDictionary[AgiChannel, tuple[int, int]] = WeakKeyDictionary()

    async def perform(self, channel: AgiChannel, effect: Effect) -> Input:
        """Do `effect` and return its answer; effects that need no answer return `Played`.

        Play, Collect, SetLanguage and HangUp are done here; lookups and queues belong to the engine. What Asterisk
        cannot do gives `EffectFailed`. Raises `ChannelHungUp`, `AgiTimeout` and `AgiProtocolError`.
        """
        try:
            match effect:
                case Play():
                    return await self._play(channel, effect)
                case Collect():
                    return await self._collect(channel, effect)
                case SetLanguage():
                    await self.set_language(channel, effect.language)
                case HangUp():
                    await _done(channel, codec.hangup())
                case _:
                    raise TypeError(f"{type(effect).__name__} is not for the performer")
        except (CommandError, _EffectError) as error:
            return EffectFailed(str(error))
        return Played()

    async def dial(self, channel: AgiChannel, dial_string: str, effect: Dial, caller_id: str) -> DialEnded:
        """Connect the caller with what Asterisk dials by `dial_string`, showing `caller_id` there if it is not empty.

        The connection stays as it is meanwhile, and Asterisk goes on with the talk if this engine dies.
        """
        options = "g" + (f"f({caller_id})" if caller_id else "") + f"L({effect.max_ms})"
        ring_s = max(1, round(effect.ring_ms / 1_000))
        may_take_ms = effect.ring_ms + effect.max_ms + 60_000
        await _done(channel, codec.exec_app("Dial", dial_string, str(ring_s), options, may_take_ms=may_take_ms))
        return await self.dialled(channel)

    async def dialled(self, channel: AgiChannel) -> DialEnded:
        """What became of the last `dial` on this channel."""
        reply = await _done(channel, codec.get_full_variable("${DIALSTATUS}:${ANSWEREDTIME_MS}"))
        status, _, talk_ms = (reply.data or "").partition(":")
        return DialEnded(_DIAL_OUTCOMES.get(status, "unavailable"), int(talk_ms) if talk_ms.isdecimal() else 0)

    async def set_language(self, channel: AgiChannel, language: str) -> None:
        """From now on this channel speaks `language`, a tag such as `es-MX`."""
        name = language.replace("-", "_")
        if channel in self._languages or channel.headers.language != name:  # or Asterisk has it already
            await _done(channel, codec.set_variable("CHANNEL(language)", name))
        self._languages[channel] = language

    async def speak(self, channel: AgiChannel, spoken: tuple[Spoken, ...], keys: str = "") -> tuple[str, str]:
        """Play these until one of `keys` is pressed. Returns that key, or `""`, and what could not be played.

        Where several sounds are played at one go any key ends them, but is returned only if it is one of `keys`.
        """
        try:
            return await _speak(channel, await self._parts(channel, spoken), keys)
        except (CommandError, _EffectError) as error:
            return "", str(error)

    async def wait_for_key(self, channel: AgiChannel, timeout_ms: int) -> str:
        """The next key, or `""` when none comes in time; music goes on meanwhile."""
        command = codec.wait_for_digit(timeout_ms)
        try:
            return (await _done(channel, command)).key
        except _EffectError as error:  # a living channel on which waiting fails: do not try it again at once
            raise AgiProtocolError("cannot_wait", str(error)) from error

    async def note_keys(self, channel: AgiChannel) -> bool:
        """From now on every key is written down, also those that no command takes, until `forget_keys` or a talk.
        False where Asterisk cannot (it lacks the module app_dtmfstore)."""
        await channel.send(codec.set_variable(_PRESSED_VARIABLE, ""))
        reply = await channel.send(codec.exec_app("StoreDTMF", "RX", _PRESSED_VARIABLE))
        if not reply.ok:
            await _alive(channel)
            _warn_once("keys pressed between two commands may be lost: Asterisk lacks the module app_dtmfstore")
        return reply.ok

    async def noted_keys(self, channel: AgiChannel) -> str:
        """All keys since `note_keys`."""
        return (await _done(channel, codec.get_variable(_PRESSED_VARIABLE))).data or ""

    async def forget_keys(self, channel: AgiChannel) -> None:
        """Keys are written down no more: those to come may be secret."""
        await channel.send(codec.exec_app("StoreDTMF", "remove"))

    async def record(self, channel: AgiChannel, effect: TakeVoicemail, file: str) -> int:
        """Say what to do, beep, and record into `file`.wav; returns the length in ms.

        Raises `ChannelHungUp` when the caller hangs up (the file then has what was said until then), and
        `RecordingFailed`.
        """
        silence_s = -(-effect.silence_ms // 1_000)
        command = codec.record_file(file, effect.terminators, effect.max_ms, silence_s)
        try:
            await _speak(channel, await self._parts(channel, effect.spoken), "")
            reply = await _done(channel, command)
        except (CommandError, _EffectError) as error:
            raise RecordingFailed(str(error)) from error
        return int(reply.extra.get("endpos", "0")) // _SAMPLES_PER_MS

    async def _parts(self, channel: AgiChannel, spoken: tuple[Spoken, ...]) -> list[Part]:
        for item in spoken:
            if isinstance(item, Prompt) and not item.sounds:
                _warn_once(f"prompt {item.name!r} has no sounds and stays silent")
        language = self._languages.get(channel, channel.headers.language)
        said = [item for item in spoken if isinstance(item, Say)] if self._values else []
        made = await self._values(said, language) if said and self._values else {}
        return parts(spoken, language, made, self._recorded)

    async def _play(self, channel: AgiChannel, effect: Play) -> Input:
        key, failed = await self.speak(channel, effect.spoken, effect.keys)
        if failed:
            raise _EffectError(failed)
        return Played(key)

    async def _collect(self, channel: AgiChannel, effect: Collect) -> Keys:
        to_play = await self._parts(channel, effect.spoken)
        if not effect.barge_in:
            await _speak(channel, to_play, "")
            to_play = []
        run: Run = ()
        if to_play and isinstance(last := to_play[-1], tuple):
            run = last
            del to_play[-1]
        first, _ = await _speak(channel, to_play, ALL_KEYS)
        take = _key_by_key if effect.sensitive else self._read
        return await take(channel, effect, () if first else run, first)

    async def _read(self, channel: AgiChannel, effect: Collect, run: Run, first: str) -> Keys:
        if first in effect.terminators and first:
            return Keys("", "terminator")
        limit = _limit(effect)
        if len(first) >= limit:
            return Keys(first, "length")
        first_ms, more = effect.inter_digit_ms if first else effect.first_digit_ms, limit - len(first)
        own_timeout = ("1", f"{max(first_ms, 1) / 1_000:.3f}") if more == 1 else ()
        if not own_timeout:
            await self._set_timeouts(channel, first_ms, effect.inter_digit_ms)
        may_take_ms = codec.PLAY_LIMIT_MS + effect.first_digit_ms + limit * effect.inter_digit_ms
        for sounds in dict.fromkeys((run, ())):
            arguments = (_KEYS_VARIABLE, "&".join(sounds), str(more), f"t({effect.terminators})", *own_timeout)
            await _done(channel, codec.exec_app("Read", *arguments, may_take_ms=may_take_ms))
            reply = await _done(channel, codec.get_full_variable(f"${{READSTATUS}}:${{{_KEYS_VARIABLE}}}"))
            status, _, rest = (reply.data or "").partition(":")
            digits = first + rest
            if status == "OK":
                return Keys(digits, "length" if len(digits) >= limit else "terminator")
            if status == "TIMEOUT":
                return Keys(digits, "timeout")
            _unplayed(arguments[1])
        raise _EffectError(f"Asterisk's application Read ended with {status!r}")

    async def _set_timeouts(self, channel: AgiChannel, first_ms: int, next_ms: int) -> None:
        if self._timeouts_ms.get(channel) == (first_ms, next_ms):
            return
        response, digit = (f"{max(ms, 1) / 1_000:.3f}" for ms in (first_ms, next_ms))
        await _done(channel, codec.exec_app("MSet", f"TIMEOUT(response)={response}", f"TIMEOUT(digit)={digit}"))
        self._timeouts_ms[channel] = (first_ms, next_ms)


async def _speak(channel: AgiChannel, to_play: list[Part], keys: str) -> tuple[str, str]:
    failures: list[str] = []
    for part in to_play:
        if isinstance(part, tuple):
            name = "&".join(part)
            key, played = await _play_run(channel, part, keys)
        else:
            command = part(keys)
            name = command.line.split(' "')[0]
            key, played = await _play_one(channel, command)
        if not played:
            failures.append(_unplayed(name))
        if key:
            return (key if key in keys else ""), "; ".join(failures)
    return "", "; ".join(failures)


async def _key_by_key(channel: AgiChannel, effect: Collect, run: Run, key: str) -> Keys:
    if not key and run[:-1]:
        key, _ = await _play_run(channel, run[:-1], ALL_KEYS)
    if not key:
        key = await _first_key(channel, run[-1] if run else "", effect.first_digit_ms)
    digits = ""
    while key:
        if key in effect.terminators:
            return Keys(digits, "terminator")
        digits += key
        if len(digits) >= _limit(effect):
            return Keys(digits, "length")
        key = (await _done(channel, codec.wait_for_digit(effect.inter_digit_ms))).key
    return Keys(digits, "timeout")


async def _first_key(channel: AgiChannel, last_sound: str, timeout_ms: int) -> str:
    for name in dict.fromkeys((last_sound, "")):
        reply = await channel.send(codec.get_data(name, max(timeout_ms, 1), max_digits=1))
        if reply.ok:  # nothing, and not for want of time: # ended it
            return reply.result or ("" if reply.timed_out else "#")
        await _alive(channel)
        _unplayed(name)
    raise _EffectError("Asterisk's GET DATA failed")


async def _play_run(channel: AgiChannel, run: Run, keys: str) -> tuple[str, bool]:
    """The key that ended it, and whether all of it could be played."""
    if len(run) == 1:
        return await _play_one(channel, codec.stream_file(run[0], keys))
    application = "Background" if keys else "Playback"
    reply = await _done(channel, codec.exec_app(application, "&".join(run)))
    if reply.key:
        return reply.key, True
    status = await _done(channel, codec.get_variable(f"{application.upper()}STATUS"))
    return "", status.data == "SUCCESS"


async def _play_one(channel: AgiChannel, command: Command) -> tuple[str, bool]:
    reply = await channel.send(command)
    if reply.status != 200:
        raise _EffectError(_refusal(command, reply))
    if not reply.ok:
        await _alive(channel)
    return reply.key, reply.ok


async def _done(channel: AgiChannel, command: Command) -> Reply:
    reply = await channel.send(command)
    if not reply.ok:
        await _alive(channel)
        raise _EffectError(_refusal(command, reply))
    return reply


async def _alive(channel: AgiChannel) -> None:
    """After a failure: raises `ChannelHungUp` if a hangup was its cause, which Asterisk knows by the next command."""
    await channel.send(codec.channel_status())


def _refusal(command: Command, reply: Reply) -> str:
    said = " ".join(command.line.split(" ")[:2])
    return f"Asterisk would not do {said}: {reply.status} {reply.result if reply.status == 200 else ''}".rstrip()


def _limit(effect: Collect) -> int:
    return max(1, min(effect.max_digits, MAX_DIGITS))


def _unplayed(name: str) -> str:
    message = f"{name} could not be played; is the sound there in the caller's language?"
    _warn_once(message)
    return message


@lru_cache(maxsize=1_024)
def _warn_once(message: str) -> None:
    """Every call meets the same missing sound: one line in the log says it."""
    log.warning("%s", message)
