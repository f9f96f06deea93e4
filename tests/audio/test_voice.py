"""Rest in silence: patient, smooth, at once awake, and deaf to quiet noise."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.audio.voice import RestEasing
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, SAMPLE_RATE, Sound


def _voice(seconds: float) -> Sound:
    """A buzz of 120 Hz with two formants: the detector takes it for a voice."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = range(1, 30)
    loud = [np.exp(-(((h * 120 - 600) / 300) ** 2)) + 0.3 / h for h in harmonics]
    buzz = sum(a * np.sin(2 * np.pi * 120 * h * t) for a, h in zip(loud, harmonics, strict=True))
    return np.asarray(2500 * buzz, np.int16)


def _noise(seconds: float, level: float) -> Sound:
    rng = np.random.default_rng(0)
    return rng.normal(0, level, round(seconds * SAMPLE_RATE)).astype(np.int16)


def _gains(easing: RestEasing, sound: Sound) -> list[float]:
    return [float(easing.push(frame)[0]) for frame in sound.reshape(-1, 1, FRAME_SAMPLES)]


def test_starts_at_rest_and_wakes_within_a_frame() -> None:
    easing = RestEasing()
    assert _gains(easing, np.zeros(10 * FRAME_SAMPLES, np.int16)) == [0.0] * 10
    assert _gains(easing, _voice(0.04)) == [1.0]


@pytest.mark.parametrize("level", [0.0, 8.0, 40.0])
def test_long_silence_rests_and_short_silence_does_not(level: float) -> None:
    easing = RestEasing()
    assert min(_gains(easing, _voice(1.0))) == 1.0
    gains = _gains(easing, _noise(2.0, level))
    assert min(gains[:7]) == 1.0, "a pause of 280 ms is not a rest"
    assert gains == sorted(gains, reverse=True)
    assert gains[FRAME_RATE - 1] == 0.0
    steps = -np.diff(gains)
    assert steps.max() < 0.4, "eases"


def test_voices_are_heard_each_by_itself() -> None:
    sounds = np.stack([_voice(1.0), _noise(1.0, 500.0)])
    both = RestEasing(2)
    gains = np.stack([both.push(pair) for pair in np.split(sounds, FRAME_RATE, axis=1)], 1)
    for gain, sound in zip(gains, sounds, strict=True):
        assert gain.tolist() == _gains(RestEasing(), sound)
    both.reset(0)
    rest, on = both.push(np.zeros((2, FRAME_SAMPLES), np.int16))
    assert (rest, on) == (0.0, gains[1, -1])


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="640"):
        RestEasing().push(np.zeros((1, 10), np.int16))
