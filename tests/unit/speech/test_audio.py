"""Recordings of any origin become prompts of one level and rate; what is none is refused in words."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.speech import audio
from ivr.speech.audio import (
    FORMATS,
    RATE,
    Audio,
    AudioError,
    as_sounds,
    decoded,
    encoded,
    for_telephone,
    loudness_lufs,
    read_audio,
)
from tests.support.tones import file_of, tone


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("welcome.wav", file_of(tone()))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (zipped(), "this is a ZIP archive"),
        (b"RIFF\x00\x00\x00\x00WAVE", "no audio that is understood"),
        (b"<html>not found</html>", "WAV, MP3, FLAC and OGG are"),
        (file_of(np.zeros(8_000)), "nothing to hear"),
        (file_of(np.zeros(0)), "nothing to hear"),
        (file_of(tone(1) * 0.001), "nothing to hear"),
    ],
)
def test_what_is_no_audio_is_refused_in_words(content: bytes, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        read_audio(content)


def test_two_hours_are_refused_before_they_are_read() -> None:
    two_hours = file_of(np.zeros(2 * 3_600 * 1_000, dtype="int16"), rate=1_000)
    with pytest.raises(AudioError, match="120 minutes long; a prompt has at most 10"):
        read_audio(two_hours)


def test_a_huge_file_is_not_read_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LARGEST_BYTES", 1_000)
    (tmp_path / "x.wav").write_bytes(file_of(tone()))
    with pytest.raises(AudioError, match="larger than 1,000 bytes"):
        read_audio(tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("container", "coding", "rate"),
    [
        ("WAV", "PCM_16", 44_100),
        ("WAV", "FLOAT", 48_000),
        ("FLAC", None, 16_000),
        ("OGG", "VORBIS", 22_050),
        ("MP3", None, 44_100),
    ],
)
def test_the_usual_formats_are_read_whatever_their_rate_and_channels(
    container: str, coding: str | None, rate: int
) -> None:
    stereo = np.stack([tone(1, rate), tone(1, rate)], axis=1)
    made = for_telephone(read_audio(file_of(stereo, rate, container, coding)))
    assert made.rate == RATE
    assert made.seconds == pytest.approx(1, abs=0.1)
    spectrum = np.abs(np.fft.rfft(made.samples))
    assert np.argmax(spectrum) * RATE / len(made.samples) == pytest.approx(440, abs=3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.004, 1), st.floats(0.08, 3), st.floats(300, 3_000))
def test_whatever_comes_all_prompts_are_equally_loud_and_none_is_clipped(
    level: float, seconds: float, hz: float
) -> None:
    made = for_telephone(Audio(tone(seconds, 16_000, level, hz), 16_000))
    assert np.abs(made.samples).max() <= audio.PEAK + 1e-9
    # A tone's peak is 3 dB above its level, so the limit on peaks never matters here.
    assert loudness_lufs(made.samples) == pytest.approx(audio.LOUDNESS_LUFS, abs=1.5)


def test_silence_before_and_behind_is_cut_and_that_between_is_not() -> None:
    quiet = np.zeros(RATE)
    made = for_telephone(Audio(np.concatenate([quiet, tone(), quiet, tone(), quiet]), RATE))
    assert made.seconds == pytest.approx(3.1, abs=0.02)


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_says_the_same(form: str) -> None:
    made = for_telephone(Audio(tone(0.5), RATE))
    said = decoded(encoded(made, form), form)
    assert said.rate == RATE
    error = np.sqrt(np.mean((said.samples - made.samples) ** 2) / np.mean(made.samples**2))
    assert error < (0.03 if "law" in form else 0.001)


def test_g722_has_what_narrow_formats_lose() -> None:
    low_and_high = Audio(tone(1.0, 48_000, hz=700) + tone(1.0, 48_000, hz=5_500), 48_000)
    made = as_sounds(low_and_high, ["g722", "sln"])
    assert len(made["g722"]) == pytest.approx(64_000 / 8 * 1.0, abs=800), "64 kbit/s"
    wide = decoded(made["g722"], "g722")
    spectrum = np.abs(np.fft.rfft(wide.samples * np.hanning(len(wide.samples))))
    low, high = (
        spectrum[round((hz - 50) * wide.seconds) : round((hz + 50) * wide.seconds)].max() for hz in (700, 5_500)
    )
    assert high == pytest.approx(low, rel=0.25)
    assert loudness_lufs(wide.samples, wide.rate) == pytest.approx(audio.LOUDNESS_LUFS, abs=1.5)
    assert decoded(made["sln"], "sln").rate == RATE


def test_g711_is_coded_as_the_standard_says() -> None:
    # ITU-T G.711: silence is 0xFF in mu-law and 0xD5 in A-law; full scale is 0x80 and 0xAA.
    assert encoded(Audio(np.array([0.0, 1.0]), RATE), "ulaw") == b"\xff\x80"
    assert encoded(Audio(np.array([0.0, 1.0]), RATE), "alaw") == b"\xd5\xaa"
