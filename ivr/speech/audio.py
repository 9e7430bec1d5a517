"""Audio files of any origin, as Asterisk plays them: 8,000 Hz (G.722: 16,000 Hz), mono, equally loud, in the formats
that need no transcoding.

Level: -22 LUFS (ITU-R BS.1770-4) and peaks of at most -3 dB, which is near the -16 dBm0 at which telephone networks
expect speech (0 dBm0 is -6.2 dB of full scale in G.711).
"""

import array
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from G722 import G722

RATE: Final = 8_000
LOUDNESS_LUFS: Final = -22.0
PEAK: Final = 10 ** (-3 / 20)
LONGEST_S: Final = 600.0
LARGEST_BYTES: Final = 200_000_000
_SILENT: Final = 10 ** (-50 / 20)
_EDGE_S: Final = 0.05
_BLOCK_S: Final = 0.4  # of BS.1770; what is shorter is measured as if it were said again and again

FORMATS: Final = {"wav": ("WAV", "PCM_16"), "sln": ("RAW", "PCM_16"), "ulaw": ("RAW", "ULAW"), "alaw": ("RAW", "ALAW")}
"""The endings of Asterisk's sound files, and what libsndfile calls container and coding."""
WIDEBAND: Final = "g722"
"""The ending of sound files in G.722 (ITU-T, 64 kbit/s), which libsndfile does not know."""
WIDEBAND_RATE: Final = 16_000
_G722_BITS: Final = 64_000

Samples = npt.NDArray[np.float64]


class AudioError(Exception):
    """This is no audio that could be played to callers; the message says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono samples between -1 and 1."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def read_audio(source: Path | bytes) -> Audio:
    """A file (or its bytes) in any format that libsndfile knows: WAV, MP3, FLAC, OGG and others. Channels are mixed.

    Raises AudioError for what is empty, no audio, too large, too long, or silent; OSError for what cannot be read.
    """
    if isinstance(source, Path) and source.stat().st_size > LARGEST_BYTES:
        raise AudioError(f"larger than {LARGEST_BYTES:,} bytes")
    content = source.read_bytes() if isinstance(source, Path) else source
    if not content:
        raise AudioError("the file is empty")
    if content[:4] == b"PK\x03\x04":
        raise AudioError("this is a ZIP archive, whatever its name says; unpack it and give the recording in it")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            length_s = file.frames / file.samplerate
            if length_s > LONGEST_S:
                raise AudioError(f"{length_s / 60:.0f} minutes long; a prompt has at most {LONGEST_S / 60:.0f}")
            samples, rate = file.read(dtype="float64", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, ValueError) as error:
        raise AudioError(f"no audio that is understood ({error}); WAV, MP3, FLAC and OGG are") from None
    audio = Audio(np.nan_to_num(samples.mean(axis=1)), rate)
    if not len(audio.samples) or np.abs(audio.samples).max() < _SILENT:
        raise AudioError("there is nothing to hear in it")
    return audio


def for_telephone(audio: Audio, rate: int = RATE) -> Audio:
    """The same at this rate (Hz) and at the level that all prompts have, without the silence before and behind."""
    samples = soxr.resample(audio.samples, audio.rate, rate, quality="VHQ") if audio.rate != rate else audio.samples
    loud = np.flatnonzero(np.abs(samples) > max(_SILENT, 0.01 * np.abs(samples).max()))
    edge = round(_EDGE_S * rate)
    samples = samples[max(0, loud[0] - edge) : loud[-1] + 1 + edge]
    gain = 10 ** ((LOUDNESS_LUFS - loudness_lufs(samples, rate)) / 20)
    peak = np.abs(samples).max()
    return Audio(samples * min(gain, PEAK / peak), rate)


def loudness_lufs(samples: Samples, rate: int = RATE) -> float:
    """Integrated loudness (BS.1770-4)."""
    least = round(_BLOCK_S * rate) + 1
    if len(samples) < least:
        samples = np.tile(samples, -(-least // len(samples)))
    import pyloudnorm  # here, since it brings scipy.signal: half of the time in which the engine starts

    return float(pyloudnorm.Meter(rate, block_size=_BLOCK_S).integrated_loudness(samples))


def as_sounds(audio: Audio, formats: Iterable[str]) -> dict[str, bytes]:
    """What a sound file with each of these endings holds, for the telephone."""
    rates = {form: WIDEBAND_RATE if form == WIDEBAND else RATE for form in formats}
    ready = {rate: for_telephone(audio, rate) for rate in set(rates.values())}
    return {form: encoded(ready[rate], form) for form, rate in rates.items()}


def encoded(audio: Audio, form: str) -> bytes:
    """The audio as the content of a sound file with this ending: one of `FORMATS`, or `WIDEBAND`, which takes audio at
    16,000 Hz."""
    if form == WIDEBAND:
        linear = np.clip(np.round(audio.samples * 32_767), -32_768, 32_767).astype("<i2")
        return bytes(G722(WIDEBAND_RATE, _G722_BITS).encode(array.array("h", linear.tobytes())))
    container, coding = FORMATS[form]
    out = io.BytesIO()
    soundfile.write(out, audio.samples, audio.rate, format=container, subtype=coding, endian="LITTLE")
    return out.getvalue()


def decoded(content: bytes, form: str) -> Audio:
    """What a sound file with this ending says; the reverse of `encoded`."""
    if form == WIDEBAND:
        linear = np.frombuffer(bytes(G722(WIDEBAND_RATE, _G722_BITS).decode(content)), dtype="<i2")
        return Audio(linear / 32_767, WIDEBAND_RATE)
    container, coding = FORMATS[form]
    if container == "WAV":
        return read_audio(content)
    raw = {"samplerate": RATE, "channels": 1, "format": container, "subtype": coding, "endian": "LITTLE"}
    samples, rate = soundfile.read(io.BytesIO(content), **raw)
    return Audio(samples, rate)
