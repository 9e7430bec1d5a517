from collections.abc import Mapping
from typing import ClassVar

from ivr.speech.synthesis import Synthesiser, Voice, needs_program, spoken_by

WORDS_PER_MINUTE = 160


class Espeak(Synthesiser):
    """eSpeak NG: a hundred languages, small and fast, sounds like a machine. The last resort, and good for trials."""

    name = "espeak"
    licence = "GPL-3.0 (the program); what it says is yours"
    languages: ClassVar[Mapping[str, str]] = {"en": "en-us", "es": "es", "zh": "cmn", "de": "de", "fr": "fr-fr"}

    def missing(self) -> str:
        return needs_program("espeak-ng", "espeak-ng")

    def speak(self, text: str, voice: Voice) -> bytes:
        speed = str(round(WORDS_PER_MINUTE * voice.speed))
        command = ["espeak-ng", "-b", "1", "-v", voice.name, "-s", speed, "-w", "{out}", "--stdin"]
        return spoken_by(command, text, self.environment.limit_s)
