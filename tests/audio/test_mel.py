"""Log-mel: right values, causal, the same in pieces as whole, and its delay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.audio.mel import (
    BANDS,
    FLOOR,
    HOP_SAMPLES,
    HOPS_PER_FRAME,
    SILENCE,
    WINDOW_SAMPLES,
    LogMel,
    band_edges,
    filter_bank,
    hz_to_mel,
    log_mel,
    mel_to_hz,
)
from realtime.audio.resample import Resampler
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE, Sound


def _noise(samples: int, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


def _plain_log_mel(window: Sound) -> NDArray[np.float64]:
    """One window of 400 samples by the definition of the DFT, in float64."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
    x = window / 32768 * hann / np.sqrt(np.sum(hann**2))
    bins = np.arange(257)[:, None]
    power = np.abs(np.exp(-2j * np.pi * bins * np.arange(WINDOW_SAMPLES) / 512) @ x) ** 2
    values: NDArray[np.float64] = np.log(power @ filter_bank() + FLOOR)
    return values


def test_values_follow_the_definition() -> None:
    sound = _noise(3 * FRAME_SAMPLES)
    mel = log_mel(sound)
    for row in (5, 8, 11):
        end = HOP_SAMPLES * (row + 1)
        expected = _plain_log_mel(sound[end - WINDOW_SAMPLES : end])
        np.testing.assert_allclose(mel[row], expected, atol=2e-4)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_pieces_equal_the_whole(frames: int, seed: int) -> None:
    sound = _noise(frames * FRAME_SAMPLES, seed)
    stream = LogMel()
    pieces = [stream.push(block) for block in sound.reshape(frames, FRAME_SAMPLES)]
    np.testing.assert_allclose(np.concatenate(pieces), log_mel(sound), atol=1e-5)


def test_later_sound_changes_nothing_before() -> None:
    sound = _noise(4 * FRAME_SAMPLES)
    later = sound.copy()
    later[2 * FRAME_SAMPLES :] = _noise(2 * FRAME_SAMPLES, 1)
    same = 2 * HOPS_PER_FRAME
    np.testing.assert_array_equal(log_mel(sound)[:same], log_mel(later)[:same])
    assert not np.allclose(log_mel(sound)[same], log_mel(later)[same])


def test_silence_is_the_floor_and_short_clips_are_empty() -> None:
    mel = log_mel(np.zeros(FRAME_SAMPLES, np.int16))
    np.testing.assert_allclose(mel, SILENCE, atol=1e-5)
    assert log_mel(np.zeros(HOP_SAMPLES - 1, np.int16)).shape == (0, BANDS)


def test_a_tone_is_loudest_in_its_own_band() -> None:
    edges = band_edges()
    for band in (10, 40, 70):
        tone = np.sin(2 * np.pi * edges[band + 1] * np.arange(1600) / SAMPLE_RATE)
        mel = log_mel((8000 * tone).astype(np.int16))
        assert abs(int(mel[-1].argmax()) - band) <= 1


def test_every_band_holds_a_bin_and_the_scale_turns_back() -> None:
    assert ((filter_bank() > 0).sum(0) >= 1).all()
    hz = np.array([60.0, 999.0, 1001.0, 7600.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="640"):
        LogMel().push(np.zeros(100, np.int16))


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_the_whole_delay_of_resampler_and_mel(rate: int) -> None:
    """A click is seen by the first window that ends after it, and the resampler holds it 1 ms.

    So sound is heard, at the latest, one hop and 1 ms after it was spoken: 11 ms.
    """
    click_s = 0.5
    sound = np.zeros(rate, np.int16)
    sound[round(click_s * rate)] = 30_000
    resampler, heard = Resampler(rate), np.zeros(0, np.int16)
    block = rate // 1000
    for start in range(0, rate, block):
        heard = np.concatenate([heard, resampler.push(sound[start : start + block])])
        if (np.abs(heard) > 5000).any():
            break
    resampler_ms = (start + block) / rate * 1000 - click_s * 1000
    assert resampler_ms <= 3, "1 ms of block, 1 ms of filter, 1 ms where they do not meet"
    row = int(np.argmax(log_mel(heard_whole(rate, sound)).max(1) > SILENCE + 3))
    mel_ms = (row + 1) * HOP_SAMPLES / SAMPLE_RATE * 1000 - click_s * 1000
    assert 0 <= mel_ms <= 10


def heard_whole(rate: int, sound: Sound) -> Sound:
    resampler = Resampler(rate)
    return np.concatenate([resampler.push(sound), resampler.flush()])
