from pathlib import Path

from ivr.speech.synthesis import Synthesiser, SynthesisFailed, Voice, needs_program, spoken_by


class Piper(Synthesiser):
    """Piper: neural voices, fast on a processor. `voice` is the path of its model, a file that ends in `.onnx`."""

    name = "piper"
    licence = "GPL-3.0 (the program); each voice has its own"

    def missing(self) -> str:
        return needs_program("piper", "pipx; pipx install piper-tts")

    def speak(self, text: str, voice: Voice) -> bytes:
        if not Path(voice.name).is_file():
            raise SynthesisFailed(f"there is no voice {voice.name!r}; give the path of its .onnx file")
        scale = f"{1 / voice.speed:.3f}"
        command = ["piper", "-m", voice.name, "--length-scale", scale, "-f", "{out}"]
        return spoken_by(command, text, self.environment.limit_s)
