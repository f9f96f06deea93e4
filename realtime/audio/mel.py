"""Causal log-mel: 80 bands, 25 ms windows every 10 ms, each ending at its newest sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE, Sound

BANDS = 80
WINDOW_SAMPLES = SAMPLE_RATE * 25 // 1000
HOP_SAMPLES = SAMPLE_RATE * 10 // 1000
HOPS_PER_FRAME = FRAME_SAMPLES // HOP_SAMPLES
FLOOR = 1e-6  # power of a band in digital silence: about 75 dB below loud speech
SILENCE = float(np.log(FLOOR))
PAST_SAMPLES = WINDOW_SAMPLES - HOP_SAMPLES  # what a frame's first window shares with the last

_FFT_SIZE = 512
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0
_LINEAR_HZ, _HZ_PER_MEL, _LOG_STEP = 1000.0, 200.0 / 3.0, np.log(6.4) / 27.0

Mel = NDArray[np.float32]


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear below 1 kHz, so that even the lowest band holds an FFT bin."""
    above = np.log(np.maximum(hz, _LINEAR_HZ) / _LINEAR_HZ) / _LOG_STEP
    return np.asarray(np.minimum(hz, _LINEAR_HZ) / _HZ_PER_MEL + above)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    knee = _LINEAR_HZ / _HZ_PER_MEL
    linear = np.minimum(mel, knee) * _HZ_PER_MEL
    return np.asarray(linear * np.exp(np.maximum(mel - knee, 0.0) * _LOG_STEP))


@cache
def band_edges() -> NDArray[np.float64]:
    """Edges in Hz, float64 [82]: band i rises from edge i to i+1 and falls to i+2."""
    low, high = hz_to_mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    return mel_to_hz(np.linspace(low, high, BANDS + 2))


@cache
def filter_bank() -> Mel:
    """Triangles over the FFT bins, each of sum 1: float32 [257, 80]."""
    bins = np.arange(_FFT_SIZE // 2 + 1) * SAMPLE_RATE / _FFT_SIZE
    edges = band_edges()
    rise = (bins[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - bins[:, None]) / np.diff(edges)[1:]
    bank = np.maximum(np.minimum(rise, fall), 0.0)
    return np.asarray(bank / bank.sum(0), np.float32)


@cache
def _window() -> Mel:
    hann = np.hanning(WINDOW_SAMPLES + 1)[:-1]
    return np.asarray(hann / np.sqrt(np.sum(hann**2)) / 32768.0, np.float32)


@cache
def fourier() -> Mel:
    """Window and Fourier transform as one matrix: int16 samples @ it are the real, then the
    imaginary parts of the FFT's bins: float32 [400, 514]."""
    turns = np.outer(np.arange(WINDOW_SAMPLES), np.arange(_FFT_SIZE // 2 + 1)) / _FFT_SIZE
    wave = np.exp(-2j * np.pi * turns)
    return np.asarray(_window()[:, None] * np.hstack([wave.real, wave.imag]), np.float32)


def _log_mel_of(sound: Sound) -> Mel:
    """Every whole window of int16 [240 + 160 n] -> float32 [n, 80]."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(windows * _window(), _FFT_SIZE)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(power @ filter_bank() + np.float32(FLOOR))


def log_mel(sound: Sound) -> Mel:
    """A whole clip: int16 [N] -> float32 [N // 160, 80]; what `LogMel` gives piece by piece.

    Row j is the window that ends with sample 160 (j + 1); before the clip there is silence.
    """
    if len(sound) < HOP_SAMPLES:
        return np.zeros((0, BANDS), np.float32)
    return _log_mel_of(np.concatenate([np.zeros(PAST_SAMPLES, np.int16), sound]))


@dataclass
class LogMel:
    """Streaming log-mel; remembers the 240 samples that the next window shares with the last."""

    _past: Sound = field(default_factory=lambda: np.zeros(PAST_SAMPLES, np.int16))

    def push(self, frame: Sound) -> Mel:
        """int16 [640] -> float32 [4, 80]; raises ValueError on any other length."""
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame holds {FRAME_SAMPLES} samples, found shape {frame.shape}")
        joined = np.concatenate([self._past, frame])
        self._past = joined[-PAST_SAMPLES:].copy()
        return _log_mel_of(joined)
