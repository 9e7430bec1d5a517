from collections.abc import Mapping
from typing import ClassVar

from ivr.speech.synthesis import Synthesiser, Voice, needs_program, spoken_by


class Flite(Synthesiser):
    """Flite: English only, small and fast, easier to understand than eSpeak NG."""

    name = "flite"
    licence = "BSD-like (program and voices)"
    languages: ClassVar[Mapping[str, str]] = {"en": "slt"}

    def missing(self) -> str:
        return needs_program("flite", "flite")

    def speak(self, text: str, voice: Voice) -> bytes:
        stretch = f"duration_stretch={1 / voice.speed:.3f}"
        command = ["flite", "-voice", voice.name, "--setf", stretch, "-f", "/dev/stdin", "-o", "{out}"]
        return spoken_by(command, text, self.environment.limit_s)
