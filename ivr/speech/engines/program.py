from ivr.speech.synthesis import Synthesiser, SynthesisFailed, Voice, spoken_by


class Program(Synthesiser):
    """Any other program, the client of a cloud service say: the text is its input, the command is in the centre's
    settings. There `{voice}`, `{speed}` and `{out}` (the file to be written) stand for themselves."""

    name = "program"
    licence = "that of the program"

    def missing(self) -> str:
        return "" if self.environment.program else "settings.speech.program does not say which program"

    def speak(self, text: str, voice: Voice) -> bytes:
        command = [
            part.replace("{voice}", voice.name).replace("{speed}", f"{voice.speed:g}")
            for part in self.environment.program
        ]
        if not any("{out}" in part for part in command):
            raise SynthesisFailed("settings.speech.program does not say where the file goes: {out} is missing")
        return spoken_by(command, text, self.environment.limit_s)
