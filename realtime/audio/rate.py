"""Sound at a device's own rate, made 16 kHz as it streams."""

from __future__ import annotations

import av
import numpy as np

from realtime.clock import SAMPLE_RATE, Sound


class RateConverter:
    """From `rate` Hz to 16 kHz, mono, chunk by chunk; at 16 kHz samples pass untouched."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def push(self, samples: Sound) -> Sound:
        """int16 [any] at `rate` Hz -> int16 [about any * 16000 / rate]."""
        if self._rate == SAMPLE_RATE or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = None
        made = [piece.to_ndarray()[0] for piece in self._resampler.resample(frame)]
        return np.concatenate([np.zeros(0, np.int16), *made])
