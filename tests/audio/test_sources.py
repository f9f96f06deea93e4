"""Reading sound: what comes out, and one clear sentence when there is none."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.audio.sources import read_sound, sound_blocks
from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import SoundError


def _tone(rate: int, seconds: float, channels: int = 1) -> Sound:
    tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return np.repeat(tone.astype(np.int16), channels)


def _write_wav(path: Path, rate: int, channels: int, samples: Sound) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1), (8_000, 2)])
def test_any_rate_becomes_16_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    sound = read_sound(_write_wav(tmp_path / "a.wav", rate, channels, _tone(rate, 0.5, channels)))
    assert sound.dtype == np.int16
    assert abs(len(sound) - SAMPLE_RATE // 2) <= 1
    middle = sound[2000:6000].astype(float)
    peak = np.abs(np.fft.rfft(middle)).argmax() * SAMPLE_RATE / len(middle)
    assert peak == pytest.approx(440, abs=4)


def test_16_khz_mono_passes_unchanged_and_blocks_join_to_the_whole(tmp_path: Path) -> None:
    tone = _tone(SAMPLE_RATE, 0.5)
    path = _write_wav(tmp_path / "a.wav", SAMPLE_RATE, 1, tone)
    np.testing.assert_array_equal(read_sound(path), tone)
    np.testing.assert_array_equal(np.concatenate(list(sound_blocks(path))), tone)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="no such file"):
        read_sound(tmp_path / "missing.wav")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(SoundError, match="0 bytes"):
        read_sound(path)


def test_not_media(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("these are words, not sound")
    with pytest.raises(SoundError, match="expected an audio or video file"):
        read_sound(path)


def test_only_silence(tmp_path: Path) -> None:
    path = _write_wav(tmp_path / "a.wav", SAMPLE_RATE, 1, np.zeros(SAMPLE_RATE, np.int16))
    with pytest.raises(SoundError, match="digital silence"):
        read_sound(path)
    assert sum(map(len, sound_blocks(path))) == SAMPLE_RATE


def test_a_film_without_a_sound_track(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        container.mux([*stream.encode(picture), *stream.encode(None)])
    with pytest.raises(SoundError, match="sound track"):
        read_sound(path)
