"""Streaming resampling: pieces equal the whole, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.resample import Resampler
from realtime.clock import SAMPLE_RATE, FrameCutter, Sound


def _noise(samples: int, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 2), (8_000, 1), (16_000, 2)])
@pytest.mark.parametrize("block", [37, 480, 5000])
def test_pieces_equal_the_whole(rate: int, channels: int, block: int) -> None:
    sound = _noise(rate // 4 * channels)
    whole = Resampler(rate, channels)
    expected = np.concatenate([whole.push(sound), whole.flush()])
    stream, size = Resampler(rate, channels), block * channels
    pieces = [stream.push(sound[i : i + size]) for i in range(0, len(sound), size)]
    np.testing.assert_array_equal(np.concatenate([*pieces, stream.flush()]), expected)
    assert abs(len(expected) - SAMPLE_RATE // 4) <= 1


def test_two_channels_are_averaged() -> None:
    stream = Resampler(SAMPLE_RATE, 2)
    left = stream.push(np.array([1000, 3000] * 100, np.int16))
    assert set(np.unique(np.concatenate([left, stream.flush()]))) == {2000}


def test_nothing_in_nothing_out() -> None:
    assert len(Resampler(48_000).push(np.zeros(0, np.int16))) == 0


def test_half_a_frame_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="2 channels"):
        Resampler(48_000, 2).push(np.zeros(3, np.int16))


def test_impossible_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0)
    with pytest.raises(ValueError, match="positive"):
        Resampler(48_000, 0)


@given(st.lists(st.integers(0, 2000), max_size=12))
def test_the_cutter_loses_and_adds_nothing(sizes: list[int]) -> None:
    sound, cutter = _noise(sum(sizes)), FrameCutter()
    parts = np.split(sound, np.cumsum(sizes)[:-1]) if sizes else []
    frames = [frame for part in parts for frame in cutter.push(part)]
    assert len(frames) == len(sound) // 640
    frames += cutter.flush()
    joined = np.concatenate([*frames, np.zeros(0, np.int16)])
    np.testing.assert_array_equal(joined[: len(sound)], sound)
    assert not joined[len(sound) :].any()
    assert all(len(frame) == 640 for frame in frames)
