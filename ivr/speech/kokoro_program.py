"""Run by a Python that has kokoro-onnx: a line of JSON with text, voice and speed in, one with the WAV file out.

python kokoro_program.py MODEL VOICES
"""

import base64
import contextlib
import io
import json
import sys
import wave

LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "j": "ja", "p": "pt-br"}
"""By the first letter of a voice; Chinese (z) has phonemes of its own, made by misaki."""


def main() -> None:
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # libraries print
        import numpy
        from kokoro_onnx import Kokoro  # type: ignore[import-not-found, unused-ignore]

        kokoro, chinese = Kokoro(*sys.argv[1:3]), None
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                text, voice, speed = asked["text"], asked["voice"], asked["speed"]
                if voice.startswith("z"):
                    if chinese is None:
                        from misaki.zh import ZHG2P  # type: ignore[import-not-found, unused-ignore]

                        chinese = ZHG2P()
                    phonemes, _ = chinese(text)
                    samples, rate = kokoro.create(phonemes, voice=voice, speed=speed, is_phonemes=True)
                else:
                    samples, rate = kokoro.create(text, voice=voice, speed=speed, lang=LANGUAGES[voice[0]])
                out = io.BytesIO()
                with wave.open(out, "wb") as file:
                    file.setparams((1, 2, rate, 0, "NONE", ""))
                    file.writeframes((numpy.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
                told = {"wav": base64.b64encode(out.getvalue()).decode()}
            except Exception as error:
                told = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
