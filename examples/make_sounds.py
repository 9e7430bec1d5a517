"""Makes the recordings of the examples from the texts in their prompts.yaml: `python examples/make_sounds.py`.

Every prompt whose only sound is `centre:NAME` is spoken into `sounds/LANGUAGE/NAME.wav` (8,000 Hz, 16 bits, mono) by
SVOX Pico (Debian's package libttspico-utils, section non-free; its licence is Apache-2.0, and what it says is yours).
A real centre records a person.
"""

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import yaml

VOICES = {"en": "en-US", "es": "es-ES"}
ALWAYS_IN = {"for-spanish": "es"}  # the line that offers a language is said in it
SPEED = 108  # percent
RATE = 8_000
HERE = Path(__file__).parent


def main() -> None:
    for centre in sorted(path.parent for path in HERE.glob("*/prompts.yaml")):
        prompts = yaml.safe_load((centre / "prompts.yaml").read_text())["prompts"]
        for name, prompt in prompts.items():
            for language, sounds in prompt["sounds"].items():
                if sounds == [f"centre:{name}"]:
                    voice = VOICES[ALWAYS_IN.get(name, language)]
                    path = centre / "sounds" / language / f"{name}.wav"
                    seconds = write(path, spoken(prompt["text"][language], voice))
                    print(f"{path.relative_to(HERE)}: {seconds:.1f} s")


def spoken(text: str, voice: str) -> np.ndarray:
    """The text as samples at 8,000 Hz. Pico speaks at 16,000; what would alias is filtered out first."""
    marked_up = f'<speed level="{SPEED}">{text}</speed>'
    with tempfile.TemporaryDirectory() as directory:
        raw = Path(directory) / "spoken.wav"
        try:
            subprocess.run(["pico2wave", "--lang", voice, "--wave", raw, marked_up], check=True)
        except FileNotFoundError:
            sys.exit("pico2wave is not here; on Debian: apt-get install libttspico-utils (section non-free)")
        with wave.open(str(raw)) as recording:
            samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2").astype(float)
    taps = np.arange(-40, 41)
    low_pass = np.sinc(0.46 * taps) * np.hamming(81)
    filtered = np.convolve(samples, low_pass / low_pass.sum(), mode="same")[::2]
    loud = np.flatnonzero(np.abs(filtered) > 200)
    cut = filtered[max(0, loud[0] - RATE // 20) : loud[-1] + RATE // 5]
    return np.clip(cut * 0.7 * 32_767 / np.abs(cut).max(), -32_768, 32_767).astype("<i2")


def write(path: Path, samples: np.ndarray) -> float:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(samples.tobytes())
    return len(samples) / RATE


if __name__ == "__main__":
    main()
