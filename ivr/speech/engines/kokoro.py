import base64
import json
import select
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ivr.speech.synthesis import Synthesiser, SynthesisFailed, Voice

PROGRAM = Path(__file__).parents[1] / "kokoro_program.py"
DIRECTORY = "kokoro"
MODEL, VOICES = "kokoro.onnx", "voices.npz"


class Kokoro(Synthesiser):
    """Kokoro-82M: natural voices in English, Spanish, Chinese and others; slow, so for prompts rendered ahead.

    It runs in a Python of its own, because its phonemes come from eSpeak NG (GPL-3.0); `switchboard prompts install
    kokoro` sets that up.
    """

    name = "kokoro"
    licence = "Apache-2.0 (model and voices), MIT (kokoro-onnx)"
    languages: ClassVar[Mapping[str, str]] = {
        "en": "af_heart",
        "en-GB": "bf_emma",
        "es": "ef_dora",
        "zh": "zf_xiaoxiao",
        "fr": "ff_siwis",
        "it": "if_sara",
        "pt": "pf_dora",
    }
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def directory(self) -> Path:
        return self.environment.cache / DIRECTORY

    def missing(self) -> str:
        there = all((self.directory / name).exists() for name in ("bin/python", MODEL, VOICES))
        return "" if there else "its model and voices are not here: switchboard prompts install kokoro"

    def speak(self, text: str, voice: Voice) -> bytes:
        if problem := self.missing():
            raise SynthesisFailed(f"kokoro: {problem}")
        asked = json.dumps({"text": text, "voice": voice.name, "speed": voice.speed})
        if self._process is not None:
            if self._process.poll() is not None:  # it has died, or was too slow, at an earlier text
                self.__exit__(None, None, None)
                self.__enter__()
            return self._answer(self._process, asked)
        with self:
            assert self._process is not None, "it is there, so it has been started"
            return self._answer(self._process, asked)

    def _answer(self, process: "subprocess.Popen[bytes]", asked: str) -> bytes:
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(asked.encode() + b"\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], self.environment.limit_s)[0]:
                _end(process)
                raise SynthesisFailed(f"kokoro was not done after {self.environment.limit_s:.0f} s")
            told = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            _end(process)  # what it says next may be the answer to this
            raise SynthesisFailed("kokoro: the program ended without an answer; see what it printed above") from None
        if "error" in told:
            raise SynthesisFailed(f"kokoro: {told['error'][:300]}")
        return base64.b64decode(told["wav"])

    def __enter__(self) -> Self:
        if not self.missing():
            command = [self.directory / "bin/python", PROGRAM, self.directory / MODEL, self.directory / VOICES]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            assert self._process.stdin
            assert self._process.stdout
            with suppress(OSError):  # of a text that it never read
                self._process.stdin.close()
            self._process.stdout.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = None


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
