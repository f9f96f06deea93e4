"""Mel-frequency cepstra as python_speech_features gives them, for networks that heard those."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from realtime.clock import SAMPLE_RATE, Sound

CEPSTRA = 13

_WINDOW, _HOP = SAMPLE_RATE * 25 // 1000, SAMPLE_RATE * 10 // 1000
_FFT_SIZE, _BANDS, _LIFTER = 512, 26, 22
_EMPHASIS = 0.97

Array = NDArray[np.float64]


def mfcc(sound: Sound) -> Array:
    """int16 [N] -> float64 [T, 13], a row every 10 ms, the sound filled up to whole windows.

    Windows of 25 ms as they are, their log energy in place of the first coefficient.
    """
    emphasised = sound - _EMPHASIS * np.concatenate([[0], sound[:-1]])
    hops = -(-max(len(sound) - _WINDOW, 0) // _HOP)
    filled = np.pad(emphasised, (0, hops * _HOP + _WINDOW - len(sound)))
    windows = np.lib.stride_tricks.sliding_window_view(filled, _WINDOW)[::_HOP]
    power = np.square(np.abs(np.fft.rfft(windows, _FFT_SIZE))) / _FFT_SIZE
    cepstra = _log(power @ _filter_bank()) @ _cosines()
    cepstra[:, 0] = _log(power.sum(1))
    return np.asarray(cepstra)


def _log(power: Array) -> Array:
    return np.log(np.maximum(power, np.finfo(np.float64).eps))


@cache
def _filter_bank() -> Array:
    """Triangles between FFT bins that lie evenly on the mel scale up to 8 kHz: [257, 26]."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), _BANDS + 2)
    edges = np.floor((_FFT_SIZE + 1) * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE)
    bins = np.arange(_FFT_SIZE // 2 + 1)[:, None]
    rise = (bins - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.asarray(np.clip(np.minimum(rise, fall), 0, None))


@cache
def _cosines() -> Array:
    """The orthonormal cosine transform, its later rows lifted: [26, 13]."""
    order = np.arange(CEPSTRA)
    cosines = np.cos(np.pi * order * (np.arange(_BANDS)[:, None] + 0.5) / _BANDS)
    lift = 1 + _LIFTER / 2 * np.sin(np.pi * order / _LIFTER)
    return np.asarray(np.sqrt(2 / _BANDS) * cosines * lift)
