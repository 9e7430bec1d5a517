"""Audio files of any origin, as Asterisk plays them: 8,000 Hz, mono, equally loud, in the formats that need no
transcoding.

Level: -22 LUFS (ITU-R BS.1770-4) and peaks of at most -3 dB, which is near the -16 dBm0 at which telephone networks
expect speech (0 dBm0 is -6.2 dB of full scale in G.711).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyloudnorm
import soundfile
import soxr

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


def for_telephone(audio: Audio) -> Audio:
    """The same at 8,000 Hz and at the level that all prompts have, without the silence before and behind."""
    samples = soxr.resample(audio.samples, audio.rate, RATE, quality="VHQ") if audio.rate != RATE else audio.samples
    loud = np.flatnonzero(np.abs(samples) > max(_SILENT, 0.01 * np.abs(samples).max()))
    edge = round(_EDGE_S * RATE)
    samples = samples[max(0, loud[0] - edge) : loud[-1] + 1 + edge]
    gain = 10 ** ((LOUDNESS_LUFS - loudness_lufs(samples)) / 20)
    peak = np.abs(samples).max()
    return Audio(samples * min(gain, PEAK / peak), RATE)


def loudness_lufs(samples: Samples) -> float:
    """Integrated loudness at 8,000 Hz (BS.1770-4)."""
    least = round(_BLOCK_S * RATE) + 1
    if len(samples) < least:
        samples = np.tile(samples, -(-least // len(samples)))
    return float(pyloudnorm.Meter(RATE, block_size=_BLOCK_S).integrated_loudness(samples))


def encoded(audio: Audio, form: str) -> bytes:
    """The audio as the content of a sound file with this ending (see `FORMATS`)."""
    container, coding = FORMATS[form]
    out = io.BytesIO()
    soundfile.write(out, audio.samples, audio.rate, format=container, subtype=coding, endian="LITTLE")
    return out.getvalue()
