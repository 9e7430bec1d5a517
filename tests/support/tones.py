"""Sound files made of tones, for tests of audio."""

import io

import numpy as np
import soundfile


def tone(seconds: float = 1.0, rate: int = 8_000, level: float = 0.3, hz: float = 440.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def file_of(samples: np.ndarray, rate: int = 8_000, container: str = "WAV", coding: str | None = None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=container, subtype=coding)
    return out.getvalue()
